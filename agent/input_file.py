"""Bytes and text of an input file: a regular file of a believable size, or one line that says why not."""

from __future__ import annotations

import codecs
from pathlib import Path

from agent.errors import DataError

MAX_TEXT_BYTES = 64 * 2**20
"""A chain of every option Deribit lists is 2 MB of JSON; 64 MB is another file."""
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def require_file(path: Path, max_bytes: int = MAX_TEXT_BYTES, absent: str = "check the path") -> None:
    """Refuse what is no regular file of at most ``max_bytes``; a pipe or a device would be waited for without end.

    Raises
    ------
    DataError : missing, a directory, a pipe or a device, too large, or a path that the system does not accept.

    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{path}: no such file; {absent}") from None
    except OSError as error:
        raise DataError(
            f"{path!s:.200}: cannot be read ({error.strerror}); check the path and its permissions"
        ) from None
    except ValueError:
        raise DataError(f"{str(path)!r}: no path holds a NUL character; check the path") from None
    if path.is_dir():
        raise DataError(f"{path}: cannot be read (a directory); name a file in it")
    if not path.is_file():
        raise DataError(f"{path}: a pipe or a device; save what it gives to a file and name that")
    if status.st_size > max_bytes:
        raise DataError(f"{path}: {status.st_size:,} bytes, above the {max_bytes:,} of an input; check the path")


def read_input(path: Path, max_bytes: int = MAX_TEXT_BYTES, absent: str = "check the path") -> bytes:
    """Return the bytes of an input file; errors as for `require_file`, and `DataError` when it may not be read."""
    require_file(path, max_bytes, absent)
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from None


def read_text(path: Path, absent: str = "check the path") -> str:
    """Return a UTF-8 text file, without a byte-order mark.

    Raises
    ------
    DataError : as `read_input`, or not UTF-8, or with NUL characters.

    """
    raw = read_input(path, absent=absent)
    if raw.startswith(_UTF16_MARKS):
        raise DataError(f"{path}: not UTF-8 text but UTF-16 by its first bytes; save the file as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8 text; save the file as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{path}: line {line} holds a NUL character; save the file as plain UTF-8 text")
    return text
