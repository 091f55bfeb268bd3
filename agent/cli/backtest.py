"""``evenkeel backtest``: the keeper's own decisions over a price history, without a chain; or a whole study of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent.backtest.pool_market import History
from agent.backtest.price_series import PriceSeries
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
from agent.cli.stopping import EXIT_INTERRUPTED, stopped_by_signals
from agent.demo.preflight import require_backtestable, scenario_misfits
from agent.demo.scenario import Scenario
from agent.demo.world import NETWORK
from agent.errors import AgentError, DataError
from agent.report.effectiveness import verdict
from agent.report.formatting import duration, money, money_change
from agent.report.replay_report import ReplayReport
from agent.report.summary import summary_json
from agent.settings import Settings, config_path, load_settings
from agent.study.case import Case, Outcome
from agent.study.cases import LOCAL_BASE_FEE_GWEI, cases_of
from agent.study.comparison import compare
from agent.study.results import Results
from agent.study.study_file import StudyFile, read_study
from agent.study.study_text import study_document, study_lines
from agent.study.walk_forward import walk_forward
from agent.study.workers import outcomes
from agent.units import Rounding, gwei_to_wei

EXAMPLE = "Example: evenkeel backtest examples/study.toml --workers 2"
STUDY_DIRECTORY = Path(".evenkeel") / "studies"
MOST_WORKERS = 1_024


def backtest(
    study: Annotated[
        Path | None,
        typer.Argument(help="TOML of periods, books, policies and bounds; one replay without it.", show_default=False),
    ] = None,
    prices: PricesFile = None,
    start: Start = None,
    end: End = None,
    symbol: Symbol = None,
    book: BookFile = None,
    iv: IvFile = None,
    iv_realised: IvRealised = None,
    gas: Annotated[
        Path | None, typer.Option(help="Parquet or CSV of time and gas_price_gwei; 20 gwei without it.")
    ] = None,
    funding: Annotated[
        Path | None,
        typer.Option(
            help="Parquet or CSV of time, coin, venue, funding_rate and interval_h; the pool's own without it."
        ),
    ] = None,
    funding_venue: Annotated[str, typer.Option(help="Venue in the funding file.")] = "binance",
    seed: Seed = DEFAULT_SEED,
    config_file: ConfigFile = None,
    html_path: HtmlFile = None,
    summary_path: SummaryFile = None,
    workers: Annotated[
        int, typer.Option(min=1, max=MOST_WORKERS, help="For a study: processes here; on Ray, cases at a time.")
    ] = 1,
    ray: Annotated[
        str | None, typer.Option(help="For a study: address of a Ray cluster, or 'local' to start one (extra 'scale').")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="For a study: directory of its outcomes; .evenkeel/studies/STUDY without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replay policies, books and bounds over price histories, without a chain.

    The decision, the guard's mirror and the cost curves are the keeper's. One replay leaves a report as evenkeel demo
    does. A study replays every combination over each of its periods; one that was stopped goes on where it was, and its
    figures are the same whatever the number of workers.
    """
    if study is not None:
        given = [prices, start, end, symbol, book, iv, iv_realised, gas, funding, config_file, html_path, summary_path]
        if any(option is not None for option in given):
            raise DataError(f"{study} says what is replayed; leave out the options of a single replay, or the study")
        _study(study, workers, ray, out, as_json)
        return
    scenario = scenario_of(prices, start, end, symbol, book, seed, iv, iv_realised)
    config = config_path(NETWORK if config_file is None else str(config_file))
    html_target, json_target = report_targets(scenario, html_path, summary_path, as_json, "backtest")
    # Loaded first: a replay must not end without the means to report it.
    from agent.report.html import render_html  # noqa: PLC0415 - a study needs no pictures
    from agent.study.replay_report import backtest_report  # noqa: PLC0415 - nor a report

    try:
        history = _history(scenario, gas, funding, funding_venue)
        settings = load_settings(config, {})
        require_backtestable(scenario, settings, config)
        _tell_misfits(scenario, settings, history)
        with stopped_by_signals() as stop:
            report = backtest_report(scenario, settings, history, stop.is_set)
    except AgentError as refusal:
        publish(*refused(scenario, refusal), html_target, json_target, as_json)
        raise
    publish(render_html(report), summary_json(report), html_target, json_target, as_json)
    if not as_json:
        _conclude(report, html_target, json_target)
    if report.ended_early == INTERRUPTED:
        raise typer.Exit(EXIT_INTERRUPTED)
    if report.ended_early is not None:
        raise DataError(f"the replay ended early: {report.ended_early}")


def _tell_misfits(scenario: Scenario, settings: Settings, history: History) -> None:
    for line in scenario_misfits(scenario, settings, gwei_to_wei(float(history.base_fees_gwei[0]), Rounding.UP)):
        typer.echo(f"Bounds and book do not fit: {line}", err=True)


def _history(scenario: Scenario, gas: Path | None, funding: Path | None, venue: str) -> History:
    series: PriceSeries = scenario.prices
    fees, rates = np.full(len(series), LOCAL_BASE_FEE_GWEI), None
    if gas is not None or funding is not None:
        from agent.files.history_file import load_funding_per_day, load_gas_gwei  # noqa: PLC0415 - Parquet's own time

        fees = fees if gas is None else load_gas_gwei(gas, series.times_unix)
        if funding is not None:
            rates = load_funding_per_day(funding, scenario.book.underlying, venue, series.times_unix)
    return History(fees, rates)


def _conclude(report: ReplayReport, html_target: Path, json_target: Path | None) -> None:
    summary = report.summary
    lines = [
        *([("Ended early", f"after step {summary.steps:,}: {report.ended_early}")] if report.ended_early else []),
        ("Hedge effectiveness", verdict(summary.effectiveness, report.interval_seconds)),
        ("Book alone", money_change(summary.pnl_unhedged_usd)),
        ("Book with hedge", f"{money_change(summary.pnl_hedged_usd)} after {money(summary.costs.total_usd)} of costs"),
        (
            "Rebalances",
            f"{summary.rebalances:,}, {summary.band_breaches_after_rebalance:,} left the worst case outside the band",
        ),
        ("Time", f"{duration(summary.wall_s)}, {summary.steps / summary.wall_s:,.0f} decisions a second"),
        ("Report", str(html_target)),
        *([] if json_target is None else [("Summary", str(json_target))]),
    ]
    for name, text in lines:
        typer.echo(f"  {name:<20}{text}")


# --- a study ------------------------------------------------------------------------------------------------------


def _study(study: Path, workers: int, ray: str | None, out: Path | None, as_json: bool) -> None:
    read = read_study(study)
    cases = cases_of(read, study.parent)
    directory = out or STUDY_DIRECTORY / study.stem
    results = Results(_directory(directory) / "outcomes.jsonl")
    _run_missing(cases, results, workers, ray, Console(stderr=True))
    _publish_study(read, _known(cases, results), directory, as_json)


def _directory(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"--out {path}: cannot be made ({error.strerror}); choose another") from None
    return path


def _run_missing(cases: list[Case], results: Results, workers: int, ray: str | None, console: Console) -> None:
    missing = [case for case in cases if results.get(case.key) is None]
    if len(missing) < len(cases):
        console.print(f"{len(cases) - len(missing):,} of {len(cases):,} are known from before")
    if not missing:
        return
    columns = (TextColumn("replays"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(missing))
        for outcome in outcomes(missing, workers, ray):
            results.add(outcome)
            progress.advance(task)


def _known(cases: list[Case], results: Results) -> list[Outcome]:
    """Return the outcomes in the study's own order."""
    return [outcome for case in cases if (outcome := results.get(case.key)) is not None]


def _publish_study(study: StudyFile, lived: list[Outcome], directory: Path, as_json: bool) -> None:
    rows, rule = compare(lived, study.seed), study.walk_forward
    choices = walk_forward(lived, rule.train_periods, rule.held_back, rule.least_effectiveness) if rule else []
    document = json.dumps(study_document(rows, choices, lived), indent=2, allow_nan=False) + "\n"
    target = directory / "study.json"
    try:
        target.write_text(document, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{target}: cannot be written ({error.strerror}); choose another --out") from None
    if as_json:
        sys.stdout.write(document)
        return
    for line in study_lines(rows, choices, lived):
        typer.echo(line)
    typer.echo(f"Figures: {target}")
