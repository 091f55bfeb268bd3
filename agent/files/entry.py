"""One record of an input file: every field is asked for by name and unit, and every complaint says where it stands."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from agent.errors import DataError
from agent.files.timestamps import parse_instant
from agent.units import Seconds


@dataclass(frozen=True, slots=True)
class Entry:
    """Fields of one record and the words that name its place, such as ``book.toml: [[option]] 2``."""

    fields: Mapping[str, object]
    where: str

    def require_known(self, known: Iterable[str]) -> None:
        """Raise `DataError` for the first key that is not ``known``, naming the nearest one that is."""
        names = list(known)
        for key in self.fields:
            if key not in names:
                nearest = difflib.get_close_matches(key, names, n=1, cutoff=0.0)[0]
                raise DataError(
                    f"{self.where}: unknown key {key!r}; did you mean {nearest!r}? known: {', '.join(names)}"
                )

    def has(self, key: str) -> bool:
        """Return whether the field is there and not blank."""
        return self.fields.get(key) not in (None, "")

    def text(self, key: str) -> str:
        """Return a text field.

        Raises
        ------
        DataError : missing, blank or not text.

        """
        written = self._required(key)
        if not isinstance(written, str) or not written.strip():
            raise DataError(f"{self.where}: {key} is {written!r}; write text in quotes")
        return written.strip()

    def number(self, key: str) -> float:
        """Return a finite number; text is read as a number, since CSV has nothing else.

        Raises
        ------
        DataError : missing, not a number, NaN or infinite.

        """
        written = self._required(key)
        if isinstance(written, bool) or not isinstance(written, int | float | str):
            raise DataError(f"{self.where}: {key} is {written!r}; write a plain number")
        try:
            number = float(written)
        except (ValueError, OverflowError):
            raise DataError(f"{self.where}: {key} is {written!r}; write a plain number without unit") from None
        if not math.isfinite(number):
            raise DataError(f"{self.where}: {key} is {written}; write a finite number")
        return number

    def positive(self, key: str) -> float:
        """Return a number above 0.

        Raises
        ------
        DataError : as `number`, or not above 0.

        """
        number = self.number(key)
        if number <= 0:
            raise DataError(f"{self.where}: {key} is {number:g}; it must be above 0")
        return number

    def instant(self, key: str) -> Seconds:
        """Return the Unix time of a field.

        Raises
        ------
        DataError : missing, or not an instant with a time zone.

        """
        written = self._required(key)
        if not isinstance(written, str | date | datetime):
            raise DataError(f"{self.where}: {key} is {written!r}; write ISO 8601 such as 2024-08-31T08:00:00Z")
        return parse_instant(written, f"{self.where}: {key}")

    def _required(self, key: str) -> object:
        if not self.has(key):
            raise DataError(f"{self.where}: {key} is missing; add it")
        return self.fields[key]


def read_text(path: Path) -> str:
    """Return a UTF-8 text file, without a byte-order mark.

    Raises
    ------
    DataError : missing, unreadable or not UTF-8.

    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from None


def read_toml(path: Path) -> dict[str, object]:
    """Return a parsed TOML file.

    Raises
    ------
    DataError : unreadable or not TOML.

    """
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path}: not TOML: {error}; mend that line") from None
