"""A venue's quote ladder as a price curve, in integers, rounded against the trader.

One side of a ladder is a sequence of rungs, smallest size first. Between rungs the average execution price is
interpolated linearly in size; below the first rung it is the first rung's. Nothing is quoted beyond the last rung.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agent.domain import Fill, VenueSnapshot
from agent.errors import DataError
from agent.rounding import div_up
from agent.units import WAD, Wad

ROUNDING_UNITS = 2
"""What a venue may round the notional of a fill by, units of 1e-18 USD."""


class Rung(NamedTuple):
    """Cost of trading ``size`` (absolute, WAD underlying): average price without fee, and fee in WAD USD."""

    size: int
    execution_price: int
    fee: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """One side of one venue's quotes."""

    is_buy: bool
    rungs: tuple[Rung, ...]

    @property
    def capacity(self) -> int:
        """Largest size quoted; 0 when the venue quotes nothing on this side."""
        return self.rungs[-1].size if self.rungs else 0


def ladder_of(venue: VenueSnapshot, is_buy: bool) -> Ladder:
    """Take one side out of a venue's quotes.

    Raises
    ------
    DataError
        Sizes that do not grow, a price that is not positive, or a negative fee.

    """
    rungs: list[Rung] = []
    largest = 0
    for quote in venue.quotes:
        if quote.size_delta == 0 or (quote.size_delta > 0) is not is_buy:
            continue
        size = abs(quote.size_delta)
        if quote.execution_price <= 0 or quote.fee < 0:
            raise DataError(
                f"venue {venue.name} quotes price {quote.execution_price} and fee {quote.fee} for size {size}; "
                "expected a positive price and no negative fee"
            )
        if size <= largest:
            raise DataError(f"venue {venue.name} quotes size {size} after {largest}; expected growing sizes")
        rungs.append(Rung(size, quote.execution_price, quote.fee))
        largest = size
    return Ladder(is_buy, tuple(rungs))


def ladders_of(venues: Sequence[VenueSnapshot], is_buy: bool) -> tuple[Ladder, ...]:
    """Take one side out of every venue's quotes; raises as `ladder_of` does."""
    return tuple(ladder_of(venue, is_buy) for venue in venues)


class QuotedSides:
    """Both sides of the venues' quotes, each read when it is first asked for and only then."""

    def __init__(self, venues: Sequence[VenueSnapshot]) -> None:
        self._venues = venues
        self._read: dict[bool, tuple[Ladder, ...]] = {}

    def side(self, is_buy: bool) -> tuple[Ladder, ...]:
        """Return every venue's ladder of one side; raises as `ladder_of` does."""
        if is_buy not in self._read:
            self._read[is_buy] = ladders_of(self._venues, is_buy)
        return self._read[is_buy]


def fill_at(ladder: Ladder, venue_index: int, size: int) -> Fill:
    """Foresee the fill of ``size`` (absolute) at the quoted prices; buys round price up, sells down, fees up.

    Raises
    ------
    DataError
        ``size`` is not positive or is beyond the ladder.

    """
    smaller, larger = _bracket(ladder, size)
    if smaller is None:
        price, fee = larger.execution_price, div_up(larger.fee * size, larger.size)
    else:
        span, step = larger.size - smaller.size, size - smaller.size
        price_change = (larger.execution_price - smaller.execution_price) * step
        price = smaller.execution_price + (div_up(price_change, span) if ladder.is_buy else price_change // span)
        fee = smaller.fee + div_up((larger.fee - smaller.fee) * step, span)
    return Fill(venue_index, Wad(size if ladder.is_buy else -size), Wad(price), Wad(fee))


def price_range(ladder: Ladder, size: int) -> tuple[Wad, Wad]:
    """Return bounds on the average price that ``size`` (absolute) will have, rounded outward.

    `fill_at` interpolates; the venue's own curve bends. Where it bends one way over neighbouring rungs, it lies between
    the chord of the two rungs and the neighbouring chords drawn on, and between the prices of the two. Below the first
    rung it lies between that rung's price and the first chord drawn on twice as steeply. At a rung it is the rung's. Of
    what lies between two rungs alone only their prices are known, and one rung alone is taken for all below it. A venue
    that counts in units of 1e-18 USD rounds a notional by two of them, which is much for a size of few units.

    Raises
    ------
    DataError
        As `fill_at`.
    """
    smaller, larger = _bracket(ladder, size)
    low, high = (larger.execution_price,) * 2 if size == larger.size else _bent(ladder.rungs, smaller, larger, size)
    rounding = 4 * div_up(ROUNDING_UNITS * WAD, min(size, ladder.rungs[0].size))  # a chord drawn on triples its ends'
    return Wad(max(low - rounding, 1)), Wad(high + rounding)


def _bent(rungs: tuple[Rung, ...], smaller: Rung | None, larger: Rung, size: int) -> tuple[int, int]:
    """Return bounds on the price between two rungs, or below the first."""
    if smaller is None:
        if len(rungs) == 1:
            return larger.execution_price, larger.execution_price
        ends = _on_chord(larger, rungs[1], 2 * size - larger.size)
        return min(larger.execution_price, ends[0]), max(larger.execution_price, ends[1])
    at = rungs.index(larger)
    chords = [(smaller, larger), *((rungs[at - 2], smaller) for _ in range(at >= 2))]
    chords += [(larger, other) for other in rungs[at + 1 : at + 2]]
    prices = [price for chord in chords for price in _on_chord(*chord, size)]
    floor, ceiling = sorted((smaller.execution_price, larger.execution_price))
    if len(chords) == 1:
        return floor, ceiling
    return max(min(prices), floor), min(max(prices), ceiling)


def _on_chord(one: Rung, other: Rung, size: int) -> tuple[int, int]:
    """Return the price at ``size`` on the line through two rungs, rounded down and up."""
    change, span = (other.execution_price - one.execution_price) * (size - one.size), other.size - one.size
    return one.execution_price + change // span, one.execution_price + div_up(change, span)


def highest_price(ladder: Ladder) -> int:
    """Return the highest price that `price_range` admits for any size, but for the rounding of single units."""
    first = ladder.rungs[0]
    return max(_bent(ladder.rungs, None, first, 1)[1], *(rung.execution_price for rung in ladder.rungs))


def adverse_fills(ladders: Sequence[Ladder], fills: Sequence[Fill]) -> tuple[Fill, ...]:
    """Return fills at the worst prices that `price_range` admits, and at those expected where these are worse."""
    found = []
    for fill in fills:
        low, high = price_range(ladders[fill.venue_index], abs(fill.size_delta))
        worst = max(high, fill.execution_price) if fill.size_delta > 0 else min(low, fill.execution_price)
        fee = max(fill.fee, div_up(fill.fee * worst, fill.execution_price))
        found.append(Fill(fill.venue_index, fill.size_delta, Wad(worst), Wad(fee)))
    return tuple(found)


def ladder_after(ladder: Ladder, taken: int) -> Ladder:
    """Return the ladder that is left once ``taken`` (absolute) has been traded, such as by an order still pending.

    What a size costs then is what both cost together less what the first costs alone, rounded against the trader. A
    rung of one unit carries the price of the next unit, from where that of the rest is interpolated.
    """
    if taken == 0:
        return ladder
    if taken >= ladder.capacity:
        return Ladder(ladder.is_buy, ())
    first = fill_at(ladder, 0, taken)
    rungs = [Rung(1, first.execution_price + _rise(ladder, taken), fill_at(ladder, 0, taken + 1).fee - first.fee)]
    for rung in ladder.rungs:
        size = rung.size - taken
        if size > 1:
            notional = rung.size * rung.execution_price - taken * first.execution_price
            price = div_up(notional, size) if ladder.is_buy else notional // size
            rungs.append(Rung(size, price, max(rung.fee - first.fee, 0)))
    return Ladder(ladder.is_buy, tuple(rungs))


def _rise(ladder: Ladder, taken: int) -> int:
    """Return by how much the price of the next unit differs from the average price of what is taken."""
    smaller, larger = _bracket(ladder, taken + 1)
    if smaller is None:
        return 0
    change, span = taken * (larger.execution_price - smaller.execution_price), larger.size - smaller.size
    return div_up(change, span) if ladder.is_buy else change // span


def worst_quoted_price(ladder: Ladder, size: int) -> Wad:
    """Return the quoted price of the first rung that holds ``size``: no better than the price of ``size`` itself."""
    smaller, larger = _bracket(ladder, size)
    prices = [larger.execution_price] if smaller is None else [smaller.execution_price, larger.execution_price]
    return Wad(max(prices) if ladder.is_buy else min(prices))


def size_within(ladder: Ladder, price_limit: Wad) -> Wad:
    """Return the largest size whose quoted price is no worse than ``price_limit``, rounded down."""
    allowed = 0
    previous: Rung | None = None
    for rung in ladder.rungs:
        excess = rung.execution_price - price_limit if ladder.is_buy else price_limit - rung.execution_price
        if excess > 0:
            if previous is not None:
                slope = abs(rung.execution_price - previous.execution_price)
                room = abs(price_limit - previous.execution_price)
                allowed += (rung.size - previous.size) * room // slope
            break
        allowed = rung.size
        previous = rung
    return Wad(allowed)


def quoted_ratios(ladder: Ladder, size: int, mark_price: Wad, oracle_price: Wad) -> tuple[float, float]:
    """Return fee and impact of ``size`` as ratios of notional at the oracle price; see `impact_price`."""
    fill = fill_at(ladder, 0, size)
    return fill.fee * WAD / (size * oracle_price), impact_price(fill, mark_price, oracle_price) / oracle_price


def impact_price(fill: Fill, mark_price: Wad, oracle_price: Wad) -> int:
    """Return by how much a fill's price is worse than the worse of mark and oracle price, WAD USD, at least 0.

    A premium against the trade is a cost; one in its favour is not counted, because it may stand until the hedge is
    unwound.
    """
    is_buy = fill.size_delta > 0
    reference = min(mark_price, oracle_price) if is_buy else max(mark_price, oracle_price)
    return max(fill.execution_price - reference if is_buy else reference - fill.execution_price, 0)


def _bracket(ladder: Ladder, size: int) -> tuple[Rung | None, Rung]:
    if size <= 0:
        raise DataError(f"size {size} cannot be quoted; expected a positive number")
    previous: Rung | None = None
    for rung in ladder.rungs:
        if size <= rung.size:
            return previous, rung
        previous = rung
    raise DataError(f"size {size} lies beyond the quoted {ladder.capacity}; read a longer ladder")
