"""The narrow band: against the solver, against Leland where looks are rare, and against simulation where costs rule."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.backtest.schedule import HedgedOption, follow_policy
from agent.backtest.simulator import simulate
from agent.domain import TradeCosts
from agent.errors import DataError
from agent.numerics.vector_math import NORMAL_DENSITY_AT_0
from agent.policy import small_band as small_band_module
from agent.policy.band_range import MOST_COST_WEIGHT_CHEAP, MOST_GAS_WEIGHT
from agent.policy.band_solver import BandProblem, Criterion, solve_band
from agent.policy.band_table import BAND_SIZES
from agent.policy.leland import leland_vol_annual
from agent.policy.optimal_band import OptimalVarianceBand
from agent.policy.small_band import SmallBandProblem, small_band
from agent.policy.whalley_wilmott import WhalleyWilmott, dynamic_band
from agent.products.european import black76_delta
from agent.units import SECONDS_PER_YEAR
from benchmarks.band_table import loss

SELDOM = 1e-9
"""Part of the variance between two looks that is as good as none."""
LOOKS_A_BAND = 8.0
"""Moves between two looks that cross half a band: fewer make another problem of it."""


def problem_of(band_size, cost_weight, fixed_weight, stdev, is_short=True, look=SELDOM):
    cost = math.sqrt(cost_weight * band_size) * stdev
    fixed = fixed_weight * cost * math.cbrt(1.5 * band_size * NORMAL_DENSITY_AT_0**2)
    aversion = math.sqrt(cost_weight / band_size) / stdev
    return SmallBandProblem(cost, fixed, aversion, stdev**2, look * stdev**2, is_short)


@pytest.mark.parametrize(
    ("cost_weight", "fixed_weight", "is_short"),
    [(0.5, 0.0, True), (5.0, 0.0, True), (5.0, 0.3, True), (2.0, 0.3, False)],
)
def test_small_band__against_the_solver__has_its_edges(cost_weight, fixed_weight, is_short):
    problem = problem_of(3e-4, cost_weight, fixed_weight, 0.17, is_short)
    solved = solve_band(BandProblem(*problem[:4], is_short, 1_200, Criterion.VARIANCE), 12)
    overshoot = 0.5826 * NORMAL_DENSITY_AT_0 / math.sqrt(1_200)
    for moneyness in (-1.0, 0.0, 1.0):
        at = moneyness * 0.17
        edges = [np.interp(at, solved.log_moneyness, solved.edges[0, :, edge]) for edge in range(4)]
        low, _, _, high = np.array(edges) - float(solved.problem.delta_hedge(at))
        found = small_band(problem, moneyness)
        width = found.high_outer - found.low_outer
        seen = overshoot * math.exp(-0.5 * (moneyness + 0.085) ** 2)
        assert (found.low_outer, found.high_outer) == pytest.approx((low - seen, high + seen), abs=0.12 * width)


@pytest.mark.parametrize("fixed_weight", [0.0, 2.0])
@pytest.mark.parametrize("is_short", [True, False])
def test_small_band__costs_beside_nothing__is_whalley_and_wilmotts(fixed_weight, is_short):
    problem = problem_of(1e-7, 1e-7, fixed_weight, 0.2, is_short)
    gamma = NORMAL_DENSITY_AT_0 * math.exp(-0.5 * 0.1**2) / 0.2
    outer, inner = dynamic_band(gamma, 1.0, *problem[:3])
    assert small_band(problem, 0.0) == pytest.approx((-outer, -inner, inner, outer), rel=0.02)


@pytest.mark.parametrize("moneyness", [-1.5, -0.5, 0.0, 1.0])
def test_small_band__looks_far_rarer_than_the_band_asks__is_about_lelands_delta(moneyness):
    """Traded at every look, the costs to come are those in Leland's volatility."""
    stdev, cost, looks = 0.2, 0.002, 100
    problem = SmallBandProblem(cost, 0.0, 1e9, stdev**2, stdev**2 / looks, True)
    adjusted = leland_vol_annual(stdev, 2.0 * cost, 1.0 / looks, is_short_gamma=True)
    forward = math.exp(moneyness * stdev)
    shift = float(
        black76_delta(True, forward, 1.0, 1.0, float(adjusted)) - black76_delta(True, forward, 1.0, 1.0, stdev)
    )
    low, _, _, high = small_band(problem, moneyness)
    assert 0.5 * (low + high) == pytest.approx(shift, abs=0.004)


def test_small_band__problems_alike_to_three_digits__are_one():
    problem = problem_of(1e-5, 1.0, 0.5, 0.3)
    alike = problem._replace(cost_ratio=float(f"{problem.cost_ratio:.2e}"))
    assert small_band(alike, 0.3) == small_band(problem, 0.3)


def test_optimal_variance_band__large_book__beats_the_small_cost_band_on_paths():
    """1,000 options at a risk aversion made for 100: narrower than the table, costs five times tolerance."""
    looks, life_years, vol, quantity = 2_000, 30.0 / 365.0, 0.6, 1_000.0
    option, costs = HedgedOption(3_200.0, vol, life_years, looks, True), TradeCosts(0.001, 0.0005, 0.0, 5.0 / quantity)
    aversion, watch = 0.001 * quantity, life_years * SECONDS_PER_YEAR / looks
    policies = OptimalVarianceBand(aversion, watch, 365.0, vol), WhalleyWilmott(aversion, 365.0, vol)
    schedules = [follow_policy(type(policy).__name__, policy, option, costs) for policy in policies]
    step = vol * math.sqrt(life_years / looks)
    draws = np.random.default_rng(7).standard_normal((200, looks))
    moves = step * np.concatenate([draws, -draws]) - 0.5 * step**2
    prices = 3_200.0 * np.exp(np.concatenate([np.zeros((400, 1)), np.cumsum(moves, axis=1)], axis=1))
    found = simulate(option, schedules, prices, 0.0015, 5.0 / quantity)
    optimal, small_cost = (
        float(cost.mean() + 0.5 * aversion * pnl.var()) for cost, pnl in zip(found.cost_usd, found.pnl_usd, strict=True)
    )
    assert optimal < 0.75 * small_cost


# --- where it is known ------------------------------------------------------------------------------------------------


def gas_problem(gas_weight, is_short=True, stdev=0.17, band_size=3e-5, cost_weight=2.0, look=SELDOM):
    problem = problem_of(band_size, cost_weight, 0.0, stdev, is_short, look)
    return problem._replace(fixed_cost_ratio=gas_weight / problem.risk_aversion)


@pytest.mark.parametrize("is_short", [True, False])
@pytest.mark.parametrize("cost_weight", [1e-3, 0.3, 2.0, MOST_COST_WEIGHT_CHEAP])
@pytest.mark.parametrize("stdev", [0.02, 0.17, 1.5])
def test_small_band__gas_up_to_its_bound__is_solved_over_all_of_the_rest(is_short, cost_weight, stdev):
    for band_size in (1e-6, BAND_SIZES[0]):
        for look in (SELDOM, 1e-4, 1e-2):
            problem = gas_problem(MOST_GAS_WEIGHT, is_short, stdev, band_size, cost_weight, look)
            for moneyness in (-3.0, -1.0, 0.0, 1.0, 3.0):
                edges = small_band(problem, moneyness)
                assert list(edges) == sorted(edges)
                assert all(math.isfinite(edge) for edge in edges)


@pytest.mark.parametrize("is_short", [True, False])
@pytest.mark.parametrize("beyond", [1.001, 2.0, 6.0, 100.0])
def test_small_band__gas_beyond_its_bound__refuses_and_names_what_is_sound(is_short, beyond):
    problem = gas_problem(beyond * MOST_GAS_WEIGHT, is_short)
    told = rf"risk aversion x gas of a trade is {problem.risk_aversion * problem.fixed_cost_ratio:.3g}; "
    with pytest.raises(DataError, match=told + r".* known up to 0\.5\. Lower .*, or use whalley_wilmott"):
        small_band(problem, 0.0)


@pytest.mark.parametrize("is_short", [True, False])
@pytest.mark.parametrize(("gas_weight", "has_root"), [(0.5, True), (2.0, True), (2.5, True), (3.1, False), (30, False)])
def test_small_band__no_root__is_told_apart_from_a_solution(monkeypatch, is_short, gas_weight, has_root):
    """Gas alone has none from 3 on, see the module: the bound lies far below."""
    monkeypatch.setattr(small_band_module, "MOST_GAS_WEIGHT", math.inf)
    problem = gas_problem(gas_weight, is_short, cost_weight=0.3)
    if has_root:
        assert small_band(problem, 0.0).high_outer > 0.0
        return
    with pytest.raises(DataError, match=r"iteration ended .* of its root away from it .* or use whalley_wilmott"):
        small_band(problem, 0.0)


@pytest.mark.parametrize("is_short", [True, False])
@pytest.mark.parametrize("band_size", [5e-5, 1e-3])
def test_optimal_variance_band__costs_up_to_their_bound__loses_little_to_the_solver(is_short, band_size):
    """Solved when asked for, and between the table's nodes."""
    problem = problem_of(band_size, MOST_COST_WEIGHT_CHEAP, 0.0, 0.17, is_short)
    outer = dynamic_band(NORMAL_DENSITY_AT_0 / 0.17, 1.0, *problem[:3]).outer
    steps = min(math.ceil((LOOKS_A_BAND * NORMAL_DENSITY_AT_0 / outer) ** 2), 6_000)
    assert loss(BandProblem(*problem[:4], is_short, steps, Criterion.VARIANCE)) < 0.025


@pytest.mark.parametrize("is_short", [True, False])
@pytest.mark.parametrize(("gas_weight", "most_loss"), [(0.3, 0.06), (MOST_GAS_WEIGHT, 0.10)])
def test_optimal_variance_band__gas_within_its_bound__loses_little_to_the_solver(is_short, gas_weight, most_loss):
    problem = gas_problem(gas_weight, is_short, cost_weight=2.0)
    outer = dynamic_band(NORMAL_DENSITY_AT_0 / 0.17, 1.0, *problem[:3]).outer
    steps = math.ceil((LOOKS_A_BAND * NORMAL_DENSITY_AT_0 / outer) ** 2)
    assert loss(BandProblem(*problem[:4], is_short, steps, Criterion.VARIANCE)) < most_loss
