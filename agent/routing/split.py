r"""Split a trade over venues so that it costs least, exactly, on curves in closed form.

Minimise sum C_i(q_i) + carry_i q_i + gas x (number of legs) over sizes q_i >= 0 that add up to the trade, each within
its venue's capacity. Without gas the cost is convex and the conditions of Karush, Kuhn and Tucker say that all venues
in use have one marginal cost, the multiplier; it is found by bisection, down to two neighbouring floats, and what lies
between the sizes at these two is a step of the curves, where every share costs the same. Gas makes a choice of venues:
sets are tried from small to large until gas alone rules out the rest.

Source: S. Boyd and L. Vandenberghe, "Convex Optimization" (2004), 5.5.3 (the same conditions give water-filling).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from agent.checks import require_above, require_at_least, require_finite
from agent.costs.curves.base import CostCurve, trade_cost_usd
from agent.errors import DataError

EXACT_OFFERS = 8
"""Up to so many venues every choice of them is considered; beyond, venues are dropped one by one."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One venue to trade on.

    ``long_carry_usd`` is what a long unit pays in funding while the trade is expected to stand (`funding_carry_usd`);
    a short unit receives it. ``pending`` is an order (signed) that has been sent and not yet filled: it comes first on
    the curve. ``largest_size`` is a limit of the trader's own.
    """

    name: str
    curve: CostCurve
    long_carry_usd: float = 0.0
    pending: float = 0.0
    largest_size: float = math.inf

    def __post_init__(self) -> None:
        require_finite(self.long_carry_usd, f"long_carry_usd of {self.name}")
        require_finite(self.pending, f"pending of {self.name}")
        if math.isnan(self.largest_size) or self.largest_size < 0.0:
            raise DataError(f"largest_size of {self.name} is {self.largest_size}; expected a number of at least 0")


@dataclass(frozen=True, slots=True)
class Split:
    """Signed sizes in the order of the offers, what they cost with carry and gas, and the cost of one more unit."""

    sizes: tuple[float, ...]
    cost_usd: float
    marginal_cost_usd: float


@dataclass(frozen=True, slots=True)
class _Side:
    """One venue's curve for one direction, pending orders done and carry inside the cost."""

    index: int
    curve: CostCurve
    is_buy: bool
    carry_usd: float
    capacity: float

    def size_at(self, marginal_cost_usd: float) -> float:
        return min(self.curve.size_at(marginal_cost_usd - self.carry_usd, is_buy=self.is_buy), self.capacity)

    def marginal_at(self, size: float) -> float:
        signed = size if self.is_buy else -size
        return self.curve.marginal_cost_usd(signed, is_buy=self.is_buy) + self.carry_usd

    def cost_usd(self, size: float) -> float:
        return trade_cost_usd(self.curve, size if self.is_buy else -size) + self.carry_usd * size


def funding_carry_usd(funding_rate_per_day: float, horizon_days: float, price_usd: float) -> float:
    """Return what a long unit pays in funding over the horizon; negative is income."""
    require_finite(funding_rate_per_day, "funding_rate_per_day")
    return funding_rate_per_day * require_at_least(horizon_days, "horizon_days", 0.0) * price_usd


def split_trade(offers: Sequence[Offer], size_delta: float, leg_gas_usd: float = 0.0) -> Split:
    """Return the cheapest split of ``size_delta`` (signed, underlying units).

    Parameters
    ----------
    offers
        The venues.
    size_delta
        What to trade in all.
    leg_gas_usd
        What every leg costs whatever its size.

    Raises
    ------
    DataError
        The venues do not take the size, or a number is out of its domain.

    """
    size = require_above(abs(size_delta), "absolute size_delta", 0.0)
    require_at_least(leg_gas_usd, "leg_gas_usd", 0.0)
    sides = [side for side in _sides(offers, is_buy=size_delta > 0.0) if side.capacity > 0.0]
    room = sum(side.capacity for side in sides)
    if size > room:
        raise DataError(f"size_delta is {size_delta}; the venues take at most {room}: trade less, or in slices")
    best = _equalised(sides, size)
    if leg_gas_usd > 0.0:
        search = _best_of_all if len(sides) <= EXACT_OFFERS else _best_by_dropping
        best = search(sides, size, leg_gas_usd, best)
    sizes = [0.0] * len(offers)
    for side, share in best.shares:
        sizes[side.index] = math.copysign(share, size_delta)
    return Split(tuple(sizes), best.cost_usd + leg_gas_usd * best.legs, best.marginal_cost_usd)


@dataclass(frozen=True, slots=True)
class _Shares:
    """The least cost on a set of venues, gas left out."""

    shares: tuple[tuple[_Side, float], ...]
    cost_usd: float
    marginal_cost_usd: float

    @property
    def legs(self) -> int:
        return len(self.shares)


def _sides(offers: Sequence[Offer], *, is_buy: bool) -> list[_Side]:
    sides: list[_Side] = []
    for index, offer in enumerate(offers):
        curve = offer.curve.after(offer.pending)
        capacity = min(curve.capacity(is_buy=is_buy), offer.largest_size)
        carry_usd = offer.long_carry_usd if is_buy else -offer.long_carry_usd
        sides.append(_Side(index, curve, is_buy, carry_usd, capacity))
    return sides


def _equalised(sides: Sequence[_Side], size: float) -> _Shares:
    """Return the split at one marginal cost."""
    low = min(side.marginal_at(0.0) for side in sides)
    high = max(side.marginal_at(side.capacity) for side in sides)
    low, high = math.nextafter(low, -math.inf), math.nextafter(high, math.inf)
    while True:
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        if sum(side.size_at(middle) for side in sides) < size:
            low = middle
        else:
            high = middle
    shares = [side.size_at(low) for side in sides]
    left = size - sum(shares)
    for position, side in enumerate(sides):
        added = min(max(left, 0.0), max(side.size_at(high) - shares[position], 0.0))
        shares[position] += added
        left -= added
    shares = _exactly(shares, sides, left)
    used = tuple((side, share) for side, share in zip(sides, shares, strict=True) if share > 0.0)
    return _Shares(used, sum(side.cost_usd(share) for side, share in used), high)


def _exactly(shares: list[float], sides: Sequence[_Side], left: float) -> list[float]:
    """Spread the rounding of sums over whoever has room for it."""
    for position, side in enumerate(sides):
        moved = min(max(left, -shares[position]), side.capacity - shares[position])
        shares[position] += moved
        left -= moved
    return shares


def _best_of_all(sides: Sequence[_Side], size: float, leg_gas_usd: float, unrestricted: _Shares) -> _Shares:
    """Return the best set of venues: no set of k legs costs less than all venues do, plus gas for k."""
    best = unrestricted
    for legs in range(1, len(sides)):
        if unrestricted.cost_usd + leg_gas_usd * legs >= best.cost_usd + leg_gas_usd * best.legs:
            break
        for chosen in combinations(sides, legs):
            if sum(side.capacity for side in chosen) >= size:
                best = min(best, _equalised(chosen, size), key=lambda found: found.cost_usd + leg_gas_usd * found.legs)
    return best


def _best_by_dropping(sides: Sequence[_Side], size: float, leg_gas_usd: float, unrestricted: _Shares) -> _Shares:
    """Drop the venue that saves least as long as it saves less than its gas."""
    best = unrestricted
    while best.legs > 1:
        without = [[side for side in sides if side is not dropped] for dropped, _ in best.shares]
        roomy = [rest for rest in without if sum(side.capacity for side in rest) >= size]
        smaller = [_equalised(rest, size) for rest in roomy]
        found = min(smaller, key=lambda shares: shares.cost_usd + leg_gas_usd * shares.legs, default=best)
        if found.cost_usd + leg_gas_usd * found.legs >= best.cost_usd + leg_gas_usd * best.legs:
            break
        best = found
        sides = [side for side, _ in best.shares]
    return best
