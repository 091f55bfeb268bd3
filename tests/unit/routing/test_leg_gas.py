"""The router's choice of venues when every leg costs gas, against every set of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.costs.quotes import ladders_of
from agent.domain import Snapshot
from agent.routing import RouteCosts, Router
from agent.units import WAD, Address
from tests.support.decision_builders import BOUNDS, NOW, ROUTING, SPOT_USD, VenueState, held, snapshot_of, wad

BOOK = held(1.0)
VENUES = 4
HORIZON_DAYS = 0.25
MANY = settings(max_examples=150, deadline=None, derandomize=True)


def number(low, high):
    return st.floats(low, high, allow_nan=False).map(lambda drawn: round(drawn, 6))


@st.composite
def venue_states(draw):
    return VenueState(
        mark_usd=draw(number(2_998.0, 3_002.0)),
        depth_usd=draw(number(2e7, 2e8)),
        fee_ratio=draw(number(0.0, 0.001)),
        funding_per_day=draw(number(-0.002, 0.002)),
    )


def snapshot_with(states) -> Snapshot:
    """As `snapshot_of`, with as many venues as there are states."""
    parts = [snapshot_of(BOOK, state, bounds=BOUNDS, at_unix=NOW) for state in states]
    venues = tuple(
        replace(part.venues[0], address=Address(f"0x{index:040x}"), name=f"venue {index}")
        for index, part in enumerate(parts)
    )
    measured = replace(parts[0].measurement, venues=tuple(part.measurement.venues[0] for part in parts))
    return replace(parts[0], venues=venues, measurement=measured)


def cost_usd(states, size, is_buy, leg_gas_usd):
    """Cost of the router's fills with fee, carry and gas, from their own numbers; how many legs."""
    snapshot = snapshot_with(states)
    router = Router.of(
        snapshot, is_buy, ROUTING, RouteCosts(HORIZON_DAYS, leg_gas_usd), ladders_of(snapshot.venues, is_buy)
    )
    fills = router.route(size).fills
    cost = 0.0
    for fill in fills:
        traded = fill.size_delta / WAD
        carry_usd = traded * states[fill.venue_index].funding_per_day * HORIZON_DAYS * SPOT_USD
        cost += traded * fill.execution_price / WAD + fill.fee / WAD + carry_usd
    return cost, len(fills)


@MANY
@given(st.lists(venue_states(), min_size=2, max_size=VENUES), st.booleans(), number(1.0, 60.0), number(0.01, 100.0))
def test_router__gas_of_a_leg__costs_as_the_best_set_of_venues(states, is_buy, size, leg_gas_usd):
    """To a tenth of a basis point, what a ladder's interpolation leaves open."""
    found, legs = cost_usd(states, wad(size), is_buy, leg_gas_usd)
    best = min(
        cost + leg_gas_usd * used
        for count in range(1, len(states) + 1)
        for chosen in combinations(states, count)
        for cost, used in [cost_usd(chosen, wad(size), is_buy, 0.0)]
    )
    lost_usd = found + leg_gas_usd * legs - best
    assert lost_usd <= 1e-5 * size * SPOT_USD


@MANY
@given(st.lists(venue_states(), min_size=2, max_size=VENUES), st.booleans(), number(1.0, 60.0))
def test_router__dearer_gas__never_takes_more_legs(states, is_buy, size):
    legs = [cost_usd(states, wad(size), is_buy, gas)[1] for gas in (0.0, 0.5, 5.0, 50.0, 5_000.0)]
    assert legs == sorted(legs, reverse=True)
    assert legs[-1] == 1
