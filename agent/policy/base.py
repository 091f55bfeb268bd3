"""What a policy is."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from agent.checks import require_finite
from agent.domain import Exposure, Target, TradeCosts
from agent.errors import DataError
from agent.formatting import delta_text, signed_delta


class Policy(Protocol):
    """Answers where the net delta may stay and where to move it when it has left.

    A policy may ignore ``exposure.limits``, where the chain's band forces a trade: the decision narrows its answer.
    """

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        """Return the no-trade band of the net delta, underlying units.

        ``target_net_delta`` is the present net delta while that lies inside the band, else where a trade should land,
        inside the band. Raises `DataError` for a quantity that is not finite.
        """
        ...


def band_target(net_delta: float, outer: float, inner: float, name: str) -> Target:
    """Return the target of a symmetric band: stay within ``outer`` of 0, else land ``inner`` away on the same side."""
    where = f"{name}: net delta {signed_delta(net_delta)} is"
    if abs(net_delta) <= outer:
        return Target(-outer, outer, net_delta, f"{where} inside +-{delta_text(outer)}")
    landing = inner if net_delta > 0.0 else -inner
    text = f"{where} outside +-{delta_text(outer)}, land at {signed_delta(landing)}"
    return Target(-outer, outer, landing, text)


class HalfWidths(NamedTuple):
    """Half-widths of a symmetric band: leave beyond ``outer``, trade to ``inner``, underlying units."""

    outer: float
    inner: float


class BandEdges(NamedTuple):
    """A no-trade band of the net delta, underlying units: leave it beyond an outer edge, trade to the inner one."""

    low_outer: float
    low_inner: float
    high_inner: float
    high_outer: float

    @classmethod
    def around(cls, centre: float, outer: float, inner: float) -> BandEdges:
        """Return a band with one pair of half-widths on both sides of ``centre``."""
        return cls(centre - outer, centre - inner, centre + inner, centre + outer)

    @property
    def half_widths(self) -> HalfWidths:
        """Mean outer and inner half-width, not below 0."""
        outer, inner = 0.5 * (self.high_outer - self.low_outer), 0.5 * (self.high_inner - self.low_inner)
        return HalfWidths(max(outer, 0.0), max(inner, 0.0))

    def target(self, net_delta: float, name: str) -> Target:
        """Stay within the outer edges, else land on the inner edge of the same side."""
        for edge in self:
            require_finite(edge, f"edge of the {name} band")
        low, high = self.low_outer, self.high_outer
        band, where = f"{signed_delta(low)} to {signed_delta(high)}", f"{name}: net delta {signed_delta(net_delta)} is"
        if low <= net_delta <= high:
            return Target(low, high, net_delta, f"{where} inside {band}")
        landing = self.high_inner if net_delta > high else self.low_inner
        text = f"{where} outside {band}, land at {signed_delta(landing)}"
        return Target(low, high, landing, text)


def require_exposure(exposure: Exposure) -> float:
    """Return the net delta of an exposure whose numbers can be trusted.

    Raises
    ------
    DataError
        A number is not finite, the price is not positive, or the urgency lies outside 0 to 1; it is named.

    """
    for name in ("spot_usd", "book_delta", "hedge_size", "book_gamma_per_usd", "book_theta_usd_per_year"):
        require_finite(getattr(exposure, name), name)
    if exposure.spot_usd <= 0.0:
        raise DataError(f"spot_usd is {exposure.spot_usd}; expected a positive price")
    if not 0.0 <= exposure.urgency_ratio <= 1.0:
        raise DataError(f"urgency_ratio is {exposure.urgency_ratio}; expected a number from 0 to 1")
    return require_finite(exposure.net_delta, "net_delta")


def require_costs(costs: TradeCosts) -> None:
    """Refuse costs that cannot be trusted; a rebate, a better price or funding received may be negative.

    Raises
    ------
    DataError
        A number is not finite, or gas or the horizon of funding is negative; it is named.

    """
    for name in ("fee_ratio", "impact_ratio", "funding_ratio", "gas_usd", "funding_horizon_days"):
        require_finite(getattr(costs, name), name)
    for name in ("gas_usd", "funding_horizon_days"):
        if getattr(costs, name) < 0.0:
            raise DataError(f"{name} is {getattr(costs, name)}; expected no negative number")
