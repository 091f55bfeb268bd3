"""Venues of every kind around one price, drawn at random, for tests of the split."""

from __future__ import annotations

import math
from itertools import chain, combinations

from hypothesis import strategies as st

from agent.costs.curves.base import trade_cost_usd
from agent.costs.curves.constant_product import ConstantProduct
from agent.costs.curves.fixed_spread import FixedSpread, InterestImpact
from agent.costs.curves.order_book import BookLevel, OrderBook
from agent.costs.curves.skew_priced import SkewPriced
from agent.routing.split import Offer

SPOT_USD = 3_000.0


def number(low, high):
    return st.floats(low, high, allow_nan=False)


@st.composite
def pools(draw):
    price = SPOT_USD * draw(number(0.999, 1.001))
    return ConstantProduct.of_range(price, 2_000.0, 4_500.0, 10 ** draw(number(5.0, 6.5)), draw(number(0.0, 0.002)))


@st.composite
def skews(draw):
    maker = draw(number(0.0, 0.0005))
    taker = maker + draw(number(0.0, 0.0005))
    return SkewPriced(SPOT_USD, draw(number(-60, 60)), 10 ** draw(number(3.5, 6.0)), maker, taker, 300.0, 300.0)


@st.composite
def order_books(draw):
    gaps = draw(st.lists(number(0.1, 5.0), min_size=1, max_size=6))
    sizes = draw(st.lists(number(0.5, 60.0), min_size=len(gaps), max_size=len(gaps)))
    steps = [sum(gaps[: row + 1]) for row in range(len(gaps))]
    asks = tuple(BookLevel(SPOT_USD + step, size) for step, size in zip(steps, sizes, strict=True))
    bids = tuple(BookLevel(SPOT_USD - step, size) for step, size in zip(steps, sizes, strict=True))
    return OrderBook(bids, asks, draw(number(0.0, 0.001)))


@st.composite
def spreads(draw):
    impact = None
    if draw(st.booleans()):
        positive = draw(number(0.0, 1e-9))
        impact = InterestImpact(draw(number(-2e5, 2e5)), positive, positive + draw(number(1e-11, 1e-9)), 2.0)
    return FixedSpread(SPOT_USD, draw(number(0.0, 0.001)), draw(number(0.0, 0.001)), 200.0, 200.0, impact)


@st.composite
def offers(draw, most=4):
    curves = draw(st.lists(st.one_of(pools(), skews(), order_books(), spreads()), min_size=1, max_size=most))
    return [
        Offer(f"venue {index}", curve, long_carry_usd=draw(number(-3.0, 3.0)), largest_size=draw(number(5.0, 150.0)))
        for index, curve in enumerate(curves)
    ]


def room(offer, is_buy):
    """What one offer takes on a side."""
    return min(offer.curve.after(offer.pending).capacity(is_buy=is_buy), offer.largest_size)


def cost_of(offers_, sizes, leg_gas_usd=0.0):
    """Cost of given signed sizes with carry and gas, straight from the definition."""
    total = 0.0
    for offer, size in zip(offers_, sizes, strict=True):
        if size != 0.0:
            total += trade_cost_usd(offer.curve.after(offer.pending), size) + offer.long_carry_usd * size + leg_gas_usd
    return total


def subsets(offers_):
    """All sets of offers but the empty one."""
    indices = range(len(offers_))
    return chain.from_iterable(combinations(indices, count) for count in range(1, len(offers_) + 1))


def any_split(draw, offers_, size, is_buy):
    """A random split of an absolute size that every offer can take."""
    rooms = [room(offer, is_buy) for offer in offers_]
    left, shares = size, [0.0] * len(offers_)
    order = draw(st.permutations(range(len(offers_))))
    for index in order:
        others = sum(rooms[other] for other in order[order.index(index) + 1 :])
        low, high = max(left - others, 0.0), min(left, rooms[index])
        shares[index] = low + (high - low) * draw(number(0.0, 1.0)) if high > low else min(low, rooms[index])
        left -= shares[index]
    return [math.copysign(share, 1.0 if is_buy else -1.0) for share in shares]
