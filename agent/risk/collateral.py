r"""How much collateral to keep on each venue: the least expected cost of liquidation, capital and venue failure.

For accounts i with equity m_i, the programme is

    minimise    sum_i  L_i p_i(m_i) + c_i m_i
    subject to  sum_i (m_i - e_i) <= idle - reserve,   m_i >= floor_i,

with p_i the probability of liquidation until margin is next looked at (`agent.risk.liquidation`, without funding), L_i
what a liquidation costs, c_i what a dollar on the venue costs over that time (what it would earn elsewhere, and the
chance that the venue fails), e_i the equity now. The floor holds initial and maintenance margin, the guard's leverage,
and what cannot be withdrawn.

p is convex in m for a short everywhere, and for a long from a distance y = ln(S / barrier) on that solves

    m(y / sqrt v + sqrt v / 2) = (2 - y / v) / sqrt v,   m the Mills ratio, v = vol^2 T,   0 < y < 2 v,

one and only one for v < 1. Nearer than that liquidation is all but certain, so the floor lies there at least, and the
programme is convex. Its solution is the one of Karush, Kuhn and Tucker: a multiplier x >= 0 of the funds with

    m_i(x) = max(floor_i, the m at which -L_i p_i'(m) = c_i + x),   x = 0 or all funds are used,

found by root finding on x around root finding on each m_i.

The integer amounts of a rebalance are the business of `agent.routing.margin`; this says what it should aim for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import log_ndtr

from agent.checks import require_finite, require_positive
from agent.errors import DataError
from agent.numerics.vector_math import NORMAL_DENSITY_AT_0
from agent.risk.liquidation import LinearPerpAccount, touch_probability
from agent.units import DAYS_PER_YEAR

_LOG_RANGE = 700.0
"""Natural logarithm of the widest range of multipliers looked through, that of a float."""
_ROUNDING = 1e-12
"""Of notional, at which an equity is found; of the multiplier; and of the funds that rounding may seem to overspend."""


@dataclass(frozen=True, slots=True)
class CollateralTerms:
    """What a venue asks for, and what collateral and liquidation cost there.

    ``initial_margin_ratio`` is of notional; ``max_leverage`` is the guard's, notional over equity; ``withdrawable_usd``
    what could be taken out now. ``liquidation_loss_ratio`` is what a liquidation costs, of notional: penalty, slippage
    and hedging again. ``opportunity_rate_annual`` is what a dollar would earn in the vault, ``failure_rate_annual`` the
    expected share of a dollar on the venue that is lost in a year because the venue fails.
    """

    initial_margin_ratio: float
    max_leverage: float
    withdrawable_usd: float
    liquidation_loss_ratio: float
    opportunity_rate_annual: float
    failure_rate_annual: float

    def __post_init__(self) -> None:
        require_positive(self.max_leverage, "max_leverage")
        for name in (
            "initial_margin_ratio",
            "withdrawable_usd",
            "liquidation_loss_ratio",
            "opportunity_rate_annual",
            "failure_rate_annual",
        ):
            number = require_finite(getattr(self, name), name)
            if number < 0.0:
                raise DataError(f"{name} is {number}; expected no negative number")


@dataclass(frozen=True, slots=True)
class VenueAllocation:
    """What one venue should hold, USD."""

    venue: str
    equity_usd: float
    margin_delta_usd: float
    """From the vault into the venue."""
    floor_usd: float
    liquidation_probability: float
    marginal_benefit: float
    """Expected liquidation loss that one more dollar saves, USD per USD."""


@dataclass(frozen=True, slots=True)
class CollateralPlan:
    """The cheapest allocation, and what one more dollar of funds would save (0 where there is enough)."""

    venues: tuple[VenueAllocation, ...]
    shadow_price: float
    idle_usd: float
    """Left in the vault, reserve included."""
    expected_liquidation_loss_usd: float
    holding_cost_usd: float


@dataclass(frozen=True, slots=True)
class _Venue:
    """One account as the programme sees it."""

    account: LinearPerpAccount
    floor_usd: float
    loss_usd: float
    cost_ratio: float
    vol_annual: float
    years: float

    def barrier_usd(self, equity_usd: float) -> float:
        """Return the price that liquidates the account at that equity; 0 or less where none does."""
        if not self.account.is_open:
            return 0.0
        h, mu = self.account.size, self.account.required_ratio
        return (h * self.account.mark_price_usd - equity_usd) / (h - mu * abs(h))

    def probability(self, equity_usd: float) -> float:
        """Return the probability of liquidation."""
        barrier = self.barrier_usd(equity_usd)
        if barrier <= 0.0:
            return 0.0
        return touch_probability(self.account.mark_price_usd, barrier, self.vol_annual, self.years)

    def benefit(self, equity_usd: float) -> float:
        """Return the expected loss that one more dollar saves: -L dp/dm, falling in m.

        With d = (b +- v/2) / sqrt v and side 1 below, -1 above the price,
        dp/dB = side 2 phi(d+) / (B sqrt v) - S / B^2 N(side d-), and S / B phi(d-) = phi(d+).
        """
        barrier, mark = self.barrier_usd(equity_usd), self.account.mark_price_usd
        if barrier <= 0.0:
            return 0.0
        b, variance = math.log(barrier / mark), self.vol_annual**2 * self.years
        root, side = math.sqrt(variance), 1.0 if self.account.is_long else -1.0
        d_high, d_low = (b + 0.5 * variance) / root, (b - 0.5 * variance) / root
        density = math.exp(-0.5 * d_high * d_high) * NORMAL_DENSITY_AT_0
        reflected = math.exp(float(log_ndtr(side * d_low)) - b)
        per_barrier = (side * 2.0 * density / root - reflected) / barrier
        per_equity = -per_barrier / (self.account.size * (1.0 - side * self.account.required_ratio))
        return max(-self.loss_usd * per_equity, 0.0)

    def equity_at(self, price_of_funds: float, highest_usd: float) -> float:
        """Return the equity at which the last dollar saves what it costs, between floor and ``highest_usd``."""
        wanted = self.cost_ratio + price_of_funds
        if self.benefit(self.floor_usd) <= wanted or highest_usd <= self.floor_usd:
            return self.floor_usd
        if self.benefit(highest_usd) >= wanted:
            return highest_usd
        tolerance = _ROUNDING * self.account.notional_usd
        found = brentq(lambda equity: self.benefit(equity) - wanted, self.floor_usd, highest_usd, xtol=tolerance)
        return float(found)


def allocate_collateral(
    accounts: Sequence[LinearPerpAccount],
    terms: Mapping[str, CollateralTerms],
    idle_usd: float,
    reserve_usd: float,
    vol_annual: float,
    horizon_days: float,
) -> CollateralPlan:
    """Return the cheapest allocation of the vault's collateral over its venues.

    Parameters
    ----------
    accounts
        Linear perp accounts as they stand, one a venue.
    terms
        Terms of each venue, by name.
    idle_usd, reserve_usd
        Collateral in the vault, and how much of it must stay; withdrawals count as soon as they are asked for.
    vol_annual
        Of the price, 1.00 is 100 % a year.
    horizon_days
        Time until margin is looked at again.

    Raises
    ------
    DataError
        A number outside its domain, a venue without terms or given twice, vol^2 x horizon of 1 or more, or funds that
        do not reach the floors; each names field and value.
    """
    require_positive(vol_annual, "vol_annual")
    years = require_positive(horizon_days, "horizon_days") / DAYS_PER_YEAR
    for name, number in (("idle_usd", idle_usd), ("reserve_usd", reserve_usd)):
        if require_finite(number, name) < 0.0:
            raise DataError(f"{name} is {number}; expected no negative number")
    if vol_annual**2 * years >= 1.0:
        raise DataError(
            f"vol_annual {vol_annual} over horizon_days {horizon_days} is too far to plan; shorten the horizon"
        )
    venues = _venues(accounts, terms, vol_annual, years)
    held = sum(venue.account.equity_usd for venue in venues)
    surplus = held + idle_usd - reserve_usd - sum(venue.floor_usd for venue in venues)
    if surplus < 0.0:
        floors = ", ".join(f"{venue.account.venue} {venue.floor_usd:.2f}" for venue in venues)
        raise DataError(
            f"idle_usd is {idle_usd} with reserve_usd {reserve_usd}, {-surplus:.2f} short of the venues' floors "
            f"({floors}); add collateral or reduce positions"
        )
    shadow_price, equities = _solve(venues, surplus)
    return _plan(venues, equities, shadow_price, held + idle_usd)


def _solve(venues: Sequence[_Venue], surplus: float) -> tuple[float, list[float]]:
    """Return the multiplier of the funds and each venue's equity."""
    highest = [venue.floor_usd + surplus for venue in venues]

    def equities(price: float) -> list[float]:
        return [venue.equity_at(price, top) for venue, top in zip(venues, highest, strict=True)]

    def overspent(log_price: float) -> float:
        return _spent(venues, equities(math.exp(log_price))) - surplus

    free = equities(0.0)
    if _spent(venues, free) <= surplus * (1.0 + _ROUNDING):
        return 0.0, _trimmed(venues, free, surplus)
    # At the largest benefit any floor offers, every venue rests on its floor.
    ceiling = math.log(max(venue.benefit(venue.floor_usd) for venue in venues))
    price = math.exp(brentq(overspent, ceiling - _LOG_RANGE, ceiling, xtol=_ROUNDING))
    return price, _trimmed(venues, equities(price), surplus)


def _spent(venues: Sequence[_Venue], equities: Sequence[float]) -> float:
    return math.fsum(equity - venue.floor_usd for venue, equity in zip(venues, equities, strict=True))


def _trimmed(venues: Sequence[_Venue], equities: Sequence[float], surplus: float) -> list[float]:
    """Take off what rounding has spent beyond the funds, so that the plan can be paid for."""
    spent = _spent(venues, equities)
    share = min(surplus / spent, 1.0) if spent > 0.0 else 1.0
    return [
        venue.floor_usd + share * (equity - venue.floor_usd) for venue, equity in zip(venues, equities, strict=True)
    ]


def _plan(venues: Sequence[_Venue], equities: Sequence[float], shadow_price: float, funds: float) -> CollateralPlan:
    pairs = list(zip(venues, equities, strict=True))
    allocations = tuple(
        VenueAllocation(
            venue=venue.account.venue,
            equity_usd=equity,
            margin_delta_usd=equity - venue.account.equity_usd,
            floor_usd=venue.floor_usd,
            liquidation_probability=venue.probability(equity),
            marginal_benefit=venue.benefit(equity),
        )
        for venue, equity in pairs
    )
    return CollateralPlan(
        venues=allocations,
        shadow_price=shadow_price,
        idle_usd=funds - math.fsum(equities),
        expected_liquidation_loss_usd=math.fsum(venue.loss_usd * venue.probability(equity) for venue, equity in pairs),
        holding_cost_usd=math.fsum(venue.cost_ratio * equity for venue, equity in pairs),
    )


def _venues(
    accounts: Sequence[LinearPerpAccount], terms: Mapping[str, CollateralTerms], vol_annual: float, years: float
) -> list[_Venue]:
    if not accounts:
        raise DataError("accounts is empty; give at least one venue account")
    names = [account.venue for account in accounts]
    for row, name in enumerate(names):
        if name not in terms:
            raise DataError(f"row {row}: venue is {name!r}, which has no terms; known are {', '.join(terms) or 'none'}")
        if name in names[:row]:
            raise DataError(f"row {row}: venue is {name!r}, already given in row {names.index(name)}; give each once")
    distance = _convex_distance(vol_annual**2 * years)
    return [_venue(account, terms[account.venue], distance, vol_annual, years) for account in accounts]


def _venue(
    account: LinearPerpAccount, terms: CollateralTerms, convex_distance: float, vol_annual: float, years: float
) -> _Venue:
    notional, required = account.notional_usd, account.required_ratio
    ratios = [terms.initial_margin_ratio, required, 1.0 / terms.max_leverage]
    if account.is_long:
        ratios.append(1.0 - (1.0 - required) * math.exp(-convex_distance))
    floor = max(notional * max(ratios), account.equity_usd - terms.withdrawable_usd)
    cost_ratio = (terms.opportunity_rate_annual + terms.failure_rate_annual) * years
    return _Venue(account, floor, terms.liquidation_loss_ratio * notional, cost_ratio, vol_annual, years)


def _convex_distance(variance: float) -> float:
    """Return the y of the module's equation, beyond which a long's probability is convex in its equity."""
    root = math.sqrt(variance)

    def excess(y: float) -> float:
        x = y / root + 0.5 * root
        mills = math.exp(float(log_ndtr(-x)) + 0.5 * x * x) / NORMAL_DENSITY_AT_0
        return mills - (2.0 - y / variance) / root

    return float(brentq(excess, 0.0, 2.0 * variance, xtol=1e-15))
