"""Tables of plain text: figures whole and aligned, quick to lay out for hundreds of rows."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_GAP = "  "
_LEAST_TEXT_WIDTH = 12
"""Words are folded no narrower than this; figures are never folded or cut."""


_NUMBER = re.compile(r"[+\-\N{MINUS SIGN}]?[\d,]+(\.\d+)?")


class Column(NamedTuple):
    """Heading, one line an element, and whether the cells are figures, which stand to the right."""

    heading: tuple[str, ...]
    is_figure: bool = True


def table_lines(
    columns: Sequence[Column],
    rows: Iterable[Sequence[str]],
    footer: Sequence[str] | None = None,
    width: int | None = None,
    gap: str = _GAP,
    *,
    align_points: bool = True,
) -> list[str]:
    """Return a table as lines: headings, a rule, the rows, and a footer after a rule of its own.

    Parameters
    ----------
    columns
        In order; headings are aligned at their last line.
    rows, footer
        Cells as text, one a column.
    width
        Characters a line should keep to: the widest column of words is folded for it, at most to 12.
    gap
        Between columns.
    align_points
        Put the decimal points of a column below each other, at the cost of blanks.
    """
    everything = [list(row) for row in ([*rows, footer] if footer is not None else rows)]
    if align_points:
        _align_points(columns, everything)
    body = everything[:-1] if footer is not None else everything
    depth = max(len(column.heading) for column in columns)
    headings = [[""] * (depth - len(column.heading)) + list(column.heading) for column in columns]
    widths = [
        max([*map(len, heading), *(len(row[index]) for row in everything)]) for index, heading in enumerate(headings)
    ]
    _narrow(columns, widths, width, len(gap))
    rule = gap.join("─" * column_width for column_width in widths)
    lines = [_line(columns, [heading[level] for heading in headings], widths, gap) for level in range(depth)]
    lines.append(rule)
    for row in body:
        lines += _folded(columns, row, widths, gap)
    if footer is not None:
        lines += [rule, *_folded(columns, everything[-1], widths, gap)]
    return lines


def _align_points(columns: Sequence[Column], rows: list[list[str]]) -> None:
    """Let plain numbers end in as many blanks as their column has more decimals."""
    for index, column in enumerate(columns):
        found = [_NUMBER.fullmatch(row[index]) for row in rows] if column.is_figure else []
        most = max((len(number[1] or "") for number in found if number), default=0)
        for row, number in zip(rows, found, strict=False):
            if number:
                row[index] += " " * (most - len(number[1] or ""))


def _narrow(columns: Sequence[Column], widths: list[int], width: int | None, gap: int) -> None:
    """Take what is too much from the widest column of words."""
    words = [index for index, column in enumerate(columns) if not column.is_figure]
    if width is None or not words:
        return
    widest = max(words, key=lambda index: widths[index])
    excess = sum(widths) + gap * (len(widths) - 1) - width
    widths[widest] -= max(min(excess, widths[widest] - _LEAST_TEXT_WIDTH), 0)


def _folded(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int], gap: str) -> list[str]:
    if all(len(cell) <= width for cell, width in zip(row, widths, strict=True)):
        return [_line(columns, row, widths, gap)]
    cells = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
    depth = max(len(cell) for cell in cells)
    return [
        _line(columns, [cell[level] if level < len(cell) else "" for cell in cells], widths, gap)
        for level in range(depth)
    ]


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int], gap: str) -> str:
    aligned = (
        cell.rjust(width) if column.is_figure else cell.ljust(width)
        for column, cell, width in zip(columns, cells, widths, strict=True)
    )
    return gap.join(aligned).rstrip()
