"""A valued book for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from agent.domain import Book
from agent.products.book_value import Market, PositionValue, total_greeks
from agent.products.registry import KINDS
from agent.report.formatting import price, signed, utc_minute
from agent.report.text_table import Column, table_lines

_FIGURES = (
    ("Value", "USD", 0),
    ("Delta", "{underlying}", 3),
    ("Gamma", "{underlying}\nper USD", 4),
    ("Vega", "USD per\nvol point", 1),
    ("Theta", "USD per\nday", 1),
    ("Rho", "USD per\nrate point", 1),
)
"""Name, unit and decimals of each Greek of a position, in the order of the record."""


def book_document(book: Book, market: Market, values: Sequence[PositionValue]) -> dict[str, Any]:
    """Return a valued book for machines: units in the keys; a coin-settled position has its ``coin`` figures too."""
    return {
        "underlying": book.underlying,
        "market": asdict(market),
        "positions": [_position_document(value) for value in values],
        "total": asdict(total_greeks(values)),
    }


def _position_document(value: PositionValue) -> dict[str, Any]:
    position = value.position
    document = {
        "label": position.label,
        "product": KINDS[position.kind].product.name,
        "quantity": position.quantity,
        **asdict(value.greeks),
    }
    return document if value.coin is None else document | {"coin": asdict(value.coin)}


def book_lines(book: Book, market: Market, values: Sequence[PositionValue], width: int | None = None) -> list[str]:
    """Return a valued book for people: a table that keeps to ``width``, every figure with its unit."""
    underlying = book.underlying
    columns = [Column(("Position",), is_figure=False), Column(("Quantity",))]
    for name, unit, _ in _FIGURES:
        columns.append(Column((name, *unit.format(underlying=underlying).split("\n"))))
    total = total_greeks(values)
    title = (
        f"{underlying} at {price(market.spot_usd)}, {utc_minute(market.now_unix)} UTC, "
        f"rate {100 * market.rate_annual:g} %"
    )
    rows = [
        [value.position.label, signed(value.position.quantity, 2), *_figures(asdict(value.greeks))] for value in values
    ]
    lines = [title, "", *table_lines(columns, rows, ["Total", "", *_figures(asdict(total))], width)]
    return [*lines, *_coin_lines(underlying, values, width)]


def _figures(greeks: dict[str, float]) -> list[str]:
    return [signed(number, decimals) for number, (_, _, decimals) in zip(greeks.values(), _FIGURES, strict=True)]


def _coin_lines(underlying: str, values: Sequence[PositionValue], width: int | None) -> list[str]:
    """Return what the coin-settled positions are worth in coin; nothing where there are none."""
    rows = [
        [
            value.position.label,
            signed(value.coin.value_coin, 4),
            signed(value.greeks.delta_underlying, 3),
            signed(value.coin.premium_adjusted_delta_coin, 3),
        ]
        for value in values
        if value.coin is not None
    ]
    if not rows:
        return []
    columns = [
        Column(("Settled in coin",), is_figure=False),
        Column(("Value", underlying)),
        Column(("Delta that holds", "the USD value")),
        Column(("Delta that holds", "the coin value")),
    ]
    return ["", *table_lines(columns, rows, width=width)]
