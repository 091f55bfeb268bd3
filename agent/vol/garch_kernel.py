"""Log likelihood of a variance recursion with its exact first and second derivatives, in one pass over the returns.

Five coefficients c, for returns r_t of standard deviation about 1, e_t = r_t - c_0 and z_t = e_t exp(-h_t / 2):

| recursion | h = ln v | c_1 | c_2 | c_3 | c_4 |
|---|---|---|---|---|---|
| of squares | v_{t+1} = c_1 + (c_2 if e_t >= 0 else c_3) e_t^2 + c_4 v_t | omega | alpha | alpha + gamma | beta |
| of logarithms | h_{t+1} = c_1 + c_2 (abs(z_t) - E abs(z)) + c_3 z_t + c_4 h_t | omega | alpha | gamma | beta |

ln L = -1/2 sum_t (ln 2 pi + h_t + z_t^2). Before the first return v is the backcast, with the shock that
leaves it there on average.

Sources: G. Fiorentini, G. Calzolari, L. Panattoni (1996), Journal of Applied Econometrics 11, 399-417 (derivatives of
GARCH); O. Wintenberger (2013), "Continuous invertibility and stable QML estimation of the EGARCH(1,1) model",
Scandinavian Journal of Statistics 40, 846-867 (invertibility).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from agent.numerics.arrays import FloatArray
from agent.numerics.compiled import code_stamp, inlined, kernel

COEFFICIENTS = 5
MEAN_ABS_NORMAL = math.sqrt(2.0 / math.pi)
"""E|z| of a standard normal z."""
_LN_2_PI = math.log(2.0 * math.pi)
_TINY = 1e-300


@inlined
def _add_likelihood(
    z: float,
    h: float,
    slope: FloatArray,
    curve: FloatArray,
    z_slope: FloatArray,
    z_curve: FloatArray,
    score: FloatArray,
    hessian: FloatArray,
    outer: FloatArray,
) -> float:
    """Add one return to score, Hessian and sum of outer products; ``slope`` and ``curve`` are of h."""
    for i in range(COEFFICIENTS):
        z_slope[i] = -0.5 * z * slope[i]
    s = math.exp(-0.5 * h)
    z_slope[0] -= s
    for i in range(COEFFICIENTS):
        for j in range(i + 1):
            z_curve[i, j] = 0.25 * z * slope[i] * slope[j] - 0.5 * z * curve[i, j]
        z_curve[i, 0] += 0.5 * s * slope[i]
    z_curve[0, 0] += 0.5 * s * slope[0]
    for i in range(COEFFICIENTS):
        at_i = -0.5 * slope[i] - z * z_slope[i]
        score[i] += at_i
        for j in range(i + 1):
            at_j = -0.5 * slope[j] - z * z_slope[j]
            outer[i, j] += at_i * at_j
            hessian[i, j] -= 0.5 * curve[i, j] + z_slope[i] * z_slope[j] + z * z_curve[i, j]
    return -0.5 * (_LN_2_PI + h + z * z)


@inlined
def _next_logarithm(
    c: FloatArray, z: float, h: float, slope: FloatArray, curve: FloatArray, z_slope: FloatArray, z_curve: FloatArray
) -> float:
    """Move h, its slope and its curve one bar on by the recursion of logarithms."""
    sign = 1.0 if z >= 0.0 else -1.0
    tilt = c[2] * sign + c[3]
    for i in range(COEFFICIENTS):
        for j in range(i + 1):
            curve[i, j] = tilt * z_curve[i, j] + c[4] * curve[i, j]
    for j in range(COEFFICIENTS):
        for row, weight in ((2, sign * z_slope[j]), (3, z_slope[j]), (4, slope[j])):
            # Lower triangle alone; where row and column are one the two terms of the product rule are.
            curve[max(row, j), min(row, j)] += weight * (2.0 if row == j else 1.0)
    for i in range(COEFFICIENTS):
        slope[i] = tilt * z_slope[i] + c[4] * slope[i]
    slope[1] += 1.0
    slope[2] += abs(z) - MEAN_ABS_NORMAL
    slope[3] += z
    slope[4] += h
    return float(c[1] + c[2] * (abs(z) - MEAN_ABS_NORMAL) + c[3] * z + c[4] * h)


@inlined
def _next_square(c: FloatArray, e: float, h: float, slope: FloatArray, curve: FloatArray) -> float:
    """Move h, its slope and its curve one bar on by the recursion of squares."""
    v, side = math.exp(h), 2 if e >= 0.0 else 3
    for i in range(COEFFICIENTS):
        for j in range(i + 1):  # of v from here on
            curve[i, j] = c[4] * v * (curve[i, j] + slope[i] * slope[j])
    curve[0, 0] += 2.0 * c[side]
    curve[side, 0] -= 2.0 * e
    for j in range(COEFFICIENTS):
        curve[4, j] += v * slope[j] * (2.0 if j == 4 else 1.0)
    for i in range(COEFFICIENTS):
        slope[i] = c[4] * v * slope[i]
    slope[0] -= 2.0 * c[side] * e
    slope[1] += 1.0
    slope[side] += e * e
    slope[4] += v
    later = c[1] + c[side] * e * e + c[4] * v
    _to_logarithm(later, slope, curve)
    return math.log(later)


@inlined
def _to_logarithm(v: float, slope: FloatArray, curve: FloatArray) -> None:
    """Turn derivatives of v into those of ln v."""
    for i in range(COEFFICIENTS):
        slope[i] /= v
    for i in range(COEFFICIENTS):
        for j in range(i + 1):
            curve[i, j] = curve[i, j] / v - slope[i] * slope[j]


@inlined
def _first(c: FloatArray, backcast: float, is_of_logarithms: bool, slope: FloatArray, curve: FloatArray) -> float:
    """Return h of the first bar and write its slope and curve."""
    slope[:], curve[:] = 0.0, 0.0
    slope[1] = 1.0
    if is_of_logarithms:
        slope[4] = math.log(backcast)
        return float(c[1] + c[4] * slope[4])
    slope[2], slope[3], slope[4] = 0.5 * backcast, 0.5 * backcast, backcast
    v = c[1] + (0.5 * (c[2] + c[3]) + c[4]) * backcast
    _to_logarithm(v, slope, curve)
    return math.log(v)


@cache
def garch_likelihood() -> Callable[..., float]:
    """Return the kernel that writes score, Hessian, outer products and log variances, and returns ln L.

    It takes returns (n,), coefficients (5,), the backcast variance, whether the recursion is of logarithms, and the
    arrays it writes: score (5,); Hessian (5, 5) and sum of outer products of the scores (5, 5), lower triangles;
    ln v (n + 1,), of each bar and of the one to come; and the mean of ln |d h_{t+1} / d h_t| (1,), the Lyapunov
    exponent of the filter: from 0 up rounding grows from bar to bar.
    """
    stamp = code_stamp(_add_likelihood, _next_logarithm, _next_square, _first)

    def likelihood(
        returns: FloatArray,
        c: FloatArray,
        backcast: float,
        is_of_logarithms: bool,
        score: FloatArray,
        hessian: FloatArray,
        outer: FloatArray,
        log_variance: FloatArray,
        lyapunov: FloatArray,
    ) -> float:
        total, growth = 0.0 * stamp, 0.0
        slope, curve = np.empty(COEFFICIENTS), np.empty((COEFFICIENTS, COEFFICIENTS))
        z_slope, z_curve = np.empty(COEFFICIENTS), np.empty((COEFFICIENTS, COEFFICIENTS))
        score[:], hessian[:], outer[:] = 0.0, 0.0, 0.0
        h = _first(c, backcast, is_of_logarithms, slope, curve)
        for t in range(returns.size):
            log_variance[t] = h
            e = returns[t] - c[0]
            z = e * math.exp(-0.5 * h)
            total += _add_likelihood(z, h, slope, curve, z_slope, z_curve, score, hessian, outer)
            if is_of_logarithms:
                growth += math.log(abs(c[4] - 0.5 * (c[2] * abs(z) + c[3] * z)) + _TINY)
                h = _next_logarithm(c, z, h, slope, curve, z_slope, z_curve)
            else:
                growth += math.log(c[4] + _TINY)
                h = _next_square(c, e, h, slope, curve)
            if not abs(h) < 600.0:  # no float holds such a variance
                return -math.inf
        log_variance[returns.size] = h
        lyapunov[0] = growth / returns.size
        return float(total)

    row, table = "float64[::1]", "float64[:, ::1]"
    return kernel(f"float64({row}, {row}, float64, boolean, {row}, {table}, {table}, {row}, {row})", likelihood)
