r"""How far a venue account is from liquidation, and how likely the price is to get there.

An account is liquidated when its equity no longer covers maintenance margin and liquidation fee, together the share mu
of its notional. With S the price now, h the size and E the equity:

| account | equity at price P | liquidated at |
|---|---|---|
| linear, USD margin | E + h (P - S) | P = (h S - E) / (h - mu abs(h)) |
| inverse, coin margin, H USD of face | B + H / S - H / P coin | P = (H + mu abs(H)) / (B + H / S) |

A long is liquidated below, a short above; an account whose equity covers every price on that side has no such price,
and one that no price could save is due, whatever the price.

The probability of touching a barrier within T, for a price that is a martingale with volatility s, is exact by the
reflection principle. With b = ln(barrier / S), v = s^2 T and nu = -v / 2 - g T, g the growth rate of the barrier:

    below:  N((b - nu) / sqrt v) + exp(2 nu b / v) N((b + nu) / sqrt v)
    above:  N((nu - b) / sqrt v) + exp(2 nu b / v) N(-(b + nu) / sqrt v)

Funding drains equity, or feeds it, at a steady rate: the barrier moves from its place now to its place at the horizon,
taken along an exponential. Where only one of the two places exists, the barrier stands there all the time, which is the
worse of the two.

Source: J. M. Harrison, "Brownian Motion and Stochastic Flow Systems" (1985), section 1.8.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from scipy.special import log_ndtr, ndtr

from agent.checks import require_finite, require_positive
from agent.errors import DataError
from agent.units import DAYS_PER_YEAR


class PerpAccount(Protocol):
    """What a venue account must answer."""

    @property
    def venue(self) -> str:
        """Name of the venue."""

    @property
    def is_long(self) -> bool:
        """True when the position gains as the price rises."""

    @property
    def is_open(self) -> bool:
        """Whether there is a position."""

    @property
    def mark_price_usd(self) -> float:
        """Price now, USD."""

    def liquidation_price_usd(self, days_ahead: float = 0.0) -> float | None:
        """Price that liquidates the account after funding of ``days_ahead``.

        None where no price does; infinity for a long and 0 for a short where every price does.
        """


class _Margined(ABC):
    """What accounts of both kinds share, whatever unit the position is counted in."""

    __slots__ = ()
    maintenance_margin_ratio: float
    liquidation_fee_ratio: float

    @property
    @abstractmethod
    def position(self) -> float:
        """Position in the account's own unit, long positive."""

    @property
    def is_long(self) -> bool:
        """True when the position gains as the price rises."""
        return self.position > 0.0

    @property
    def is_open(self) -> bool:
        """Whether there is a position."""
        return self.position != 0.0

    @property
    def required_ratio(self) -> float:
        """Maintenance margin and liquidation fee, of notional."""
        return self.maintenance_margin_ratio + self.liquidation_fee_ratio


@dataclass(frozen=True, slots=True)
class LinearPerpAccount(_Margined):
    """USD-margined account; ``size`` in underlying units, long positive, equity with all that is owed inside.

    ``maintenance_margin_ratio`` and ``liquidation_fee_ratio`` are of notional; leave the fee 0 where the venue does not
    count it. Positive ``funding_rate_per_day`` means longs pay.
    """

    venue: str
    size: float
    equity_usd: float
    mark_price_usd: float
    maintenance_margin_ratio: float
    liquidation_fee_ratio: float = 0.0
    funding_rate_per_day: float = 0.0

    def __post_init__(self) -> None:
        _require_account(self.venue, self.mark_price_usd, self.maintenance_margin_ratio, self.liquidation_fee_ratio)
        for name in ("size", "equity_usd", "funding_rate_per_day"):
            require_finite(getattr(self, name), f"{name} of {self.venue}")

    @property
    def position(self) -> float:
        """Size."""
        return self.size

    @property
    def notional_usd(self) -> float:
        """Absolute size times price."""
        return abs(self.size) * self.mark_price_usd

    def liquidation_price_usd(self, days_ahead: float = 0.0) -> float | None:
        """Return (h S - E) / (h - mu abs(h)), E less the funding of ``days_ahead``; see `PerpAccount`."""
        if not self.is_open:
            return None
        funding = self.size * self.mark_price_usd * self.funding_rate_per_day * days_ahead
        price = self.size * self.mark_price_usd - (self.equity_usd - funding)
        price /= self.size - self.required_ratio * abs(self.size)
        if price > 0.0:
            return price
        return None if self.is_long else 0.0


@dataclass(frozen=True, slots=True)
class InversePerpAccount(_Margined):
    """Coin-margined account; ``face_usd`` of contracts, long positive, equity in coin, funding in coin on the face."""

    venue: str
    face_usd: float
    equity_coin: float
    mark_price_usd: float
    maintenance_margin_ratio: float
    liquidation_fee_ratio: float = 0.0
    funding_rate_per_day: float = 0.0

    def __post_init__(self) -> None:
        _require_account(self.venue, self.mark_price_usd, self.maintenance_margin_ratio, self.liquidation_fee_ratio)
        for name in ("face_usd", "equity_coin", "funding_rate_per_day"):
            require_finite(getattr(self, name), f"{name} of {self.venue}")

    @property
    def position(self) -> float:
        """Face."""
        return self.face_usd

    @property
    def notional_usd(self) -> float:
        """Face, whatever the price."""
        return abs(self.face_usd)

    def liquidation_price_usd(self, days_ahead: float = 0.0) -> float | None:
        """Return (H + mu abs(H)) / (B + H / S), B less the funding of ``days_ahead``; see `PerpAccount`."""
        if not self.is_open:
            return None
        in_coin = self.face_usd / self.mark_price_usd
        backing = self.equity_coin - in_coin * self.funding_rate_per_day * days_ahead + in_coin
        owed = self.face_usd + self.required_ratio * abs(self.face_usd)
        if backing * owed > 0.0:
            return owed / backing
        return math.inf if self.is_long else None


@dataclass(frozen=True, slots=True)
class LiquidationRisk:
    """Distance of one account from liquidation.

    Price and distances are None where no price liquidates the account. Where it ``is_due`` already, distances are 0 and
    the probability is 1; the price is None there if every price would liquidate it.
    """

    venue: str
    is_due: bool
    liquidation_price_usd: float | None
    distance_usd: float | None
    distance_ratio: float | None
    """Of the mark price."""
    distance_daily_sigmas: float | None
    """abs(ln(liquidation price / mark price)) over the volatility of a day."""
    touch_probability: float
    """Within the horizon, funding included."""


def liquidation_risks(
    accounts: Sequence[PerpAccount], vol_annual: float, horizon_days: float
) -> tuple[LiquidationRisk, ...]:
    """Measure every account against the same volatility and horizon.

    Parameters
    ----------
    accounts
        Linear or inverse, one a venue.
    vol_annual
        Of the price, 1.00 is 100 % a year, > 0.
    horizon_days
        Time until the margin is looked at again, > 0.

    Raises
    ------
    DataError
        A volatility or horizon that is not a finite number > 0, or a venue given twice.
    """
    names = [account.venue for account in accounts]
    for row, name in enumerate(names):
        if name in names[:row]:
            raise DataError(f"row {row}: venue is {name!r}, already given in row {names.index(name)}; give each once")
    return tuple(liquidation_risk(account, vol_annual, horizon_days) for account in accounts)


def liquidation_risk(account: PerpAccount, vol_annual: float, horizon_days: float) -> LiquidationRisk:
    """Measure one account; arguments and errors as for `liquidation_risks`."""
    require_positive(vol_annual, "vol_annual")
    require_positive(horizon_days, "horizon_days")
    mark, price = account.mark_price_usd, account.liquidation_price_usd()
    if price is not None and (price >= mark if account.is_long else price <= mark):
        shown = price if 0.0 < price < math.inf else None
        return LiquidationRisk(account.venue, True, shown, 0.0, 0.0, 0.0, 1.0)
    probability = _touch(account, vol_annual, horizon_days)
    if price is None:
        return LiquidationRisk(account.venue, False, None, None, None, None, probability)
    away, daily = abs(price - mark), vol_annual / math.sqrt(DAYS_PER_YEAR)
    sigmas = abs(math.log(price / mark)) / daily
    return LiquidationRisk(account.venue, False, price, away, away / mark, sigmas, probability)


def touch_probability(
    spot_usd: float, barrier_usd: float, vol_annual: float, years: float, barrier_growth_annual: float = 0.0
) -> float:
    """Return the probability that a driftless lognormal price touches a barrier; the module's formula.

    Parameters
    ----------
    spot_usd, barrier_usd
        USD, > 0; the barrier may lie on either side, and is touched where it equals the price.
    vol_annual
        1.00 is 100 % a year, > 0.
    years
        Horizon, > 0.
    barrier_growth_annual
        Rate at which the barrier grows, continuously compounded.

    Raises
    ------
    DataError
        A number that is not finite, or not positive where it must be.
    """
    for name, number in (("spot_usd", spot_usd), ("barrier_usd", barrier_usd), ("vol_annual", vol_annual)):
        require_positive(number, name)
    require_positive(years, "years")
    require_finite(barrier_growth_annual, "barrier_growth_annual")
    b, variance = math.log(barrier_usd / spot_usd), vol_annual**2 * years
    root, drift = math.sqrt(variance), -0.5 * variance - barrier_growth_annual * years
    side = 1.0 if b < 0.0 else -1.0
    direct = float(ndtr(side * (b - drift) / root))
    reflected = math.exp(min(2.0 * drift * b / variance + float(log_ndtr(side * (b + drift) / root)), 0.0))
    return min(direct + reflected, 1.0)


def _touch(account: PerpAccount, vol_annual: float, horizon_days: float) -> float:
    """Return the probability of liquidation within the horizon for an account that is not due now."""
    now, later = account.liquidation_price_usd(), account.liquidation_price_usd(horizon_days)
    if later is not None and not 0.0 < later < math.inf:
        return 1.0  # funding alone leaves nothing
    start, end = now or later, later or now
    if start is None or end is None:
        return 0.0
    years = horizon_days / DAYS_PER_YEAR
    return touch_probability(account.mark_price_usd, start, vol_annual, years, math.log(end / start) / years)


def _require_account(venue: str, mark_price_usd: float, maintenance_ratio: float, fee_ratio: float) -> None:
    require_positive(mark_price_usd, f"mark_price_usd of {venue}")
    for name, ratio in (("maintenance_margin_ratio", maintenance_ratio), ("liquidation_fee_ratio", fee_ratio)):
        if not 0.0 <= ratio < 1.0:
            raise DataError(f"{name} of {venue} is {ratio}; expected a ratio from 0 to below 1")
    if maintenance_ratio + fee_ratio >= 1.0:
        raise DataError(
            f"maintenance_margin_ratio of {venue} with its fee is {maintenance_ratio + fee_ratio}; expected below 1"
        )
