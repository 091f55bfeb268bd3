"""``evenkeel greeks``: what a book is worth and how it moves, leg by leg; or a whole chain of listed options."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.errors import DataError
from agent.files.book_file import load_any_book
from agent.files.deribit_chain import is_chain, load_chain
from agent.files.market_file import load_market
from agent.files.timestamps import parse_moment
from agent.products.book_value import Market, value_book
from agent.report.book_value import book_document, book_lines

EXAMPLE = "Example: evenkeel greeks examples/book.toml --market examples/market.toml"
LOCALNET = "localnet"
"""Value of ``--market`` that asks the local chain instead of a file."""


PositionsFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="BOOK",
        help="Book of positions (.toml, .csv, .json, .parquet), or a Deribit chain (.parquet, .csv, .json).",
        show_default=False,
    ),
]
BookOption = Annotated[Path | None, typer.Option("--book", help="The same as BOOK, as other commands name it.")]
MarketSource = Annotated[
    str | None,
    typer.Option(
        help="For a book: TOML with spot_usd, now and optionally rate_annual; or 'localnet' for the local chain."
    ),
]
Moment = Annotated[
    str | None,
    typer.Option(help="For a chain: when it is valued, such as 2024-01-08T11:20:00Z; its own stamp if not given."),
]
RowsFile = Annotated[Path | None, typer.Option("--csv", help="For a chain: write its rows to this file too.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def greeks(
    positions: PositionsFile = None,
    book_option: BookOption = None,
    market: MarketSource = None,
    now: Moment = None,
    csv_path: RowsFile = None,
    as_json: AsJson = False,
) -> None:
    """Value a book, or a whole chain of listed options, and print its Greeks.

    A book is valued leg by leg at each leg's own volatility, Black-Scholes on spot, ACT/365; at rate 0 that is the
    Black-76 the chain computes. Coin-settled legs, futures, perps, Uniswap v3 ranges and power perps add up with it.

    A chain brings its own forwards and time: implied vols of bid, mark and ask, with the reason where there is none,
    a surface free of arbitrage, and every row's Greeks.
    """
    book = _one_book(positions, book_option)
    if is_chain(book):
        if market is not None:
            raise DataError(f"{book}: a chain brings its own prices; leave out --market, or give --now")
        _show_chain(book, now, csv_path, as_json)
        return
    for option, given in (("--now", now), ("--csv", csv_path)):
        if given is not None:
            raise DataError(f"{option} is for a chain of quotes, and {book} is a book; leave it out")
    if market is None:
        raise DataError(f"{book}: a book needs a market; add --market examples/market.toml, or --market localnet")
    _show_book(book, _market(market), as_json)


def _one_book(positions: Path | None, book_option: Path | None) -> Path:
    if positions is not None and book_option is not None:
        raise DataError(f"{positions} and --book {book_option} are two books; leave one out")
    book = positions or book_option
    if book is None:
        raise DataError("no book is named; add it, such as evenkeel greeks examples/book.toml")
    return book


def _show_book(path: Path, market: Market, as_json: bool) -> None:
    book = load_any_book(path, market.now_unix)
    values = value_book(book, market)
    if as_json:
        typer.echo(json.dumps(book_document(book, market, values), indent=2, allow_nan=False))
    else:
        # A pipe has no width to keep to.
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        typer.echo("\n".join(book_lines(book, market, values, width)))


def _show_chain(path: Path, now: str | None, csv_path: Path | None, as_json: bool) -> None:
    # The surface's fit is compiled; books do without it.
    from agent.report.option_chain import chain_document, chain_lines, chain_rows  # noqa: PLC0415
    from agent.vol.chain_values import value_chain  # noqa: PLC0415

    values = value_chain(load_chain(path, None if now is None else parse_moment(now, "--now")))
    if csv_path is not None:
        _write_csv(chain_rows(values), csv_path)
    if as_json:
        typer.echo(json.dumps(chain_document(values), indent=2, allow_nan=False))
    else:
        typer.echo("\n".join(chain_lines(values)))


def _write_csv(rows: list[dict[str, object]], path: Path) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise DataError(f"--csv {path}: cannot be written ({error.strerror}); choose another path") from None


def _market(source: str) -> Market:
    if source != LOCALNET:
        return load_market(Path(source))
    from agent.localnet.session import Localnet  # noqa: PLC0415 - reaches for web3, which a file does not need

    localnet = Localnet.attach()
    try:
        price_usd, _ = localnet.published_price()
        return Market(price_usd, localnet.chain.head().timestamp, 0.0)
    finally:
        localnet.chain.rpc.close()
