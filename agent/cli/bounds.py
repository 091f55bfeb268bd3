"""``evenkeel bounds``: sizes of the guard's bounds for a book."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from agent.backtest.gas_model import GasModel
from agent.backtest.pool_market import History
from agent.backtest.price_series import PriceSeries
from agent.cli.replay_options import span_of
from agent.demo.scenario import SEEDED_START_PRICE_USD, SEEDED_START_UNIX, deposit_usd, underlying_of
from agent.domain import Book
from agent.errors import DataError, PreflightError
from agent.files.book_file import load_book, load_kept_book
from agent.files.price_file import load_prices
from agent.files.timestamps import LATEST_UNIX, parse_instant
from agent.formatting import iso_utc
from agent.keeper.preflight import gas_token_faults
from agent.report.effectiveness import removed_share
from agent.report.formatting import money
from agent.report.text_table import Column, table_lines
from agent.settings import config_path, load_settings
from agent.settings.contracts import MAX_DAILY_LOSS_BPS
from agent.study.case import Case, Names
from agent.study.generated_weeks import generated_weeks
from agent.study.suggest import Suggestion, suggest
from agent.study.suggestion_file import configuration_text, number_text
from agent.units import Seconds

SEEDED_UNDERLYING = "ETH"
SEEDED_DAY = f"{datetime.fromtimestamp(SEEDED_START_UNIX, tz=UTC):%Y-%m-%d}"

app = typer.Typer(
    help="Bounds of a vault: suggest.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def _root() -> None:
    """Bounds of a vault: suggest."""


@app.command("suggest", epilog="Example: evenkeel bounds suggest examples/book.toml --out suggested.toml")
def suggest_bounds(
    book: Annotated[Path, typer.Argument(metavar="BOOK", help="Book of options and holdings.", show_default=False)],
    prices: Annotated[
        Path | None, typer.Option(help="Parquet of prices to size by. Without it: generated weeks, calm and stressed.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="First instant, such as 2024-08-01.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the span.")] = None,
    at: Annotated[
        str | None,
        typer.Option(help=f"Start of the generated weeks; now, or {SEEDED_DAY} for a book that has expired since."),
    ] = None,
    symbol: Annotated[str, typer.Option(help="Symbol in the file.")] = "ETHUSDT",
    spot_usd: Annotated[
        float | None,
        typer.Option(
            "--spot",
            min=0.01,
            help=f"First price of the generated weeks, USD; {SEEDED_START_PRICE_USD:,.0f} for ETH unless given.",
        ),
    ] = None,
    config: Annotated[str, typer.Option(help="Network or TOML that the search starts from.")] = "localnet",
    gas_gwei: Annotated[float, typer.Option("--gas", min=0.0, help="Base fee, gwei.")] = 20.0,
    deposit: Annotated[
        float | None, typer.Option(min=1.0, help="Collateral, USD; what the hedge needs unless given.")
    ] = None,
    least_effectiveness: Annotated[
        float, typer.Option("--remove", min=0.1, max=0.999, help="Share of the hourly variance to be removed.")
    ] = 0.95,
    daily_loss_bps: Annotated[
        int,
        typer.Option("--daily-loss", min=1, max=MAX_DAILY_LOSS_BPS, help="Most that keys may lose a day, bps of NAV."),
    ] = 300,
    out: Annotated[Path | None, typer.Option(help="Write the whole configuration to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Propose bounds for a book, each with its reason, and replay them.

    Bands are tried over a price file or generated weeks; the cheapest that removes enough variance is taken, and every
    budget is sized by what its replays used.
    """
    path = config_path(config)
    settings = load_settings(path, {})
    if prices is None and (start is not None or end is not None):
        raise DataError("--from and --to choose from a price file; add --prices FILE.parquet, or leave them out")
    if prices is not None and (spot_usd is not None or at is not None):
        raise DataError("--spot and --at are of generated weeks; leave them out, or --prices")
    paths = (
        _weeks(book, spot_usd, at) if prices is None else [load_prices(prices, symbol, *span_of(prices, start, end))]
    )
    found = load_book(book, paths[0].start_unix)
    _require_one_underlying(found, paths[0], book)
    if faults := list(gas_token_faults(settings, path, found.underlying)):
        raise PreflightError(faults)
    money_in = deposit or deposit_usd(found, float(paths[0].prices_usd[0]))
    cases = [
        Case(
            names=Names(series.source, str(book), settings.policy.name, "suggested"),
            prices=series,
            book=found,
            settings=settings,
            deposit_usd=money_in,
            history=History(np.full(len(series), gas_gwei)),
            gas=GasModel(),
        )
        for series in paths
    ]
    suggestion = suggest(cases, least_effectiveness, daily_loss_bps)
    if out is not None:
        _write(out, configuration_text(path, suggestion.lines))
    if as_json:
        typer.echo(json.dumps(_document(suggestion, money_in), indent=2))
        return
    _print(suggestion, money_in, out)


def _weeks(book: Path, spot_usd: float | None, at: str | None) -> list[PriceSeries]:
    """Return the generated weeks of a book's underlying, begun while all of the book is alive."""
    kept = load_kept_book(book)
    if spot_usd is None and kept.underlying != SEEDED_UNDERLYING:
        raise DataError(f"{book}: the book is of {kept.underlying}; add --spot, its price in USD, or --prices")
    start_unix = _start_of_weeks(book, kept, at)
    last_expiry = max((leg.expiry_unix for leg in kept.options), default=LATEST_UNIX)
    life = Seconds(max(last_expiry - start_unix, 0))
    return generated_weeks(spot_usd or SEEDED_START_PRICE_USD, start_unix, kept.underlying, life)


def _start_of_weeks(path: Path, book: Book, at: str | None) -> Seconds:
    if at is not None:
        return parse_instant(at, "--at")
    now = Seconds(int(time.time()))
    first_expiry = min((leg.expiry_unix for leg in book.options), default=LATEST_UNIX)
    if first_expiry > now:
        return now
    if first_expiry > SEEDED_START_UNIX:
        return SEEDED_START_UNIX
    raise DataError(f"{path}: a leg expired at {iso_utc(first_expiry)}; remove it, or add --at, an instant before that")


def _require_one_underlying(book: Book, prices: PriceSeries, path: Path) -> None:
    if book.underlying != underlying_of(prices.symbol):
        raise DataError(f"{path}: the book is of {book.underlying}, but the prices are of {prices.symbol}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"--out {path}: cannot be written ({error.strerror}); choose another") from None


def _document(suggestion: Suggestion, deposit: float) -> dict[str, object]:
    one_key, all_keys = suggestion.settings.bounds.loss_bounds_usd(deposit)
    return {
        "deposit_usd": deposit,
        "numbers": [asdict(line) for line in suggestion.lines],
        "tried": [
            {"band": band, "cost_usd": cost, "effectiveness": removed}
            for band, (cost, removed) in suggestion.tried.items()
        ],
        "replays": [
            {**asdict(own), "cost_usd": own.cost_usd, "effectiveness": own.effectiveness} for own in suggestion.outcomes
        ],
        "effectiveness": suggestion.effectiveness,
        "loss_bounds_usd": {"one_keeper_key": one_key, "all_keeper_keys": all_keys},
        "warnings": list(suggestion.warnings),
    }


def _print(suggestion: Suggestion, deposit: float, out: Path | None) -> None:
    columns = (Column(("section",), False), Column(("key",), False), Column(("value",)), Column(("why",), False))
    rows = [(line.section, line.key, number_text(line.value), line.why) for line in suggestion.lines]
    for text in table_lines(columns, rows, align_points=False):
        typer.echo(text)
    typer.echo("")
    for band, (cost, removed) in suggestion.tried.items():
        shown = "nothing to remove" if removed is None else f"{removed_share(removed)} of the variance removed"
        typer.echo(f"band {number_text(band)}: {money(cost)} a replay, {shown}, with budgets that bind nothing")
    for own in suggestion.outcomes:
        removed_text = (
            "nothing to remove" if own.effectiveness is None else f"{removed_share(own.effectiveness)} removed"
        )
        typer.echo(
            f"replayed {own.names.period}: {removed_text} for {money(own.cost_usd)}, {own.rebalances} rebalances, "
            f"{own.breaches} left W outside the band, {sum(own.refusals.values())} steps held back"
        )
    one_key, all_keys = suggestion.settings.bounds.loss_bounds_usd(deposit)
    typer.echo(f"On {money(deposit)} one keeper key can lose {money(one_key)} in a day, all keys {money(all_keys)}.")
    for warning in suggestion.warnings:
        typer.echo(f"Warning: {warning}")
    if out is not None:
        typer.echo(f"Written to {out}: evenkeel demo --config {out}")
