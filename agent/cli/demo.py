"""``evenkeel demo``: the whole of Evenkeel on a local chain, over a generated or a real price path."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from agent.backtest.seeded_day import DEFAULT_SEED
from agent.backtest.vault_day import INTERRUPTED
from agent.cli.replay_options import (
    AsJson,
    BookFile,
    ConfigFile,
    End,
    HtmlFile,
    IvFile,
    IvRealised,
    PricesFile,
    Seed,
    Start,
    SummaryFile,
    Symbol,
    publish,
    refused,
    report_targets,
    scenario_of,
)
from agent.cli.stopping import EXIT_INTERRUPTED
from agent.cli.venue_option import DEFAULT_VENUES, Venues, kinds_of
from agent.demo.live_table import LiveTable
from agent.demo.preflight import require_replayable, scenario_misfits
from agent.demo.replay import replay
from agent.demo.scenario import Scenario
from agent.demo.world import LEDGER_PATH, NETWORK
from agent.errors import AgentError, DataError
from agent.report.effectiveness import verdict
from agent.report.formatting import duration, money, money_change
from agent.report.iv_words import iv_in_brief
from agent.report.replay_report import ReplayReport
from agent.report.summary import summary_json
from agent.settings import config_path, load_settings

EXAMPLE = (
    "Example: evenkeel demo --prices prices.parquet --from 2024-08-01 --to 2024-08-08 --book examples/book.toml "
    "--iv examples/iv.csv --html report.html"
)
"""128 + SIGINT, as shells have it."""

_STDOUT = "-"


def demo(
    prices: PricesFile = None,
    start: Start = None,
    end: End = None,
    symbol: Symbol = None,
    book: BookFile = None,
    iv: IvFile = None,
    iv_realised: IvRealised = None,
    seed: Seed = DEFAULT_SEED,
    venue: Venues = DEFAULT_VENUES,
    config_file: ConfigFile = None,
    html_path: HtmlFile = None,
    summary_path: SummaryFile = None,
    as_json: AsJson = False,
    json_path: Annotated[str | None, typer.Argument(hidden=True)] = None,
) -> None:
    """Replay a price path on a local chain with real venue contracts while the keeper hedges through the vault.

    Shows every step as it happens and leaves an HTML report and a JSON summary.
    """
    as_json, summary_path = _after_json(as_json, json_path, summary_path)
    config = config_path(NETWORK if config_file is None else str(config_file))
    settings = load_settings(config, {})
    scenario = scenario_of(prices, start, end, symbol, book, seed, iv, iv_realised)
    kinds = kinds_of(venue)
    html_target, json_target = report_targets(scenario, html_path, summary_path, as_json, f"seed{scenario.seed}")
    # Loaded before the chain starts: a replay must not end without the means to report it.
    from agent.report.html import render_html  # noqa: PLC0415

    console = Console(stderr=as_json)
    try:
        require_replayable(scenario, settings, config)
        for line in scenario_misfits(scenario, settings):
            console.print(f"Bounds and book do not fit: {line}", soft_wrap=True, highlight=False)
        report = _replayed(scenario, config, console, kinds)
    except AgentError as refusal:
        publish(*refused(scenario, refusal), html_target, json_target, as_json)
        raise
    publish(render_html(report), summary_json(report), html_target, json_target, as_json)
    _conclude(console, report, {"Report": html_target, "Ledger": _keep_ledger(html_target), "Summary": json_target})
    if report.ended_early == INTERRUPTED:
        raise typer.Exit(EXIT_INTERRUPTED)
    if report.ended_early is not None:
        raise DataError(f"the replay ended after step {report.summary.steps:,}: {report.ended_early}")


def _replayed(scenario: Scenario, config: Path, console: Console, kinds: tuple[str, ...]) -> ReplayReport:
    try:
        with LiveTable(console, scenario) as table:
            return replay(scenario, config, table, kinds)
    except KeyboardInterrupt:
        console.print("Interrupted before the first step: the local chain is stopped, and there is nothing to report.")
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _after_json(as_json: bool, written: str | None, summary_path: Path | None) -> tuple[bool, Path | None]:
    """Read ``--json PATH``, as 0.1 had it, as ``--summary PATH``, and say so."""
    if written is None:
        return as_json, summary_path
    if not as_json or summary_path is not None:
        raise DataError(f"unexpected argument {written!r}; leave it out, or write --summary {written}")
    if written == _STDOUT:
        typer.echo("evenkeel: --json - is now --json alone; the old form goes in the next version", err=True)
        return True, None
    typer.echo(f"evenkeel: --json PATH is now --summary {written}; the old form goes in the next version", err=True)
    return False, Path(written)


def _keep_ledger(html_target: Path) -> Path:
    """Copy the run's ledger beside its report."""
    kept = html_target.with_suffix(".ledger.sqlite")
    try:
        kept.unlink(missing_ok=True)
        with closing(sqlite3.connect(LEDGER_PATH)) as ledger, closing(sqlite3.connect(kept)) as copy:
            ledger.backup(copy)
    except (OSError, sqlite3.Error) as error:
        raise DataError(f"{kept}: the ledger cannot be copied there ({error}); choose another --html") from None
    return kept


def _conclude(console: Console, report: ReplayReport, files: Mapping[str, Path | None]) -> None:
    summary = report.summary
    lines = [
        ("Hedge effectiveness", verdict(summary.effectiveness, report.interval_seconds)),
        ("Book alone", money_change(summary.pnl_unhedged_usd)),
        ("Book with hedge", f"{money_change(summary.pnl_hedged_usd)} after {money(summary.costs.total_usd)} of costs"),
        ("IV", iv_in_brief(report)),
        (
            "Rebalances",
            f"{summary.rebalances:,}, {summary.rejected:,} refused on chain, "
            f"{summary.band_breaches_after_rebalance:,} left the worst case outside the band",
        ),
        ("Time", f"{duration(summary.wall_s)}, 99 of 100 decisions in {summary.p99_decision_ms:.1f} ms"),
        *((name, str(path)) for name, path in files.items() if path is not None),
    ]
    for name, text in lines:
        console.print(Text.assemble("  ", (f"{name:<20}", "bold"), text), soft_wrap=True)
