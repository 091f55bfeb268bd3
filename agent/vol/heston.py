r"""Heston's model: the variance of returns reverts to its mean and moves with the price.

    dS/S = (r - q) dt + sqrt(v) dW,  dv = kappa (theta - v) dt + sigma sqrt(v) dZ,  dW dZ = rho dt

With b = kappa - i rho sigma u, d = sqrt(b^2 + sigma^2 (u^2 + iu)), m = (u^2 + iu)/(b + d), e = 1 - exp(-d tau) and
g = -sigma^2 m/(b + d), the logarithm of the characteristic function of ln(S_T/F) is

    -kappa theta (m tau + 2/sigma^2 ln(1 + g e/(1 - g))) - v0 m e/(1 - g (1 - e))

This is the branch that stays continuous in u, written so that nothing cancels as sigma goes to 0.

Sources: S. Heston, "A closed-form solution for options with stochastic volatility", Review of Financial Studies 6
(1993) 327-343; H. Albrecher, P. Mayer, W. Schoutens and J. Tistaert, "The little Heston trap", Wilmott (January
2007) 83-92.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.checks import require_between, require_positive
from agent.vol.fourier import ComplexArray


@dataclass(frozen=True, slots=True)
class Heston:
    """Parameters of Heston's model; all positive but the correlation. Feller's condition is not needed."""

    initial_variance: float
    """v0, a year."""
    reversion_per_year: float
    """kappa."""
    long_run_variance: float
    """theta, a year."""
    vol_of_variance: float
    """sigma, per square root of a year."""
    correlation: float
    """rho, between -1 and 1."""

    def __post_init__(self) -> None:
        for name in ("initial_variance", "reversion_per_year", "long_run_variance", "vol_of_variance"):
            require_positive(getattr(self, name), name)
        require_between(self.correlation, "correlation", -1.0, 1.0)

    def log_characteristic(self, u: ComplexArray, tau_years: float) -> ComplexArray:
        """Return ln E[exp(iu ln(S_T/F))]."""
        kappa, sigma = self.reversion_per_year, self.vol_of_variance
        square = u * u + 1j * u
        b = kappa - 1j * self.correlation * sigma * u
        d = np.sqrt(b * b + sigma * sigma * square)
        m = square / (b + d)
        g = -sigma * sigma * m / (b + d)
        e = -np.expm1(-d * tau_years)
        mean = kappa * self.long_run_variance * (m * tau_years + 2.0 / sigma**2 * _log1p(g * e / (1.0 - g)))
        return np.asarray(-mean - self.initial_variance * m * e / (1.0 - g + g * e))

    def expected_variance(self, tau_years: float) -> float:
        """Return E[mean of v over the time to ``tau_years``], a year."""
        pace = self.reversion_per_year * tau_years
        fading = -np.expm1(-pace) / pace
        return float(self.long_run_variance + (self.initial_variance - self.long_run_variance) * fading)


def _log1p(z: ComplexArray) -> ComplexArray:
    """Return ln(1 + z) with the digits of a small z kept: its modulus by log1p, its angle by arctan2."""
    x, y = z.real, z.imag
    return np.asarray(0.5 * np.log1p(x * (2.0 + x) + y * y) + 1j * np.arctan2(y, 1.0 + x))
