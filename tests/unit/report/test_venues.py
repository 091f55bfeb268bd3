"""Figures by venue: orders by their end, and a section where there is something to tell apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.demo.venue_tally import order_counts
from agent.ledger.orders import Order
from agent.ledger.records import OrderState
from agent.report.venue_section import venue_section
from agent.report.venues import OrderCounts, VenueFigures, venues_document
from agent.units import WAD, Address, IntentId, Wad

ONE = VenueFigures("one", "Protocol One", 2, 10_000.0, 6.0, -1.5, 0.75, -2.5, 4_000.0)
OTHER = replace(ONE, name="other", title="Protocol Two", trades=3)


def order(state: OrderState, filled: int = 0) -> Order:
    size = Wad(2 * WAD)
    return Order(IntentId("0x1"), Address("0x2"), "0x3", state, size, Wad(filled * WAD))


@pytest.mark.parametrize(
    ("state", "filled", "end"),
    [
        (OrderState.EXECUTED, 2, "filled"),
        (OrderState.CANCELLED, 0, "cancelled"),
        (OrderState.CANCELLED, 1, "partly"),
        (OrderState.EXPIRED, 0, "expired"),
        (OrderState.EXPIRED, 1, "partly"),
        (OrderState.REQUESTED, 0, "still_open"),
        (OrderState.PARTLY, 1, "still_open"),
        (OrderState.FROZEN, 0, "still_open"),
    ],
)
def test_order_counts__every_end__counts_once(state, filled, end):
    assert order_counts([order(state, filled)]) == OrderCounts(**{"asked": 1, end: 1})


def test_order_counts__several__add_up():
    found = order_counts([order(OrderState.EXECUTED, 2), order(OrderState.EXECUTED, 2), order(OrderState.EXPIRED)])
    assert found == OrderCounts(asked=3, filled=2, expired=1)


def test_venue_section__one_venue_that_fills_at_once__is_not_there():
    assert venue_section((ONE,), "ETH") == ""
    assert venue_section((), "ETH") == ""


def test_venue_section__two_venues__has_a_row_each():
    page = venue_section((ONE, OTHER), "ETH")
    for words in ("one (Protocol One)", "other (Protocol Two)", "$10,000", "Position, ETH", "-2.500"):
        assert words in page.replace("\u2212", "-"), words
    assert "was asked for" not in page


def test_venue_section__orders__are_told_by_their_end():
    asked = replace(ONE, orders=OrderCounts(asked=4, filled=2, expired=1, still_open=1))
    assert "one was asked for 4 orders: 2 filled, 1 expired, 1 open at the end." in venue_section((asked,), "ETH")


def test_venues_document__figures__are_plain():
    assert venues_document((ONE,))[0]["orders"]["asked"] == 0
