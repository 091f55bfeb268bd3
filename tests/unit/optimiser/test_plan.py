"""The whole programme: closed forms, brute force, monotonicity, gas, lots and bad input."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.errors import DataError
from agent.optimiser import convex, quadratic
from agent.optimiser.covariance import factor_covariance
from agent.optimiser.factors import Factors
from agent.optimiser.leg_selection import EXACT_LEGS, Gas
from agent.optimiser.plan import make_plan
from tests.support.optimiser_builders import (
    AVERSION,
    MOVES,
    SHORT_GAMMA,
    SPOT_USD,
    VENUES,
    cost_usd,
    grid_best,
    objective_usd,
    option,
    perp,
    plan_of,
    sizes_of,
    steps,
    venue,
)


def assert_consistent(plan, instruments, factors=SHORT_GAMMA, aversion=AVERSION, gas=None):
    """What the record says is what its trades do, worked out from the definition."""
    sizes = sizes_of(plan, instruments)
    residual = np.array(factors) + sum(
        size * np.array(instrument.factors) for instrument, size in zip(instruments, sizes, strict=True)
    )
    np.testing.assert_allclose(plan.after, residual, rtol=1e-9, atol=1e-9 * np.abs(np.array(factors)).max())
    assert plan.stdev_after_usd == pytest.approx(
        math.sqrt(max(residual @ MOVES.matrix @ residual, 0.0)), rel=1e-6, abs=1e-6
    )
    assert plan.objective_usd == pytest.approx(
        objective_usd(factors, instruments, sizes, aversion=aversion, gas=gas), rel=1e-8, abs=1e-6
    )
    risk = 0.5 * aversion * plan.stdev_after_usd**2
    assert plan.objective_usd == pytest.approx(risk + plan.costs.total_usd - plan.expected_gain_usd, rel=1e-8, abs=1e-6)


# --- closed forms and brute force ---------------------------------------------------------------------------------


@pytest.mark.parametrize("delta", [-300.0, -3.0, 5.0, 60.0])
def test_make_plan__one_perp_of_one_price__lands_on_the_closed_forms_edge(delta):
    factors = Factors(delta, -0.3, -90_000.0, 0.0, 0.0)
    instruments = [perp(quotes=((500.0, 2.0),))]
    plan = plan_of(instruments, factors)
    s11, s13 = MOVES.matrix[0, 0], MOVES.matrix[0, 2]
    centre, edge = -s13 * factors.vega_usd_per_vol / s11, 3.0 / (AVERSION * s11)
    assert plan.after.delta == pytest.approx(min(max(delta, centre - edge), centre + edge), rel=1e-9)
    assert_consistent(plan, instruments, factors)


@pytest.mark.parametrize("quotes", [((500.0, 0.0),), ((10.0, 0.0), (20.0, 0.0), (470.0, 0.0))])
def test_make_plan__quadratic_impact__solves_the_linear_equation(quotes):
    factors = Factors(-80.0, 0.0, 0.0, 0.0, 0.0)
    instruments = [perp(quotes=quotes, fee=1.0, impact_usd_per_unit2=0.4)]
    size = sizes_of(plan_of(instruments, factors), instruments)[0]
    s11 = AVERSION * MOVES.matrix[0, 0]
    assert size == pytest.approx((80.0 * s11 - 1.0) / (s11 + 0.4), rel=1e-9)


@pytest.mark.parametrize(
    "factors", [SHORT_GAMMA, Factors(25.0, 0.2, 60_000.0, 5.0, 0.0), Factors(0.0, 0.0, -4e4, 0.0, 0.0)]
)
@pytest.mark.parametrize("aversion", [3e-6, 1e-4])
def test_make_plan__perp_and_option__beats_every_point_of_a_grid(factors, aversion):
    instruments = [perp(position=10.0, carry_usd_per_unit=-0.4), option(size=150.0)]
    plan = plan_of(instruments, factors, aversion=aversion)
    assert_consistent(plan, instruments, factors, aversion)
    grids = [np.linspace(-120.0, 120.0, 121), np.linspace(-150.0, 150.0, 121)]
    best = grid_best(factors, instruments, grids, aversion=aversion)
    assert plan.objective_usd <= best + 1e-9
    fine = [np.linspace(size - 2.0, size + 2.0, 41) for size in sizes_of(plan, instruments)]
    assert plan.objective_usd == pytest.approx(grid_best(factors, instruments, fine, aversion=aversion), rel=1e-3)


def test_make_plan__venue_that_may_fail__costs_its_premium_and_is_used_less():
    instruments = [perp("a"), perp("b")]
    safe, risky = venue("a"), venue("b", failures_per_year=2.0, loss_given_failure_ratio=0.5)
    plan = plan_of(instruments, venues=[safe, risky])
    by_a, by_b = sizes_of(plan, instruments)
    assert by_a > by_b >= 0.0
    ratio = 2.0 * 0.5 / 365.0
    expected = ratio * by_b * SPOT_USD / 2.0
    assert plan.costs.premium_usd == pytest.approx(expected)
    assert plan.objective_usd == pytest.approx(
        objective_usd(SHORT_GAMMA, instruments, [by_a, by_b], premium_ratios=(0.0, ratio))
    )


def test_make_plan__position_at_a_venue_that_may_fail__is_moved_away():
    instruments = [perp("a"), perp("b", position=40.0)]
    flat = Factors(0.0, 0.0, 0.0, 0.0, 0.0)
    venues = [venue("a"), venue("b", failures_per_year=3.0)]
    by_a, by_b = sizes_of(plan_of(instruments, flat, venues), instruments)
    assert by_b < 0.0 < by_a
    assert by_a == pytest.approx(-by_b, abs=5.0)


def test_make_plan__expected_gain__counts_on_request_alone():
    instruments = [option(expected_gain_usd_per_unit=-30.0)]
    without, counted = plan_of(instruments), plan_of(instruments, counts_expected_gain=True)
    size, fewer = sizes_of(without, instruments)[0], sizes_of(counted, instruments)[0]
    assert size > fewer
    assert without.expected_gain_usd == 0.0
    assert counted.expected_gain_usd == pytest.approx(-30.0 * fewer)
    assert counted.objective_usd == pytest.approx(
        objective_usd(SHORT_GAMMA, instruments, [fewer]) - counted.expected_gain_usd
    )


# --- monotonicity -------------------------------------------------------------------------------------------------


def test_make_plan__more_risk_aversion__pays_more_for_less_risk():
    instruments = [perp("a"), perp("b", fee=2.0), option(), option("put", Factors(-0.4, 0.0021, 290.0, -0.1, 30.0))]
    plans = [plan_of(instruments, aversion=aversion) for aversion in np.geomspace(1e-7, 1e-1, 25)]
    risks, costs = [plan.stdev_after_usd for plan in plans], [plan.costs.total_usd for plan in plans]
    assert all(later <= earlier * (1.0 + 1e-9) for earlier, later in itertools.pairwise(risks))
    assert all(later >= earlier - 1e-7 for earlier, later in itertools.pairwise(costs))
    assert plans[0].trades == ()
    assert risks[-1] < 0.5 * risks[0]


@pytest.mark.parametrize("field", ["fee", "impact"])
def test_make_plan__dearer_quotes__leave_a_larger_objective_and_trade_no_more(field):
    sizes, objectives = [], []
    for factor in (0.2, 1.0, 3.0, 10.0, 100.0):
        extra = {"fee": factor} if field == "fee" else {"fee": 1.0, "quotes": ((200.0, factor),)}
        plan = plan_of([perp(**extra)])
        sizes.append(sum(abs(trade.size) for trade in plan.trades))
        objectives.append(plan.objective_usd)
    assert sizes == sorted(sizes, reverse=True)
    assert objectives == sorted(objectives)


def test_make_plan__one_instrument_more__never_does_worse():
    base = [perp("a"), perp("b", fee=0.5)]
    assert plan_of([*base, option()]).objective_usd <= plan_of(base).objective_usd + 1e-9


# --- gas ----------------------------------------------------------------------------------------------------------


def brute_force_gas(instruments, factors, gas, aversion=AVERSION):
    """Every set of legs by its own programme without gas."""
    best = math.inf
    for count in range(len(instruments) + 1):
        for chosen in itertools.combinations(instruments, count):
            allowed = [*chosen, perp("z", quotes=((1e-9, 1e9),))]
            found = make_plan(factors, allowed, [*VENUES, venue("z")], MOVES, aversion)
            best = min(best, found.objective_usd + gas.of(count))
    return best


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("gas", [Gas(0.5, 0.2), Gas(12.0, 6.0), Gas(80.0, 2.0), Gas(0.0, 25.0)])
def test_make_plan__gas_a_leg__equals_the_best_of_all_sets_of_legs(seed, gas):
    rng = np.random.default_rng(seed)
    instruments = [
        perp(
            name,
            quotes=((float(rng.uniform(2.0, 30.0)), float(rng.uniform(0.1, 1.5))), (60.0, 4.0)),
            fee=float(rng.uniform(0.2, 2.0)),
        )
        for name in "abcd"
    ]
    factors = Factors(float(rng.uniform(-60.0, 60.0)), 0.0, float(rng.uniform(-5e4, 5e4)), 0.0, 0.0)
    plan = plan_of(instruments, factors, gas=gas)
    assert plan.objective_usd == pytest.approx(brute_force_gas(instruments, factors, gas), rel=1e-9)
    assert plan.costs.gas_usd == gas.of(len(plan.trades))
    assert_consistent(plan, instruments, factors, gas=gas)


def test_make_plan__more_legs_than_are_tried_in_all_ways__drops_them_while_that_pays():
    names = "abcdefghijklmno"
    instruments = [perp(name, quotes=((4.0, 0.3 + 0.05 * row), (50.0, 3.0))) for row, name in enumerate(names)]
    assert len(instruments) > EXACT_LEGS
    free, paid = plan_of(instruments), plan_of(instruments, gas=Gas(2.0, 6.0))
    assert 0 < len(paid.trades) < len(free.trades)
    assert_consistent(paid, instruments, gas=Gas(2.0, 6.0))
    assert [trade.venue for trade in paid.trades] == list(names[: len(paid.trades)])
    fewer = [plan_of(instruments[:count], gas=Gas(2.0, 6.0)).objective_usd for count in range(1, EXACT_LEGS + 1)]
    assert paid.objective_usd == pytest.approx(min(fewer), rel=1e-9)


def test_make_plan__gas_dearer_than_all_risk__holds():
    plan = plan_of([perp("a"), perp("b")], gas=Gas(1e7, 0.0))
    assert plan.trades == ()
    assert plan.costs.total_usd == 0.0
    assert plan.reason.startswith("hold: no trade is worth its cost")


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_gas__number_out_of_domain__is_refused_by_name(bad):
    with pytest.raises(DataError, match=f"extra_leg_usd is {bad}"):
        Gas(1.0, bad)


# --- whole lots ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factors", [SHORT_GAMMA, Factors(3.0, -0.02, -2_000.0, 0.0, 0.0)])
def test_make_plan__whole_lots__are_whole_and_near_the_best_in_lots(factors):
    instruments = [perp(), option(lot=5.0), option("put", Factors(-0.4, 0.0021, 290.0, -0.1, 30.0), lot=5.0)]
    plan = plan_of(instruments, factors)
    by_perp, *by_options = sizes_of(plan, instruments)
    assert all(size % 5.0 == pytest.approx(0.0, abs=1e-9) for size in by_options)
    assert_consistent(plan, instruments, factors)
    any_size = plan_of([replace(instrument, lot=0.0) for instrument in instruments], factors)
    assert any_size.objective_usd <= plan.objective_usd <= any_size.objective_usd + plan.gap_usd + 1e-9
    grids = [[by_perp], *[[size + 5.0 * step for step in range(-3, 4)] for size in by_options]]
    assert plan.objective_usd <= grid_best(factors, instruments, grids) + plan.gap_usd + 1e-9


def test_make_plan__quote_that_is_no_whole_number_of_lots__taken_in_whole_lots_alone():
    instruments = [option(size=13.0, lot=5.0)]
    assert sizes_of(plan_of(instruments, aversion=1e-2), instruments) == [10.0]


# --- when the own solver has no answer ----------------------------------------------------------------------------


def no_steps(*arguments):
    return math.inf


def test_make_plan__own_solver_without_an_answer__asks_clarabel_and_answers_the_same(monkeypatch):
    instruments = [perp("a"), perp("b", fee=2.0), option()]
    usual = plan_of(instruments, gas=Gas(1.0, 0.5))
    monkeypatch.setattr(quadratic, "interior_point", lambda: no_steps)
    other = plan_of(instruments, gas=Gas(1.0, 0.5))
    assert other.objective_usd == pytest.approx(usual.objective_usd, rel=1e-7)
    assert other.gap_usd <= 1e-6 * usual.objective_usd


def test_make_plan__neither_solver_with_an_answer__is_refused_not_guessed(monkeypatch):
    monkeypatch.setattr(quadratic, "interior_point", lambda: no_steps)
    monkeypatch.setattr(convex, "solve_with_cvxpy", lambda problem: None)
    with pytest.raises(DataError, match="too far out of scale"):
        plan_of([perp()])


# --- degenerate and bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["delta", "gamma", "vega", "vanna", "volga"])
def test_make_plan__factor_not_finite__is_refused_by_name(name):
    bad = [math.nan if other == name else 1.0 for other in ("delta", "gamma", "vega", "vanna", "volga")]
    with pytest.raises(DataError, match=f"{name} of the book is nan"):
        plan_of([perp()], Factors(*bad))


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_make_plan__risk_aversion_out_of_domain__is_refused(bad):
    with pytest.raises(DataError, match=f"risk_aversion_per_usd is {bad}"):
        plan_of([perp()], aversion=bad)


def test_make_plan__unknown_venue_or_one_twice__is_refused():
    with pytest.raises(DataError, match=r"row 0 \(perp a\): venue is a; expected one of \['b'\]"):
        plan_of([perp()], venues=[venue("b")])
    with pytest.raises(DataError, match="expected different names"):
        plan_of([perp()], venues=[venue("a"), venue("a")])


def test_make_plan__no_costs_no_bounds_and_singular_covariance__refused_not_answered():
    only_gamma = factor_covariance(np.diag([0.0, 1.0, 0.0, 0.0, 0.0]), 1.0)
    unbounded = perp(quotes=((math.inf, 0.0),), fee=0.0)
    with pytest.raises(DataError, match="nothing bounds it"):
        make_plan(SHORT_GAMMA, [unbounded], VENUES, only_gamma, AVERSION)
    free = perp(quotes=((10.0, 0.0),), fee=0.0)
    with pytest.raises(DataError, match="buying and selling back is free"):
        make_plan(SHORT_GAMMA, [free], VENUES, only_gamma, AVERSION)


def test_make_plan__singular_covariance_with_costs__leaves_what_cannot_improve():
    only_gamma = factor_covariance(np.diag([0.0, 1.0, 0.0, 0.0, 0.0]), 1.0)
    assert make_plan(SHORT_GAMMA, [perp()], VENUES, only_gamma, AVERSION).trades == ()


def test_make_plan__one_sided_or_no_quotes__trades_what_there_is():
    no_quotes = option("silent", buys=(), sells=())
    plan = plan_of([no_quotes, perp(sells=())])
    assert [trade.instrument for trade in plan.trades] == ["perp a"]
    assert plan_of([no_quotes]).trades == ()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(scale=st.floats(-4.0, 4.0), aversion=st.floats(-9.0, -1.0))
def test_make_plan__books_of_any_size__have_proven_answers(scale, aversion):
    assume(scale + aversion < 4.0)
    factors = Factors(*(10.0**scale * factor for factor in SHORT_GAMMA))
    instruments = [perp("a"), perp("b", fee=2.0), option(), option("put", Factors(-0.4, 0.0021, 290.0, -0.1, 30.0))]
    plan = plan_of(instruments, factors, aversion=10.0**aversion)
    assert plan.gap_usd <= 1e-8 * max(plan.objective_before_usd, 1.0)
    assert plan.objective_usd <= plan.objective_before_usd * (1.0 + 1e-12)


def test_make_plan__reason__names_trade_price_risk_cost_and_bounds():
    chain_option = option(
        "ETH-29MAR24-3000-P", quote_currency_usd=SPOT_USD, factors=Factors(-0.4, 0.002, 300.0, 0.0, 0.0)
    )
    plan = plan_of([chain_option, perp()], aversion=1e-2)
    assert "buy 100 ETH-29MAR24-3000-P at 0.0613 (removes 33% of vega risk)" in plan.reason
    assert "perp a at 3,001.58 (removes 80% of delta risk)" in plan.reason
    assert f"risk over 1 day: {plan.stdev_before_usd:,.0f} -> {plan.stdev_after_usd:,.0f} USD" in plan.reason
    assert "bound by the size at the ask of ETH-29MAR24-3000-P" in plan.reason


def test_cost_steps__builder__counts_what_it_says():
    assert cost_usd(perp(quotes=((1.0, 0.5), (1.0, 2.0))), -1.5) == pytest.approx(1.5 + 1.5)
    assert cost_usd(perp(buys=steps((1.0, 1.0))), 2.0) == math.inf
