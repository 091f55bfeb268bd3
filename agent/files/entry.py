"""One record of an input file: every field is asked for by name and unit, and every complaint says where it stands."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from agent.errors import DataError
from agent.files.timestamps import parse_instant, unit_hint
from agent.input_file import read_text
from agent.units import Seconds

_LONGEST_SHOWN = 60
_LONGEST_TEXT = 500
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NO_NUMBER = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d{1,2}(?:\d{2,})?", re.ASCII)


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
                    f"{self.where}: unknown key {key!r:.80}; did you mean {nearest!r}? known: {', '.join(names)}"
                )

    def has(self, key: str) -> bool:
        """Return whether the field is there and not blank."""
        return self.fields.get(key) not in (None, "")

    def text(self, key: str) -> str:
        """Return a text field.

        Raises
        ------
        DataError : missing, blank, not text, or longer than a name or a label is.

        """
        written = self._required(key)
        if not isinstance(written, str) or not written.strip():
            raise DataError(f"{self.where}: {key} is {shown(written)}; write text in quotes")
        if len(written) > _LONGEST_TEXT:
            raise DataError(f"{self.where}: {key} is {shown(written)}, {len(written):,} characters; shorten it")
        return written.strip()

    def number(self, key: str) -> float:
        """Return a finite number; text is read as a number, since CSV has nothing else.

        Raises
        ------
        DataError : missing, not a number, NaN or infinite.

        """
        written = self._required(key)
        if isinstance(written, bool) or not isinstance(written, int | float | str):
            raise DataError(f"{self.where}: {key} is {shown(written)}; write a plain number")
        if isinstance(written, str):
            self._require_number(key, written.strip())
        try:
            number = float(written)
        except (ValueError, OverflowError):
            raise DataError(f"{self.where}: {key} is {shown(written)}; write a plain number without unit") from None
        if not math.isfinite(number):
            raise DataError(f"{self.where}: {key} is {written!s:.60}; write a finite number")
        return number

    def _require_number(self, key: str, written: str) -> None:
        """Refuse what Python alone reads as a number: underscores between digits, digits of other scripts."""
        if _DECIMAL_COMMA.fullmatch(written):
            raise DataError(f"{self.where}: {key} is {written!r:.60}; write a plain number with a decimal point")
        if not _NUMBER.fullmatch(written) and not _NO_NUMBER.fullmatch(written):
            raise DataError(f"{self.where}: {key} is {shown(written)}; write a plain number without unit")

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
            hint = unit_hint(written) if isinstance(written, int | float) and abs(written) < 1e30 else ""
            raise DataError(
                f"{self.where}: {key} is {shown(written)}{hint}; write ISO 8601 such as 2024-08-31T08:00:00Z"
            )
        return parse_instant(written, f"{self.where}: {key}")

    def _required(self, key: str) -> object:
        if not self.has(key):
            raise DataError(f"{self.where}: {key} is missing; add it")
        return self.fields[key]


def require_distinct(names: Sequence[str], where: str, inside: str = "the header") -> None:
    """Refuse names that are one name but for case, blanks around or the form of their Unicode.

    Raises
    ------
    DataError : two names of one field; which of them counts is not ours to guess.

    """
    seen: dict[str, str] = {}
    for name in names:
        folded = unicodedata.normalize("NFKC", name).replace("\ufeff", "").strip().casefold()
        first = seen.setdefault(folded, name)
        if first == name and names.count(name) > 1:
            raise DataError(f"{where}: {name!r} stands twice in {inside}; keep one of them")
        if first != name:
            raise DataError(f"{where}: {first!r} and {name!r} name one field twice in {inside}; keep one of them")


def shown(written: object) -> str:
    """Return what stands in a field, short enough for a line."""
    try:
        text = repr(written)
    except (ValueError, RecursionError):  # Python refuses to print a whole number of thousands of digits
        return "a number of thousands of digits" if isinstance(written, int) else "something nested too deep"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def read_toml(
    path: Path, absent: str = "check the path", parse_float: Callable[[str], object] = float
) -> dict[str, object]:
    """Return a parsed TOML file; ``absent`` says how to mend a missing one.

    Raises
    ------
    DataError : unreadable, not TOML, or a key given twice.

    """
    text = read_text(path, absent)
    try:
        document = tomllib.loads(text, parse_float=parse_float)
        repr(document)  # raises over a hexadecimal number that is too long to be shown in any complaint
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path}: not TOML: {error}; mend that line") from None
    except RecursionError:
        raise DataError(f"{path}: brackets are nested too deep; mend it") from None
    except (ValueError, ArithmeticError):
        raise DataError(f"{path}: not TOML: a number beyond all bounds; mend it") from None
    _require_distinct_keys(document, str(path))
    return document


def _require_distinct_keys(table: object, where: str) -> None:
    if isinstance(table, Mapping):
        require_distinct(list(table), where, "one table")
        for inner in table.values():
            _require_distinct_keys(inner, where)
    elif isinstance(table, list):
        for inner in table:
            _require_distinct_keys(inner, where)
