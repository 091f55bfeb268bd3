"""The narrow band: against the solver, against Leland where looks are rare, and against simulation where costs rule."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.backtest.schedule import HedgedOption, follow_policy
from agent.backtest.simulator import simulate
from agent.domain import TradeCosts
from agent.numerics.vector_math import NORMAL_DENSITY_AT_0
from agent.policy.band_solver import BandProblem, Criterion, solve_band
from agent.policy.leland import leland_vol_annual
from agent.policy.optimal_band import OptimalVarianceBand
from agent.policy.small_band import SmallBandProblem, small_band
from agent.policy.whalley_wilmott import WhalleyWilmott, dynamic_band
from agent.products.european import black76_delta
from agent.units import SECONDS_PER_YEAR

SELDOM = 1e-9
"""Part of the variance between two looks that is as good as none."""


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
