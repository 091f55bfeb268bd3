"""``evenkeel greeks``: what a book is worth and how it moves, leg by leg."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from agent.domain import Book, OptionType
from agent.feeds.book_file import load_book
from agent.feeds.market_file import Market, load_market
from agent.localnet.session import Localnet
from agent.products.european import black_scholes_greeks
from agent.report.wording import signed, utc_minute
from agent.units import SECONDS_PER_DAY, SECONDS_PER_YEAR

EXAMPLE = "Example: evenkeel greeks examples/book.toml --market examples/market.toml"
LOCALNET = "localnet"
"""Value of ``--market`` that asks the local chain instead of a file."""

_POINT = 100.0
"""Points (1 %) in 1.00 of volatility or rate."""
_COLUMNS = (
    ("Value", "USD", 0),
    ("Delta", "{underlying}", 3),
    ("Gamma", "{underlying}\nper USD", 4),
    ("Vega", "USD per\nvol point", 1),
    ("Theta", "USD per\nday", 1),
    ("Rho", "USD per\nrate point", 1),
)


@dataclass(frozen=True, slots=True)
class PositionGreeks:
    """Greeks of a whole position: unit Greeks times signed quantity."""

    value_usd: float
    delta_underlying: float
    gamma_underlying_per_usd: float
    vega_usd_per_vol_point: float
    theta_usd_per_day: float
    rho_usd_per_rate_point: float


def greeks(
    book: Annotated[Path, typer.Argument(help="Book of positions, .toml or .csv.", show_default=False)],
    market: Annotated[
        str,
        typer.Option(help="TOML with spot_usd, now and optionally rate_annual; or 'localnet' for the local chain."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Value a book and print its Greeks, leg by leg and in total.

    Black-Scholes on spot at each leg's own volatility, ACT/365; at rate 0 it is the Black-76 the chain computes.
    """
    state = _market(market)
    positions = load_book(book, state.now_unix)
    legs = position_greeks(positions, state)
    total = _total([leg for _, _, leg in legs])
    if as_json:
        typer.echo(_json(positions, state, legs, total))
    else:
        _print(_table(positions, state, legs, total))


def position_greeks(book: Book, market: Market) -> list[tuple[str, float, PositionGreeks]]:
    """Return label, quantity and Greeks of every position, options first, in the book's order."""
    options = book.options
    quantities = np.array([leg.quantity for leg in options])
    unit = black_scholes_greeks(
        is_call=np.array([leg.option_type is OptionType.CALL for leg in options], dtype=np.bool_),
        spot_usd=market.spot_usd,
        strike_usd=np.array([leg.strike_usd for leg in options]),
        tau_years=np.array([(leg.expiry_unix - market.now_unix) / SECONDS_PER_YEAR for leg in options]),
        vol_annual=np.array([leg.iv_annual for leg in options]),
        rate_annual=market.rate_annual,
    )
    days_per_year = SECONDS_PER_YEAR / SECONDS_PER_DAY
    columns = (unit.value, unit.delta, unit.gamma, unit.vega / _POINT, unit.theta / days_per_year, unit.rho / _POINT)
    rows = np.stack([quantities * column for column in columns], axis=1)
    legs = [
        (leg.label, leg.quantity, PositionGreeks(*(float(number) for number in row)))
        for leg, row in zip(options, rows, strict=True)
    ]
    held = [
        (leg.label, leg.quantity, PositionGreeks(leg.quantity * market.spot_usd, leg.quantity, 0.0, 0.0, 0.0, 0.0))
        for leg in book.holdings
    ]
    return legs + held


def _market(source: str) -> Market:
    if source != LOCALNET:
        return load_market(Path(source))
    localnet = Localnet.attach()
    try:
        price_usd, _ = localnet.published_price()
        return Market(price_usd, localnet.chain.head().timestamp, 0.0)
    finally:
        localnet.chain.rpc.close()


def _total(legs: list[PositionGreeks]) -> PositionGreeks:
    names = [field.name for field in fields(PositionGreeks)]
    return PositionGreeks(**{name: sum(getattr(leg, name) for leg in legs) for name in names})


def _json(book: Book, market: Market, legs: list[tuple[str, float, PositionGreeks]], total: PositionGreeks) -> str:
    return json.dumps(
        {
            "underlying": book.underlying,
            "market": asdict(market),
            "positions": [{"label": label, "quantity": quantity, **asdict(leg)} for label, quantity, leg in legs],
            "total": asdict(total),
        },
        indent=2,
        allow_nan=False,
    )


def _print(table: Table) -> None:
    console = Console()
    if not console.is_terminal:  # a pipe has no width to keep to, and figures must not be cut
        console.width = max(
            console.width, console.measure(table, options=console.options.update(max_width=400)).maximum
        )
    console.print(table)


def _table(book: Book, market: Market, legs: list[tuple[str, float, PositionGreeks]], total: PositionGreeks) -> Table:
    table = Table(
        title=f"{book.underlying} at ${market.spot_usd:,.2f}, {utc_minute(market.now_unix)} UTC, "
        f"rate {100 * market.rate_annual:g} %",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_footer=True,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("Position", footer="Total", overflow="fold", min_width=10)
    table.add_column(f"Quantity\n{book.underlying}", justify="right", no_wrap=True)
    totals = asdict(total).values()
    for (name, unit, decimals), summed in zip(_COLUMNS, totals, strict=True):
        header = f"{name}\n{unit.format(underlying=book.underlying)}"
        table.add_column(header, footer=signed(summed, decimals), justify="right", no_wrap=True)
    for label, quantity, leg in legs:
        cells = (
            signed(number, decimals) for number, (_, _, decimals) in zip(asdict(leg).values(), _COLUMNS, strict=True)
        )
        table.add_row(label, signed(quantity, 2), *cells)
    return table
