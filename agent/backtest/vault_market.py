"""A vault's snapshot at another price of its market, and after a trade."""

from __future__ import annotations

from dataclasses import replace

from agent.domain import Decision, QuotePoint, Snapshot, VenueMeasurement, VenueSnapshot
from agent.guard import evaluate, fill_notional, largest_size
from agent.prediction import PriceRange, predict
from agent.rounding import div_up, mul_div_down, mul_div_up
from agent.units import (
    SECONDS_PER_DAY,
    WAD,
    AssetUnits,
    Rounding,
    Seconds,
    Wad,
    asset_units_to_wad,
    wad_to_asset_units,
)


def at_price(
    start: Snapshot, last: Snapshot, price: Wad, at_unix: Seconds, book_delta: tuple[Wad, Wad]
) -> tuple[Snapshot, Wad]:
    """Return ``last`` at another price and time, and the funding paid since, USD.

    ``start`` holds the prices that are scaled, by ``price`` over its own, so that no rounding adds up. A venue that
    does not answer stays as it is.
    """
    seconds = Seconds(at_unix - last.block.timestamp)
    before = last.measurement
    moves = [_moved(start, last, index, price, seconds) for index in range(len(last.venues))]
    nav_change = sum(
        max(new.equity, 0) - max(old.equity, 0) for (new, _, _), old in zip(moves, before.venues, strict=True)
    )
    measurement = replace(
        before,
        price=price,
        book_delta_low=book_delta[0],
        book_delta_high=book_delta[1],
        nav=Wad(max(before.nav + nav_change, 0)),
        firm_nav=Wad(max(before.firm_nav + nav_change, 0)),
        venues=tuple(measured for measured, _, _ in moves),
    )
    moved = replace(
        last,
        block=replace(last.block, timestamp=at_unix),
        measurement=measurement,
        venues=tuple(venue for _, venue, _ in moves),
    )
    return moved, Wad(sum(funding for _, _, funding in moves))


def traded(snapshot: Snapshot, decision: Decision) -> Snapshot:
    """Return the snapshot after a decision was filled as it expects; `RejectedError` where the guard refuses."""
    fills = decision.expected_fills
    after = predict(snapshot, decision.legs, fills)
    usage = evaluate(snapshot.bounds, snapshot.usage, snapshot.measurement, fills, after, snapshot.block.timestamp)
    sizes = [venue.size for venue in snapshot.venues]
    for fill in fills:
        sizes[fill.venue_index] = Wad(sizes[fill.venue_index] + fill.size_delta)
    return replace(
        snapshot,
        measurement=after,
        usage=usage,
        idle_assets=AssetUnits(snapshot.idle_assets - sum(leg.margin_delta for leg in decision.legs)),
        venues=tuple(replace(venue, size=size) for venue, size in zip(snapshot.venues, sizes, strict=True)),
    )


def _moved(
    start: Snapshot, last: Snapshot, index: int, price: Wad, seconds: Seconds
) -> tuple[VenueMeasurement, VenueSnapshot, Wad]:
    """Return a venue's measurement and snapshot at the new price, and the funding that its position paid."""
    old, own = last.measurement.venues[index], last.venues[index]
    if old.is_silent:
        return old, own, Wad(0)
    base, first, venue = start.measurement.price, start.measurement.venues[index], start.venues[index]
    funding = div_up(own.size * own.funding_rate_per_day * own.index_price * seconds, WAD * WAD * SECONDS_PER_DAY)
    prices = (first.price, first.price_low, first.price_high, venue.mark_price, venue.index_price)
    judged, low, high, mark, at_index = (Wad(mul_div_down(own_price, price, base)) for own_price in prices)
    new = replace(old, price=judged, price_low=low, price_high=high)
    then = PriceRange.of(old, own.mark_price, own.index_price, last.deviation_bps)
    now = PriceRange.of(new, mark, at_index, last.deviation_bps)
    size = own.size

    def gain(now_price: int, then_price: int) -> int:
        return size * (now_price - then_price) // WAD - funding

    new = replace(
        new,
        notional=fill_notional(largest_size(old), judged),
        equity=Wad(old.equity + gain(judged, old.price)),
        equity_low=Wad(old.equity_low + gain(now.worst(size), then.worst(size))),
        equity_high=Wad(old.equity_high + gain(now.best(size), then.best(size))),
    )
    quotes = tuple(_scaled(quote, price, base) for quote in venue.quotes)
    free = _free_collateral(start, index, new)
    own = replace(own, mark_price=mark, index_price=at_index, quotes=quotes, free_collateral=free)
    return new, own, Wad(funding)


def _scaled(quote: QuotePoint, price: Wad, base: Wad) -> QuotePoint:
    """Return a quote at another price of its market; buys round up, sales down, fees up."""
    against = mul_div_up if quote.size_delta > 0 else mul_div_down
    execution_price = Wad(against(quote.execution_price, price, base))
    return QuotePoint(quote.size_delta, execution_price, Wad(mul_div_up(quote.fee, price, base)))


def _free_collateral(start: Snapshot, index: int, measured: VenueMeasurement) -> AssetUnits:
    """Return what a venue lets go: equity less the margin of its notional, at the ratio that the start shows.

    A venue that starts flat shows none, and lets all go: the guard's leverage is then the limit.
    """
    first, decimals = start.measurement.venues[index], start.asset_decimals
    free = asset_units_to_wad(start.venues[index].free_collateral, decimals)
    held = max(first.equity_low - free, 0) if first.notional else 0
    tied_up = mul_div_up(held, measured.notional, first.notional) if held else 0
    return wad_to_asset_units(max(measured.equity_low - tied_up, 0), decimals, Rounding.DOWN)
