"""What the programme must respect: the guard's bounds in floats, and what each venue allows and risks."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from agent.checks import require_finite
from agent.domain import Snapshot
from agent.errors import DataError
from agent.guard import band_now, budget_left
from agent.units import BPS, from_wad


@dataclass(frozen=True, slots=True)
class VenueLimits:
    """One venue. ``equity_usd`` is the lower equity there plus what may be deposited for the trade.

    ``free_margin_usd`` is what new positions may tie up, by `Instrument`'s margins. A venue fails with
    ``failures_per_year`` and then loses ``loss_given_failure_ratio`` of the equity that stands there.
    """

    name: str
    equity_usd: float
    max_leverage: float = math.inf
    free_margin_usd: float = math.inf
    failures_per_year: float = 0.0
    loss_given_failure_ratio: float = 1.0

    def __post_init__(self) -> None:
        require_finite(self.equity_usd, f"equity_usd of {self.name}")
        for name in ("max_leverage", "free_margin_usd"):
            if not getattr(self, name) >= 0.0:
                raise DataError(f"{name} of {self.name} is {getattr(self, name)}; expected no negative number")
        if not 0.0 <= self.failures_per_year < math.inf:
            raise DataError(f"failures_per_year of {self.name} is {self.failures_per_year}; expected 0 or more")
        if not 0.0 <= self.loss_given_failure_ratio <= 1.0:
            raise DataError(
                f"loss_given_failure_ratio of {self.name} is {self.loss_given_failure_ratio}; expected 0 to 1"
            )

    def premium_ratio(self, horizon_years: float) -> float:
        """Return the expected loss for each USD of equity at the venue: hazard x loss given failure x time."""
        return self.failures_per_year * self.loss_given_failure_ratio * horizon_years


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """The guard's bounds on one rebalance of the vault, underlying units and USD.

    The chain sees a net delta in [``net_delta_low``, ``net_delta_high``]; with W the larger distance from 0, W after
    must not exceed max(``band``, W before - ``min_improvement``). What a trade loses, and ``lag_ratio`` of its notional
    for a price that may lag, must not exceed ``loss_left_usd``.
    """

    net_delta_low: float
    net_delta_high: float
    band: float
    min_improvement: float
    max_size: float
    max_notional_usd: float
    turnover_usd: float
    max_leverage: float
    nav_usd: float
    max_nav_loss_usd: float
    max_gross_notional_usd: float = math.inf
    loss_left_usd: float = math.inf
    lag_ratio: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            number = getattr(self, field.name)
            is_signed = field.name.startswith("net_delta")
            if math.isnan(number) or (is_signed and not math.isfinite(number)) or (number < 0.0 and not is_signed):
                raise DataError(
                    f"{field.name} is {number}; expected {'a finite' if is_signed else 'no negative'} number"
                )
        if self.net_delta_low > self.net_delta_high:
            raise DataError(
                f"net_delta_low is {self.net_delta_low}, above net_delta_high {self.net_delta_high}; swap them"
            )

    @property
    def worst_net_delta(self) -> float:
        """W before."""
        return max(abs(self.net_delta_low), abs(self.net_delta_high))

    @property
    def reach(self) -> tuple[float, float]:
        """Least and largest change of the counted delta that the delta rule allows; empty where the first is larger."""
        allowed = max(self.band, self.worst_net_delta - self.min_improvement)
        return -allowed - self.net_delta_low, allowed - self.net_delta_high


def guard_limits(snapshot: Snapshot) -> GuardLimits:
    """Read the guard's bounds out of a snapshot, with what its budgets leave at its time."""
    measured, bounds, left = snapshot.measurement, snapshot.bounds, budget_left(snapshot)
    lags = [max(venue.price - venue.price_low, venue.price_high - venue.price) for venue in measured.venues]
    return GuardLimits(
        net_delta_low=from_wad(measured.book_delta_low + sum(venue.size_low for venue in measured.venues)),
        net_delta_high=from_wad(measured.book_delta_high + sum(venue.size_high for venue in measured.venues)),
        band=from_wad(band_now(snapshot)),
        min_improvement=from_wad(bounds.min_improvement),
        max_size=from_wad(bounds.max_size_delta),
        max_notional_usd=from_wad(bounds.max_notional),
        turnover_usd=from_wad(left.turnover),
        max_leverage=from_wad(bounds.max_leverage),
        nav_usd=from_wad(measured.firm_nav),
        max_nav_loss_usd=from_wad(measured.nav) * bounds.max_nav_loss_bps / BPS,
        max_gross_notional_usd=from_wad(bounds.max_gross_notional),
        loss_left_usd=from_wad(left.loss),
        lag_ratio=max(lags, default=0) / measured.price,
    )


def venue_limits(
    snapshot: Snapshot,
    depositable_usd: float,
    failures_per_year: dict[str, float],
    loss_given_failure_ratio: float,
) -> tuple[VenueLimits, ...]:
    """Read the perps' venues out of a snapshot, in order; ``depositable_usd`` is equity of all, in equal parts.

    Raises
    ------
    DataError
        A venue without a figure in ``failures_per_year``: how safe it is must be said, not assumed.

    """
    perps = snapshot.perp_venues
    missing = [venue.name for venue in perps if venue.name not in failures_per_year]
    if missing:
        raise DataError(f"failures_per_year of {', '.join(missing)} is missing; add it, 0 for a venue taken as safe")
    leverage = from_wad(snapshot.bounds.max_venue_leverage)
    share_usd = require_finite(depositable_usd, "depositable_usd") / max(len(perps), 1)
    return tuple(
        VenueLimits(
            venue.name,
            from_wad(measured.equity_low) + share_usd,
            leverage,
            failures_per_year=failures_per_year[venue.name],
            loss_given_failure_ratio=loss_given_failure_ratio,
        )
        for venue, measured in zip(snapshot.venues, snapshot.measurement.venues, strict=True)
        if not venue.trades_options
    )
