"""What a replay took for implied volatility, and what another one would have done to the book."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.products.european import black76_standard_greeks
from agent.report.replay_report import ReplayReport
from agent.risk.exposure import live_options
from agent.units import Seconds

SHOCK_ANNUAL = 0.20
"""Twenty points, about what a crash week adds."""
LEAST_IV_ANNUAL = 0.01
"""A fall of IV stops here."""


@dataclass(frozen=True, slots=True)
class IvShock:
    """What the book's value would have changed by, had every leg's IV moved at one instant, USD.

    The hedge is perpetuals, which have no vega: book and hedge together change by the same.
    """

    unix: int
    up_usd: float
    down_usd: float
    is_cut_short: bool
    """Whether a leg's IV is so low that the fall stopped at `LEAST_IV_ANNUAL`."""


@dataclass(frozen=True, slots=True)
class IvAssumption:
    """IV of the legs in the book, what the mark followed, and both shocks; None of all for a book without options."""

    lowest_iv_annual: float
    highest_iv_annual: float
    rule: str | None
    lowest_shift_annual: float
    highest_shift_annual: float
    last_shift_annual: float
    at_start: IvShock
    worst: IvShock
    """Where the larger of both losses was largest."""
    at_end: IvShock


def iv_assumption(report: ReplayReport) -> IvAssumption | None:
    """Return what was assumed of IV; shocks are full revaluations at the step's own price, time and mark."""
    options = report.book.options
    if not options:
        return None
    shifts = np.array([*(step.iv_shift_annual for step in report.steps), report.closing.iv_shift_annual])
    shocks = [_shock(report, step.unix, step.price_usd, step.iv_shift_annual) for step in report.steps]
    levels = [leg.iv_annual for leg in options]
    return IvAssumption(
        lowest_iv_annual=min(levels),
        highest_iv_annual=max(levels),
        rule=report.iv_rule,
        lowest_shift_annual=float(shifts.min()),
        highest_shift_annual=float(shifts.max()),
        last_shift_annual=float(shifts[-1]),
        at_start=shocks[0],
        worst=min(shocks, key=lambda shock: min(shock.up_usd, shock.down_usd)),
        at_end=shocks[-1],
    )


def _shock(report: ReplayReport, unix: Seconds, price_usd: float, shift_annual: float) -> IvShock:
    legs = live_options(report.book, unix)
    lowest = float(legs.iv_annual.min(initial=np.inf)) + shift_annual
    down_annual = min(SHOCK_ANNUAL, max(lowest - LEAST_IV_ANNUAL, 0.0))

    def value_usd(shift: float) -> float:
        vols = legs.iv_annual + shift
        each = black76_standard_greeks(legs.is_call, price_usd, legs.strike_usd, legs.tau_years, vols).value
        return float(legs.quantity @ each)

    marked_usd = value_usd(shift_annual)
    return IvShock(
        unix=unix,
        up_usd=value_usd(shift_annual + SHOCK_ANNUAL) - marked_usd,
        down_usd=value_usd(shift_annual - down_annual) - marked_usd,
        is_cut_short=down_annual < SHOCK_ANNUAL,
    )
