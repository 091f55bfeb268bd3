"""Deposits that a venue wants before it takes the trade: sent alone, and nothing else of what was proposed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from agent.domain import Leg
from agent.errors import RejectedError
from agent.keeper.margin_ahead import margin_ahead
from agent.units import Address, AssetUnits, Wad

FIRST, SECOND = (
    Address("0x00000000000000000000000000000000000000B2"),
    Address("0x00000000000000000000000000000000000000B3"),
)
WAITS = frozenset({"MarginTooLow"})


def leg(venue: Address, margin: int, size: int) -> Leg:
    return Leg(venue, AssetUnits(margin), Wad(size), Wad(9 if size else 0))


def proposal(*legs: Leg) -> SimpleNamespace:
    return SimpleNamespace(legs=legs, urgent=True, guard_error=None, reason="because")


def test_margin_ahead__trade_waits_for_it__deposits_alone():
    proposed = proposal(leg(FIRST, 5, -7), leg(SECOND, -3, 2))
    ahead = margin_ahead(proposed, RejectedError("MarginTooLow", {"held": 1, "needed": 2}), WAITS)
    assert ahead is not None
    assert ahead.legs == (leg(FIRST, 5, 0),)
    assert (ahead.urgent, ahead.guard_error) == (True, None)
    assert ahead.reason == (
        "because; margin goes ahead of the trade, which waits for it (MarginTooLow(held=1, needed=2))"
    )


@pytest.mark.parametrize(
    ("legs", "name"),
    [
        ((leg(FIRST, 5, -7),), "NetDeltaExceeded"),
        ((leg(FIRST, 0, -7),), "MarginTooLow"),
        ((leg(FIRST, -5, -7),), "MarginTooLow"),
        ((leg(FIRST, 5, 0),), "MarginTooLow"),
    ],
)
def test_margin_ahead__another_reason_or_no_deposit__is_none(legs, name):
    assert margin_ahead(proposal(*legs), RejectedError(name), WAITS) is None
