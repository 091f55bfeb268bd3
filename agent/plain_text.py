"""Text of strangers as a terminal may show it: what steers a terminal, hides or reorders letters becomes an escape."""

from __future__ import annotations

import unicodedata

from agent.errors import DataError

MAX_CHARACTERS = 2_000
"""Shown of one text; a proposal's description may be as long as a block has room for."""
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Control, format (reordering, of no width), surrogate, private, unassigned; separators of lines and paragraphs."""
_BLANK = "\u00a0\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters and marks that show nothing."""


def require_text(written: str, what: str) -> str:
    """Return a text of the command line that a contract can keep; `DataError` where its bytes are no UTF-8."""
    try:
        written.encode()
    except UnicodeEncodeError:
        raise DataError(f"{what} {written!r:.80} is no UTF-8 text; write it anew") from None
    return written


def plain(written: str, most: int = MAX_CHARACTERS) -> str:
    """Return a text on one line, at most ``most`` characters of it, with what cannot be seen written as escapes."""
    shown = "".join(_escaped(character) if _is_unseen(character) else character for character in written[:most])
    return shown if len(written) <= most else f"{shown} ... ({len(written):,} characters)"


def quoted(written: str) -> list[str]:
    """Return a text line by line, each marked as quoted, so that none passes for one of ours."""
    head = written[:MAX_CHARACTERS]
    lines = [f"  | {plain(line)}" for line in head.replace("\r\n", "\n").split("\n")]
    return lines if len(head) == len(written) else [*lines, f"  | ... ({len(written):,} characters)"]


def hides(written: str) -> bool:
    """Return whether a text holds what cannot be seen, line breaks aside."""
    return any(_is_unseen(character) for character in written.replace("\r\n", "\n") if character != "\n")


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN or character in _BLANK


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
