"""Accounts above their high watermark: deposits first, then cuts, from the accounts alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.decision.decide import decide
from agent.decision.margin_first import margin_first
from agent.errors import DataError
from agent.guard import evaluate, leverage
from agent.policy.fixed_threshold import FixedThreshold
from agent.prediction import predict
from agent.units import WAD, Wad
from tests.support.decision_builders import (
    COSTS,
    NOW,
    ROUTING,
    SETTINGS,
    VENUE_ADDRESSES,
    VenueState,
    held,
    quotes_of,
    snapshot_of,
    usage_of,
    wad,
    with_bounds,
)

BOOK = held(-30.0)
CALM = VenueState(size=30.0, equity_usd=45_000.0)
STRAINED = VenueState(size=30.0, equity_usd=24_000.0)
"""At 3.75 with a high watermark of 3 and a bound of 5."""
ENDANGERED = VenueState(size=30.0, equity_usd=15_000.0)
"""At 6."""
PENNILESS = {"idle_usd": 0.0}


def plan(snapshot, *, may_trade=True):
    found = margin_first(snapshot, ROUTING, may_trade=may_trade)
    if found is not None and found.legs:
        judged(snapshot, found)
    return found


def judged(snapshot, found):
    """The guard's mirror accepts what is planned."""
    after = after_of(snapshot, found)
    timestamp = snapshot.block.timestamp
    evaluate(snapshot.bounds, snapshot.usage, snapshot.measurement, found.expected_fills, after, timestamp)


def after_of(snapshot, found):
    return predict(snapshot, found.legs, found.expected_fills)


def ratio(snapshot, found, index=0):
    venue = after_of(snapshot, found).venues[index]
    return leverage(venue.notional, venue.equity_low) / WAD


def one_sided(snapshot, is_buy):
    """The venue quotes one side alone."""
    (venue,) = snapshot.venues
    quotes = tuple(quote for quote in venue.quotes if (quote.size_delta > 0) is is_buy)
    return replace(snapshot, venues=(replace(venue, quotes=quotes),))


def test_margin_first__inside_the_watermarks__is_none():
    assert plan(snapshot_of(BOOK, CALM)) is None
    assert plan(snapshot_of(BOOK)) is None


def test_margin_first__above_the_high_watermark__deposits_to_target():
    found = plan(snapshot_of(BOOK, STRAINED))
    assert ratio(snapshot_of(BOOK, STRAINED), found) == pytest.approx(2.0, abs=1e-3)
    assert (found.expected_fills, found.is_enough, found.urgent) == ((), True, True)
    assert found.reason == "venue 0 at 3.75 (to 2.00), above the high watermark of 3.00; deposit $21,000 of margin"


def test_margin_first__what_stops_a_decision__does_not_stop_it():
    """No quote on the side needed, and a book that the chain does not see: the decision raises, the margin goes."""
    snapshot = one_sided(snapshot_of(held(-40.0), STRAINED), is_buy=False)
    for book in (held(-40.0), held(-80.0)):
        with pytest.raises(DataError):
            decide(snapshot, book, FixedThreshold(0.5), COSTS, SETTINGS)
    assert plan(snapshot).legs[0].margin_delta > 0


@pytest.mark.parametrize("may_trade", [True, False])
def test_margin_first__no_healthy_price__deposits_at_the_venues_own(may_trade):
    snapshot = snapshot_of(BOOK, STRAINED)
    blind = replace(snapshot, measurement=replace(snapshot.measurement, price=Wad(0), book_delta_low=Wad(0)))
    assert plan(blind, may_trade=may_trade).legs == plan(snapshot).legs


def test_margin_first__paused__deposits_and_cuts_nothing():
    assert plan(snapshot_of(BOOK, STRAINED, paused=True)).legs[0].margin_delta > 0
    found = plan(snapshot_of(BOOK, ENDANGERED, paused=True, **PENNILESS))
    assert (found.legs, found.is_enough) == ((), False)
    assert "nothing can be done" in found.reason


def test_margin_first__little_collateral__goes_to_the_worst_account_first():
    snapshot = snapshot_of(held(-60.0), STRAINED, ENDANGERED, idle_usd=20_000.0)
    found = plan(snapshot)
    deposits = {leg.venue: leg.margin_delta // 10**6 for leg in found.legs}
    assert deposits == {VENUE_ADDRESSES[0]: 2_272, VENUE_ADDRESSES[1]: 17_727}
    assert ratio(snapshot, found, 1) <= 3.0
    assert not found.is_enough


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_margin_first__no_collateral_beyond_the_guards_bound__cuts_to_inside(side):
    venue = replace(ENDANGERED, size=side * ENDANGERED.size)
    snapshot = snapshot_of(held(-side * 30.0), venue, **PENNILESS)
    found = plan(snapshot)
    (fill,) = found.expected_fills
    assert fill.size_delta * side < 0
    assert 0.75 * 5 <= ratio(snapshot, found) <= 5.0
    assert "6.00 (to 4.39)" in found.reason
    assert "close 8.1250 of the position" in found.reason


def test_margin_first__some_collateral__deposits_it_and_cuts_the_rest():
    snapshot = snapshot_of(BOOK, replace(ENDANGERED, equity_usd=10_000.0), idle_usd=4_000.0)
    found = plan(snapshot)
    (leg,) = found.legs
    assert leg.margin_delta == 4_000 * 10**6
    assert leg.size_delta < 0
    assert ratio(snapshot, found) <= 5.0


def test_margin_first__above_the_watermark_without_collateral__says_so():
    found = plan(snapshot_of(BOOK, STRAINED, **PENNILESS))
    assert (found.legs, found.is_enough) == ((), False)


def test_margin_first__no_equity_left__never_closes_the_whole():
    snapshot = with_bounds(
        snapshot_of(BOOK, replace(ENDANGERED, equity_usd=-500.0), idle_usd=100.0), loss_capacity_bps=9_000
    )
    found = plan(snapshot)
    assert "no equity" in found.reason
    assert sum(abs(fill.size_delta) for fill in found.expected_fills) <= wad(15)
    assert not found.is_enough


def test_margin_first__cooldown__names_the_guards_error():
    snapshot = snapshot_of(BOOK, ENDANGERED, usage=usage_of(last_trade_at=NOW - 1), **PENNILESS)
    found = plan(snapshot)
    assert found.legs == ()
    assert "CooldownActive" in found.reason


def test_margin_first__cut_refused_beside_a_deposit__says_what_else_was_wanted():
    venue = replace(ENDANGERED, equity_usd=10_000.0)
    snapshot = snapshot_of(BOOK, venue, idle_usd=4_000.0, usage=usage_of(last_trade_at=NOW - 1))
    found = plan(snapshot)
    assert (found.legs[0].margin_delta, found.expected_fills) == (4_000 * 10**6, ())
    assert "deposit $4,000 of margin; the guard would refuse more: CooldownActive" in found.reason


def test_margin_first__venue_does_not_quote_the_closing_side__nothing_can_be_done():
    found = plan(one_sided(snapshot_of(BOOK, ENDANGERED, **PENNILESS), is_buy=True))
    assert (found.legs, found.expected_fills, found.is_enough) == ((), (), False)
    assert "; nothing can be done; $0 lay idle" in found.reason


def test_margin_first__not_enough_idle__says_how_much_and_what_the_floor_keeps():
    bounds = {"idle_floor_bps": 500}
    found = plan(with_bounds(snapshot_of(BOOK, STRAINED, idle_usd=4_000.0), **bounds))
    floor_usd = 0.05 * snapshot_of(BOOK, STRAINED, idle_usd=4_000.0).measurement.firm_nav / WAD
    assert not found.is_enough
    assert found.reason.endswith(f"; $4,000 lay idle, of which the guard's floor keeps ${floor_usd:,.0f} for exits")


def test_margin_first__quotes_without_sense__deposits_all_the_same():
    snapshot = snapshot_of(BOOK, replace(ENDANGERED, equity_usd=10_000.0), idle_usd=4_000.0)
    (venue,) = snapshot.venues
    broken = tuple(replace(quote, execution_price=Wad(0)) for quote in quotes_of(ENDANGERED))
    found = plan(replace(snapshot, venues=(replace(venue, quotes=broken),)))
    assert found.legs[0].margin_delta == 4_000 * 10**6
    assert found.expected_fills == ()


def test_margin_first__silent_venue__is_left_alone():
    snapshot = snapshot_of(BOOK, ENDANGERED)
    (known,) = snapshot.measurement.venues
    nothing = {"equity": Wad(0), "equity_low": Wad(0), "equity_high": Wad(0), "is_silent": True, "size_low": Wad(0)}
    silent = replace(snapshot.measurement, venues=(replace(known, **nothing),))
    assert plan(replace(snapshot, measurement=silent)) is None


def test_margin_first__cap_of_the_venue__is_kept():
    found = plan(snapshot_of(BOOK, replace(STRAINED, cap_usd=30_000.0)))
    assert found.legs[0].margin_delta == 6_000 * 10**6
