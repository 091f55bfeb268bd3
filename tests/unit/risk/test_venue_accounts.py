"""Venue accounts of a snapshot: units, signs, the worst case, and refusal of unknown venues."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.errors import DataError
from agent.risk.liquidation import liquidation_risks
from agent.risk.venue_accounts import LiquidationTerms, linear_accounts, venue_positions
from tests.support.decision_builders import VenueState, short_calls, snapshot_of, wad

LONG = VenueState(size=20.0, equity_usd=15_000.0, mark_usd=3_003.0, index_usd=3_000.0, funding_per_day=0.001)
SHORT = VenueState(size=-5.0, equity_usd=4_000.0)
TERMS = {"venue 0": LiquidationTerms(0.0625, 0.0125), "venue 1": LiquidationTerms(0.01, 0.0)}
SNAPSHOT = snapshot_of(short_calls(), LONG, SHORT)


def test_linear_accounts__snapshot__carries_size_equity_price_and_terms():
    long, short = linear_accounts(SNAPSHOT, TERMS)
    assert (long.venue, long.size, long.equity_usd, long.mark_price_usd) == ("venue 0", 20.0, 15_000.0, 3_003.0)
    assert (long.required_ratio, long.funding_rate_per_day) == (0.075, 0.001)
    assert (short.size, short.equity_usd, short.required_ratio) == (-5.0, 4_000.0, 0.01)
    assert [risk.venue for risk in liquidation_risks((long, short), 0.8, 1.0)] == ["venue 0", "venue 1"]


def test_linear_accounts__pending_order__counts_the_larger_size():
    first, second = SNAPSHOT.measurement.venues
    pending = replace(first, size_low=wad(-30), size_high=wad(20))
    snapshot = replace(SNAPSHOT, measurement=replace(SNAPSHOT.measurement, venues=(pending, second)))
    assert linear_accounts(snapshot, TERMS)[0].size == -30.0


def test_venue_positions__snapshot__has_funding_by_the_year():
    long, short = venue_positions(SNAPSHOT)
    assert (long.size, long.mark_price_usd, long.index_price_usd) == (20.0, 3_003.0, 3_000.0)
    assert long.funding_rate_annual == pytest.approx(0.365)
    assert short.size == -5.0


def test_linear_accounts__venue_without_terms__is_named_with_the_known():
    with pytest.raises(DataError, match="row 1: venue is 'venue 1', which has no liquidation terms; known are venue 0"):
        linear_accounts(SNAPSHOT, {"venue 0": TERMS["venue 0"]})


def test_linear_accounts__measurement_missing__is_refused():
    snapshot = replace(SNAPSHOT, measurement=replace(SNAPSHOT.measurement, venues=()))
    with pytest.raises(DataError, match="2 venues and 0 measurements"):
        linear_accounts(snapshot, TERMS)


def test_venue_positions__two_of_one_name__are_refused():
    twins = tuple(replace(venue, name="curie") for venue in SNAPSHOT.venues)
    with pytest.raises(DataError, match="row 1: venue is 'curie', also in row 0"):
        venue_positions(replace(SNAPSHOT, venues=twins))
