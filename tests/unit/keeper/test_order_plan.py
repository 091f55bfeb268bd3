"""What an open order needs, by the venue's state and the record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.orders import OrderStatus, VenueOrder
from agent.domain import OrderTerms
from agent.keeper.order_plan import OrderAct, closes_only, is_fill_wanted, plan_care
from agent.units import Seconds, Wad
from tests.support.decision_builders import NOW, VENUE_ADDRESSES, VenueState, held, snapshot_of, wad

TERMS = OrderTerms(wad("0.0006"), wad(4), wad("0.1"), Wad(1))
ORDER = VenueOrder(
    *(VENUE_ADDRESSES[0], "0x01", OrderStatus.PENDING, wad(10), wad(0), wad(3_010), wad(0), wad(0), wad(22)),
    *(Seconds(NOW), Seconds(NOW + 31)),
)
SOON, LATE = Seconds(NOW + 5), Seconds(NOW + 31)


def act(order=ORDER, now=SOON, recorded=0, **changes) -> OrderAct:
    return plan_care(order, now, Wad(recorded), **changes).act


@pytest.mark.parametrize("status", [OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED])
@pytest.mark.parametrize("now", [SOON, LATE])
def test_plan_care__venue_has_ended_it__reconcile_whatever_else(status, now):
    assert act(replace(ORDER, status=status), now, can_settle=True, is_fill_wanted=False) is OrderAct.RECONCILE


def test_plan_care__part_of_it_filled_untold__reconcile():
    partly = replace(ORDER, status=OrderStatus.PARTLY_FILLED, filled_size_delta=wad(4))
    assert act(partly) is OrderAct.RECONCILE
    assert act(partly, recorded=wad(4)) is OrderAct.WAIT
    assert plan_care(partly, SOON).act is OrderAct.WAIT  # there is no record to bring up


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.PARTLY_FILLED, OrderStatus.FROZEN])
def test_plan_care__expired__cancel_and_never_settle(status):
    assert act(replace(ORDER, status=status), LATE, can_settle=True) is OrderAct.CANCEL
    assert act(replace(ORDER, status=status), Seconds(LATE - 1), can_settle=False) is (
        OrderAct.CANCEL if status is OrderStatus.FROZEN else OrderAct.WAIT
    )


def test_plan_care__fill_is_not_wanted_any_more__cancel():
    assert act(is_fill_wanted=False, can_settle=True) is OrderAct.CANCEL


def test_plan_care__anybody_may_settle__only_with_prices_at_hand():
    assert act(can_settle=True) is OrderAct.SETTLE
    assert act(can_settle=False) is OrderAct.WAIT


# --- whether its fill is wanted -------------------------------------------------------------------------------------


def snapshot(book_delta: float, size: float = 0.0, bought: float = 10.0):
    """A vault whose venue has a purchase open."""
    seen = snapshot_of(held(book_delta), VenueState(size=size, equity_usd=50_000, order_terms=TERMS))
    venue = seen.measurement.venues[0]
    venue = replace(venue, size_high=Wad(venue.size_high + wad(bought)))
    return replace(seen, measurement=replace(seen.measurement, venues=(venue,)))


@pytest.mark.parametrize(
    ("book_delta", "size", "is_wanted"),
    [
        (-10.0, 0.0, True),
        (-30.0, 10.0, True),  # leads half of the way
        (-8.1, 0.0, True),  # past neutral, inside the band of 2
        (-6.0, 0.0, True),  # leaves 4 where 6 were
        (-4.0, 0.0, False),  # leaves 6 where 4 were
        (0.0, 0.0, False),
        (5.0, 0.0, False),
    ],
)
def test_is_fill_wanted__net_delta_moved_on__by_the_worst_case_it_leaves(book_delta, size, is_wanted):
    assert is_fill_wanted(snapshot(book_delta, size), ORDER) is is_wanted


def test_is_fill_wanted__venue_that_is_gone__is_not_judged():
    assert is_fill_wanted(snapshot(0.0), replace(ORDER, venue=VENUE_ADDRESSES[1]))


@pytest.mark.parametrize(
    ("size", "ordered", "is_closing"),
    [(10, -10, True), (-10, 4, True), (10, -11, False), (10, 1, False), (-10, -1, False), (0, 1, False)],
)
def test_closes_only__order_that_does_more_than_close__is_refused(size, ordered, is_closing):
    """By hand a hedge is closed whatever book it is for: the worst case grows."""
    order = replace(ORDER, size_delta=wad(ordered))
    assert closes_only(snapshot(-10.0, size=size), order) is is_closing
    elsewhere = replace(order, venue=VENUE_ADDRESSES[1])
    assert not closes_only(snapshot(-10.0, size=size), elsewhere)
