r"""Optimal execution over time: trade fast and move the price, or slowly and bear its risk.

X units are traded in N slices, one every tau. A slice of n executes worse than the price then by epsilon + k n and
leaves it moved by gamma n; between slices the price diffuses with standard deviation sigma a square root of a day. With
x_j what is left after j slices, expected cost and variance are

    E = gamma X^2 / 2 + epsilon X + (k - gamma / 2) sum n_j^2
    V = sigma^2 tau sum x_j^2

and E + lambda V is least on

    x_j = X sinh(kappa (T - t_j)) / sinh(kappa T),    cosh(kappa tau) = 1 + lambda sigma^2 tau / (2 (k - gamma / 2)).

The paper's eta is k tau: there a slice is traded evenly over its interval, here at once, after which the market has tau
to recover. lambda is half of the risk aversion of `agent.policy`, which weighs half the variance.

Source: R. Almgren and N. Chriss, "Optimal execution of portfolio transactions", Journal of Risk 3 (2001) 5-39:
equations 4, 5, 8, 14, 17 and 18.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from agent.checks import require_finite
from agent.costs.impact import ImpactCoefficients
from agent.errors import DataError


@dataclass(frozen=True, slots=True)
class Execution:
    """``size`` (absolute, units) to trade in ``slices``, one every ``interval_days``, the first at once.

    ``stdev_usd_per_sqrt_day`` is sigma; ``risk_aversion_per_usd`` is the paper's lambda.
    """

    size: float
    slices: int
    interval_days: float
    stdev_usd_per_sqrt_day: float
    risk_aversion_per_usd: float
    impact: ImpactCoefficients

    def __post_init__(self) -> None:
        for name in ("size", "interval_days"):
            if require_finite(getattr(self, name), name) <= 0.0:
                raise DataError(f"{name} is {getattr(self, name)}; expected a positive number")
        for name in ("stdev_usd_per_sqrt_day", "risk_aversion_per_usd"):
            if require_finite(getattr(self, name), name) < 0.0:
                raise DataError(f"{name} is {getattr(self, name)}; expected no negative number")
        if self.slices < 1:
            raise DataError(f"slices is {self.slices}; expected at least 1")
        if self.slice_cost <= 0.0:
            impact = self.impact
            raise DataError(
                f"temporary_usd_per_unit is {impact.temporary_usd_per_unit}, not above half of permanent_usd_per_unit "
                f"{impact.permanent_usd_per_unit}; slices would save nothing"
            )

    @property
    def slice_cost(self) -> float:
        """Cost of the square of a slice: k - gamma / 2."""
        return self.impact.temporary_usd_per_unit - 0.5 * self.impact.permanent_usd_per_unit

    @property
    def decay(self) -> float:
        """Kappa tau: by how much the logarithm of what is left falls in an interval, far from the end."""
        variance = self.stdev_usd_per_sqrt_day**2 * self.interval_days
        # acosh(1 + y) without the loss of digits that 1 + y brings for a small y.
        load = self.risk_aversion_per_usd * variance / (2.0 * self.slice_cost)
        return math.log1p(load + math.sqrt(load * (load + 2.0)))

    @property
    def half_life_days(self) -> float:
        """1 / kappa, as the paper has it: the time in which what is left falls by a factor e; infinite without risk."""
        return self.interval_days / self.decay if self.decay > 0.0 else math.inf


@dataclass(frozen=True, slots=True)
class Trajectory:
    """What is left after 0, 1, ... N slices, and what to expect of it."""

    holdings: tuple[float, ...]
    expected_cost_usd: float
    variance_usd2: float

    @property
    def trades(self) -> tuple[float, ...]:
        """The slices, first first."""
        return tuple(before - after for before, after in pairwise(self.holdings))

    @property
    def stdev_usd(self) -> float:
        """Standard deviation of the cost."""
        return math.sqrt(self.variance_usd2)


def optimal_trajectory(execution: Execution) -> Trajectory:
    """Return the trajectory of least expected cost plus risk aversion times variance.

    Source: equation 17.
    """
    slices, decay = execution.slices, execution.decay
    shares = [_sinh_ratio(decay, slices - done, slices) for done in range(slices + 1)]
    return trajectory_of(execution, [execution.size * share for share in shares])


def trajectory_of(execution: Execution, holdings: Sequence[float]) -> Trajectory:
    """Return cost and variance of any trajectory from the whole size to nothing.

    Source: equations 4 and 8, and 5.
    """
    if len(holdings) != execution.slices + 1:
        raise DataError(f"{len(holdings)} holdings do not make {execution.slices} slices; give one more than slices")
    impact, size = execution.impact, execution.size
    trades = [before - after for before, after in pairwise(holdings)]
    cost_usd = 0.5 * impact.permanent_usd_per_unit * size**2
    cost_usd += impact.spread_usd * math.fsum(abs(trade) for trade in trades)
    cost_usd += execution.slice_cost * math.fsum(trade**2 for trade in trades)
    per_unit2 = execution.stdev_usd_per_sqrt_day**2 * execution.interval_days
    return Trajectory(tuple(holdings), cost_usd, per_unit2 * math.fsum(left**2 for left in holdings[1:]))


def efficient_frontier(execution: Execution, risk_aversions: Sequence[float]) -> list[Trajectory]:
    """Return the optimal trajectory at each risk aversion: no other has less cost at its variance."""
    return [optimal_trajectory(replace(execution, risk_aversion_per_usd=aversion)) for aversion in risk_aversions]


def best_trajectory(execution: Execution, gas_usd: float) -> Trajectory:
    """Return the optimal trajectory with at most ``execution.slices`` slices when each costs ``gas_usd``.

    What slices cost and bear falls with their number, by less and less, while their gas grows in proportion: the sum is
    convex, so the first number that the next one does not improve is the best.
    """
    if require_finite(gas_usd, "gas_usd") < 0.0:
        raise DataError(f"gas_usd is {gas_usd}; expected no negative number")
    best = optimal_trajectory(replace(execution, slices=1))
    least = _objective(execution, best, gas_usd)
    for slices in range(2, execution.slices + 1):
        found = optimal_trajectory(replace(execution, slices=slices))
        objective = _objective(execution, found, gas_usd)
        if objective >= least:
            break
        best, least = found, objective
    return best


def _objective(execution: Execution, trajectory: Trajectory, gas_usd: float) -> float:
    risk_usd = execution.risk_aversion_per_usd * trajectory.variance_usd2
    return trajectory.expected_cost_usd + risk_usd + gas_usd * len(trajectory.trades)


def _sinh_ratio(decay: float, part: int, whole: int) -> float:
    """Return sinh(decay part) / sinh(decay whole), without overflow; part / whole without decay."""
    if decay == 0.0:
        return part / whole
    rest = math.exp(-decay * (whole - part))
    return rest * math.expm1(-2.0 * decay * part) / math.expm1(-2.0 * decay * whole)
