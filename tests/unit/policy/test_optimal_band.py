"""The live optimal band: the table's answer in the book's own units, as often as it is looked at."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain import Book, TradeCosts
from agent.errors import DataError
from agent.policy.band_range import MOST_GAS_WEIGHT, MOST_GAS_WEIGHT_OF_UTILITY
from agent.policy.band_solver import BandProblem, Criterion, solve_band
from agent.policy.band_table import OVERSHOOT
from agent.policy.optimal_band import OptimalBand, OptimalVarianceBand, _as_watched
from agent.policy.whalley_wilmott import static_band
from tests.support.option_exposure import COSTS, FREE, call, exposure_of, hedged, put

EXPONENTIAL = OptimalBand(0.001, 60.0, 30.0, 0.65)
VARIANCE = OptimalVarianceBand(0.001, 60.0, 30.0, 0.65)
policies = pytest.mark.parametrize("policy", [EXPONENTIAL, VARIANCE], ids=["exponential", "variance"])
sides = pytest.mark.parametrize("quantity", [-100.0, 100.0])


@policies
@sides
@pytest.mark.parametrize("moneyness", [0.9, 1.0, 1.08])
def test_edges__calls_of_one_strike__are_the_solvers_own(policy, quantity, moneyness):
    """Watched as often as the solver's lattice is."""
    variance, steps = 0.65**2 * 30.0 / 365.0, 500
    criterion = Criterion.EXPONENTIAL if policy is EXPONENTIAL else Criterion.VARIANCE
    problem = BandProblem(0.0015, 4.0 / 300_000.0, 300.0, variance, quantity < 0.0, steps, criterion)
    solution = solve_band(problem, 16)
    at = math.log(moneyness)
    hedges = [np.interp(at, solution.log_moneyness, solution.edges[0, :, edge]) for edge in range(4)]
    expected = 100.0 * (np.array(hedges) - float(problem.delta_hedge(at)))
    watching = replace(policy, watch_seconds=30.0 * 86_400.0 / steps)
    found = watching.edges(exposure_of(quantity, spot_usd=3_000.0 * moneyness), COSTS)
    width = expected[3] - expected[0]
    np.testing.assert_allclose((found.low_outer, found.high_outer), expected[[0, 3]], atol=0.08 * width)
    # Where to land matters little near the best landing, so the solver's own is uncertain.
    np.testing.assert_allclose((found.low_inner, found.high_inner), expected[1:3], atol=0.15 * width)


@policies
def test_edges__puts_and_calls_of_one_strike__are_those_of_as_many_calls(policy):
    both = hedged(Book("ETH", (call(-60.0, 3_200.0), put(-40.0, 3_200.0))), 3_000.0, 0.0)
    alone = hedged(Book("ETH", (call(-100.0, 3_200.0),)), 3_000.0, 0.0)
    assert tuple(policy.edges(both, COSTS)) == pytest.approx(tuple(policy.edges(alone, COSTS)), rel=1e-9)


@policies
def test_edges__looked_at_more_rarely__come_nearer(policy):
    exposure = exposure_of(-100.0)
    widths = []
    for seconds in (1e-6, 60.0, 3_600.0, 86_400.0, 1e7):
        edges = replace(policy, watch_seconds=seconds).edges(exposure, COSTS)
        widths.append(edges.high_outer - edges.low_outer)
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[2] > 0.0
    assert widths[-1] == pytest.approx(0.0, abs=1e-9)
    move = abs(exposure.book_gamma_per_usd) * 3_000.0 * 0.65 * math.sqrt(1.0 / 8_760.0)
    assert widths[0] - widths[2] == pytest.approx(2.0 * OVERSHOOT * move, rel=1e-3)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(edges=st.lists(st.floats(-50.0, 50.0), min_size=4, max_size=4), overshoot=st.floats(0.0, 1e3))
def test_as_watched__any_edges__stay_in_order_within_the_ones_given(edges, overshoot):
    low, one, other, high = edges[0], *sorted(edges[1:3]), edges[3]
    low, high = min(low, high), max(low, high)
    found = _as_watched([low, one, other, high], overshoot)
    assert list(found) == sorted(found)
    assert low <= found.low_outer <= found.high_outer <= high + 1e-9
    assert found.low_outer - low == pytest.approx(min(overshoot, 0.5 * (high - low)), abs=1e-9)


def test_as_watched__inner_edge_far_from_its_outer_one__stays():
    found = _as_watched([-10.0, -0.5, 0.5, 10.0], 0.1)
    assert tuple(found) == pytest.approx((-9.9, -0.5, 0.5, 9.9), abs=1e-9)


def test_as_watched__inner_edges_close_to_their_outer_ones__come_along_on_both_sides():
    low, low_inner, high_inner, high = _as_watched([-3.0, -2.9, 2.9, 3.0], 0.2)
    assert (low, high) == pytest.approx((-2.8, 2.8))
    assert low_inner == -high_inner == pytest.approx(-2.9 + 0.2 * math.exp(-0.1 / 0.6))


def test_as_watched__edges_that_are_one__move_as_one():
    assert tuple(_as_watched([-3.0, -3.0, 5.0, 5.0], 0.25)) == pytest.approx((-2.75, -2.75, 4.75, 4.75))


@policies
@sides
def test_edges__gas_alone__trade_nearly_to_the_middle(policy, quantity):
    edges = policy.edges(exposure_of(quantity), TradeCosts(0.0, 0.0, 0.0, 20.0))
    middle, half = 0.5 * (edges.low_outer + edges.high_outer), 0.5 * (edges.high_outer - edges.low_outer)
    assert abs(edges.low_inner - middle) < 0.15 * half
    assert abs(edges.high_inner - middle) < 0.15 * half
    gamma = abs(exposure_of(quantity).book_gamma_per_usd)
    assert half == pytest.approx((12.0 * 20.0 * gamma**2 / 0.001) ** 0.25, rel=0.25)


@policies
@sides
@pytest.mark.parametrize("aversion", [1e-9, 1e-6, 1e-2, 1.0, 1e4])
@pytest.mark.parametrize("gas_usd", [0.0, 1.0, 1e4])
@pytest.mark.parametrize("cost", [1e-7, 1e-3, 0.3])
def test_edges__far_beyond_the_table__are_sound_or_refused(policy, quantity, aversion, gas_usd, cost):
    """Never unhedged, never without a band, and in words where nobody knows the band."""
    exposure = exposure_of(quantity)
    try:
        edges = replace(policy, risk_aversion_per_usd=aversion).edges(exposure, TradeCosts(cost, 0.0, 0.0, gas_usd))
    except DataError as refusal:
        assert "is known up to" in str(refusal)  # noqa: PT017 - one of two sound answers
        return
    assert edges.low_outer <= edges.low_inner <= edges.high_inner <= edges.high_outer
    assert all(math.isfinite(edge) for edge in edges)
    assert edges.low_outer < 100.0
    assert edges.high_outer > -100.0


@pytest.mark.parametrize(
    ("policy", "aversion", "other"),
    [
        (VARIANCE, 0.03, "whalley_wilmott"),
        (EXPONENTIAL, 0.03, "whalley_wilmott"),
        (EXPONENTIAL, 0.008, "optimal_variance_band"),
    ],
)
def test_edges__costs_beyond_risk_tolerance__names_actual_limit_and_what_is_sound(policy, aversion, other):
    exposure, large = exposure_of(-100.0), replace(policy, risk_aversion_per_usd=aversion)
    with pytest.raises(DataError, match=rf"risk aversion x cost x notional .* is known up to .*{other}") as refusal:
        large.edges(exposure, COSTS)
    sound = float(re.search(r"Set risk_aversion_per_usd to (\S+) or less", str(refusal.value))[1])
    assert sound < aversion
    assert replace(policy, risk_aversion_per_usd=sound).edges(exposure, COSTS).high_outer > 0.0


@pytest.mark.parametrize(("cost", "bound"), [(0.0015, 10), (0.4, 6)])
def test_edges__cost_weight_around_its_bound__is_answered_below_and_refused_above(cost, bound):
    """6 where trading is dear, 10 where it is cheap."""
    exposure, costs = exposure_of(-100.0), TradeCosts(cost, 0.0, 0.0, 0.0)
    strike_usd = exposure.book.options[0].strike_usd
    for part, is_known in ((0.99, True), (1.01, False)):
        policy = replace(VARIANCE, risk_aversion_per_usd=part * bound / (cost * 100.0 * strike_usd))
        if is_known:
            assert policy.edges(exposure, costs).high_outer > 0.0
            continue
        with pytest.raises(DataError, match=rf"the band is known up to {bound}\. "):
            policy.edges(exposure, costs)


@pytest.mark.parametrize(("policy", "most"), [(VARIANCE, MOST_GAS_WEIGHT), (EXPONENTIAL, MOST_GAS_WEIGHT_OF_UTILITY)])
@pytest.mark.parametrize("quantity", [-10.0, 1_000.0])
@pytest.mark.parametrize(("times", "is_known"), [(0.98, True), (1.02, False), (4.0, False)])
def test_edges__gas_beyond_risk_tolerance__is_refused_and_what_is_sound_answers(
    policy, most, quantity, times, is_known
):
    """In the table's range and below it alike."""
    aversion, gas_usd = 0.03 / abs(quantity), times * most * abs(quantity) / 0.03
    exposure, costs = exposure_of(quantity), replace(COSTS, gas_usd=gas_usd)
    policy = replace(policy, risk_aversion_per_usd=aversion)
    if is_known:
        assert policy.edges(exposure, costs).high_outer > 0.0
        return
    words = rf"optimal_.*: risk aversion x gas of a trade is .*; the band is known up to {most:g}\. Set "
    with pytest.raises(DataError, match=words + r".*, or use whalley_wilmott") as refusal:
        policy.edges(exposure, costs)
    sound = float(re.search(r"Set risk_aversion_per_usd to (\S+) or less", str(refusal.value))[1])
    assert 0.8 * aversion / times < sound <= 1.001 * aversion / times
    assert replace(policy, risk_aversion_per_usd=sound).edges(exposure, costs).high_outer > 0.0


@sides
@pytest.mark.parametrize(
    ("gas_weight", "cost_weight", "stdev"), [(0.1, 0.1, 0.4), (0.3, 0.1, 0.4), (0.156, 0.09988, 0.39)]
)
def test_edges__gas_moves_the_middle_far_beyond_the_tables__is_refused(quantity, gas_weight, cost_weight, stdev):
    """A long option begun 1.5 standard deviations from the strike gave up 18 to 25 %, a short one 9 to 19."""
    leg = replace(exposure_of(quantity).book.options[0], iv_annual=stdev * math.sqrt(365.0 / 30.0))
    exposure = hedged(Book("ETH", (leg,)), leg.strike_usd, 0.0)
    aversion = cost_weight / (4e-4 * abs(quantity) * leg.strike_usd)
    costs = TradeCosts(4e-4, 0.0, 0.0, gas_weight / aversion)
    policy = replace(EXPONENTIAL, risk_aversion_per_usd=aversion)
    with pytest.raises(DataError, match=r"risk aversion x cost x notional .* or use optimal_variance_band") as refusal:
        policy.edges(exposure, costs)
    sound = float(re.search(r"Set risk_aversion_per_usd to (\S+) or less", str(refusal.value))[1])
    assert replace(policy, risk_aversion_per_usd=sound).edges(exposure, costs).high_outer > 0.0


def test_edges__vol_of_years__is_refused_in_words():
    leg = replace(exposure_of(-100.0).book.options[0], iv_annual=7.0)
    exposure = hedged(Book("ETH", (leg,)), 3_000.0, 0.0)
    with pytest.raises(DataError, match="standard deviation of the log price until expiry is 2"):
        replace(EXPONENTIAL, risk_aversion_per_usd=1e-5).edges(exposure, COSTS)


@pytest.mark.parametrize("quantity", [-1_000.0, 1_000.0])
def test_edges__where_the_solved_band_ends__goes_on_with_the_tables(quantity):
    """The two meet at the table's smallest band size."""
    exposure, found = exposure_of(quantity), []
    for aversion in (1.5e-4, 1.0e-4):
        edges = replace(VARIANCE, risk_aversion_per_usd=aversion).edges(exposure, COSTS)
        found.append(np.array(edges) * math.cbrt(aversion))
    width = found[0][3] - found[0][0]
    np.testing.assert_allclose(found[0], found[1], atol=0.15 * width)


@policies
def test_edges__small_risk__criteria_agree(policy):
    exposure = exposure_of(-100.0)
    one, other = (replace(each, risk_aversion_per_usd=1e-5).edges(exposure, COSTS) for each in (EXPONENTIAL, VARIANCE))
    assert tuple(one) == pytest.approx(tuple(other), abs=0.06 * (one.high_outer - one.low_outer))


@policies
def test_edges__short_gamma_below_the_strike__hedges_a_larger_delta_than_long(policy):
    """Short is hedged to a larger volatility: out of the money that is a larger delta, so the net delta is positive."""
    short, long = (policy.edges(exposure_of(quantity, spot_usd=2_700.0), COSTS) for quantity in (-100.0, 100.0))
    assert short.low_outer + short.high_outer > 0.0
    assert long.low_outer + long.high_outer > 0.0


@policies
def test_edges__no_options__are_the_static_band(policy):
    expected = static_band(3_000.0, COSTS.proportional_ratio, COSTS.gas_usd, 0.001, 0.65, 30.0 / 365.0)
    edges = policy.edges(exposure_of(0.0, holding=12.0), COSTS)
    assert tuple(edges) == pytest.approx((-expected.outer, -expected.inner, expected.inner, expected.outer))


@policies
def test_edges__legs_that_cancel__are_the_static_band(policy):
    book = Book("ETH", (call(-50.0, 3_200.0), call(50.0, 3_200.0)))
    expected = policy.edges(exposure_of(0.0, holding=1.0), COSTS)
    assert tuple(policy.edges(hedged(book, 3_000.0, 0.0), COSTS)) == pytest.approx(tuple(expected))


@policies
@pytest.mark.parametrize("gas_usd", [0.0, 4.0, 400.0])
@pytest.mark.parametrize("left", [1e-2, 1e-4, 1e-7, 1e-9, 1e-12])
def test_edges__legs_that_all_but_cancel__approach_the_static_band(policy, gas_usd, left):
    book = Book("ETH", (call(-50.0, 3_200.0), call(50.0 - left, 3_200.0)))
    costs = replace(COSTS, gas_usd=gas_usd)
    static = static_band(3_000.0, 0.0015, gas_usd, 0.001, 0.65, 30.0 / 365.0)
    edges = policy.edges(hedged(book, 3_000.0, 0.0), costs)
    assert -1.3 * static.outer < edges.low_outer < -0.8 * static.outer
    assert 0.8 * static.outer < edges.high_outer < 1.3 * static.outer


@policies
def test_target__no_cost__hedges_fully(policy):
    assert policy.target(exposure_of(-100.0, net_delta=4.0), FREE).target_net_delta == 0.0


@policies
def test_target__exposure_without_its_book__is_refused(policy):
    with pytest.raises(DataError, match="book_exposure"):
        policy.target(replace(exposure_of(-100.0), book=None), COSTS)
