"""What the settings of a study cost and remove, over all its periods together, and which of them nothing beats.

Effectiveness over periods is one less the sum of their hedged variances over the sum of the unhedged: a period that
moves more counts for more. Intervals are of the bootstrap over periods, 95 %: periods are drawn with replacement, from
one seed, the same for all settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from agent.numerics.arrays import FloatArray
from agent.study.case import Outcome

RESAMPLES = 2_000
FEWEST_PERIODS = 3
"""Fewer give no interval."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A policy under bounds, for a book."""

    book: str
    bounds: str
    policy: str


@dataclass(frozen=True, slots=True)
class Row:
    """A setting over all its periods; money is a period's mean, USD."""

    setting: Setting
    periods: int
    cost_usd: float
    cost_interval_usd: tuple[float, float] | None
    gas_usd: float
    rebalances: float
    effectiveness: float | None
    effectiveness_interval: tuple[float, float] | None
    breaches: int
    seconds_outside_share: float
    largest_worst: float
    refused: int
    """Steps at which the guard would have refused what was wanted."""
    ended_early: int
    is_on_frontier: bool = False
    """No other setting of the same book costs less and removes as much."""


def compare(outcomes: Iterable[Outcome], seed: int) -> list[Row]:
    """Return a row for each setting, in the order of the outcomes; those on the frontier of their book are marked."""
    by_setting: dict[Setting, list[Outcome]] = {}
    for outcome in outcomes:
        setting = Setting(outcome.names.book, outcome.names.bounds, outcome.names.policy)
        by_setting.setdefault(setting, []).append(outcome)
    rows = [_row(setting, lived, seed) for setting, lived in by_setting.items()]
    return [_marked(row, rows) for row in rows]


def pooled_effectiveness(outcomes: Sequence[Outcome]) -> float | None:
    """Return the share of the variance of all periods together that the hedge removed."""
    unhedged = sum(outcome.variance_unhedged for outcome in outcomes)
    return 1.0 - sum(outcome.variance_hedged for outcome in outcomes) / unhedged if unhedged > 0.0 else None


def _row(setting: Setting, lived: Sequence[Outcome], seed: int) -> Row:
    costs = np.array([outcome.cost_usd for outcome in lived])
    hedged, unhedged = (
        np.array([getattr(outcome, name) for outcome in lived]) for name in ("variance_hedged", "variance_unhedged")
    )
    drawn = np.random.default_rng(seed).integers(len(lived), size=(RESAMPLES, len(lived)))
    has_interval = len(lived) >= FEWEST_PERIODS and bool(np.all(unhedged[drawn].sum(axis=1) > 0.0))
    steps = sum(outcome.steps for outcome in lived)
    return Row(
        setting=setting,
        periods=len(lived),
        cost_usd=float(costs.mean()),
        cost_interval_usd=_interval(costs[drawn].mean(axis=1)) if has_interval else None,
        gas_usd=sum(outcome.gas_usd for outcome in lived) / len(lived),
        rebalances=sum(outcome.rebalances for outcome in lived) / len(lived),
        effectiveness=pooled_effectiveness(lived),
        effectiveness_interval=(
            _interval(1.0 - hedged[drawn].sum(axis=1) / unhedged[drawn].sum(axis=1)) if has_interval else None
        ),
        breaches=sum(outcome.breaches for outcome in lived),
        seconds_outside_share=sum(outcome.steps_outside for outcome in lived) / steps if steps else 0.0,
        largest_worst=max(outcome.largest_worst for outcome in lived),
        refused=sum(sum(outcome.refusals.values()) for outcome in lived),
        ended_early=sum(outcome.error is not None for outcome in lived),
    )


def _interval(sample: FloatArray) -> tuple[float, float]:
    low, high = np.quantile(sample, [0.025, 0.975])
    return float(low), float(high)


def _marked(row: Row, rows: Sequence[Row]) -> Row:
    same_book = [other for other in rows if other.setting.book == row.setting.book and other is not row]
    return replace(row, is_on_frontier=row.ended_early == 0 and not any(_beats(other, row) for other in same_book))


def _beats(other: Row, row: Row) -> bool:
    if other.ended_early or other.effectiveness is None or row.effectiveness is None:
        return False
    ours, theirs = (row.cost_usd, -row.effectiveness), (other.cost_usd, -other.effectiveness)
    return theirs != ours and all(their <= our for their, our in zip(theirs, ours, strict=True))


def by_period(outcomes: Iterable[Outcome]) -> Mapping[str, list[Outcome]]:
    """Return outcomes by their period, in order."""
    periods: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        periods.setdefault(outcome.names.period, []).append(outcome)
    return periods
