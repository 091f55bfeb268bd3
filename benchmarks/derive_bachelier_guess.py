"""Derive the start of the implied volatility iteration: ``python -m benchmarks.derive_bachelier_guess``.

In Bachelier's model an option y out of the money is worth v = s (phi(h) - h (1 - N(h))), h = y / s, so that h is a
function of z = y / v alone. With w = ln(1 + z) it is fitted by

    h^2 = w^2 (1 / (2 pi) + p1 w + p2 w^2 + p3 w^3) / (1 + q1 w + q2 w^2 + q3 w^3 + p3 / 2 w^4),

which has the limits h = z / sqrt(2 pi) at the money and h^2 = 2 w far from it. The fit only has to be near: the
iteration makes it exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import erfcx

DISTANCES = np.exp(np.linspace(np.log(1e-7), np.log(38.0), 4000))
SERIES_FROM = 12.0
"""From here on 1 - h m(h) loses digits and its asymptotic series has none to lose."""
SIGNIFICANT_DIGITS = 6


def log_inverse_value(h: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return w = ln(1 + y / v) for h = y / s."""
    mills = np.sqrt(np.pi / 2.0) * erfcx(h / np.sqrt(2.0))
    g = 1.0 / np.maximum(h, SERIES_FROM) ** 2
    series = g * (1.0 - g * (3.0 - g * (15.0 - g * (105.0 - g * (945.0 - g * 10395.0)))))
    slope = np.where(h > SERIES_FROM, series, 1.0 - h * mills)
    log_ratio = 0.5 * h * h - np.log(slope / h / np.sqrt(2.0 * np.pi))
    return np.logaddexp(0.0, log_ratio)


def squared_distance(constants: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fitted h^2 for p1, p2, p3, q1, q2, q3."""
    p1, p2, p3, q1, q2, q3 = constants
    above = 1.0 / (2.0 * np.pi) + w * (p1 + w * (p2 + w * p3))
    below = 1.0 + w * (q1 + w * (q2 + w * (q3 + w * 0.5 * p3)))
    return w * w * above / below


def derive() -> NDArray[np.float64]:
    """Return p1, p2, p3, q1, q2, q3."""
    w = log_inverse_value(DISTANCES)

    def error(constants: NDArray[np.float64]) -> NDArray[np.float64]:
        return 0.5 * np.log(np.maximum(squared_distance(constants, w), 1e-300)) - np.log(DISTANCES)

    found = least_squares(error, np.full(6, 0.1), max_nfev=5000).x
    return np.array([float(f"{constant:.{SIGNIFICANT_DIGITS - 1}e}") for constant in found])


def worst_error(constants: NDArray[np.float64]) -> float:
    """Return the largest relative error of h."""
    fitted = np.sqrt(squared_distance(constants, log_inverse_value(DISTANCES)))
    return float(np.max(np.abs(fitted / DISTANCES - 1.0)))


def main() -> None:
    """Print the constants and their error."""
    constants = derive()
    print("p1, p2, p3, q1, q2, q3", constants.tolist())
    print("half of p3", 0.5 * constants[2])
    print("largest relative error", worst_error(constants))


if __name__ == "__main__":
    main()
