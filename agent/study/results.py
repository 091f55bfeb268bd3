"""Outcomes on disk, one JSON line each: what is there already is not replayed again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from agent.errors import DataError
from agent.study.case import Names, Outcome


class Results:
    """A file of outcomes that only grows; a last line that was cut off, as by a kill, is dropped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = self._read()

    def _read(self) -> dict[str, Outcome]:
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True) if self._path.exists() else []
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{self._path}: cannot be read ({error}); move it away, or choose another --out") from None
        whole = [line for line in lines if line.endswith("\n")]
        known = {}
        for number, line in enumerate(whole, 1):
            try:
                outcome = _outcome(json.loads(line))
            except (ValueError, TypeError, KeyError):
                raise DataError(f"{self._path}: line {number} is no outcome; choose another --out") from None
            known[outcome.key] = outcome
        if len(whole) < len(lines):
            self._path.write_text("".join(whole), encoding="utf-8")
        return known

    def get(self, key: str) -> Outcome | None:
        """Return what is known of a case."""
        return self._known.get(key)

    def add(self, outcome: Outcome) -> None:
        """Write an outcome down."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(outcome), sort_keys=True) + "\n")
        except OSError as error:
            raise DataError(f"{self._path}: cannot be written ({error.strerror}); choose another --out") from None
        self._known[outcome.key] = outcome


def _outcome(fields: dict[str, object]) -> Outcome:
    names = fields.pop("names")
    if not isinstance(names, dict):
        raise TypeError("names")
    return Outcome(names=Names(**names), **fields)  # type: ignore[arg-type]
