"""Books that begin anew with each period: strikes as ratios of the first price, expiries as days from it."""

from __future__ import annotations

from dataclasses import dataclass

from agent.backtest.price_series import PriceSeries
from agent.checks import require_above, require_finite
from agent.demo.scenario import listed_option, underlying_of
from agent.domain import Book, HoldingLeg, OptionLeg, OptionType
from agent.units import SECONDS_PER_DAY, Seconds


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
        return listed_option(
            self.option_type,
            self.strike_ratio * float(prices.prices_usd[0]),
            Seconds(prices.start_unix + round(self.tenor_days * SECONDS_PER_DAY)),
            self.quantity,
            self.iv_annual or vol_annual,
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
