"""Where a replay's P&L came from, by Greek and by cost, as it built up: of the book alone and of book and hedge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from agent.numerics.arrays import FloatArray
from agent.report.replay_report import HedgingCosts, ReplayReport
from agent.risk.attribution import Attribution, MarkPath, StepCosts, attribute_path
from agent.risk.exposure import LiveOptions, held_quantity, live_options
from agent.units import SECONDS_PER_YEAR

TOTAL = "total"
OPTIONS = "options"
UNEXPLAINED = "unexplained"
_SOURCES: Mapping[str, Callable[[Attribution], FloatArray]] = {
    "delta": lambda found: found.delta_usd + found.hedge_usd,
    "gamma": lambda found: found.gamma_usd + found.speed_usd,
    "theta": lambda found: found.theta_usd + found.charm_usd,
    "vega": lambda found: found.vega_usd + found.vanna_usd + found.volga_usd,
    OPTIONS: lambda found: found.option_hedge_usd,
    "fees": lambda found: found.fees_usd,
    "impact": lambda found: found.slippage_usd,
    "funding": lambda found: found.funding_usd,
    "gas": lambda found: found.gas_usd,
    UNEXPLAINED: lambda found: found.unexplained_usd,
}
"""Speed is counted with gamma, charm with theta, vanna and volga with vega."""
CAUSES = tuple(cause for cause in _SOURCES if cause != OPTIONS)
"""Those of every replay; where options were held as a hedge, `OPTIONS` is one more."""


@dataclass(frozen=True, slots=True)
class PnlByCause:
    """P&L since the first step, by cause, USD; a gain is positive, so costs are negative.

    Arrays have one entry a mark: each step before its own trade, then the close after the last. ``alone`` is the book
    without its hedge, ``hedged`` with it; each has the `causes` and their ``total``, which is the P&L of the books.
    """

    times_unix: tuple[int, ...]
    alone: Mapping[str, FloatArray]
    hedged: Mapping[str, FloatArray]

    @property
    def causes(self) -> tuple[str, ...]:
        """What the P&L is made of, in the order to be shown."""
        return tuple(cause for cause in _SOURCES if cause in self.hedged)

    def hedge_usd(self, cause: str) -> float:
        """Return what the hedge added to the whole period's P&L by one cause."""
        return float(self.hedged[cause][-1] - self.alone[cause][-1])


def attribute_replay(report: ReplayReport) -> PnlByCause:
    """Attribute the P&L of every step to what moved, all Greeks as they were at its start (`agent.risk.attribution`).

    What is unexplained is the rest: terms of higher order, options about to expire, and what the chain's NAV has that
    prices and costs do not explain.
    """
    steps = report.steps
    times = np.array([mark.unix for mark in report.marks])
    spot = np.array([mark.price_usd for mark in report.marks])
    legs, held = live_options(report.book, steps[0].unix), held_quantity(report.book)
    ages = (times - times[0]) / SECONDS_PER_YEAR
    path = MarkPath(spot, ages, _volatilities(report, legs, ages))
    alone_usd = np.array([*(step.pnl_unhedged_usd for step in steps), report.summary.pnl_unhedged_usd])
    hedged_usd = np.array([*(step.pnl_hedged_usd for step in steps), report.summary.pnl_hedged_usd])
    alone = attribute_path(legs, path, 0.0, held, observed_pnl_usd=np.diff(alone_usd))
    sizes = np.array([step.hedge_size for step in steps])
    gains = np.diff([0.0 if own is None else own.total_usd for own in (*(s.options for s in steps), report.options)])
    hedged = attribute_path(legs, path, sizes, held, _step_costs(report), np.diff(hedged_usd), gains)
    causes = CAUSES if report.options is None else tuple(_SOURCES)
    return PnlByCause(tuple(times.tolist()), _built_up(alone, causes), _built_up(hedged, causes))


def _volatilities(report: ReplayReport, legs: LiveOptions, ages_years: FloatArray) -> FloatArray:
    """Return each leg's volatility at the marks, shape (marks, legs); once expired it stays at what it was."""
    moves = [np.zeros_like(legs.iv_annual)]
    for mark, age in zip(report.marks, ages_years, strict=True):
        left = legs.tau_years - age
        now = mark.iv_move.of(legs.strike_usd, mark.price_usd, np.maximum(left, 0.0))
        moves.append(np.where(left > 0.0, now, moves[-1]))
    return np.asarray(legs.iv_annual + np.array(moves[1:]))


def _step_costs(report: ReplayReport) -> StepCosts:
    """Return each step's costs: the differences of what had been paid at the marks."""
    paid = [*(step.costs for step in report.steps), report.summary.costs]

    def of(part: Callable[[HedgingCosts], float]) -> FloatArray:
        return np.diff([part(costs) for costs in paid])

    return StepCosts(
        funding_usd=of(lambda costs: costs.funding_usd),
        fees_usd=of(lambda costs: costs.fee_usd),
        slippage_usd=of(lambda costs: costs.slippage_usd),
        gas_usd=of(lambda costs: costs.gas_usd),
    )


def _built_up(found: Attribution, causes: tuple[str, ...]) -> dict[str, FloatArray]:
    parts = {name: np.concatenate([[0.0], np.cumsum(_SOURCES[name](found))]) for name in causes}
    return {**parts, TOTAL: np.concatenate([[0.0], np.cumsum(found.total_usd)])}
