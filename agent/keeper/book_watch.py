"""Follows the book's file while the keeper runs: what was written anew is read, judged, and only then taken over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.domain import Book
from agent.errors import DataError

_Stamp = tuple[int, int, int] | None
_NEVER = (0, 0, 0)


class BookWatch:
    """One book's file. Reads it when it has changed, and once at first: it may have changed since it was loaded."""

    def __init__(self, path: Path, load: Callable[[Path], Book], underlying: str) -> None:
        self._path = path
        self._load = load
        self._underlying = underlying
        self._seen: _Stamp = _NEVER

    def poll(self) -> Book | None:
        """Return the book as it was written anew; None while the file is as it was.

        Raises
        ------
        DataError
            What was written cannot be trusted; said once for each change, and read again at the next.

        """
        stamp = self._stamp()
        if stamp == self._seen:
            return None
        self._seen = stamp
        book = self._load(self._path)
        if book.underlying != self._underlying:
            raise DataError(
                f"{self._path}: underlying is {book.underlying!r}, but this keeper hedges {self._underlying}; start "
                "another keeper for it"
            )
        return book

    def _stamp(self) -> _Stamp:
        """Return what changes when a file is written or replaced; None while it is not there."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
