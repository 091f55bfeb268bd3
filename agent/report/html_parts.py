"""The pieces a page is made of: sections, cards, tables and pictures, every text escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from agent.domain import Book
from agent.extras import extra
from agent.report.formatting import MINUS, percent, signed, utc_minute

with extra("report", "The HTML report"):
    import plotly.graph_objects as go
    import plotly.io as pio

_LONG_WORD = re.compile(r"[0-9A-Za-z]{24,}")
"""Addresses and hashes, which alone may be broken across lines."""
_WHOLE = re.compile(rf"\d{{4}}-\d\d-\d\d(?:T[\d:]+Z)?|{MINUS}\$[\d.,]*\d")
"""Instants, which a browser would break at their hyphens, and losses, which it would break after the sign."""


def section(title: str, words: str, *bodies: str) -> str:
    """Return a section with a heading, a paragraph of plain words, and what follows as it is."""
    told = f"<p>{text(words)}</p>" if words else ""
    return f"<section><h2>{escape(title)}</h2>{told}{''.join(bodies)}</section>"


def paragraph(words: str) -> str:
    """Return a paragraph of a section."""
    return f"<p>{text(words)}</p>"


def card(kind: str, figure: str, name: str) -> str:
    """Return one headline figure; ``kind`` is a class of the page's sheet."""
    shown = f'<div class="figure">{escape(figure)}</div><div class="name">{escape(name)}</div>'
    return f'<div class="card {kind}">{shown}</div>'


def picture(figure: go.Figure) -> str:
    """Return a picture that takes the width it is given."""
    return str(
        pio.to_html(
            figure,
            full_html=False,
            include_plotlyjs=False,
            config={"displaylogo": False, "responsive": True, "displayModeBar": False},
        )
    )


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    words: Sequence[int] = (),
    total: bool = False,
    label: str = "",
) -> str:
    """Return a table that scrolls inside its own frame where the screen is narrower, or the table long.

    Parameters
    ----------
    columns, rows
        Texts; the first column names the row.
    words
        Columns beside the first that hold sentences, not figures.
    total
        Whether the last row is a sum of those above.
    label
        What the table is, for who hears the page; the first column's heading if not given.
    """

    def line(tag: str, cells: Sequence[str], kind: str = "") -> str:
        shown = "".join(f"<{tag}{_kind(number, words)}>{cell(own)}</{tag}>" for number, own in enumerate(cells))
        return f"<tr{kind}>{shown}</tr>"

    body = [line("td", row) for row in rows]
    if total:
        body[-1] = line("td", rows[-1], ' class="total"')
    shown = f"<table><thead>{line('th', columns)}</thead><tbody>{''.join(body)}</tbody></table>"
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(label or columns[0])}">{shown}</div>'


def book_table(book: Book) -> str:
    """Return the book, a position a row."""
    columns = (
        "Position",
        "Quantity",
        "Type",
        "Strike, USD",
        "Expiry, UTC",
        "IV a year",
        "IV interval the delta is verified for",
    )
    rows = [
        (
            leg.label,
            signed(leg.quantity, 2),
            leg.option_type.value,
            signed(leg.strike_usd, 2),
            utc_minute(leg.expiry_unix),
            percent(leg.iv_annual),
            f"{percent(leg.iv_low_annual)} to {percent(leg.iv_high_annual)}",
        )
        for leg in book.options
    ]
    rows += [(leg.label, signed(leg.quantity, 2), "holding", "", "", "", "") for leg in book.holdings]
    return table(columns, rows)


def pairs(items: Iterable[tuple[str, str]]) -> str:
    """Return a table of names and what they are."""
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{cell(told)}</td></tr>" for name, told in items)
    return f"<table>{rows}</table>"


def text(words: str) -> str:
    """Escape words of a paragraph; a browser breaks between them, inside what is too long for a line, nowhere else."""
    return _WHOLE.sub(lambda found: f'<span class="whole">{found[0]}</span>', cell(words))


def cell(words: str) -> str:
    """Escape words of a table, whose dates stay whole by themselves."""
    return _LONG_WORD.sub(lambda found: f'<span class="long">{found[0]}</span>', escape(words))


def _kind(number: int, words: Sequence[int]) -> str:
    if number == 0:
        return ""
    return ' class="words"' if number in words else ' class="number"'
