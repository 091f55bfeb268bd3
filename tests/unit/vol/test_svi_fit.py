"""Fits of SVI slices: the solver, the kernels' derivatives, known slices found again."""

from __future__ import annotations

import numpy as np
import pytest
from chain_samples import SMOOTH, smooth_chain

from agent.errors import DataError
from agent.vol.bump_kernel import PLACE, bump_normal_equations
from agent.vol.least_squares import NormalEquations, minimise, solve_blocks
from agent.vol.penalties import quote_table
from agent.vol.quotes import slice_targets
from agent.vol.svi import RawSvi, durrleman_g
from agent.vol.svi_fit import GRID_STDEVS, calibrate_slice
from agent.vol.svi_kernel import coordinates_of_raw, raw_of_coordinates, svi_normal_equations

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


def svi_arguments():
    """A fit point where quotes are missed and every kind of punishment is at work."""
    targets = slice_targets(smooth_chain(strikes=9))
    prior = coordinates_of_raw(SMOOTH.raw_slices())
    rng = np.random.default_rng(8)
    point = prior + 0.3 * rng.normal(size=prior.shape)
    point[1] = coordinates_of_raw(np.array(numbers(VOGT)))
    point[2, 1:3] += 1.5
    stdev = np.sqrt(SMOOTH.theta)
    grid = stdev[:, None] * GRID_STDEVS
    scale = SMOOTH.total_variance(grid[1:], SMOOTH.tau_years[1:, None])
    pull = np.full_like(prior, 0.1)
    fixed = (quote_table(targets), targets.counts, grid, scale, prior, pull, np.array([1.0, 2.0, 3.0]))
    return svi_normal_equations(), point, fixed


def bump_arguments():
    """The same for corrections, on made-up places."""
    rng = np.random.default_rng(9)
    targets = slice_targets(smooth_chain(strikes=9))
    count, quotes, points, size = 4, 9, 12, 6
    grid = np.broadcast_to(np.linspace(-0.5, 0.5, points), (count, points)).copy()

    def places(*shape):
        table = rng.normal(size=(*shape, PLACE))
        table[..., 0] = 0.2 + 0.05 * rng.random(shape)
        table[..., 3:7] *= 0.01
        return table, rng.integers(0, size - 4, size=shape, endpoint=True)

    fixed = (
        *places(count, quotes),
        quote_table(targets),
        targets.counts,
        *places(count, points),
        grid,
        *places(count - 1, 2, points),
        np.array([0.3, 10.0, 3.0, 0.5]),
    )
    return bump_normal_equations(), rng.normal(size=(count, size)), fixed


@pytest.mark.parametrize("arguments", [svi_arguments, bump_arguments])
def test_normal_equations__finite_differences__gradient_is_half_the_slope_of_the_cost(arguments):
    compute, point, fixed = arguments()
    count, size = point.shape

    def at(trial):
        gradient, blocks = np.empty((count, size)), np.empty((count, size, size))
        couplings = np.empty((count - 1, size, size))
        return compute(trial, *fixed, gradient, blocks, couplings), gradient, blocks, couplings

    _, gradient, blocks, couplings = at(point)
    assert np.abs(couplings).max() > 0.0
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
            assert 2.0 * gradient[i, j] == pytest.approx(slope, rel=2e-4, abs=1e-4 * np.abs(gradient).max())


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
