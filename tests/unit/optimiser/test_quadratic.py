"""The programme's solver: optimality by its own conditions, by a certificate, by Clarabel and by brute force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.optimiser.convex import solve_with_cvxpy
from agent.optimiser.quadratic import TOLERANCE, Approach, Quadratic, certified, solve

RANK = 5


def programme(seed, slices, rows, log_scale=0.0, log_room=0.0, curved_share=0.0, cost_scale=1.0):
    """A random programme that t = 0 respects."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(slices, RANK)) * rng.uniform(0.1, 1.0, (slices, 1)) * 10.0**log_scale
    bounds = np.abs(rng.normal(size=(slices, rows)))
    if rows:
        bounds[:, 0] = rng.normal(size=slices)
    return Quadratic(
        curvature=np.where(rng.random(slices) < curved_share, rng.uniform(0.01, 3.0, slices), 0.0),
        factors=factors,
        start=3.0 * rng.normal(size=RANK),
        cost=rng.uniform(0.005, 0.5, slices) * cost_scale,
        bounds=bounds,
        room=rng.uniform(0.2, 2.0, rows) * 10.0**log_room,
    )


PROGRAMMES = st.builds(
    programme,
    seed=st.integers(0, 2**32 - 1),
    slices=st.integers(1, 60),
    rows=st.integers(0, 12),
    log_scale=st.floats(-2.0, 2.0),
    log_room=st.floats(-2.0, 2.0),
    curved_share=st.sampled_from([0.0, 0.5, 1.0]),
)


def assert_optimal(problem, solution):
    """The Karush-Kuhn-Tucker conditions, by hand, in the units of the steepest slope."""
    t, y = solution.t, solution.y
    scale = np.abs(problem.cost).max() + np.abs(problem.factors @ problem.start).max()
    residual = problem.factors.T @ t + problem.start
    gradient = problem.curvature * t + problem.factors @ residual + problem.cost + problem.bounds @ y
    slack = problem.room - problem.bounds.T @ t
    assert np.all((t >= 0.0) & (t <= 1.0))
    assert np.all(slack >= -1e-9 * np.maximum(np.abs(problem.bounds).max(axis=0, initial=0.0), 1e-300))
    assert np.all(y >= 0.0)
    assert np.all(np.abs(gradient[(t > 1e-7) & (t < 1.0 - 1e-7)]) <= 1e-7 * scale)
    assert np.all(gradient[t <= 1e-7] >= -1e-7 * scale)
    assert np.all(gradient[t >= 1.0 - 1e-7] <= 1e-7 * scale)
    assert np.all(np.abs(y * slack) <= 1e-8 * max(scale, abs(solution.objective)))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(problem=PROGRAMMES)
def test_solve__any_programme__meets_the_conditions_of_optimality(problem):
    solution = solve(problem)
    assert solution.is_certified
    assert_optimal(problem, solution)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    curved_share=st.sampled_from([0.0, 0.5]),
    log_scale=st.floats(-1.0, 1.0),
)
def test_solve__clarabel_through_cvxpy__has_the_same_objective(seed, curved_share, log_scale):
    problem = programme(seed, 30, 6, log_scale, curved_share=curved_share)
    peer = solve_with_cvxpy(problem)
    ours = solve(problem)
    assert peer is not None
    scale = max(abs(ours.objective), np.abs(problem.factors @ problem.start).max())
    assert ours.objective == pytest.approx(peer.objective, abs=1e-8 * scale)


def test_solve_with_cvxpy__osqp__agrees_to_its_own_digits_and_starts_warm():
    problem = programme(5, 30, 6)
    cold = solve_with_cvxpy(problem, "OSQP")
    moved = replace(problem, start=problem.start * 1.01)
    warm = solve_with_cvxpy(moved, "OSQP")
    for found, of in ((cold, problem), (warm, moved)):
        assert found is not None
        assert found.objective == pytest.approx(solve(of).objective, rel=1e-5)


def test_solve_with_cvxpy__no_feasible_point__is_none():
    problem = programme(5, 10, 2)
    assert solve_with_cvxpy(replace(problem, room=np.array([-1e3, 1.0]))) is None


@pytest.mark.parametrize("seed", range(6))
def test_solve__two_slices__beats_every_point_of_a_grid(seed):
    problem = programme(seed, 2, 2, curved_share=0.5)
    grid = np.linspace(0.0, 1.0, 401)
    points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    feasible = points[np.all(points @ problem.bounds <= problem.room, axis=1)]
    solution = solve(problem)
    best = min(problem.objective(point) for point in feasible)
    assert solution.objective <= best + 1e-12
    assert solution.objective == pytest.approx(best, abs=2e-2)


def test_solve__alike_slices__shares_the_trade_and_stays_certified():
    one = programme(3, 1, 0)
    worth_it = replace(one, cost=np.array([0.0]), start=-2.0 * one.factors[0])
    many = Quadratic(*(np.repeat(part, 7, axis=0) for part in (worth_it.curvature, worth_it.factors)), worth_it.start,
                     np.repeat(worth_it.cost, 7), np.zeros((7, 0)), np.zeros(0))  # fmt: skip
    solution = solve(many)
    assert solution.is_certified
    assert solution.objective == pytest.approx(0.0, abs=1e-12)
    assert solution.t.sum() == pytest.approx(2.0)


def test_solve__nothing_worth_its_cost__trades_exactly_nothing():
    problem = programme(1, 40, 5, cost_scale=1e4)
    solution = solve(problem)
    assert np.all(solution.t == 0.0)
    assert solution.gap == 0.0


def test_solve__no_slices__is_the_start():
    problem = programme(1, 3, 2).keeping(np.zeros(3, dtype=bool))
    solution = solve(problem)
    assert solution.objective == pytest.approx(0.5 * float(problem.start @ problem.start))
    assert solution.is_certified


def test_approach__near_and_exact__are_certified_and_the_exact_one_has_no_gap_left():
    problem = programme(8, 40, 5)
    approach = Approach(problem)
    near, exact = approach.near(), approach.exact()
    assert near.is_certified
    assert near.objective - near.gap <= exact.objective <= near.objective + 1e-9
    assert exact.gap < 1e-13
    assert np.count_nonzero((exact.t > 0.0) & (exact.t < 1.0)) <= RANK + 5


def test_solve__bounds_that_contradict__are_not_certified():
    problem = programme(2, 10, 2)
    contradiction = replace(problem, bounds=np.stack([np.ones(10), -np.ones(10)], axis=1), room=np.array([1.0, -2.0]))
    solution = solve(contradiction)
    assert not solution.is_certified
    assert solution.violation > 1e-3


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problem=PROGRAMMES, share=st.floats(0.0, 1.0))
def test_certified__any_point_and_multipliers__gap_covers_the_distance_to_the_best(problem, share):
    best = solve(problem)
    point, multipliers = share * best.t, share * best.y
    found = certified(problem, point, multipliers)
    assert found.objective - found.gap <= best.objective + 1e-9 * max(1.0, abs(best.objective))


def test_certified__a_wrong_answer__is_refused():
    problem = programme(4, 20, 3)
    best = solve(problem)
    assert best.is_certified
    assert not certified(problem, np.minimum(best.t + 1e-3, 1.0), best.y).is_certified
    assert not certified(problem, best.t, best.y + 0.1).is_certified
    beyond = replace(problem, room=problem.bounds.T @ best.t - 1e-6)
    assert beyond.violation(best.t) > TOLERANCE
    assert not certified(beyond, best.t, best.y).is_certified
