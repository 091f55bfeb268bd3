"""Fits of SVI slices: the solver, the kernels' derivatives, known slices found again."""

from __future__ import annotations

import numpy as np
import pytest

from agent.errors import DataError
from agent.numerics.least_squares import NormalEquations, minimise, solve_blocks
from agent.vol.bump_kernel import PLACE, bump_normal_equations
from agent.vol.penalties import quote_table
from agent.vol.quotes import slice_targets
from agent.vol.svi import RawSvi, durrleman_g
from agent.vol.svi_fit import GRID_STDEVS, calibrate_slice
from agent.vol.svi_kernel import coordinates_of_raw, raw_of_coordinates, svi_normal_equations
from tests.support.chain_samples import SMOOTH, smooth_chain

VOGT = RawSvi(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)
CALM = RawSvi(a=0.01, b=0.06, rho=-0.4, m=0.02, sigma=0.15)


def numbers(raw):
    return (raw.a, raw.b, raw.rho, raw.m, raw.sigma)


def test_solve_blocks__random_equations__equals_dense_solution():
    rng = np.random.default_rng(4)
    count, size = 5, 4
    blocks, couplings = np.zeros((count, size, size)), np.zeros((count - 1, size, size))
    dense = np.zeros((count * size, count * size))
    for n in range(count - 1):
        rows = rng.normal(size=(9, 2 * size))
        both = rows.T @ rows
        dense[n * size : (n + 2) * size, n * size : (n + 2) * size] += both
        blocks[n] += both[:size, :size]
        blocks[n + 1] += both[size:, size:]
        couplings[n] += both[:size, size:]
    gradient, step, damping = rng.normal(size=(count, size)), np.empty((count, size)), 0.3
    foretold = solve_blocks()(np.tril(blocks), couplings, gradient, damping, step)
    damped = dense + damping * np.diag(np.diag(dense))
    expected = np.linalg.solve(damped, -gradient.reshape(-1))
    np.testing.assert_allclose(step.reshape(-1), expected, rtol=1e-8)
    fall = -2.0 * expected @ gradient.reshape(-1) - expected @ dense @ expected
    assert foretold == pytest.approx(fall, rel=1e-8)


def test_solve_blocks__indefinite_equations__says_so():
    blocks = np.array([[[1.0, 0.0], [2.0, 1.0]]])
    assert solve_blocks()(blocks, np.empty((0, 2, 2)), np.ones((1, 2)), 0.0, np.empty((1, 2))) == 0.0


def test_minimise__rosenbrock__finds_the_minimum():
    def linearise(point):
        x, y = point[0]
        residuals = np.array([10.0 * (y - x * x), 1.0 - x])
        jacobian = np.array([[-20.0 * x, 10.0], [-1.0, 0.0]])
        gradient = (jacobian.T @ residuals)[None]
        return NormalEquations(residuals @ residuals, gradient, (jacobian.T @ jacobian)[None], np.empty((0, 2, 2)))

    answer = minimise(
        linearise,
        np.array([[-1.2, 1.0]]),
        box=(np.full(2, -5.0), np.full(2, 5.0)),
        max_move=np.full(2, 1.0),
        max_steps=200,
        relative_tolerance=1e-16,
    )
    np.testing.assert_allclose(answer, [[1.0, 1.0]], rtol=1e-6)


QUOTES, SPREADS, ARBITRAGE, NOTHING = (1.0, 0.0, 0.0), (0.0, 2.0, 0.0), (0.0, 0.0, 3.0), (0.0, 0.0, 0.0)


def svi_problem(weights, pull=0.0, expiries=4):
    """A fit point where quotes are missed, a density is negative, expiries cross and wings fall."""
    targets = slice_targets(smooth_chain(strikes=9))
    prior = coordinates_of_raw(SMOOTH.raw_slices())
    rng = np.random.default_rng(8)
    point = prior + 0.3 * rng.normal(size=prior.shape)
    point[0] = coordinates_of_raw(np.array(numbers(VOGT)))
    point[2, 1:3] += 1.5
    grid = np.sqrt(SMOOTH.theta)[:, None] * GRID_STDEVS
    grid[0] = np.linspace(-2.0, 2.0, GRID_STDEVS.size)
    scale = SMOOTH.total_variance(grid[1:], SMOOTH.tau_years[1:, None])[: expiries - 1]
    few = slice(0, expiries)
    table = np.ascontiguousarray(quote_table(targets)[:, few])
    pulls = np.full_like(prior[few], pull)
    fixed = (table, targets.counts[few], grid[few], scale, prior[few], pulls, np.array(weights))
    return svi_normal_equations(), point[few], fixed


def bump_problem(weights, roughness=0.0, expiries=4):
    """The same for corrections, at made-up places."""
    rng = np.random.default_rng(9)
    targets = slice_targets(smooth_chain(strikes=9))
    quotes, points, size, few = 9, 12, 6, slice(0, expiries)
    grid = np.broadcast_to(np.linspace(-0.5, 0.5, points), (expiries, points)).copy()

    def places(*shape):
        table = rng.normal(size=(*shape, PLACE))
        table[..., 0] = 0.2 + 0.05 * rng.random(shape)
        table[..., 3:7] *= 0.01
        return table, rng.integers(0, size - 4, size=shape, endpoint=True)

    fixed = (
        *places(expiries, quotes),
        np.ascontiguousarray(quote_table(targets)[:, few]),
        targets.counts[few],
        *places(expiries, points),
        grid,
        *places(expiries - 1, 2, points),
        np.array([*weights, roughness]),
    )
    return bump_normal_equations(), rng.normal(size=(expiries, size)), fixed


@pytest.mark.parametrize(
    "problem",
    [
        svi_problem(QUOTES),
        svi_problem(SPREADS),
        svi_problem(ARBITRAGE, expiries=1),
        svi_problem(ARBITRAGE),
        svi_problem(NOTHING, pull=0.1),
        bump_problem(QUOTES),
        bump_problem(SPREADS),
        bump_problem(ARBITRAGE, expiries=1),
        bump_problem(ARBITRAGE),
        bump_problem(NOTHING, roughness=0.5),
    ],
    ids=lambda problem: f"{problem[0].py_func.__module__}-{problem[2][-1].tolist()}-{problem[1].shape[0]}",
)
def test_normal_equations__finite_differences__gradient_is_half_the_slope_of_cost(problem):
    compute, point, fixed = problem
    count, size = point.shape

    def at(trial):
        gradient, blocks = np.empty((count, size)), np.empty((count, size, size))
        couplings = np.empty((count - 1, size, size))
        return compute(trial, *fixed, gradient, blocks, couplings), gradient, blocks, couplings

    cost, gradient, blocks, couplings = at(point)
    assert cost > 0.0
    # The Gauss-Newton matrix is J'J: symmetric, and positive semidefinite with its couplings.
    dense = np.zeros((count * size, count * size))
    for n in range(count):
        here = slice(n * size, (n + 1) * size)
        dense[here, here] = np.tril(blocks[n]) + np.tril(blocks[n], -1).T
        if n:
            before = slice((n - 1) * size, n * size)
            dense[before, here], dense[here, before] = couplings[n - 1], couplings[n - 1].T
    assert np.linalg.eigvalsh(dense).min() > -1e-9 * np.abs(dense).max()
    for i in range(count):
        for j in range(size):
            step = np.zeros_like(point)
            step[i, j] = 1e-6
            slope = (at(point + step)[0] - at(point - step)[0]) / 2e-6
            assert 2.0 * gradient[i, j] == pytest.approx(slope, rel=2e-5, abs=1e-6 * np.abs(gradient).max())


def test_normal_equations__calendar_and_roughness_alone__model_is_the_cost_itself():
    # Both are linear in the coefficients, so the cost is a parabola whose matrix, couplings included, is the model's.
    compute, point, fixed = bump_problem(ARBITRAGE, roughness=0.5)
    fixed[4][..., 1:3] = 0.0
    fixed[4][..., 7:] = 0.0
    count, size = point.shape
    gradient, blocks, couplings = (
        np.empty((count, size)),
        np.empty((count, size, size)),
        np.empty((count - 1, size, size)),
    )
    cost = compute(point, *fixed, gradient, blocks, couplings)
    assert all(np.abs(coupling).max() > 0.0 for coupling in couplings)
    scratch = [np.empty_like(part) for part in (gradient, blocks, couplings)]
    rng = np.random.default_rng(10)
    for _ in range(20):
        step = 1e-4 * rng.standard_normal(point.shape)
        bend = compute(point + step, *fixed, *scratch) + compute(point - step, *fixed, *scratch) - 2.0 * cost
        model = sum(h @ (np.tril(block) + np.tril(block, -1).T) @ h for h, block in zip(step, blocks, strict=True))
        model += 2.0 * sum(step[n] @ couplings[n] @ step[n + 1] for n in range(count - 1))
        assert 0.5 * bend == pytest.approx(model, rel=1e-6, abs=1e-12 * cost)


def test_coordinates__there_and_back__same_slices():
    raw = np.array([numbers(VOGT), numbers(CALM)])
    np.testing.assert_allclose(raw_of_coordinates(coordinates_of_raw(raw)), raw, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("truth", [CALM, RawSvi(0.001, 0.02, 0.3, -0.01, 0.05), RawSvi(0.1, 0.3, -0.6, 0.1, 0.8)])
def test_calibrate_slice__exact_points__finds_the_slice(truth):
    stdev = float(np.sqrt(truth.total_variance(0.0)))
    k = np.linspace(-4.0, 4.0, 25) * stdev
    fitted = calibrate_slice(k, truth.total_variance(k))
    assert numbers(fitted) == pytest.approx(numbers(truth), rel=1e-5, abs=1e-7)
    np.testing.assert_allclose(fitted.total_variance(k), truth.total_variance(k), rtol=1e-8)


def test_calibrate_slice__vogt_with_arbitrage_allowed__finds_it():
    k = np.linspace(-1.5, 1.5, 31)
    fitted = calibrate_slice(k, VOGT.total_variance(k), forbid_arbitrage=False)
    assert numbers(fitted) == pytest.approx(numbers(VOGT), rel=1e-4)


def test_calibrate_slice__vogt_with_arbitrage_forbidden__near_it_without_arbitrage():
    k, fine = np.linspace(-1.5, 1.5, 31), np.linspace(-4.0, 4.0, 80_001)
    fitted = calibrate_slice(k, VOGT.total_variance(k))
    assert durrleman_g(fine, *fitted.derivatives(fine)).min() > 0.0
    assert np.abs(fitted.total_variance(k) - VOGT.total_variance(k)).max() < 0.02


def test_calibrate_slice__one_stale_point__hardly_moves():
    k = np.linspace(-0.5, 0.5, 21)
    points = CALM.total_variance(k)
    points[4] *= 3.0
    fitted = calibrate_slice(k, points)
    others = np.arange(21) != 4
    np.testing.assert_allclose(fitted.total_variance(k)[others], CALM.total_variance(k)[others], rtol=2e-2)


@pytest.mark.parametrize(
    ("k", "w", "message"),
    [
        ([0.0, 0.1, 0.2, 0.3], [0.1] * 4, "give at least 5"),
        ([0.0, 0.1, 0.2, 0.3, np.nan], [0.1] * 5, "row 4: log_moneyness is nan"),
        ([0.0, 0.1, 0.2, 0.3, 0.4], [0.1, 0.1, 0.0, 0.1, 0.1], "row 2: total_variance is 0.0"),
    ],
)
def test_calibrate_slice__bad_points__named(k, w, message):
    with pytest.raises(DataError, match=message):
        calibrate_slice(k, w)
