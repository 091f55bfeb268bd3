"""Spread a size over venues at one marginal cost, in integers, from quotes alone.

A ladder of quotes gives the cost of some sizes. Between two of them lies a step with a mean cost a unit; the marginal
cost at a rung is taken as the mean of the two steps beside it, each weighted by the other's width, and linear in
between (second-order accurate where the venue's curve is smooth). Steps that get cheaper with size, as a minimum fee
makes them, are first joined into the convex hull of the cost. Where all steps of all venues cost the same, earlier
venues come first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from agent.costs.quotes import Ladder
from agent.errors import DataError
from agent.units import WAD


@dataclass(frozen=True, slots=True)
class MarginalCurve:
    """Marginal cost of one venue at growing sizes: ``costs[k]`` (WAD USD a unit) once ``sizes[k]`` (WAD) is traded."""

    costs: tuple[int, ...]
    sizes: tuple[int, ...]

    def most_at(self, cost: int) -> int:
        """Return the largest size none of whose units costs more."""
        return self._size(bisect_right(self.costs, cost), cost)

    def least_at(self, cost: int) -> int:
        """Return the smallest size whose next unit costs as much."""
        return self._size(bisect_left(self.costs, cost), cost)

    def beyond(self, taken: int) -> MarginalCurve:
        """Return what is left of the curve once ``taken`` has been traded."""
        first = bisect_right(self.sizes, taken)
        costs = (_cost_at(self.sizes, self.costs, taken), *self.costs[first:])
        return MarginalCurve(costs, (0, *(size - taken for size in self.sizes[first:])))

    def _size(self, position: int, cost: int) -> int:
        if position == 0:
            return 0
        if position == len(self.costs):
            return self.sizes[-1]
        cost_below, size_below = self.costs[position - 1], self.sizes[position - 1]
        rise = self.costs[position] - cost_below
        return size_below + (self.sizes[position] - size_below) * (cost - cost_below) // rise


def marginal_curve(ladder: Ladder, carry: int, room: int, carry_slope: int = 0) -> MarginalCurve:
    """Return the marginal cost of one side of a venue.

    Parameters
    ----------
    ladder
        Its quotes.
    carry
        Funding a unit is expected to pay on that side, WAD USD; income is negative.
    room
        Largest size to plan, WAD.
    carry_slope
        What each unit adds to the carry of all of them, WAD USD a unit and unit.

    """
    sizes, costs = _nodes(_convex_hull(ladder, carry_slope))
    last = min(room, sizes[-1])
    inside = bisect_left(sizes, last)
    kept = [*costs[:inside], _cost_at(sizes, costs, last)]
    return MarginalCurve(tuple(cost + carry for cost in kept), (*sizes[:inside], last))


def _convex_hull(ladder: Ladder, carry_slope: int) -> list[tuple[int, int]]:
    """Return size and cost (WAD^2 USD, fee inside, income negative) of the rungs on the lower convex hull, from 0."""
    sign = 1 if ladder.is_buy else -1
    hull = [(0, 0)]
    for rung in ladder.rungs:
        size, carry = rung.size, carry_slope * rung.size**2 // WAD
        cost = sign * size * rung.execution_price + rung.fee * WAD + carry
        while len(hull) > 1 and _is_above(hull[-2], hull[-1], size, cost):
            hull.pop()
        hull.append((size, cost))
    return hull


def _is_above(before: tuple[int, int], point: tuple[int, int], size: int, cost: int) -> bool:
    """Tell whether a point lies above the line from the one before it to a later one."""
    return (point[1] - before[1]) * (size - before[0]) > (cost - before[1]) * (point[0] - before[0])


def _nodes(hull: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Return sizes and marginal costs at the points of a hull."""
    sizes = [size for size, _ in hull]
    widths = [after[0] - before[0] for before, after in pairwise(hull)]
    means = [(after[1] - before[1]) // width for (before, after), width in zip(pairwise(hull), widths, strict=True)]
    if not means:
        return sizes, [0]
    inner = [
        (mean * wide + next_mean * width) // (width + wide)
        for (mean, next_mean), (width, wide) in zip(pairwise(means), pairwise(widths), strict=True)
    ]
    if not inner:
        return sizes, [means[0], means[0]]
    return sizes, [2 * means[0] - inner[0], *inner, 2 * means[-1] - inner[-1]]


def _cost_at(sizes: Sequence[int], costs: Sequence[int], size: int) -> int:
    position = bisect_left(sizes, size)
    if sizes[position] == size:
        return costs[position]
    step, part = sizes[position] - sizes[position - 1], size - sizes[position - 1]
    return costs[position - 1] + (costs[position] - costs[position - 1]) * part // step


@dataclass(frozen=True, slots=True)
class Shares:
    """Each venue's share of a size (WAD), and the marginal cost at which all in use stand (WAD USD a unit)."""

    sizes: tuple[int, ...]
    cost: int


class Waterfill:
    """Spreads any size over the same venues; what it finds on the way it remembers for the next size."""

    def __init__(self, curves: Sequence[MarginalCurve]) -> None:
        self._curves = tuple(curves)
        self.room = sum(curve.sizes[-1] for curve in self._curves)
        """Largest size all venues take together, WAD."""
        self._levels = sorted({cost for curve in self._curves for cost in curve.costs})
        """Marginal costs between which every curve is straight."""
        self._totals: dict[int, int] = {}

    def shares(self, size: int) -> Shares:
        """Spread an absolute size.

        Raises
        ------
        DataError
            The venues do not take it.

        """
        if size > self.room:
            excess = size - self.room
            raise DataError(f"size {size} exceeds what the venues take by {excess}; cap it with size_cap first")
        reached = bisect_left(self._levels, size, key=self._total)
        level = self._levels[reached]
        least = [curve.least_at(level) for curve in self._curves]
        if sum(least) <= size:
            return Shares(_filled_up(least, [curve.most_at(level) for curve in self._curves], size), level)
        level_below = self._levels[reached - 1]
        below = [curve.most_at(level_below) for curve in self._curves]
        missing, step = size - sum(below), sum(least) - sum(below)
        sizes = [low + (high - low) * missing // step for low, high in zip(below, least, strict=True)]
        return Shares(_filled_up(sizes, least, size), level_below + (level - level_below) * missing // step)

    def _total(self, cost: int) -> int:
        """Return the size that all venues trade at a marginal cost."""
        total = self._totals.get(cost)
        if total is None:
            total = self._totals[cost] = sum([curve.most_at(cost) for curve in self._curves])
        return total


def _filled_up(shares: list[int], most: list[int], size: int) -> tuple[int, ...]:
    """Give what is left to the first venues with room for it."""
    left = size - sum(shares)
    filled = []
    for share, high in zip(shares, most, strict=True):
        added = min(left, high - share)
        filled.append(share + added)
        left -= added
    return tuple(filled)
