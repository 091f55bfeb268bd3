"""Exposures as the agent builds them, of a book of 30-day calls struck at 3,000."""

from __future__ import annotations

from dataclasses import replace

from agent.domain import Book, Exposure, HoldingLeg, OptionLeg, OptionType, TradeCosts
from agent.risk.exposure import book_exposure
from agent.units import Seconds

NOW = Seconds(1_722_500_000)
COSTS = TradeCosts(fee_ratio=0.001, impact_ratio=0.0005, funding_ratio=0.0, gas_usd=4.0)
FREE = TradeCosts(0.0, 0.0, 0.0, 0.0)


def call(quantity: float, strike_usd: float = 3_000.0, days: float = 30.0, vol: float = 0.65) -> OptionLeg:
    expiry = Seconds(NOW + round(days * 86_400))
    return OptionLeg(OptionType.CALL, strike_usd, expiry, quantity, vol, vol, vol, f"call {strike_usd:g}")


def put(quantity: float, strike_usd: float = 3_000.0, days: float = 30.0, vol: float = 0.65) -> OptionLeg:
    leg = call(quantity, strike_usd, days, vol)
    return replace(leg, option_type=OptionType.PUT, label=f"put {strike_usd:g}")


def exposure_of(
    quantity: float, spot_usd: float = 3_000.0, net_delta: float = 0.0, days: float = 30.0, holding: float = 0.0
) -> Exposure:
    """Calls and a holding, hedged so that ``net_delta`` is left; 0 calls is no option at all."""
    options = (call(quantity, days=days),) if quantity else ()
    holdings = (HoldingLeg(holding, "spot"),) if holding else ()
    return hedged(Book("ETH", (*options, *holdings)), spot_usd, net_delta)


def hedged(book: Book, spot_usd: float, net_delta: float) -> Exposure:
    unhedged = book_exposure(book, spot_usd, NOW, 0.0)
    return replace(unhedged, hedge_size=net_delta - unhedged.book_delta)
