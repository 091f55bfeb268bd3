"""The solver's claim on several problems, its limits, its window, and its accounts against simulated paths."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from agent.backtest.schedule import HedgedOption, follow_solution
from agent.backtest.simulator import simulate
from agent.policy import band_solver
from agent.policy.band_solver import BandProblem, Criterion, judge_band, solve_band
from agent.policy.band_table import OVERSHOOT

CRITERIA = list(Criterion)
criteria = pytest.mark.parametrize("criterion", CRITERIA)
sides = pytest.mark.parametrize("is_short", [True, False])
PROBLEMS = {
    "cheap": BandProblem(0.0005, 0.0, 5.0, 0.04, True, 400),
    "dear": BandProblem(0.03, 0.0, 30.0, 0.0625, True, 200),
    "dear, long": BandProblem(0.03, 0.0, 30.0, 0.0625, False, 200),
    "both costs, long": BandProblem(0.002, 0.0002, 10.0, 0.0625, False, 500),
    "fixed cost alone": BandProblem(0.0, 0.0005, 10.0, 0.0625, True, 600),
    "hardly averse": BandProblem(0.005, 0.0001, 3.0, 0.1, True, 300),
    "a week": BandProblem(0.001, 0.00005, 40.0, 0.008, True, 500),
}
"""Watched often enough, on the coarse grid too, that the delta takes three moves or more to cross half a band."""


def net_edges(solution):
    """Edges at the strike as net deltas."""
    row = solution.log_moneyness.size // 2
    return solution.edges[0, row] - float(solution.problem.delta_hedge(0.0))


def gamma_at_the_money(variance):
    stdev = math.sqrt(variance)
    return math.exp(-0.125 * variance) / (math.sqrt(2.0 * math.pi) * stdev)


# --- the claim ----------------------------------------------------------------------------------------------------


@criteria
@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_solve_band__band_of_half_the_grid__is_within_one_percent_of_the_best(criterion, name):
    fine = replace(PROBLEMS[name], criterion=criterion)
    coarse = replace(fine, steps=fine.steps // 2)
    band = follow_solution("coarse", solve_band(coarse, 8, np.arange(coarse.steps))).band(fine)
    best = solve_band(fine, 16).objective_at(0.0)
    assert best * (1.0 - 2e-3) <= judge_band(fine, band, 16).objective_at(0.0) <= 1.01 * best


# --- limits -------------------------------------------------------------------------------------------------------


@criteria
@sides
def test_solve_band__trades_beyond_price__leave_the_option_unhedged(criterion, is_short):
    """The objective is then that of the bare payoff, whose moments are known."""
    variance, aversion = 0.04, 2.0 if criterion is Criterion.VARIANCE or not is_short else 0.5
    problem = BandProblem(50.0, 0.0, aversion, variance, is_short, 300, criterion)
    solution = solve_band(problem, 400)
    assert solution.expected_cost_at(0.0) == pytest.approx(0.0, abs=1e-12)
    # Near its ends a window that moves with the delta forces trades; no edge may lie where the hedge can be.
    assert np.all(np.abs(net_edges(solution)[[0, 3]]) > 3.0)
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    payoff = np.maximum(np.exp(math.sqrt(variance) * nodes - 0.5 * variance) - 1.0, 0.0)
    chance = weights / weights.sum()
    loss = (payoff - chance @ payoff) * (1.0 if is_short else -1.0)
    if criterion is Criterion.VARIANCE:
        expected = 0.5 * aversion * float(chance @ loss**2)
    else:
        expected = math.log(float(chance @ np.exp(aversion * loss))) / aversion
    assert solution.objective_at(0.0) == pytest.approx(expected, rel=0.02)


@criteria
def test_solve_band__fixed_cost_sixteen_times_as_large__doubles_the_band(criterion):
    variance, aversion, halves = 0.04, 5.0, []
    for fixed in (1e-6, 1.6e-5):
        half = (12.0 * fixed * gamma_at_the_money(variance) ** 2 / aversion) ** 0.25
        step = gamma_at_the_money(variance) * math.sqrt(variance)
        steps = round((6.0 * step / half) ** 2)
        low, _, _, high = net_edges(solve_band(BandProblem(0.0, fixed, aversion, variance, True, steps, criterion), 12))
        halves.append(0.5 * (high - low) + OVERSHOOT * step / math.sqrt(steps))
        assert halves[-1] == pytest.approx(half, rel=0.08)
    assert math.log(halves[1] / halves[0], 16.0) == pytest.approx(0.25, abs=0.01)


@criteria
@sides
def test_solve_band__cost_falling_to_nothing__objective_of_watching_alone(criterion, is_short):
    """What is left is that the hedge is looked at only now and then: a/2 x (gamma F dF)^2 summed, order 1 / steps."""
    problem = BandProblem(1e-9, 0.0, 20.0, 0.04, is_short, 100, criterion)
    objectives = [solve_band(replace(problem, steps=steps), 6).objective_at(0.0) for steps in (50, 100)]
    assert objectives[0] / objectives[1] == pytest.approx(2.0, rel=0.25)
    assert objectives[1] < 0.1 * solve_band(replace(problem, cost_ratio=0.01), 10).objective_at(0.0)


# --- the window ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fixed", [0.0, 0.0003])
def test_solve_band__band_far_from_the_delta__does_not_depend_on_the_window(monkeypatch, fixed):
    problem = BandProblem(0.015, fixed, 2_500.0, 0.04, True, 250)
    found = solve_band(problem, 8)
    near = np.abs(found.log_moneyness) < 1.5 * math.sqrt(problem.total_variance)
    asymptotic = 4.0 * 8 * found.spacing
    distances = found.edges[0] - problem.delta_hedge(found.log_moneyness)[:, None]
    assert np.all(np.isfinite(found.edges[0][near]))
    assert np.abs(distances[near]).max() > asymptotic
    monkeypatch.setattr(band_solver, "_WINDOW_BANDS", 30.0)
    wider = solve_band(problem, 8)
    assert wider.window > found.window
    np.testing.assert_allclose(found.edges[0][near], wider.edges[0][near], atol=2e-3)
    assert found.objective_at(0.0) == pytest.approx(wider.objective_at(0.0), rel=1e-3)


def test_judge_band__band_outside_the_first_window__is_followed_where_it_lies():
    problem = BandProblem(0.015, 0.0, 1_500.0, 0.04, True, 120)

    def far_below(step, log_moneyness):
        middle = problem.delta_hedge(log_moneyness, step) - 0.9
        return np.stack([middle - 0.02, middle - 0.02, middle + 0.02, middle + 0.02], axis=1)

    told = judge_band(problem, far_below, 8)
    assert told.window > 0.9
    hedge = float(problem.delta_hedge(0.0)) - 0.9
    assert told.objective_at(0.0, hedge) < told.objective_at(0.0, hedge + 0.5)


# --- accounts -----------------------------------------------------------------------------------------------------


@sides
@pytest.mark.parametrize("fixed", [0.0, 2e-4])
def test_judge_band__paths_of_its_own_lattice_simulated__cost_and_variance_agree(is_short, fixed):
    """Under the variance criterion objective and cost of a band give its variance: 2 (H - C) / a."""
    steps, strike = 100, 100.0
    problem = BandProblem(0.005, fixed, 50.0, 0.0625, is_short, steps, Criterion.VARIANCE)
    schedule = follow_solution("solved", solve_band(problem, 24, np.arange(steps)))
    told = judge_band(problem, schedule.band(problem), 24)
    jump = math.sqrt(3.0 * problem.total_variance / steps)
    down = math.expm1(jump**2 / 3.0) / (math.exp(jump) - math.exp(-jump) + math.expm1(-2.0 * jump))
    odds = [down, 1.0 - down - down * math.exp(-jump), down * math.exp(-jump)]
    moves = np.random.default_rng(6).choice([-jump, 0.0, jump], (40_000, steps), p=odds)
    paths = strike * np.exp(np.pad(np.cumsum(moves, axis=1), ((0, 0), (1, 0))))
    option = HedgedOption(strike, 0.25, 1.0, steps, is_short)
    outcomes = simulate(option, [schedule], paths, 0.005, fixed * strike)
    cost, pnl = outcomes.cost_usd[0] / strike, outcomes.pnl_usd[0] / strike
    assert told.expected_cost_at(0.0) == pytest.approx(cost.mean(), abs=4.0 * cost.std() / 200.0 + 0.01 * cost.mean())
    variance = 2.0 * (told.objective_at(0.0) - told.expected_cost_at(0.0)) / problem.risk_aversion
    assert math.sqrt(variance) == pytest.approx(pnl.std(), rel=0.03)
