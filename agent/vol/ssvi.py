r"""SSVI: a whole surface from at-the-money total variance theta, one correlation and a power law.

    w(k, theta) = theta/2 (1 + rho phi k + sqrt((phi k + rho)^2 + 1 - rho^2))
    phi(theta) = eta theta^-gamma (1 + theta)^(gamma - 1)

With theta rising in time, 0 < gamma <= 1/2 and eta (1 + |rho|) <= 2 there is no calendar and no butterfly arbitrage,
at any strike and at any time between and beyond the expiries.

Source: J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014) 59-71,
eq. 4.1, theorems 4.1 and 4.2, corollary 4.1 and eq. 4.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.least_squares import NormalEquations, minimise
from agent.numerics.rows import as_floats, common_shape, require_domain
from agent.numerics.series import FINITE, POSITIVE
from agent.vol.quotes import SliceTargets

_OUTLIER_SCALE = 3.0
"""Tolerances beyond which a residual counts as its logarithm: one stale quote must not bend an expiry."""
_MAX_STEPS, _RELATIVE_TOLERANCE = 40, 1e-3
_SHAPE_START = (-0.1, 0.0, 0.7)
"""Angles of rho, of eta in its range and of gamma in its: a mild skew, half the steepest smile, gamma near 0.4."""
_MAX_RHO, _MIN_ETA_SHARE, _MIN_GAMMA = 0.995, 1e-3, 0.01
_MIN_THETA_RISE = 1e-4
"""Least relative rise of theta from one expiry to the next, so that rounding leaves calendar spreads positive."""
_SHAPES = 3


def ssvi_total_variance(log_moneyness: ArrayLike, theta: ArrayLike, rho: ArrayLike, phi: ArrayLike) -> FloatArray:
    """Return w(k), Gatheral and Jacquier's eq. 4.1; arguments broadcast."""
    k, rho = np.asarray(log_moneyness, dtype=np.float64), np.asarray(rho, dtype=np.float64)
    x = np.asarray(phi, dtype=np.float64) * k
    root = np.sqrt((x + rho) ** 2 + 1.0 - rho * rho)
    return np.asarray(0.5 * np.asarray(theta, dtype=np.float64) * (1.0 + rho * x + root))


def power_law_phi(theta: ArrayLike, eta: float, gamma: float) -> FloatArray:
    """Return phi(theta) = eta theta^-gamma (1 + theta)^(gamma - 1), eq. 4.5."""
    variance = np.asarray(theta, dtype=np.float64)
    return np.asarray(eta * variance**-gamma * (1.0 + variance) ** (gamma - 1.0))


@dataclass(frozen=True, slots=True)
class SsviSurface:
    """A power-law SSVI surface; construction refuses parameters that allow arbitrage."""

    tau_years: FloatArray
    """Expiries, shape (n,), increasing."""
    theta: FloatArray
    """Total variance at the money of each, shape (n,), increasing."""
    rho: float
    eta: float
    gamma: float

    def __post_init__(self) -> None:
        for name, numbers in (("tau_years", self.tau_years), ("theta", self.theta)):
            require_domain(name, numbers, POSITIVE, numbers.shape)
            if numbers.ndim != 1 or numbers.size == 0 or numbers.shape != self.tau_years.shape:
                raise DataError(f"{name} has shape {numbers.shape}; give one number an expiry")
            if not (np.diff(numbers) > 0.0).all():
                row = int(np.argmin(np.diff(numbers) > 0.0)) + 1
                raise DataError(f"row {row}: {name} is {numbers[row]}, not above {numbers[row - 1]} before it")
        if not abs(self.rho) < 1.0:
            raise DataError(f"rho is {self.rho}; expected a number between -1 and 1")
        if not 0.0 < self.gamma <= 0.5:
            raise DataError(f"gamma is {self.gamma}; expected a number > 0 and <= 1/2")
        if not 0.0 < self.eta * (1.0 + abs(self.rho)) <= 2.0:
            raise DataError(f"eta is {self.eta}; expected > 0 and <= 2 / (1 + |rho|) = {2.0 / (1.0 + abs(self.rho))}")

    def theta_at(self, tau_years: ArrayLike) -> FloatArray:
        """Return theta at any time: straight from 0 through the expiries, on at the mean rate of the last one."""
        tau = as_floats("tau_years", tau_years)
        require_domain("tau_years", tau, POSITIVE, tau.shape)
        known = np.interp(tau, np.append(0.0, self.tau_years), np.append(0.0, self.theta))
        last_tau, last_theta = self.tau_years[-1], self.theta[-1]
        return np.asarray(np.where(tau > last_tau, last_theta * tau / last_tau, known))

    def total_variance(self, log_moneyness: ArrayLike, tau_years: ArrayLike) -> FloatArray:
        """Return w(k, tau) at any strike and time; arguments broadcast."""
        k = as_floats("log_moneyness", log_moneyness)
        theta = self.theta_at(tau_years)
        require_domain("log_moneyness", k, FINITE, common_shape({"log_moneyness": k, "tau_years": theta}))
        return ssvi_total_variance(k, theta, self.rho, power_law_phi(theta, self.eta, self.gamma))

    def raw_slices(self) -> FloatArray:
        """Return raw SVI parameters of the expiries, (n, 5) in the order a, b, rho, m, sigma."""
        phi, root = power_law_phi(self.theta, self.eta, self.gamma), np.sqrt(1.0 - self.rho**2)
        return np.stack(
            [
                0.5 * self.theta * (1.0 - self.rho**2),
                0.5 * self.theta * phi,
                np.full_like(phi, self.rho),
                -self.rho / phi,
                root / phi,
            ],
            axis=-1,
        )


def calibrate_ssvi(targets: SliceTargets) -> SsviSurface:
    """Fit theta of every expiry and the three shape parameters to ``targets``, by robust least squares.

    theta rises by exp(x_i) an expiry and the shapes run through sines, which reach their bounds at a finite angle, so
    every trial is free of arbitrage. A residual r counts as asinh(r / 3): far quotes lose their pull.
    """
    theta = _theta_guess(targets)
    rises = np.diff(theta, prepend=0.0)
    start = np.concatenate([np.log(np.maximum(rises, _MIN_THETA_RISE * theta)), _SHAPE_START])
    lowest = np.concatenate([start[:-_SHAPES] - 12.0, np.full(_SHAPES, -np.inf)])
    highest = np.concatenate([start[:-_SHAPES] + 12.0, np.full(_SHAPES, np.inf)])
    fitted = minimise(
        lambda x: ssvi_normal_equations(x[0], targets),
        start[None],
        box=(lowest, highest),
        max_move=np.ones(1),
        max_steps=_MAX_STEPS,
        relative_tolerance=_RELATIVE_TOLERANCE,
    )[0]
    rho, eta, gamma = _shapes(fitted[-_SHAPES:])
    total = np.cumsum(np.exp(fitted[:-_SHAPES]))
    steps = np.arange(total.size)
    total = np.maximum.accumulate(total * (1.0 + _MIN_THETA_RISE) ** -steps) * (1.0 + _MIN_THETA_RISE) ** steps
    return SsviSurface(targets.tau_years, total, rho, eta, gamma)


def _theta_guess(targets: SliceTargets) -> FloatArray:
    """Return a rising guess of the variance at the money: each expiry's centres averaged, near and sure ones most."""
    scale = np.sqrt(np.average(targets.centre, axis=1, weights=targets.weight)[:, None])
    near = np.exp(-0.5 * (targets.log_moneyness / scale) ** 2) + 1e-6
    sure = targets.weight * near * targets.centre / targets.tolerance
    return np.maximum.accumulate(np.sum(sure * targets.centre, axis=1) / np.sum(sure, axis=1))


def _shapes(angles: FloatArray) -> tuple[float, float, float]:
    """Return rho, eta and gamma of their angles."""
    sines = np.sin(angles)
    rho = float(_MAX_RHO * sines[0])
    eta_share = _MIN_ETA_SHARE + (1.0 - _MIN_ETA_SHARE) * 0.5 * (1.0 + sines[1])
    return (
        rho,
        float(2.0 * eta_share / (1.0 + abs(rho))),
        float(_MIN_GAMMA + (0.5 - _MIN_GAMMA) * 0.5 * (1.0 + sines[2])),
    )


def _shape_slopes(angles: FloatArray, rho: float) -> tuple[float, float, float]:
    """Return the derivatives of rho, eta (at fixed rho) and gamma in their angles."""
    cosines = np.cos(angles)
    eta_slope = (1.0 - _MIN_ETA_SHARE) * cosines[1] / (1.0 + abs(rho))
    return float(_MAX_RHO * cosines[0]), float(eta_slope), float((0.5 - _MIN_GAMMA) * 0.5 * cosines[2])


def ssvi_normal_equations(x: FloatArray, targets: SliceTargets) -> NormalEquations:
    """Return the normal equations of all coordinates as one block: the shapes couple every expiry with every other.

    ``x`` holds the logarithms of theta's rises, then the angles of rho, eta and gamma.
    """
    rises = np.exp(x[:-_SHAPES])
    theta = np.cumsum(rises)[:, None]
    rho, eta, gamma = _shapes(x[-_SHAPES:])
    k, phi = targets.log_moneyness, power_law_phi(theta, eta, gamma)
    root = np.sqrt((phi * k + rho) ** 2 + 1.0 - rho * rho)
    w = 0.5 * theta * (1.0 + rho * phi * k + root)
    by_phi = 0.5 * theta * k * (rho + (phi * k + rho) / root)
    by_theta = w / theta + by_phi * phi * (-gamma / theta + (gamma - 1.0) / (1.0 + theta))
    eta_by_rho = -eta * np.sign(rho) / (1.0 + abs(rho))
    by_rho = 0.5 * theta * phi * k * (1.0 + 1.0 / root) + by_phi * phi / eta * eta_by_rho
    by_gamma = by_phi * phi * (np.log1p(theta) - np.log(theta))
    rho_slope, eta_slope, gamma_slope = _shape_slopes(x[-_SHAPES:], rho)
    shape_jacobian = np.stack([by_rho * rho_slope, by_phi * phi / eta * eta_slope, by_gamma * gamma_slope], axis=-1)
    residual = (w - targets.centre) / targets.tolerance
    flat = targets.weight / np.hypot(1.0, residual / _OUTLIER_SCALE) / targets.tolerance
    residuals = targets.weight * _OUTLIER_SCALE * np.arcsinh(residual / _OUTLIER_SCALE)
    own = flat[..., None] * np.concatenate([by_theta[..., None], shape_jacobian], axis=-1)
    gradients, blocks = np.einsum("nqi,nq->ni", own, residuals), np.einsum("nqi,nqj->nij", own, own)
    # theta_i holds the rises up to i, so what pulls on theta_i pulls on each of them.
    chain = np.zeros((rises.size, 1 + _SHAPES, x.size))
    chain[:, 0, : rises.size] = np.tril(np.ones((rises.size, rises.size))) * rises
    chain[:, 1:, rises.size :] = np.eye(_SHAPES)
    gradient = np.einsum("nai,na->i", chain, gradients)
    block = np.einsum("nai,naj->ij", chain, blocks @ chain)
    none = np.empty((0, x.size, x.size))
    return NormalEquations(float(np.sum(residuals * residuals)), gradient[None], block[None], none)
