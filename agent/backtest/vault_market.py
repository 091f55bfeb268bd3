"""A vault's snapshot at another price of its market, and after a trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    Wei,
    asset_units_to_wad,
    wad_to_asset_units,
)


@dataclass(frozen=True, slots=True)
class Instant:
    """A step's price and time, the chain's interval of delta at it, and what surrounds the vault there.

    ``funding_rates``: each venue's a day, over the time since the step before.
    """

    price: Wad
    at_unix: Seconds
    book_delta: tuple[Wad, Wad]
    funding_rates: Sequence[Wad]
    quotes: Sequence[tuple[QuotePoint, ...]]
    base_fee_wei: Wei


def at_instant(start: Snapshot, last: Snapshot, now: Instant) -> tuple[Snapshot, Wad]:
    """Return ``last`` at another price and time, and the funding paid since, USD.

    ``start`` holds the prices that are scaled, by the new price over its own, so that no rounding adds up. A venue that
    does not answer stays as it is.
    """
    before, price = last.measurement, now.price
    moves = [_moved(start, last, index, now) for index in range(len(last.venues))]
    nav_change = sum(
        max(new.equity, 0) - max(old.equity, 0) for (new, _, _), old in zip(moves, before.venues, strict=True)
    )
    measurement = replace(
        before,
        price=price,
        book_delta_low=now.book_delta[0],
        book_delta_high=now.book_delta[1],
        nav=Wad(max(before.nav + nav_change, 0)),
        firm_nav=Wad(max(before.firm_nav + nav_change, 0)),
        venues=tuple(measured for measured, _, _ in moves),
    )
    moved = replace(
        last,
        block=replace(last.block, timestamp=now.at_unix, base_fee_wei=now.base_fee_wei),
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


def _moved(start: Snapshot, last: Snapshot, index: int, now: Instant) -> tuple[VenueMeasurement, VenueSnapshot, Wad]:
    """Return a venue's measurement and snapshot at the new price, and the funding that its position paid."""
    old, own = last.measurement.venues[index], last.venues[index]
    if old.is_silent:
        return old, own, Wad(0)
    base, first, venue = start.measurement.price, start.measurement.venues[index], start.venues[index]
    price, rate, seconds = now.price, now.funding_rates[index], now.at_unix - last.block.timestamp
    funding = div_up(own.size * rate * own.index_price * seconds, WAD * WAD * SECONDS_PER_DAY)
    prices = (first.price, first.price_low, first.price_high, venue.mark_price, venue.index_price)
    judged, low, high, mark, at_index = (Wad(mul_div_down(own_price, price, base)) for own_price in prices)
    new = replace(old, price=judged, price_low=low, price_high=high)
    then = PriceRange.of(old, own.mark_price, own.index_price, last.deviation_bps)
    here = PriceRange.of(new, mark, at_index, last.deviation_bps)
    size = own.size

    def gain(now_price: int, then_price: int) -> int:
        return size * (now_price - then_price) // WAD - funding

    new = replace(
        new,
        notional=fill_notional(largest_size(old), judged),
        equity=Wad(old.equity + gain(judged, old.price)),
        equity_low=Wad(old.equity_low + gain(here.worst(size), then.worst(size))),
        equity_high=Wad(old.equity_high + gain(here.best(size), then.best(size))),
    )
    own = replace(
        own,
        mark_price=mark,
        index_price=at_index,
        funding_rate_per_day=rate,
        quotes=now.quotes[index],
        free_collateral=_free_collateral(start, index, new),
    )
    return new, own, Wad(funding)


def _free_collateral(start: Snapshot, index: int, measured: VenueMeasurement) -> AssetUnits:
    """Return what a venue lets go: equity less the margin of its notional, at the ratio that the start shows.

    A venue that starts flat shows none, and lets all go: the guard's leverage is then the limit.
    """
    first, decimals = start.measurement.venues[index], start.asset_decimals
    free = asset_units_to_wad(start.venues[index].free_collateral, decimals)
    held = max(first.equity_low - free, 0) if first.notional else 0
    tied_up = mul_div_up(held, measured.notional, first.notional) if held else 0
    return wad_to_asset_units(max(measured.equity_low - tied_up, 0), decimals, Rounding.DOWN)
