"""Bounds of the guard and the venues: always kept, named where they bind, and refused where nothing keeps them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import RejectedError
from agent.optimiser.factors import Factors
from agent.optimiser.leg_selection import Gas
from tests.support.optimiser_builders import (
    SPOT_USD,
    cost_usd,
    limits,
    option,
    perp,
    plan_of,
    sizes_of,
    venue,
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    delta=st.floats(-80.0, 80.0),
    band=st.floats(0.5, 20.0),
    max_size=st.floats(0.5, 60.0),
    max_notional=st.floats(1e3, 3e5),
    nav=st.floats(1e4, 1e6),
    gas_usd=st.floats(0.0, 30.0),
)
def test_make_plan__any_bounds__are_respected_or_refused(seed, delta, band, max_size, max_notional, nav, gas_usd):
    rng = np.random.default_rng(seed)
    factors = Factors(delta, *rng.normal(size=4) * (0.2, 5e4, 20.0, 3e3))
    instruments = [
        perp(name, fee=float(rng.uniform(0.1, 3.0)), position=float(rng.uniform(-20.0, 20.0))) for name in "abc"
    ] + [option(), option("put", Factors(-0.4, 0.0021, 290.0, -0.1, 30.0), position=-10.0)]
    venues = [venue(name, float(rng.uniform(2e4, 3e5)), max_leverage=3.0) for name in "abc"]
    venues.append(venue("options", free_margin_usd=float(rng.uniform(0.0, 3e4))))
    guard = limits(
        factors, 0.2, band=band, max_size=max_size, max_notional_usd=max_notional, turnover_usd=0.8 * max_notional,
        nav_usd=nav, max_leverage=2.0, max_nav_loss_usd=0.001 * nav,
    )  # fmt: skip
    try:
        plan = plan_of(instruments, factors, venues, guard=guard, gas=Gas(gas_usd, gas_usd / 3.0))
    except RejectedError as rejection:
        missing = rejection.arguments["needed"] - rejection.arguments["allowed"]
    else:
        missing = None
    if missing is not None:
        assert missing > 0.0
        return
    assert_within(plan, instruments, venues, guard)


def assert_within(plan, instruments, venues, guard):
    sizes = sizes_of(plan, instruments)
    pairs = [(instrument, size) for instrument, size in zip(instruments, sizes, strict=True) if instrument.is_on_chain]
    traded_usd = sum(abs(size) * instrument.notional_usd for instrument, size in pairs)
    execution = {
        instrument.name: cost_usd(replace(instrument, carry_usd_per_unit=0.0), size)
        for instrument, size in zip(instruments, sizes, strict=True)
    }
    assert all(abs(size) <= guard.max_size for _, size in pairs)
    assert traded_usd <= min(guard.max_notional_usd, guard.turnover_usd)
    spent = sum(execution[instrument.name] for instrument, _ in pairs)
    assert spent <= guard.max_nav_loss_usd
    held = sum(abs(instrument.position + size) * instrument.notional_usd for instrument, size in pairs)
    assert held <= guard.max_leverage * (guard.nav_usd - spent) * (1.0 + 1e-12)
    for (instrument, size), limit in zip(pairs, venues[:3], strict=True):
        equity = limit.equity_usd - execution[instrument.name]
        assert abs(instrument.position + size) * SPOT_USD <= limit.max_leverage * equity * (1.0 + 1e-12)
    change = sum(size for _, size in pairs)
    worst = max(abs(guard.net_delta_low + change), abs(guard.net_delta_high + change))
    assert worst <= max(guard.band, guard.worst_net_delta - guard.min_improvement)
    assert abs(plan.after.delta) <= max(guard.band, abs(plan.before.delta)) * (1.0 + 1e-12)
    options = [
        (instrument, size) for instrument, size in zip(instruments, sizes, strict=True) if not instrument.is_on_chain
    ]
    tied_up = sum(
        margin_usd(i, i.position + size) - margin_usd(i, i.position) + execution[i.name] for i, size in options
    )
    assert tied_up <= venues[3].free_margin_usd * (1.0 + 1e-12) + 1e-9


def margin_usd(instrument, position):
    return instrument.margin_long_usd * max(position, 0.0) + instrument.margin_short_usd * max(-position, 0.0)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"max_notional_usd": 30_000.0}, "the guard's notional of one rebalance"),
        ({"turnover_usd": 30_000.0}, "the guard's turnover left"),
        ({"max_nav_loss_usd": 5.0}, "the guard's loss of NAV"),
        ({"nav_usd": 10_000.0}, "the guard's total leverage"),
        ({"max_size": 3.0}, "the size at the ask of perp a"),
        ({"band": 2.0, "net_delta_low": -2.0, "net_delta_high": 1.0}, "the guard's delta rule"),
    ],
)
def test_make_plan__bound_in_the_way__is_named(changes, text):
    plan = plan_of([perp()], guard=limits(**changes))
    assert plan.binding == (text,)
    assert text in plan.reason


@pytest.mark.parametrize(
    ("venues", "text"),
    [
        ([venue("a", 9_000.0, max_leverage=5.0)], "leverage at a"),
        ([venue("a", free_margin_usd=9_000.0)], "margin at a"),
    ],
)
def test_make_plan__venue_in_the_way__is_named(venues, text):
    assert plan_of([perp()], venues=venues).binding == (text,)


def test_make_plan__leverage_at_a_venue__counts_what_the_trade_itself_costs():
    instruments = [perp(quotes=((200.0, 30.0),))]
    plan = plan_of(instruments, venues=[venue("a", 9_000.0, max_leverage=5.0)], aversion=1e-2)
    size = sizes_of(plan, instruments)[0]
    assert size * SPOT_USD == pytest.approx(5.0 * (9_000.0 - 31.0 * size), rel=1e-7)


def test_make_plan__outside_the_guards_band__trades_whether_or_not_it_is_worth_it():
    far = Factors(-30.0, 0.0, 0.0, 0.0, 0.0)
    held = plan_of([perp()], far, aversion=1e-12)
    forced = plan_of([perp()], far, aversion=1e-12, guard=limits(far, band=4.0, min_improvement=2.5))
    assert held.trades == ()
    assert forced.after.delta == pytest.approx(-27.5, rel=1e-6)


def test_make_plan__options_the_chain_does_not_count__cannot_carry_the_chains_delta():
    factors = Factors(-6.0, -0.5, -90_000.0, 0.0, 0.0)
    unseen = option(size=400.0)
    guard = limits(factors, band=8.0)
    plan = plan_of([perp(), unseen], factors, guard=guard, aversion=1e-3)
    by_perp, by_option = sizes_of(plan, [perp(), unseen])
    assert by_option > 20.0
    assert abs(factors.delta + by_perp) <= 8.0
    assert abs(plan.after.delta) <= 8.0 * (1.0 + 1e-12)
    seen = replace(unseen, counted_delta=unseen.factors.delta)
    assert plan_of([perp(), seen], factors, guard=guard, aversion=1e-3).objective_usd < plan.objective_usd


def test_make_plan__bounds_that_no_trade_meets__are_refused_by_the_guards_name():
    far = Factors(-30.0, 0.0, 0.0, 0.0, 0.0)
    guard = limits(far, band=4.0, min_improvement=2.5, max_size=1.0)
    with pytest.raises(RejectedError, match=r"NetDeltaExceeded\(bound=the guard's delta rule") as refused:
        plan_of([perp()], far, guard=guard)
    assert refused.value.name == "NetDeltaExceeded"
    assert refused.value.arguments["needed"] == pytest.approx(refused.value.arguments["allowed"] + 1.5, rel=1e-5)


def test_make_plan__leverage_too_high_already_and_nothing_to_sell__is_refused():
    stuck = perp(position=50.0, sells=())
    with pytest.raises(RejectedError, match="VenueLeverageExceeded"):
        plan_of([stuck], venues=[venue("a", 10_000.0, max_leverage=2.0)])
