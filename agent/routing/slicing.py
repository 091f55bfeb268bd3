"""How much of a trade to do now when all of it at once would cost too much.

Each call plans anew from what is left: by the principle of optimality the first slice of the plan for the rest is the
second slice of the plan before, as long as the market stays as it was; where it has changed, so does the plan.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from agent.checks import require_finite
from agent.costs.impact import ImpactCoefficients
from agent.errors import DataError
from agent.formatting import delta_text, figure
from agent.routing.almgren_chriss import Execution, best_trajectory
from agent.units import SECONDS_PER_DAY, SECONDS_PER_YEAR

MOST_SLICES = 1_000
"""A plan of more slices than this is a mistake in its settings."""


@dataclass(frozen=True, slots=True)
class SlicingParameters:
    """When and how a trade is cut.

    ``interval_seconds`` is the time a market is given to recover from a slice, and the least time between two trades;
    ``max_slices`` bounds a plan. ``vol_annual`` and ``risk_aversion_per_usd`` weigh the risk of what is not traded yet:
    half of the risk aversion times its variance, as in the policies. ``impact`` is the desk's own estimate
    (`agent.costs.impact`); None takes the quotes' word for it.
    """

    interval_seconds: float
    max_slices: int
    vol_annual: float
    risk_aversion_per_usd: float
    impact: ImpactCoefficients | None = None

    def __post_init__(self) -> None:
        for name in ("interval_seconds", "vol_annual", "risk_aversion_per_usd"):
            if require_finite(getattr(self, name), name) <= 0.0:
                raise DataError(f"{name} is {getattr(self, name)}; expected a positive number")
        if not 1 <= self.max_slices <= MOST_SLICES:
            raise DataError(f"max_slices is {self.max_slices}; expected 1 to {MOST_SLICES}")


@dataclass(frozen=True, slots=True)
class SlicePlan:
    """Slices (absolute sizes, first first), what cutting saves in cost and risk less gas, and why."""

    trades: tuple[float, ...]
    saved_usd: float
    reason: str

    @property
    def now(self) -> float:
        """The slice to trade now."""
        return self.trades[0]


def plan_slices(
    size: float, impact: ImpactCoefficients, spot_usd: float, gas_usd: float, settings: SlicingParameters
) -> SlicePlan:
    """Plan how to trade ``size`` (absolute, underlying units) when each slice costs ``gas_usd``.

    Raises
    ------
    DataError
        A number is not finite or out of its domain.

    """
    for name, number in (("size", size), ("spot_usd", spot_usd)):
        if require_finite(number, name) <= 0.0:
            raise DataError(f"{name} is {number}; expected a positive number")
    if impact.temporary_usd_per_unit <= 0.5 * impact.permanent_usd_per_unit:
        return SlicePlan((size,), 0.0, "all at once: the market would not recover between slices")
    execution = Execution(
        size=size,
        slices=settings.max_slices,
        interval_days=settings.interval_seconds / SECONDS_PER_DAY,
        stdev_usd_per_sqrt_day=settings.vol_annual * spot_usd * math.sqrt(SECONDS_PER_DAY / SECONDS_PER_YEAR),
        risk_aversion_per_usd=0.5 * settings.risk_aversion_per_usd,
        impact=impact,
    )
    found = best_trajectory(execution, gas_usd)
    count = len(found.trades)
    if count == 1:
        return SlicePlan((size,), 0.0, "all at once: slices would save less than their gas and risk")
    # At once costs the same permanent impact and spread, bears no risk and burns the gas of one slice.
    squares = math.fsum(trade**2 for trade in found.trades)
    risk_usd = execution.risk_aversion_per_usd * found.variance_usd2
    saved_usd = execution.slice_cost * (size**2 - squares) - risk_usd - gas_usd * (count - 1)
    reason = (
        f"slice 1 of {count}: {delta_text(found.trades[0])} of {delta_text(size)} now, the rest every "
        f"{settings.interval_seconds:g} s, "
        f"which saves {figure(saved_usd, 2)} USD of cost and risk"
    )
    return SlicePlan(found.trades, saved_usd, reason)
