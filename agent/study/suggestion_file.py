"""A suggestion as a configuration: the file it started from, with the suggested numbers and their reasons in place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from agent.errors import DataError
from agent.input_file import read_text
from agent.study.suggest import Line

_SECTION = re.compile(r"\[([a-z_]+)\]\s*(#.*)?")
_COMMENT_COLUMN = 40


def configuration_text(base: Path, lines: Sequence[Line]) -> str:
    """Return the text of ``base`` with each line's number and reason instead of its own; all else stays as it is.

    Raises
    ------
    DataError
        A key that the file does not write on a line of its own.

    """
    wanted = {(line.section, line.key): line for line in lines}
    section, written = "", []
    for text in read_text(base).splitlines():
        if found := _SECTION.fullmatch(text.strip()):
            section = found.group(1)
        key = text.partition("=")[0].strip()
        line = wanted.pop((section, key), None)
        written.append(text if line is None else _written(line))
    if wanted:
        missing = ", ".join(f"[{name}] {key}" for name, key in wanted)
        raise DataError(f"{base}: has no {missing} on a line of its own; add it")
    return "\n".join(written) + "\n"


def _written(line: Line) -> str:
    return f"{f'{line.key} = {number_text(line.value)}':<{_COMMENT_COLUMN}}# {line.why}"


def number_text(number: float) -> str:
    """Return a number as TOML has it: whole ones whole, thousands apart, no exponent."""
    if number == int(number):
        return f"{int(number):_}"
    return f"{number:.12f}".rstrip("0")
