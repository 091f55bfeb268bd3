"""Options that `evenkeel demo` and `evenkeel backtest` share: what is replayed, and where its report goes."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agent.demo.provenance import inputs
from agent.demo.scenario import Scenario, file_scenario, realised_iv, seeded_scenario
from agent.errors import AgentError, DataError, PreflightError
from agent.files.iv_file import load_iv_path
from agent.files.timestamps import parse_utc

REPORT_DIRECTORY = Path(".evenkeel") / "reports"
DEFAULT_SYMBOL = "ETHUSDT"


PricesFile = Annotated[
    Path | None,
    typer.Option(help="Parquet with open_ts (UTC), symbol and open. Without it a seeded path is replayed."),
]
Start = Annotated[str | None, typer.Option("--from", help="First instant, such as 2024-08-01 or 2024-08-01T06:00:00Z.")]
End = Annotated[str | None, typer.Option("--to", help="End of the span; the instant itself is not replayed.")]
Symbol = Annotated[str | None, typer.Option(help=f"Symbol in the file; {DEFAULT_SYMBOL} unless given.")]
BookFile = Annotated[
    Path | None,
    typer.Option(help="Book of positions. Without it: short 100 calls at the money, 30 days left."),
]
IvFile = Annotated[
    Path | None,
    typer.Option(
        help="CSV of time and iv (0.65 is 65 %): the book's mark follows its changes, every leg in parallel; or of "
        "levels by days (iv_7d, iv_30d) and a skew, each leg by its own. Keeper and chain go on with the book's own "
        "IV. Without it IV is held."
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


def scenario_of(
    prices: Path | None,
    start: str | None,
    end: str | None,
    symbol: str | None,
    book: Path | None,
    seed: int,
    iv: Path | None,
    iv_realised: int | None,
) -> Scenario:
    """Return what the options name; `DataError` where they contradict one another or a file cannot be read."""
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
    first, last = span_of(prices, start, end)
    scenario = file_scenario(prices, symbol or DEFAULT_SYMBOL, first, last, book, seed)
    if iv_realised is not None:
        iv_path = realised_iv(prices, symbol or DEFAULT_SYMBOL, first, last, iv_realised)
    return replace(scenario, iv_path=iv_path)


def span_of(prices: Path, start: str | None, end: str | None) -> tuple[datetime, datetime]:
    """Return the span of a price file that --from and --to name; `DataError` where one is missing or no time."""
    if start is None or end is None:
        raise DataError(
            f"--prices {prices} needs a span; add --from and --to, such as --from 2024-08-01 --to 2024-08-08"
        )
    return parse_utc(start, "--from"), parse_utc(end, "--to")


def report_targets(
    scenario: Scenario, html_path: Path | None, summary_path: Path | None, as_json: bool, stem_end: str
) -> tuple[Path, Path | None]:
    """Return where the report and the summary go (None is no file), checked before anything starts."""
    first, last = (
        datetime.fromtimestamp(unix, tz=UTC) for unix in (scenario.prices.start_unix, scenario.prices.end_unix)
    )
    stem = f"{scenario.prices.symbol}-{first:%Y%m%dT%H%M}-{last:%Y%m%dT%H%M}-{stem_end}"
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


def publish(page: str, summary: str, html_target: Path, json_target: Path | None, as_json: bool) -> None:
    """Write page and summary, and print the summary where it was asked for."""
    _write(html_target, page)
    if as_json:
        sys.stdout.write(summary)
    if json_target is not None:
        _write(json_target, summary)


def refused(scenario: Scenario, refusal: AgentError) -> tuple[str, str]:
    """Return page and summary of a replay without a step."""
    from agent.report.refusal import refusal_json, render_refusal  # noqa: PLC0415 - a start that is not refused renders none

    reasons = refusal.findings if isinstance(refusal, PreflightError) else (str(refusal),)
    asked = inputs(scenario)
    return render_refusal(scenario.title, asked, scenario.book, reasons), refusal_json(asked, reasons)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); choose another path") from None
