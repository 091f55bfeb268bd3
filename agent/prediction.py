"""What the vault would measure after a rebalance, by the valuation of ``contracts/libraries/VenueValuation.sol``.

Equity is linear in the price, E(P) = equity at a price P0 + size x (P - P0). It is taken at the price judged, and its
ends are the lowest and highest over the venue's mark, the venue's index with the feed's deviation on either side, and
the oracle's range. Low ends round down, high ends up. Every number is WAD unless its name says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.domain import Fill, Leg, Measurement, Snapshot, VenueMeasurement, VenueSnapshot
from agent.errors import DataError
from agent.guard import fill_notional
from agent.rounding import mul_div_up
from agent.units import BPS, WAD, Wad, asset_units_to_wad


@dataclass(frozen=True, slots=True)
class PriceRange:
    """Lowest and highest price that a venue's account is valued at, USD per underlying."""

    low: Wad
    high: Wad

    @classmethod
    def of(cls, measured: VenueMeasurement, mark_price: Wad, index_price: Wad, deviation_bps: int) -> PriceRange:
        """Return the range of a venue that answered; ``deviation_bps`` is how far the price feed may lag."""
        width = mul_div_up(index_price, deviation_bps, BPS)
        return cls(
            low=Wad(min(index_price - width, mark_price, measured.price_low)),
            high=Wad(max(index_price + width, mark_price, measured.price_high)),
        )

    def worst(self, size: int) -> Wad:
        """Return the price at which a position of ``size`` is worth least."""
        return self.low if size > 0 else self.high

    def best(self, size: int) -> Wad:
        """Return the price at which a position of ``size`` is worth most."""
        return self.high if size > 0 else self.low


def predict(snapshot: Snapshot, legs: Sequence[Leg], fills: Sequence[Fill]) -> Measurement:
    """Foresee what the vault would measure after ``legs`` executed as ``fills``.

    Oracle price, book delta, mark and index prices are taken as unchanged: a venue's mark is averaged over time, so a
    trade does not move it within its own block. Equity at a price P grows by
    margin - fee + size_delta (P - execution price); an order that is yet to fill widens its ends alone.

    Raises
    ------
    DataError
        A leg names a venue the snapshot does not hold, or one that does not answer.

    """
    margin = _margin_by_venue(snapshot, legs)
    before = snapshot.measurement
    after: list[VenueMeasurement] = []
    nav_change = 0
    for index, (measured, venue) in enumerate(zip(before.venues, snapshot.venues, strict=True)):
        venue_fills = [fill for fill in fills if fill.venue_index == index]
        if margin[index] == 0 and not venue_fills:
            after.append(measured)
            continue
        if measured.is_silent:
            raise DataError(f"a rebalance moves venue {venue.name}, which does not answer; leave it out")
        new = _after_venue(snapshot, measured, venue, margin[index], [f for f in venue_fills if not f.is_pending])
        for order in (fill for fill in venue_fills if fill.is_pending):
            new = _with_order(snapshot, new, venue, order)
        nav_change += max(new.equity, 0) - max(measured.equity, 0)
        after.append(new)
    moved = sum(margin)
    return replace(
        before,
        idle=Wad(max(before.idle - moved, 0)),
        nav=Wad(max(before.nav + nav_change - moved, 0)),
        firm_nav=Wad(max(before.firm_nav + nav_change - moved, 0)),
        venues=tuple(after),
    )


def _margin_by_venue(snapshot: Snapshot, legs: Sequence[Leg]) -> list[int]:
    if not legs:
        return [0] * len(snapshot.venues)
    indices = {venue.address: index for index, venue in enumerate(snapshot.venues)}
    margin = [0] * len(snapshot.venues)
    for leg in legs:
        if leg.venue not in indices:
            raise DataError(f"leg names venue {leg.venue}, which the vault has not registered")
        margin[indices[leg.venue]] += asset_units_to_wad(leg.margin_delta, snapshot.asset_decimals)
    return margin


def _after_venue(
    snapshot: Snapshot, before: VenueMeasurement, venue: VenueSnapshot, margin: int, fills: Sequence[Fill]
) -> VenueMeasurement:
    size_delta = fee = paid = 0
    for fill in fills:
        size_delta += fill.size_delta
        fee += fill.fee
        paid += fill.size_delta * fill.execution_price
    size_low, size_high = before.size_low + size_delta, before.size_high + size_delta
    size = venue.size + size_delta
    prices = PriceRange.of(before, venue.mark_price, venue.index_price, snapshot.deviation_bps)

    def change(after_price: int, before_price: int) -> int:
        """Return what equity gains from its old price to its new one, WAD^2."""
        return size * after_price - venue.size * before_price - paid

    low_change = change(prices.worst(size), prices.worst(venue.size))
    high_change = change(prices.best(size), prices.best(venue.size))
    moved = margin - fee
    return replace(
        before,
        size_low=Wad(size_low),
        size_high=Wad(size_high),
        notional=fill_notional(max(abs(size_low), abs(size_high)), before.price),
        equity=Wad(before.equity + moved + change(before.price, before.price) // WAD),
        equity_low=Wad(before.equity_low + moved + low_change // WAD),
        equity_high=Wad(before.equity_high + moved - (-high_change // WAD)),
    )


def _with_order(snapshot: Snapshot, measured: VenueMeasurement, venue: VenueSnapshot, order: Fill) -> VenueMeasurement:
    """Add an order that fills at its limit, at the best price there is, or not at all; a venue has one at most."""
    prices = PriceRange.of(measured, venue.mark_price, venue.index_price, snapshot.deviation_bps)
    size_delta, limit = order.size_delta, order.execution_price
    best = min(limit, prices.low) if size_delta > 0 else max(limit, prices.high)
    low, high = measured.equity_low, measured.equity_high
    for price in (prices.low, prices.high):
        held = venue.size * (price - measured.price)
        low = Wad(min(low, measured.equity + (held + size_delta * (price - limit)) // WAD))
        high = Wad(max(high, measured.equity - (-(held + size_delta * (price - best)) // WAD)))
    size_low = measured.size_low + min(size_delta, 0)
    size_high = measured.size_high + max(size_delta, 0)
    return replace(
        measured,
        size_low=Wad(size_low),
        size_high=Wad(size_high),
        notional=fill_notional(max(abs(size_low), abs(size_high)), measured.price),
        equity_low=Wad(low - order.fee),
        equity_high=high,
    )
