"""Fit of SVI slices: one to points of total variance, or all of a chain at once to its quotes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.least_squares import NormalEquations, minimise
from agent.numerics.rows import as_floats, common_shape, require_domain
from agent.numerics.series import FINITE, POSITIVE
from agent.vol.penalties import Weights, quote_table
from agent.vol.quotes import SliceTargets
from agent.vol.svi import RawSvi, durrleman_g
from agent.vol.svi_kernel import (
    CENTRE,
    LEAST_WING_RISE,
    LOG_LEAST,
    LOG_LEFT,
    LOG_RIGHT,
    LOG_WIDTH,
    SIZE,
    coordinates_of_raw,
    raw_of_coordinates,
    svi_normal_equations,
)

MAX_FITTED_WING_SLOPE = 1.96
"""Steepest wing a fit may choose, below Lee's 2."""
_PRIOR = 0.1
"""Pull of a coordinate to its prior: one quote on its centre outweighs a coordinate 10 % off a hundredfold."""
_CHAIN_STEPS, _CHAIN_TOLERANCE = 100, 1e-5
_SLICE_STEPS, _SLICE_TOLERANCE = 200, 1e-15
_SLICE_PUNISHMENTS = (1e2, 1e3, 1e4, 1e5, 1e6)
"""Weights of a negative density tried in turn; the points may be surer than any one of them."""
_FINE_POINTS = 2001
"""Between the points of the grid, where the answer is judged."""
_MAX_LOG_MOVE = 0.5
"""Trust in one step, of logarithms and, in standard deviations, of the centre."""
_SIDE_STDEVS = np.concatenate([0.25 * np.arange(1, 16), np.geomspace(4.0, 40.0, 16)])
GRID_STDEVS = np.concatenate([-_SIDE_STDEVS[::-1], [0.0], _SIDE_STDEVS])
"""Where a fit looks for arbitrage, in standard deviations of the expiry."""
_START_CENTRES = np.linspace(-1.0, 1.0, 9)
_START_WIDTHS = np.geomspace(0.05, 3.0, 8)
"""Centres and widths a lone slice is tried with, in the larger of its reach and its standard deviation."""


def calibrate_slice(
    log_moneyness: ArrayLike, total_variance: ArrayLike, tolerance: ArrayLike = 1e-4, *, forbid_arbitrage: bool = True
) -> RawSvi:
    """Fit one slice to points by robust least squares of (w - total variance) / tolerance.

    For given m and sigma the best a, b rho and b sigma solve a linear problem, so a start is chosen by solving it over
    a grid of the two (the quasi-explicit method); damped Gauss-Newton in all five finishes.

    Parameters
    ----------
    log_moneyness, total_variance, tolerance
        Points k, positive w and their positive tolerances; shapes broadcast to (points,), at least 5 of them.
    forbid_arbitrage
        Ask for Durrleman's g >= 0 out to 40 standard deviations.

    Raises
    ------
    DataError
        Naming row, field and value of a bad number; too few points; or none without arbitrage comes near them.

    Source: Zeliade Systems, "Quasi-explicit calibration of Gatheral's SVI model" (2009).
    """
    k, w, unit = _points(log_moneyness, total_variance, tolerance)
    stdev = np.sqrt(np.mean(w, keepdims=True))
    reach = max(float(np.max(np.abs(k))), float(stdev[0]))
    start = coordinates_of_raw(_quasi_explicit(k, w, unit, reach))[None]
    grid = stdev[:, None] * GRID_STDEVS
    fine = stdev * np.interp(
        np.linspace(0.0, GRID_STDEVS.size - 1.0, _FINE_POINTS), np.arange(GRID_STDEVS.size), GRID_STDEVS
    )
    quotes = np.stack([k, np.zeros_like(k), np.full_like(k, np.inf), w, unit, unit])[:, None]
    lowest, highest = np.full((1, SIZE), -25.0), np.full((1, SIZE), 5.0)
    lowest[0, CENTRE], highest[0, CENTRE] = -3.0 * reach, 3.0 * reach
    highest[0, [LOG_LEFT, LOG_RIGHT]] = np.log(MAX_FITTED_WING_SLOPE)
    fitted = start
    for punishment in _SLICE_PUNISHMENTS if forbid_arbitrage else (0.0,):
        weights = Weights(centre=1.0, excess=0.0, arbitrage=punishment)
        fitted = minimise(
            _model(quotes, np.array([k.size]), start, grid, np.zeros((1, SIZE)), weights),
            fitted,
            box=(lowest, highest),
            max_move=np.full(SIZE, _MAX_LOG_MOVE),
            max_steps=_SLICE_STEPS,
            relative_tolerance=_SLICE_TOLERANCE,
        )
        raw = RawSvi(*(float(number) for number in raw_of_coordinates(fitted)[0]))
        if not forbid_arbitrage or np.min(durrleman_g(fine, *raw.derivatives(fine))) >= 0.0:
            return raw
    raise DataError("these points leave no slice free of butterfly arbitrage; drop the outliers or allow arbitrage")


def _points(
    log_moneyness: ArrayLike, total_variance: ArrayLike, tolerance: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    parts = {
        "log_moneyness": as_floats("log_moneyness", log_moneyness),
        "total_variance": as_floats("total_variance", total_variance),
        "tolerance": as_floats("tolerance", tolerance),
    }
    shape = common_shape(dict(parts))
    if len(shape) != 1 or shape[0] < 5:
        raise DataError(f"a slice has points of shape {shape}; give at least 5, one a row")
    for name, numbers in parts.items():
        require_domain(name, numbers, FINITE if name == "log_moneyness" else POSITIVE, shape)
    k, w, unit = (np.array(np.broadcast_to(part, shape)) for part in parts.values())
    return k, w, unit


def _quasi_explicit(k: FloatArray, w: FloatArray, unit: FloatArray, reach: float) -> FloatArray:
    """Return raw parameters (5,): the best of the grid after its three linear parameters were put into their domain."""
    centre, width = (part.reshape(-1, 1) for part in np.meshgrid(reach * _START_CENTRES, reach * _START_WIDTHS))
    y = (k - centre) / width
    columns = np.stack([np.ones_like(y), y, np.sqrt(y * y + 1.0)], axis=-1)
    weighted = columns / unit[:, None]
    normal = weighted.transpose(0, 2, 1) @ weighted
    normal += 1e-10 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    linear = np.linalg.solve(normal, weighted.transpose(0, 2, 1) @ (w / unit)[:, None])[..., 0]
    least, slope, height = linear.T
    height = np.clip(height, 1e-6 * np.max(w), (MAX_FITTED_WING_SLOPE / 2.0) * width[:, 0])
    rho = np.clip(slope / height, -0.99, 0.99)
    bottom = height * np.sqrt(1.0 - rho * rho)
    least = np.maximum(least, 1e-4 * np.min(w) - bottom)
    raw = np.stack([least, height / width[:, 0], rho, centre[:, 0], width[:, 0]], axis=-1)
    fitted = least[:, None] + height[:, None] * (rho[:, None] * y + columns[..., 2])
    return np.asarray(raw[int(np.argmin(np.sum(((fitted - w) / unit) ** 2, axis=1)))])


def fit_chain_slices(
    targets: SliceTargets,
    prior: FloatArray,
    start: FloatArray,
    stdev: FloatArray,
    weights: Weights,
    strikes: FloatArray,
) -> FloatArray:
    """Return coordinates (n, 5) of slices fitted to ``targets`` all at once.

    Negative densities and calendar spreads are punished on a grid and at ``strikes`` (n, any), log-moneyness, and the
    coordinates are lightly pulled to ``prior``, which decides alone where an expiry has too few quotes. ``stdev`` (n,)
    is the standard deviation of each expiry.
    """
    grid = np.concatenate([stdev[:, None] * GRID_STDEVS, strikes], axis=1)
    unit = np.ones_like(prior)
    unit[:, CENTRE] = stdev
    fitted = minimise(
        _model(quote_table(targets), targets.counts, prior, grid, _PRIOR / unit, weights),
        start,
        box=_chain_box(targets, prior, stdev),
        max_move=_MAX_LOG_MOVE * unit,
        max_steps=_CHAIN_STEPS,
        relative_tolerance=_CHAIN_TOLERANCE,
    )
    return _with_rising_wings(fitted)


def _model(
    quotes: FloatArray,
    counts: NDArray[np.int64],
    prior: FloatArray,
    grid: FloatArray,
    pull: FloatArray,
    weights: Weights,
) -> Callable[[FloatArray], NormalEquations]:
    """Return the normal equations as a function of the coordinates."""
    compute, count = svi_normal_equations(), prior.shape[0]
    x = grid[1:] - prior[1:, CENTRE, None]
    least, left, right, _, width = np.exp(prior[1:].T)[..., None]
    root = np.hypot(x, width)
    scale = least + 0.5 * (left * (root - x) + right * (root + x)) - width * np.sqrt(left * right)
    weight = np.array(weights)

    def linearise(coordinates: FloatArray) -> NormalEquations:
        gradient, blocks = np.empty((count, SIZE)), np.empty((count, SIZE, SIZE))
        couplings = np.empty((count - 1, SIZE, SIZE))
        cost = compute(coordinates, quotes, counts, grid, scale, prior, pull, weight, gradient, blocks, couplings)
        return NormalEquations(cost, gradient, blocks, couplings)

    return linearise


def _with_rising_wings(coordinates: FloatArray) -> FloatArray:
    """Return slices whose wings rise from expiry to expiry: the earlier one gives way, by the little the fit left."""
    wings, rises = [LOG_LEFT, LOG_RIGHT], np.arange(coordinates.shape[0])[:, None] * LEAST_WING_RISE
    result = coordinates.copy()
    result[:, wings] = np.minimum.accumulate((coordinates[:, wings] - rises)[::-1], axis=0)[::-1] + rises
    return result


def _chain_box(targets: SliceTargets, prior: FloatArray, stdev: FloatArray) -> tuple[FloatArray, FloatArray]:
    reach = np.max(np.abs(targets.log_moneyness), axis=1) + 2.0 * stdev
    lowest, highest = prior - 7.0, prior + 7.0
    highest[:, LOG_LEAST] = prior[:, LOG_LEAST] + 2.0
    highest[:, [LOG_LEFT, LOG_RIGHT]] = np.log(MAX_FITTED_WING_SLOPE)
    lowest[:, CENTRE], highest[:, CENTRE] = -reach, reach
    lowest[:, LOG_WIDTH], highest[:, LOG_WIDTH] = np.log(0.05 * stdev), np.log(20.0 * stdev)
    return np.minimum(lowest, prior), np.maximum(highest, prior)
