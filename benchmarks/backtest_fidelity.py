"""How near a backtest comes to the full replay: the same prices and books over the local chain's real contracts.

Books: short calls, short and long straddles, strangles of a day that are written anew each day, options with a holding,
and the first at a fifth of its size. Where the price histories are not here, a generated day stands for the weeks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import chdir, nullcontext
from dataclasses import replace
from pathlib import Path

from agent.backtest.price_series import PriceSeries
from agent.demo.replay import replay as replay_on_chain
from agent.demo.scenario import Scenario, deposit_usd, seeded_scenario
from agent.domain import OptionType
from agent.localnet.registry import DEFAULT_KINDS
from agent.report.replay_report import ReplayReport, StepRecord
from agent.settings import config_path
from agent.study.book_template import BookTemplate, OptionTemplate
from agent.study.case import run as replay
from benchmarks.figure import Figure
from benchmarks.vault_world import VaultWeek, local_settings, real_weeks

WEEKS = ("2024-08-01", "2025-10-06")
VOL_ANNUAL = 0.65
DAYS_A_WEEK = 7
CALL, PUT = OptionType.CALL, OptionType.PUT


def _straddle(quantity: float) -> BookTemplate:
    return BookTemplate(tuple(OptionTemplate(right, 1.0, 30.0, quantity) for right in (CALL, PUT)))


BOOKS = {
    "short calls": BookTemplate((OptionTemplate(CALL, 1.0, 30.0, -100.0),)),
    "short straddle": _straddle(-50.0),
    "long straddle": _straddle(50.0),
    "options and holding": BookTemplate((OptionTemplate(CALL, 1.1, 30.0, -100.0),), holding=40.0),
    "a fifth": BookTemplate((OptionTemplate(CALL, 1.0, 30.0, -20.0),)),
}


class _Silent:
    """Watches a replay and says nothing."""

    def phase(self, words: str) -> nullcontext[None]:
        """Return a context that does nothing."""
        del words
        return nullcontext()

    def begin(self) -> None:
        """Do nothing."""

    def step(self, record: StepRecord) -> None:
        """Do nothing."""


def run() -> list[Figure]:
    """Return what each week and book costs and removes, and how far the chain's figures are from that."""
    figures: list[Figure] = []
    for name, scenario in _scenarios():
        with tempfile.TemporaryDirectory() as directory:
            report = chain_report(scenario, Path(directory))
        outcome = replay(VaultWeek(name, scenario.prices, scenario.book).case(local_settings(), 20.0))
        summary = report.summary
        figures.append(Figure.against(f"{name}: cost", outcome.cost_usd, "USD", "local chain", summary.costs.total_usd))
        ours, theirs = outcome.effectiveness, summary.effectiveness
        if ours is not None and theirs is not None:
            figures.append(Figure.against(f"{name}: variance removed", ours, "ratio", "local chain", theirs))
        figures.append(
            Figure.against(f"{name}: rebalances", outcome.rebalances, "count", "local chain", summary.rebalances)
            if summary.rebalances
            else Figure(f"{name}: rebalances", outcome.rebalances, "count")
        )
    return figures


def day_scenario() -> Scenario:
    """Return the demonstration's generated day."""
    return seeded_scenario(4, None)


def chain_report(scenario: Scenario, directory: Path, kinds: tuple[str, ...] = DEFAULT_KINDS) -> ReplayReport:
    """Replay on the local chain, on venues of these kinds; its files go into ``directory``."""
    config = config_path("localnet").resolve()
    with chdir(directory):
        return replay_on_chain(scenario, config, _Silent(), kinds)


def week_scenario(name: str) -> Scenario | None:
    """Return a week with the short calls, or None where its prices are not here."""
    found = [week for week in real_weeks() if week.name == name]
    return _scenario(found[0].prices, BOOKS["short calls"], "short calls") if found else None


def _scenarios() -> Iterator[tuple[str, Scenario]]:
    weeks = [week for week in real_weeks() if week.name in WEEKS]
    if not weeks:
        yield "generated day, short calls", day_scenario()
    for week in weeks:
        for name, template in BOOKS.items():
            yield f"{week.name}, {name}", _scenario(week.prices, template, name)


def _scenario(prices: PriceSeries, template: BookTemplate, name: str) -> Scenario:
    book = template.book(prices, VOL_ANNUAL)
    book = replace(book, underlying="ETH")
    return Scenario(name, prices, book, name, 1, deposit_usd(book, float(prices.prices_usd[0])))
