"""Snapshots of a plausible vault for tests of the decision core: one book, synthetic venues with a convex ladder."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from agent.costs.trade_costs import CostInputs
from agent.decision.decide import DecisionParameters
from agent.domain import (
    BlockRef,
    Book,
    Bounds,
    Budget,
    HoldingLeg,
    Measurement,
    OptionLeg,
    OptionType,
    OrderGas,
    OrderTerms,
    QuotePoint,
    Snapshot,
    Track,
    Usage,
    VenueMeasurement,
    VenueSnapshot,
)
from agent.prediction import PriceRange
from agent.products.european import black76_delta
from agent.routing import RoutingParameters
from agent.routing.margin import MarginParameters
from agent.units import Address, AssetUnits, BlockHash, Rounding, Seconds, Wad, Wei, to_wad

NOW = Seconds(1_722_500_000)
SPOT_USD = 3_000.0
EXPIRY = Seconds(NOW + 30 * 86_400)
LADDER_SIZES = (0.01, 0.1, 1.0, 5.0, 25.0, 100.0, 200.0)
VENUE_ADDRESSES = (
    Address("0x00000000000000000000000000000000000000A1"),
    Address("0x00000000000000000000000000000000000000B2"),
)


def wad(number: float | str) -> Wad:
    """Decimal text to WAD, exactly."""
    return to_wad(str(number), Rounding.DOWN)


BOUNDS = Bounds(
    band=wad(2),
    min_improvement=wad("0.5"),
    urgent_delta=wad(10),
    max_size_delta=wad(100),
    min_notional=wad(0),
    max_notional=wad(400_000),
    max_gross_notional=wad(10_000_000),
    turnover_capacity=wad(1_000_000),
    turnover_refill_per_day=wad(1_000_000),
    max_venue_leverage=wad(5),
    max_leverage=wad(2),
    max_slippage_bps=150,
    max_fee_bps=15,
    max_nav_loss_bps=100,
    loss_capacity_bps=300,
    loss_refill_bps_per_day=100,
    max_drawdown_bps=1_000,
    idle_floor_bps=0,
    urgent_reserve_bps=0,
    keeper_share_bps=10_000,
    cooldown_seconds=Seconds(600),
)
BUDGET = Budget(wad(0), wad(0), updated_at=Seconds(NOW - 3_600), last_trade_at=Seconds(NOW - 3_600))
TRACK = Track(wad(0), wad(0), wad(0), 0, wad(0), (0, 0, 0, 0))
USAGE = Usage(BUDGET, BUDGET, TRACK)
UNCAPPED = wad(10**18)
COSTS = CostInputs(
    eth_price_usd=SPOT_USD,
    priority_fee_wei=Wei(10**8),
    gas_units=1_200_000,
    data_fee_wei=Wei(0),
    funding_horizon_days=0.25,
)
MARGIN = MarginParameters(
    low_leverage=wad(1),
    target_leverage=wad(2),
    high_leverage=wad(3),
    idle_reserve_bps=1_000,
    guard_headroom_bps=1_000,
    min_margin_delta=AssetUnits(100 * 10**6),
)
ROUTING = RoutingParameters(limit_tolerance_bps=10, margin=MARGIN)
SETTINGS = DecisionParameters(
    delta_tolerance_underlying=1e-3, band_headroom_bps=500, min_trade_underlying=0.01, routing=ROUTING
)


def short_calls(quantity: float = 100.0, strike_usd: float = SPOT_USD, iv_spread: float = 0.02) -> Book:
    """A book short ``quantity`` calls of 30 days."""
    leg = OptionLeg(OptionType.CALL, strike_usd, EXPIRY, -quantity, 0.7, 0.7 - iv_spread, 0.7 + iv_spread, "calls")
    return Book("ETH", (leg,))


def held(quantity: float) -> Book:
    """A book that holds the underlying alone."""
    return Book("ETH", (HoldingLeg(quantity, "coins"),))


def delta_interval(book: Book, spot_usd: float, at_unix: int) -> tuple[float, float]:
    """Interval the chain would verify: each leg at both ends of its volatility interval."""
    low = high = sum(holding.quantity for holding in book.holdings)
    for leg in book.options:
        if leg.expiry_unix <= at_unix:
            continue
        tau_years = (leg.expiry_unix - at_unix) / (365 * 86_400)
        ends = [
            leg.quantity
            * float(black76_delta(leg.option_type is OptionType.CALL, spot_usd, leg.strike_usd, tau_years, iv))
            for iv in (leg.iv_low_annual, leg.iv_annual, leg.iv_high_annual)
        ]
        low, high = low + min(ends), high + max(ends)
    return low, high


@dataclass(frozen=True)
class VenueState:
    """What a synthetic venue holds; ``depth_usd`` shapes its price impact: price (1 +- size x price / depth).

    ``equity_usd`` is its lowest equity.
    """

    size: float = 0.0
    equity_usd: float = 0.0
    free_collateral_usd: float = 0.0
    mark_usd: float = SPOT_USD
    index_usd: float = SPOT_USD
    depth_usd: float = 20_000_000.0
    fee_ratio: float = 0.001
    funding_per_day: float = 0.0
    max_quote: float = math.inf
    cap_usd: float = 1e15
    is_closing: bool = False
    order_terms: OrderTerms | None = None
    """Of a venue that fills later."""
    order_gas: OrderGas | None = None


def quotes_of(state: VenueState) -> tuple[QuotePoint, ...]:
    """Ladder on both sides, smallest first."""
    points = []
    for sign in (-1, 1):
        for size in LADDER_SIZES:
            if size > state.max_quote:
                continue
            price = state.mark_usd * (1.0 + sign * size * state.mark_usd / state.depth_usd)
            fee = size * price * state.fee_ratio
            points.append(QuotePoint(wad(sign * size), wad(f"{price:.12f}"), wad(f"{fee:.12f}")))
    return tuple(points)


def usage_of(**changes: int) -> Usage:
    """What all keepers together and this one have used, alike."""
    budget = replace(BUDGET, **changes)
    return Usage(budget, budget, TRACK)


def measured_venue(state: VenueState, price: Wad, deviation_bps: int = 0) -> VenueMeasurement:
    """What the chain would measure: equity over mark, index and the feed's deviation, by ``equity_usd`` at worst."""
    size = wad(state.size)
    width = Wad(price * deviation_bps // 10_000)
    measured = VenueMeasurement(
        is_silent=False,
        is_closing=state.is_closing,
        price=price,
        price_low=Wad(price - width),
        price_high=Wad(price + width),
        size_low=size,
        size_high=size,
        notional=Wad(-(-abs(size) * price // 10**18)),
        equity=wad(state.equity_usd),
        equity_low=wad(state.equity_usd),
        equity_high=wad(state.equity_usd),
        cap=wad(state.cap_usd),
    )
    prices = PriceRange.of(measured, wad(state.mark_usd), wad(state.index_usd), deviation_bps)
    return replace(
        measured,
        equity=Wad(measured.equity + size * (price - prices.worst(size)) // 10**18),
        equity_high=Wad(measured.equity + abs(size) * (prices.high - prices.low) // 10**18),
    )


def snapshot_of(
    book: Book,
    *venues: VenueState,
    spot_usd: float = SPOT_USD,
    idle_usd: float = 500_000.0,
    bounds: Bounds = BOUNDS,
    usage: Usage = USAGE,
    deviation_bps: int = 0,
    base_fee_gwei: int = 1,
    at_unix: int = NOW,
    paused: bool = False,
) -> Snapshot:
    """Consistent snapshot of ``book`` and ``venues`` at one price and time."""
    states = venues or (VenueState(),)
    low, high = delta_interval(book, spot_usd, at_unix)
    price = wad(spot_usd)
    measured = [measured_venue(state, price, deviation_bps) for state in states]
    idle = wad(idle_usd)
    nav = Wad(idle + sum(max(venue.equity, 0) for venue in measured))
    measurement = Measurement(
        price=price,
        is_reduce_only=False,
        book_delta_low=to_wad(low, Rounding.DOWN),
        book_delta_high=to_wad(high, Rounding.UP),
        idle=idle,
        nav=nav,
        firm_nav=nav,
        net_flows=nav,
        venues=tuple(measured),
    )
    return Snapshot(
        chain_id=31_337,
        block=BlockRef(1, BlockHash("0x" + "11" * 32), Seconds(at_unix), Wei(base_fee_gwei * 10**9)),
        vault=Address("0x00000000000000000000000000000000000000F0"),
        asset_decimals=6,
        idle_assets=AssetUnits(idle // 10**12),
        measurement=measurement,
        bounds=bounds,
        usage=usage,
        deviation_bps=deviation_bps,
        venues=tuple(
            VenueSnapshot(
                address=VENUE_ADDRESSES[index],
                name=f"venue {index}",
                size=wad(state.size),
                mark_price=wad(state.mark_usd),
                index_price=wad(state.index_usd),
                funding_rate_per_day=wad(state.funding_per_day),
                free_collateral=AssetUnits(int(state.free_collateral_usd * 10**6)),
                quotes=quotes_of(state),
                order_terms=state.order_terms,
                order_gas=state.order_gas,
            )
            for index, state in enumerate(states)
        ),
        paused=paused,
    )


def with_bounds(snapshot: Snapshot, **changes: int) -> Snapshot:
    """The same snapshot under other bounds."""
    return replace(snapshot, bounds=replace(snapshot.bounds, **changes))
