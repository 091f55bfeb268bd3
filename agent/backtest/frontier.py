r"""Cost against risk: what each policy costs at one and the same standard deviation of the outcome.

A policy is run at several settings. Those that another of them beats in both cost and risk are left out; the others
trace its frontier, and cost at a wanted standard deviation is read from it by monotone cubic interpolation of log cost
in log standard deviation. All policies run on the same paths, so that what the paths do to both cancels in a
difference. Errors are the delete-a-group jackknife: the paths are dealt into groups, everything, interpolation
included, is worked out again without each group in turn, and

    se^2 = (G - 1) / G sum (x_without_g - mean)^2.

Groups are consecutive paths, so that paths which overlap in time stay together.

Source: B. Efron, "The Jackknife, the Bootstrap and Other Resampling Plans" (1982), section 2; F. N. Fritsch and R. E.
Carlson, SIAM J. Numerical Analysis 17 (1980) 238-246 (interpolation).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from agent.backtest.simulator import Outcomes
from agent.errors import DataError
from agent.numerics.arrays import FloatArray

CONFIDENCE_Z = 1.959963984540054
"""Two-sided 95 %."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its standard error."""

    value: float
    standard_error: float

    @property
    def half_width(self) -> float:
        """Of the 95 % confidence interval."""
        return CONFIDENCE_Z * self.standard_error


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """Mean cost and standard deviation of the outcome of one schedule, USD."""

    name: str
    cost_usd: Estimate
    sd_usd: Estimate
    trades: float


@dataclass(frozen=True, slots=True)
class MatchedCost:
    """Cost of a policy at a standard deviation, and how much more it is than the reference's there; None beyond it."""

    cost_usd: Estimate
    excess_usd: Estimate


class FrontierStatistics:
    """Moments of every schedule, over all paths and without each group."""

    def __init__(self, outcomes: Outcomes, groups: int) -> None:
        paths = outcomes.cost_usd.shape[1]
        if groups < 2 or paths < 2 * groups:
            raise DataError(
                f"{paths} paths cannot be dealt into {groups} groups; expected 2 groups or more, 2 paths each"
            )
        self._groups = groups
        self._outcomes = outcomes
        cuts = np.linspace(0, paths, groups + 1).astype(np.int64)[:-1]
        # Around the mean, so that no digits are lost where the mean is large beside the deviation.
        centred = outcomes.pnl_usd - outcomes.pnl_usd.mean(axis=1, keepdims=True)
        sums = [np.add.reduceat(x, cuts, axis=1) for x in (outcomes.cost_usd, centred, centred**2)]
        counts = np.diff(np.append(cuts, paths))
        # Column 0 is the whole sample, column g + 1 the sample without group g.
        cost, pnl, square = (np.column_stack([x.sum(1), x.sum(1)[:, None] - x]) for x in sums)
        size = np.append(paths, paths - counts)
        self._cost = cost / size
        self._sd = np.sqrt((square - pnl * pnl / size) / (size - 1))

    def points(self) -> list[FrontierPoint]:
        """Return every schedule's place on the plane."""
        trades = self._outcomes.trades.mean(axis=1)
        return [
            FrontierPoint(name, self._estimate(self._cost[i]), self._estimate(self._sd[i]), float(trades[i]))
            for i, name in enumerate(self._outcomes.names)
        ]

    def matched(self, families: Mapping[str, Sequence[int]], reference: str, sd_usd: float) -> dict[str, MatchedCost]:
        """Return each family's cost at ``sd_usd``; a family that does not reach that far is left out.

        ``families`` gives the schedules, by index, that trace each policy's frontier; ``reference`` is the family that
        others are compared with, and must reach ``sd_usd``.
        """
        costs = {name: found for name, rows in families.items() if (found := self._cost_at(rows, sd_usd)) is not None}
        if reference not in costs:
            raise DataError(f"the frontier of {reference} does not reach a standard deviation of {sd_usd}")
        return {
            name: MatchedCost(self._estimate(cost), self._estimate(cost - costs[reference]))
            for name, cost in costs.items()
        }

    def mean_excess(self, rows: Sequence[int], reference: Sequence[int], sds_usd: Sequence[float]) -> Estimate:
        """Return by what ratio a family costs more than another, on average over standard deviations both reach.

        Raises
        ------
        DataError
            One of the two does not reach one of ``sds_usd``.

        """
        excess = np.zeros(self._groups + 1)
        for sd_usd in sds_usd:
            cost, base = self._cost_at(rows, sd_usd), self._cost_at(reference, sd_usd)
            if cost is None or base is None:
                raise DataError(f"one of the two frontiers does not reach a standard deviation of {sd_usd}")
            excess += (cost / base - 1.0) / len(sds_usd)
        return self._estimate(excess)

    def efficient(self, rows: Sequence[int]) -> list[int]:
        """Return the schedules of a family that no other of it beats in both risk and cost, least risk first."""
        kept: list[int] = []
        for row in sorted(rows, key=lambda row: (self._sd[row, 0], self._cost[row, 0])):
            if not kept or self._cost[row, 0] < self._cost[kept[-1], 0]:
                kept.append(row)
        return kept

    def reach(self, rows: Sequence[int]) -> tuple[float, float]:
        """Return the least and the largest standard deviation of a family's frontier."""
        sd = self._sd[self.efficient(rows), 0]
        return float(sd[0]), float(sd[-1])

    def _cost_at(self, rows: Sequence[int], sd_usd: float) -> FloatArray | None:
        """Interpolate one family's cost, in the whole sample and without each group."""
        kept = self.efficient(rows)
        if len(kept) < 2 or not self._sd[kept[0], 0] <= sd_usd <= self._sd[kept[-1], 0]:
            return None
        curves = zip(self._sd[kept].T, self._cost[kept].T, strict=True)
        return np.array([cost_at(sd, cost, sd_usd) for sd, cost in curves])

    def _estimate(self, answers: FloatArray) -> Estimate:
        without = answers[1:]
        spread = float(np.sum((without - without.mean()) ** 2))
        return Estimate(float(answers[0]), math.sqrt((self._groups - 1) / self._groups * spread))


def cost_at(sd_usd: FloatArray, cost_usd: FloatArray, wanted_sd_usd: float) -> float:
    """Read the cost at a standard deviation from a frontier's points; just beyond its ends the end's slope goes on.

    Raises
    ------
    DataError
        A cost or a standard deviation is not positive: one who never trades has no place on a curve of logarithms.

    """
    for name, numbers in (("sd_usd", sd_usd), ("cost_usd", cost_usd)):
        if not np.all(numbers > 0.0):
            raise DataError(f"{name} of point {int(np.argmin(numbers > 0.0))} is {numbers.min()}; leave that point out")
    order = np.argsort(sd_usd)
    curve = PchipInterpolator(np.log(sd_usd[order]), np.log(cost_usd[order]))
    return math.exp(float(curve(math.log(wanted_sd_usd))))
