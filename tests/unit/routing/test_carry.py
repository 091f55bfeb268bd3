"""Funding that a trade is charged with, against the integral of a rate that drifts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.domain import FundingSpeed
from agent.routing import RouteCosts, plan_route
from agent.routing.carry import expected_carry
from agent.units import WAD
from tests.support.decision_builders import ROUTING, SPOT_USD, VenueState, short_calls, snapshot_of, wad

RATE, DRIFT, DRIFT_PER_UNIT = 0.0004, 0.0009, 0.000009
HORIZON_DAYS = 3.0


def venue(held: float, rate: float = RATE):
    """A venue whose rate drifts."""
    plain = snapshot_of(short_calls(), VenueState(size=held, funding_per_day=rate)).venues[0]
    return replace(plain, funding_speed=FundingSpeed(wad(str(DRIFT)), wad(f"{DRIFT_PER_UNIT:f}")))


def paid_usd(size: float, drift: float) -> float:
    """What a position pays while its rate drifts, by small steps."""
    steps = 3_000
    width = HORIZON_DAYS / steps
    return sum(size * SPOT_USD * (RATE + drift * (step + 0.5) * width) * width for step in range(steps))


@pytest.mark.parametrize("held", [0.0, 20.0, -20.0])
@pytest.mark.parametrize("traded", [5.0, -5.0, 40.0])
def test_carry__rate_drifts_with_the_trade__is_what_the_whole_position_pays_more(held, traded):
    carry = expected_carry(venue(held), wad(SPOT_USD), wad(HORIZON_DAYS), is_buy=traded > 0)
    more = paid_usd(held + traded, DRIFT + DRIFT_PER_UNIT * traded) - paid_usd(held, DRIFT)
    assert carry.cost(wad(abs(traded))) / WAD**2 == pytest.approx(more, rel=1e-9)


def test_carry__rate_does_not_drift__is_the_rate_over_the_horizon():
    plain = replace(venue(10.0), funding_speed=None)
    carry = expected_carry(plain, wad(SPOT_USD), wad(HORIZON_DAYS), is_buy=False)
    assert carry.cost(wad(2)) / WAD**2 == pytest.approx(-2 * SPOT_USD * RATE * HORIZON_DAYS, rel=1e-12)


def test_route__rate_that_each_unit_drives_up__shares_the_trade_with_a_dearer_venue():
    cheap, dear = VenueState(fee_ratio=0.0006), VenueState(fee_ratio=0.001)
    snapshot = snapshot_of(short_calls(), cheap, dear)
    drifting = replace(snapshot.venues[0], funding_speed=FundingSpeed(wad("0.00045"), wad("0.000009")))
    moved = replace(snapshot, venues=(drifting, snapshot.venues[1]))

    def share(seen, horizon_days):
        fills = plan_route(seen, wad(50), ROUTING, RouteCosts(horizon_days, 20.0)).fills
        return sum(fill.size_delta for fill in fills if fill.venue_index == 0)

    assert share(moved, 0.0) == share(snapshot, 0.0)
    assert share(moved, 3.0) < share(moved, 1.0) < share(snapshot, 1.0)
