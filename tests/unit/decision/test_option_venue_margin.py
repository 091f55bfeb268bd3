"""HEDGE-637: margin at a venue of options follows no leverage, and what it names as an order is no hedge."""

from __future__ import annotations

from dataclasses import replace

from agent.decision.agreement import expected_hedge
from agent.domain import Snapshot
from agent.routing import plan_margin
from agent.routing.top_up import strained_venues
from agent.units import Wad
from tests.support.decision_builders import ROUTING, VenueState, held, snapshot_of

CASH_USD = 50_000.0


def snapshot(*, trades_options: bool) -> Snapshot:
    """A perp, and a venue that holds cash and what one wei stands for, in a vault short of idle collateral."""
    venues = (VenueState(size=-5.0, equity_usd=10_000.0), VenueState(equity_usd=CASH_USD, free_collateral_usd=CASH_USD))
    plain = snapshot_of(held(5.0), *venues, idle_usd=100.0)
    perp, options = plain.measurement.venues
    ask = replace(options, size_high=Wad(1), equity_low=Wad(1), notional=Wad(3_000))
    measurement = replace(plain.measurement, venues=(perp, ask))
    first, second = plain.venues
    second = replace(second, quotes=(), trades_options=trades_options)
    return replace(plain, measurement=measurement, venues=(first, second))


# HEDGE-637
def test_plan_margin__cash_at_a_venue_of_options__stays_where_a_perps_comes_home() -> None:
    options = snapshot(trades_options=True)
    assert all(leg.venue != options.venues[1].address for leg in plan_margin(options, ROUTING).legs)
    perp = without_position(snapshot(trades_options=False))
    home = [leg for leg in plan_margin(perp, ROUTING).legs if leg.venue == perp.venues[1].address]
    assert [leg.margin_delta < 0 for leg in home] == [True]


def without_position(plain: Snapshot) -> Snapshot:
    """The second venue as a perp's is that may give its margin back."""
    first, second = plain.measurement.venues
    flat = replace(second, size_high=Wad(0), equity_low=second.equity, notional=Wad(0))
    return replace(plain, measurement=replace(plain.measurement, venues=(first, flat)))


# HEDGE-637
def test_strained_venues__venue_of_options_worth_little__is_none() -> None:
    assert strained_venues(snapshot(trades_options=False), ROUTING) == (1,)
    assert strained_venues(snapshot(trades_options=True), ROUTING) == ()


# HEDGE-637
def test_expected_hedge__wei_that_stands_for_bid_and_ask__is_none() -> None:
    assert expected_hedge(snapshot(trades_options=True)) == -5 * 10**18
    assert expected_hedge(snapshot(trades_options=False)) == -5 * 10**18 + 1
