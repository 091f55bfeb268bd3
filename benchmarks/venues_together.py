"""What a week of hedging costs on one venue, on the other, and on both: full replays on the local chain.

Where the price histories are not here, the demonstration's generated day stands for the week.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from agent.demo.scenario import Scenario
from agent.localnet.registry import MARKET_PROTOCOLS
from agent.report.replay_report import ReplayReport
from benchmarks.backtest_fidelity import WEEKS, chain_report, day_scenario, week_scenario
from benchmarks.figure import Figure


def run() -> list[Figure]:
    """Return cost and effectiveness of each venue alone, and those of all together against the cheapest alone."""
    scenario = week_scenario(WEEKS[0]) or day_scenario()
    alone = {kind: _replayed(scenario, (kind,)) for kind in MARKET_PROTOCOLS}
    together = _replayed(scenario, tuple(MARKET_PROTOCOLS))
    figures = [figure for kind, report in alone.items() for figure in _figures(kind, report)]
    cheapest = min(alone, key=lambda kind: alone[kind].summary.costs.total_usd)
    peer_usd = alone[cheapest].summary.costs.total_usd
    figures.append(
        Figure.against("cost, together", together.summary.costs.total_usd, "USD", f"{cheapest} alone", peer_usd)
    )
    return [*figures, *_figures("together", together)[1:]]


def _replayed(scenario: Scenario, kinds: tuple[str, ...]) -> ReplayReport:
    with tempfile.TemporaryDirectory() as directory:
        return chain_report(scenario, Path(directory), kinds)


def _figures(name: str, report: ReplayReport) -> list[Figure]:
    summary = report.summary
    removed = summary.effectiveness
    return [
        Figure(f"cost, {name}", summary.costs.total_usd, "USD"),
        *([] if removed is None else [Figure(f"variance removed, {name}", removed, "ratio")]),
        Figure(f"rebalances, {name}", summary.rebalances, "count"),
        Figure(f"breaches and wrong forecasts, {name}", _faults(report), "count"),
    ]


def _faults(report: ReplayReport) -> int:
    return report.summary.band_breaches_after_rebalance + (report.summary.guard_mirror_mismatches or 0)
