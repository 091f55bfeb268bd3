"""What a replay took for implied volatility, and what another one would have done to the book."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.numerics.arrays import FloatArray
from agent.products.european import black76_standard_greeks
from agent.report.replay_report import Closing, ReplayReport, StepRecord
from agent.risk.exposure import LiveOptions, live_options

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
    is_parallel: bool
    """Whether every leg moved alike."""
    lowest_shift_annual: float
    highest_shift_annual: float
    """Of any leg, while it lived."""
    last_shift_annual: float
    """At the last mark with a leg alive: the mean over the legs, weighted by their sizes."""
    at_start: IvShock
    worst: IvShock
    """Where the larger of both losses was largest."""
    at_end: IvShock


def iv_assumption(report: ReplayReport) -> IvAssumption | None:
    """Return what was assumed of IV; shocks are full revaluations at the step's own price, time and mark."""
    options = report.book.options
    if not options:
        return None
    shifts = [leg_shifts(report, mark) for mark in report.marks]
    told = [(legs, moves) for legs, moves in shifts if moves.size] or shifts[:1]
    moved = np.concatenate([moves for _, moves in told])
    last_legs, last = told[-1]
    shocks = [_shock(step, *shift) for step, shift in zip(report.steps, shifts[:-1], strict=True)]
    levels = [leg.iv_annual for leg in options]
    return IvAssumption(
        lowest_iv_annual=min(levels),
        highest_iv_annual=max(levels),
        rule=report.iv_rule,
        is_parallel=all(mark.iv_move.is_parallel for mark in report.marks),
        lowest_shift_annual=float(moved.min(initial=0.0)),
        highest_shift_annual=float(moved.max(initial=0.0)),
        last_shift_annual=float(np.average(last, weights=np.abs(last_legs.quantity))) if last.size else 0.0,
        at_start=shocks[0],
        worst=min(shocks, key=lambda shock: min(shock.up_usd, shock.down_usd)),
        at_end=shocks[-1],
    )


def leg_shifts(report: ReplayReport, mark: StepRecord | Closing) -> tuple[LiveOptions, FloatArray]:
    """Return the legs alive at a mark, and how far each one's volatility is from the book's own."""
    legs = live_options(report.book, mark.unix)
    return legs, mark.iv_move.of(legs.strike_usd, mark.price_usd, legs.tau_years)


def _shock(step: StepRecord, legs: LiveOptions, moves: FloatArray) -> IvShock:
    marked = legs.iv_annual + moves
    down_annual = min(SHOCK_ANNUAL, max(float(marked.min(initial=np.inf)) - LEAST_IV_ANNUAL, 0.0))

    def value_usd(shift: float) -> float:
        vols = marked + shift
        each = black76_standard_greeks(legs.is_call, step.price_usd, legs.strike_usd, legs.tau_years, vols).value
        return float(legs.quantity @ each)

    marked_usd = value_usd(0.0)
    return IvShock(
        unix=step.unix,
        up_usd=value_usd(SHOCK_ANNUAL) - marked_usd,
        down_usd=value_usd(-down_annual) - marked_usd,
        is_cut_short=down_annual < SHOCK_ANNUAL,
    )
