"""How near a backtest comes to the full replay: the same prices and books over the local chain's real contracts.

Books: short calls, short and long straddles, options with a holding, and the first at a fifth of its size. Where the
price histories are not here, a generated day stands for the weeks. Two generated paths that no figure of the model was
fitted to come last, with two books each: a slow bleed, and a price that jumps by a fifth up and down twice a day.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import chdir, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np

from agent.backtest.price_series import PriceSeries
from agent.demo.replay import replay as replay_on_chain
from agent.demo.scenario import (
    SEEDED_START_PRICE_USD,
    SEEDED_START_UNIX,
    Scenario,
    deposit_usd,
    seeded_scenario,
)
from agent.domain import OptionType
from agent.localnet.registry import DEFAULT_KINDS
from agent.report.replay_report import ReplayReport, StepRecord
from agent.settings import config_path
from agent.study.book_template import BookTemplate, OptionTemplate
from agent.study.case import run as replay
from agent.study.generated_weeks import generated_weeks
from agent.units import Seconds
from benchmarks.figure import Figure
from benchmarks.vault_world import VaultWeek, local_settings, real_weeks

WEEKS = ("2024-08-01", "2025-10-06")
VOL_ANNUAL = 0.65
HOUR_SECONDS = Seconds(3_600)
STAIR_HOURS, HOURS_A_STAIR, STAIR_RATIO = 96, 12, 0.2
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


UNSEEN = ("short calls", "long straddle")
"""Books of the generated paths."""


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


def unseen_scenario() -> tuple[str, Scenario]:
    """Return the last of the generated paths, with the last of their books, and its name."""
    return list(_unseen())[-1]


def _scenarios() -> Iterator[tuple[str, Scenario]]:
    weeks = [week for week in real_weeks() if week.name in WEEKS]
    if not weeks:
        yield "generated day, short calls", day_scenario()
    for week in weeks:
        for name, template in BOOKS.items():
            yield f"{week.name}, {name}", _scenario(week.prices, template, name)
    yield from _unseen()


def _unseen() -> Iterator[tuple[str, Scenario]]:
    for path in _unseen_paths():
        for name in UNSEEN:
            yield f"{path.source}, {name}", _scenario(path, BOOKS[name], name)


def _unseen_paths() -> list[PriceSeries]:
    """Return the generated paths: quarters of an hour through a week, and hours through four days."""
    weeks = generated_weeks(SEEDED_START_PRICE_USD, SEEDED_START_UNIX)
    hours = np.arange(STAIR_HOURS, dtype=np.int64)
    stair = hours // HOURS_A_STAIR
    stairs = SEEDED_START_PRICE_USD * (1.0 - STAIR_RATIO) ** ((stair + 1) // 2) * (1.0 + STAIR_RATIO) ** (stair // 2)
    times = SEEDED_START_UNIX + HOUR_SECONDS * hours
    jumps = PriceSeries("ETHUSD", times, stairs, HOUR_SECONDS, "steps of 20 %", None)
    return [week for week in weeks if week.source == "a slow bleed"] + [jumps]


def _scenario(prices: PriceSeries, template: BookTemplate, name: str) -> Scenario:
    book = template.book(prices, VOL_ANNUAL)
    book = replace(book, underlying="ETH")
    return Scenario(name, prices, book, name, 1, deposit_usd(book, float(prices.prices_usd[0])))
