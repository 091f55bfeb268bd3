"""``evenkeel demo``: the whole of Evenkeel on a local chain, over a generated or a real price path."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from agent.backtest.seeded_day import DEFAULT_SEED
from agent.demo.live_table import LiveTable
from agent.demo.preflight import require_replayable
from agent.demo.provenance import inputs
from agent.demo.replay import INTERRUPTED, replay
from agent.demo.scenario import Scenario, file_scenario, realised_iv, seeded_scenario
from agent.demo.world import LEDGER_PATH, NETWORK
from agent.errors import AgentError, DataError, PreflightError
from agent.files.iv_file import load_iv_path
from agent.files.timestamps import parse_instant
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
REPORT_DIRECTORY = Path(".evenkeel") / "reports"
EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

_STDOUT = "-"
_DEFAULT_SYMBOL = "ETHUSDT"


PricesFile = Annotated[
    Path | None,
    typer.Option(help="Parquet with open_ts (UTC), symbol and open. Without it a seeded path is replayed."),
]
Start = Annotated[str | None, typer.Option("--from", help="First instant, such as 2024-08-01 or 2024-08-01T06:00:00Z.")]
End = Annotated[str | None, typer.Option("--to", help="End of the span; the instant itself is not replayed.")]
Symbol = Annotated[str | None, typer.Option(help=f"Symbol in the file; {_DEFAULT_SYMBOL} unless given.")]
BookFile = Annotated[
    Path | None,
    typer.Option(help="Book of positions. Without it: short 100 calls at the money, 30 days left."),
]
IvFile = Annotated[
    Path | None,
    typer.Option(
        help="CSV of time and iv (0.65 is 65 %): the book's mark follows its changes, every leg in parallel. "
        "Keeper and chain go on with the book's own IV. Without it IV is held."
    ),
]
IvRealised = Annotated[
    int | None,
    typer.Option(
        min=1, help="Instead of --iv: IV follows the realised volatility of so many trailing days of --prices."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the generated path and of the local chain.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML of bounds, policy and costs, instead of config/localnet.toml.")
]
HtmlFile = Annotated[Path | None, typer.Option("--html", help="Where the HTML report goes.")]
SummaryFile = Annotated[Path | None, typer.Option("--summary", help="Where the JSON summary goes.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the JSON summary; a file of it only where --summary names one.")
]


def demo(
    prices: PricesFile = None,
    start: Start = None,
    end: End = None,
    symbol: Symbol = None,
    book: BookFile = None,
    iv: IvFile = None,
    iv_realised: IvRealised = None,
    seed: Seed = DEFAULT_SEED,
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
    scenario = _scenario(prices, start, end, symbol, book, seed, iv, iv_realised)
    html_target, json_target = _targets(scenario, html_path, summary_path, as_json)
    # Loaded before the chain starts: a replay must not end without the means to report it.
    from agent.report.html import render_html  # noqa: PLC0415

    console = Console(stderr=as_json)
    try:
        require_replayable(scenario, settings, config)
        report = _replayed(scenario, config, console)
    except AgentError as refusal:
        _publish(*_refused(scenario, refusal), html_target, json_target, as_json)
        raise
    _publish(render_html(report), summary_json(report), html_target, json_target, as_json)
    _conclude(console, report, {"Report": html_target, "Ledger": _keep_ledger(html_target), "Summary": json_target})
    if report.ended_early == INTERRUPTED:
        raise typer.Exit(EXIT_INTERRUPTED)
    if report.ended_early is not None:
        raise DataError(f"the replay ended after step {report.summary.steps:,}: {report.ended_early}")


def _replayed(scenario: Scenario, config: Path, console: Console) -> ReplayReport:
    try:
        with LiveTable(console, scenario) as table:
            return replay(scenario, config, table)
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


def _scenario(
    prices: Path | None,
    start: str | None,
    end: str | None,
    symbol: str | None,
    book: Path | None,
    seed: int,
    iv: Path | None,
    iv_realised: int | None,
) -> Scenario:
    if iv is not None and iv_realised is not None:
        raise DataError("--iv and --iv-realised both say what IV follows; give one of them")
    iv_path = None if iv is None else load_iv_path(iv)
    if prices is None:
        if iv_realised is not None:
            raise DataError("--iv-realised needs prices before the start; add --prices FILE.parquet, or give --iv")
        for option, given in (("--from", start), ("--to", end), ("--symbol", symbol)):
            if given is not None:
                raise DataError(f"{option} chooses from a price file; add --prices FILE.parquet, or leave it out")
        return replace(seeded_scenario(seed, book), iv_path=iv_path)
    if start is None or end is None:
        raise DataError(
            f"--prices {prices} needs a span; add --from and --to, such as --from 2024-08-01 --to 2024-08-08"
        )
    first, last = (
        datetime.fromtimestamp(parse_instant(written, option), tz=UTC)
        for written, option in ((start, "--from"), (end, "--to"))
    )
    scenario = file_scenario(prices, symbol or _DEFAULT_SYMBOL, first, last, book, seed)
    if iv_realised is not None:
        iv_path = realised_iv(prices, symbol or _DEFAULT_SYMBOL, first, last, iv_realised)
    return replace(scenario, iv_path=iv_path)


def _targets(
    scenario: Scenario, html_path: Path | None, summary_path: Path | None, as_json: bool
) -> tuple[Path, Path | None]:
    """Return where the report and the summary go (None is no file), checked before anything starts."""
    first, last = (
        datetime.fromtimestamp(unix, tz=UTC) for unix in (scenario.prices.start_unix, scenario.prices.end_unix)
    )
    stem = f"{scenario.prices.symbol}-{first:%Y%m%dT%H%M}-{last:%Y%m%dT%H%M}-seed{scenario.seed}"
    needs_summary = summary_path is None and not as_json
    if html_path is None or needs_summary:
        _make_report_directory()
    html_target = _checked_target(html_path or REPORT_DIRECTORY / f"{stem}.html", "--html")
    if needs_summary:
        summary_path = REPORT_DIRECTORY / f"{stem}.json"
    return html_target, None if summary_path is None else _checked_target(summary_path, "--summary")


def _make_report_directory() -> None:
    try:
        REPORT_DIRECTORY.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{REPORT_DIRECTORY}: cannot be made ({error.strerror}); give --html and --summary, or mend the permissions"
        ) from None


def _checked_target(path: Path, option: str) -> Path:
    if path.is_dir():
        raise DataError(f"{option} {path} is a directory; name a file in it")
    if not path.parent.is_dir():
        raise DataError(f"{option} {path}: no directory {path.parent}; create it or choose another path")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise DataError(f"{option} {path}: not writable; choose another path or mend the permissions")
    return path


def _refused(scenario: Scenario, refusal: AgentError) -> tuple[str, str]:
    """Return page and summary of a replay without a step."""
    from agent.report.refusal import refusal_json, render_refusal  # noqa: PLC0415 - only where it is needed

    reasons = refusal.findings if isinstance(refusal, PreflightError) else (str(refusal),)
    asked = inputs(scenario)
    return render_refusal(scenario.title, asked, scenario.book, reasons), refusal_json(asked, reasons)


def _publish(page: str, summary: str, html_target: Path, json_target: Path | None, as_json: bool) -> None:
    _write(html_target, page)
    if as_json:
        sys.stdout.write(summary)
    if json_target is not None:
        _write(json_target, summary)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); choose another path") from None


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
