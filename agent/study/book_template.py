"""Books that begin anew with each period: strikes as ratios of the first price, expiries as days from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from agent.backtest.price_series import PriceSeries
from agent.checks import require_above, require_finite
from agent.demo.scenario import DEFAULT_IV_MARGIN_ANNUAL, at_the_money_strike, underlying_of
from agent.domain import Book, HoldingLeg, OptionLeg, OptionType
from agent.units import SECONDS_PER_DAY, Seconds

_LEAST_IV_ANNUAL = 2.0 * DEFAULT_IV_MARGIN_ANNUAL


@dataclass(frozen=True, slots=True)
class OptionTemplate:
    """One option; ``strike_ratio`` is of the first price, and ``iv_annual`` None is the month's before the start."""

    option_type: OptionType
    strike_ratio: float
    tenor_days: float
    quantity: float
    iv_annual: float | None = None

    def __post_init__(self) -> None:
        require_above(self.strike_ratio, "strike_ratio", 0.0)
        require_above(self.tenor_days, "tenor_days", 0.0)
        require_finite(self.quantity, "quantity")

    def leg(self, prices: PriceSeries, vol_annual: float) -> OptionLeg:
        """Return the option at a period's start; volatility rounded to a point, 5 points either side for the chain."""
        iv_annual = max(round(self.iv_annual or vol_annual, 2), _LEAST_IV_ANNUAL)
        strike_usd = at_the_money_strike(self.strike_ratio * float(prices.prices_usd[0]))
        expiry_unix = Seconds(prices.start_unix + round(self.tenor_days * SECONDS_PER_DAY))
        kind = self.option_type.name.lower()
        return OptionLeg(
            option_type=self.option_type,
            strike_usd=strike_usd,
            expiry_unix=expiry_unix,
            quantity=self.quantity,
            iv_annual=iv_annual,
            iv_low_annual=round(iv_annual - DEFAULT_IV_MARGIN_ANNUAL, 4),
            iv_high_annual=round(iv_annual + DEFAULT_IV_MARGIN_ANNUAL, 4),
            label=f"{datetime.fromtimestamp(expiry_unix, tz=UTC):%Y-%m-%d} {strike_usd:g} {kind}",
        )


@dataclass(frozen=True, slots=True)
class BookTemplate:
    """Options and a holding of the underlying."""

    options: tuple[OptionTemplate, ...] = ()
    holding: float = 0.0

    def book(self, prices: PriceSeries, vol_annual: float) -> Book:
        """Return the book at a period's start; ``vol_annual``: of the options that have none of their own."""
        legs = tuple(option.leg(prices, vol_annual) for option in self.options)
        held = (HoldingLeg(self.holding, "held"),) if self.holding else ()
        return Book(underlying_of(prices.symbol), (*legs, *held))
