r"""How the factors (dS, dS^2/2, dvol, dS dvol, dvol^2/2) vary together until the next rebalance.

Either from scenarios, be they history or a jump or stochastic-vol model's, or in closed form where dS and dvol are
jointly normal with mean 0. With s^2 and v^2 their variances and c their covariance, moments of odd order vanish and

    Var dS = s^2        Var dS^2/2 = s^4/2        Cov(dS^2/2, dS dvol) = s^2 c        Cov(dS, dvol) = c
    Var dvol = v^2      Var dvol^2/2 = v^4/2      Cov(dvol^2/2, dS dvol) = v^2 c      Cov(dS^2/2, dvol^2/2) = c^2/2
                        Var dS dvol = s^2 v^2 + c^2

The normal case understates gamma risk where prices jump: use scenarios for a book whose gamma matters.

Source: moments of the normal distribution, L. Isserlis, Biometrika 12 (1918) 134-139.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agent.checks import require_finite
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import as_floats, require_domain
from agent.numerics.series import FINITE
from agent.optimiser.factors import FACTOR_NAMES
from agent.units import SECONDS_PER_DAY, SECONDS_PER_YEAR

_FEWEST_SCENARIOS = 30
"""Below this fifteen moments say nothing."""
_NEGATIVE_TOLERANCE = 1e-9
"""Of a correlation matrix's eigenvalues: rounding, not an error of whoever made it."""


@dataclass(frozen=True, slots=True, eq=False)
class FactorCovariance:
    """Covariance of the five factors over ``horizon_days``: ``matrix`` in products of their units."""

    matrix: FloatArray
    horizon_days: float
    root: FloatArray
    """R with R'R = matrix, a row for each direction that varies."""


def factor_covariance(matrix: ArrayLike, horizon_days: float) -> FactorCovariance:
    """Check a covariance matrix of the five factors and find its root.

    Raises
    ------
    DataError
        Of another shape, with a number that is not finite, not symmetric, with a negative variance of any combination,
        or without any variance at all; or a horizon that is not positive.

    """
    if not require_finite(horizon_days, "horizon_days") > 0.0:
        raise DataError(f"horizon_days is {horizon_days}; expected a positive number")
    size = len(FACTOR_NAMES)
    numbers = np.array(as_floats("covariance", matrix))
    if numbers.shape != (size, size):
        raise DataError(f"covariance has shape {numbers.shape}; give {size} x {size}: {', '.join(FACTOR_NAMES)}")
    require_domain("covariance", numbers, FINITE, numbers.shape)
    deviations = np.sqrt(np.maximum(np.diag(numbers), 0.0))
    if not deviations.any():
        raise DataError("covariance has only variances of 0: nothing moves, and nothing is worth hedging; check it")
    units = np.where(deviations > 0.0, deviations, 1.0)
    correlation = numbers / units / units[:, None]
    if not np.allclose(correlation, correlation.T, rtol=0.0, atol=_NEGATIVE_TOLERANCE):
        row, column = np.unravel_index(int(np.argmax(np.abs(correlation - correlation.T))), correlation.shape)
        raise DataError(
            f"covariance of {FACTOR_NAMES[row]} and {FACTOR_NAMES[column]} is {numbers[row, column]} one way and "
            f"{numbers[column, row]} the other; give a symmetric matrix"
        )
    eigenvalues, vectors = np.linalg.eigh(0.5 * (correlation + correlation.T))
    if eigenvalues[0] < -_NEGATIVE_TOLERANCE:
        worst = FACTOR_NAMES[int(np.argmax(np.abs(vectors[:, 0])))]
        raise DataError(
            f"covariance gives a combination led by {worst} a variance of {eigenvalues[0]:.3g} (as a correlation); "
            "expected none below 0"
        )
    kept = eigenvalues > np.finfo(np.float64).eps * size
    root = np.sqrt(eigenvalues[kept])[:, None] * vectors[:, kept].T * deviations
    return FactorCovariance(numbers, horizon_days, np.ascontiguousarray(root))


def covariance_of_moves(spot_moves_usd: ArrayLike, vol_moves: ArrayLike, horizon_days: float) -> FactorCovariance:
    """Return the covariance of the factors over scenarios, each as likely as the others.

    Parameters
    ----------
    spot_moves_usd
        Moves of the price over the horizon, USD, shape (scenarios,), at least 30.
    vol_moves
        Moves of implied vol in the same scenarios, 1.00 = 100 vol points.
    horizon_days
        What they are moves over.

    Raises
    ------
    DataError
        Naming row, field and value of a bad number; too few scenarios, different lengths, or none that moves.

    """
    spot, vol = as_floats("spot_moves_usd", spot_moves_usd), as_floats("vol_moves", vol_moves)
    if spot.ndim != 1 or spot.shape != vol.shape or spot.size < _FEWEST_SCENARIOS:
        raise DataError(
            f"spot_moves_usd has shape {spot.shape} and vol_moves {vol.shape}; give one number a scenario of each, at "
            f"least {_FEWEST_SCENARIOS}"
        )
    require_domain("spot_moves_usd", spot, FINITE, spot.shape)
    require_domain("vol_moves", vol, FINITE, vol.shape)
    factors = np.stack([spot, 0.5 * spot * spot, vol, spot * vol, 0.5 * vol * vol])
    return factor_covariance(np.cov(factors, bias=True), horizon_days)


def gaussian_covariance(
    spot_usd: float, vol_annual: float, vol_of_vol_annual: float, spot_vol_correlation: float, horizon_days: float
) -> FactorCovariance:
    """Return the covariance where price and vol move normally; see the module's moments.

    Parameters
    ----------
    spot_usd
        Price, USD.
    vol_annual
        Volatility of the price, 1.00 = 100 % a year.
    vol_of_vol_annual
        Standard deviation of the implied vol's change over a year, in vol itself: 0.8 is 80 vol points.
    spot_vol_correlation
        Of the two moves, from -1 to 1.
    horizon_days
        Until the next rebalance.

    Raises
    ------
    DataError
        A number out of its domain.

    """
    for name, number in (("spot_usd", spot_usd), ("vol_annual", vol_annual), ("horizon_days", horizon_days)):
        if not require_finite(number, name) > 0.0:
            raise DataError(f"{name} is {number}; expected a positive number")
    if require_finite(vol_of_vol_annual, "vol_of_vol_annual") < 0.0:
        raise DataError(f"vol_of_vol_annual is {vol_of_vol_annual}; expected no negative number")
    if abs(require_finite(spot_vol_correlation, "spot_vol_correlation")) > 1.0:
        raise DataError(f"spot_vol_correlation is {spot_vol_correlation}; expected -1 to 1")
    years = horizon_days * SECONDS_PER_DAY / SECONDS_PER_YEAR
    s2, v2 = (vol_annual * spot_usd) ** 2 * years, vol_of_vol_annual**2 * years
    c = spot_vol_correlation * np.sqrt(s2 * v2)
    matrix = np.zeros((5, 5))
    matrix[0, 0], matrix[2, 2], matrix[0, 2] = s2, v2, c
    matrix[1, 1], matrix[4, 4], matrix[1, 4] = s2 * s2 / 2.0, v2 * v2 / 2.0, c * c / 2.0
    matrix[3, 3], matrix[1, 3], matrix[3, 4] = s2 * v2 + c * c, s2 * c, v2 * c
    return factor_covariance(np.triu(matrix) + np.triu(matrix, 1).T, horizon_days)
