"""``evenkeel backtest``: the keeper's own decisions over a price history, without a chain; or a whole study of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent.errors import DataError
from agent.study.case import Case, Outcome
from agent.study.cases import cases_of
from agent.study.comparison import compare
from agent.study.results import Results
from agent.study.study_file import StudyFile, read_study
from agent.study.study_text import study_document, study_lines
from agent.study.walk_forward import walk_forward
from agent.study.workers import outcomes

EXAMPLE = "Example: evenkeel backtest examples/study.toml --workers 2"
STUDY_DIRECTORY = Path(".evenkeel") / "studies"
MOST_WORKERS = 1_024


def backtest(
    study: Annotated[Path, typer.Argument(help="TOML of periods, books, policies and bounds.", show_default=False)],
    workers: Annotated[
        int, typer.Option(min=1, max=MOST_WORKERS, help="Processes of this machine; on Ray, cases at a time.")
    ] = 1,
    ray: Annotated[
        str | None, typer.Option(help="Address of a Ray cluster, or 'local' to start one here (extra 'scale').")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory that keeps the outcomes; .evenkeel/studies/STUDY unless given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Replay policies, books and bounds over price histories, without a chain.

    Every combination is replayed over each of the study's periods. The decision, the guard's mirror and the cost
    curves are the keeper's. A study that was stopped goes on where it was, and its figures are the same whatever the
    number of workers.
    """
    read = read_study(study)
    cases = cases_of(read, study.parent)
    directory = out or STUDY_DIRECTORY / study.stem
    results = Results(_directory(directory) / "outcomes.jsonl")
    _run_missing(cases, results, workers, ray, Console(stderr=True))
    _publish(read, _known(cases, results), directory, as_json)


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
    columns = (TextColumn("replays"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(missing))
        for outcome in outcomes(missing, workers, ray) if missing else ():
            results.add(outcome)
            progress.advance(task)


def _known(cases: list[Case], results: Results) -> list[Outcome]:
    """Return the outcomes in the study's own order."""
    return [outcome for case in cases if (outcome := results.get(case.key)) is not None]


def _publish(study: StudyFile, lived: list[Outcome], directory: Path, as_json: bool) -> None:
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
