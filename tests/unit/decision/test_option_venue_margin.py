"""HEDGE-637: margin at a venue of options follows no leverage, and what it names as an order is no hedge."""

from __future__ import annotations

from dataclasses import replace

from agent.decision.agreement import expected_hedge
from agent.domain import Snapshot
from agent.routing import RoutingParameters, plan_margin
from agent.routing.top_up import strained_venues
from agent.units import AssetUnits, Wad
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


# --- cash that options are bought with ----------------------------------------------------------------------------

WANTED_USD = 150_000


def routing(wanted_usd: int = WANTED_USD) -> RoutingParameters:
    return replace(ROUTING, margin=replace(ROUTING.margin, option_cash=AssetUnits(wanted_usd * 10**6)))


def funded(idle_usd: float = 500_000.0) -> Snapshot:
    """A perp in order, and a venue of options with $50,000 of cash."""
    venues = (VenueState(size=-5.0, equity_usd=10_000.0), VenueState(equity_usd=CASH_USD, free_collateral_usd=CASH_USD))
    plain = snapshot_of(held(5.0), *venues, idle_usd=idle_usd)
    perp, options = plain.venues
    return replace(plain, venues=(perp, replace(options, quotes=(), trades_options=True)))


def sent_usd(snapshot: Snapshot, wanted_usd: int = WANTED_USD) -> float:
    """What would be moved to the venue of options."""
    return sum(leg.margin_delta for leg in plan_margin(snapshot, routing(wanted_usd)).legs) / 10**6


# HEDGE-637
def test_plan_margin__less_than_half_of_the_cash_wanted__is_brought_back_to_it() -> None:
    [leg] = plan_margin(funded(), routing()).legs
    assert (leg.venue, leg.size_delta) == (funded().venues[1].address, 0)
    assert leg.margin_delta == 100_000 * 10**6
    assert (sent_usd(funded(), 100_000), sent_usd(funded(), 0)) == (0.0, 0.0)


# HEDGE-637
def test_plan_margin__cash_for_options__leaves_the_reserve_and_the_venues_cap() -> None:
    poor = funded(idle_usd=60_000.0)
    reserve_usd = 0.1 * (60_000.0 + 10_000.0 + CASH_USD)
    assert sent_usd(poor) == 60_000.0 - reserve_usd
    rich = funded()
    perp, options = rich.measurement.venues
    capped = replace(options, cap=Wad(options.equity + 7_000 * 10**18))
    assert sent_usd(replace(rich, measurement=replace(rich.measurement, venues=(perp, capped)))) == 7_000.0


# HEDGE-637
def test_plan_margin__options_may_not_be_bought__sends_no_cash() -> None:
    open_ = funded()
    measured = open_.measurement
    perp, options = measured.venues
    closed = (
        replace(open_, paused=True),
        replace(open_, measurement=replace(measured, is_reduce_only=True)),
        replace(open_, measurement=replace(measured, venues=(perp, replace(options, is_closing=True)))),
        replace(open_, measurement=replace(measured, venues=(perp, replace(options, is_silent=True)))),
    )
    assert [sent_usd(one) for one in closed] == [0.0] * 4


# HEDGE-637
def test_plan_margin__perp_needs_margin_too__comes_first_and_alone() -> None:
    both = funded()
    perp, options = both.measurement.venues
    strained = replace(perp, equity_low=Wad(4_000 * 10**18), equity=Wad(4_000 * 10**18))
    both = replace(both, measurement=replace(both.measurement, venues=(strained, options)))
    assert [leg.venue for leg in plan_margin(both, routing()).legs] == [both.venues[0].address]
