r"""Prices after the last expiry that no smile at it can spoil: its own spread by an independent lognormal factor.

At the last expiry the prices over the forward are c_n(k). With M lognormal, E M = 1 and variance delta of its
logarithm, independent of the price then, the price of a later time is that of the product,

    c(k) = E[M c_n(k - ln M)] = sum_i w_i m_i c_n(k - ln m_i),

a mixture of convex functions with positive weights: no butterfly costs less than nothing, whatever the smile, and
nothing does for any number of nodes, because their weights are made to sum to 1 with their means. More spread is more
value of every option, so it rises in time.

Source: Gauss-Hermite quadrature (Abramowitz and Stegun 25.4.46); the product is Merton's argument (1973) that a
distribution riskier in the sense of Rothschild and Stiglitz makes no option cheaper.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp, roots_hermitenorm

from agent.numerics.arrays import FloatArray
from agent.vol.log_black import log_otm_price, stdev_between

NODES = 96
_SLOPE_STEP = 1e-4
"""Of a standard deviation, on either side, for the slope."""
_BRACKET = 1e-9
"""Relative room around the answer's bracket, for what rounding takes."""


def spread_variance(variance_at: Callable[[FloatArray], FloatArray], k: FloatArray, delta: FloatArray) -> FloatArray:
    """Return total variance after the last expiry.

    Parameters
    ----------
    variance_at
        Total variance at the last expiry, of log-moneyness of any shape.
    k, delta
        Log-moneyness and added variance at the money, > 0, shape (rows,).

    """
    nodes, weights = roots_hermitenorm(NODES)
    log_weight = np.log(weights / weights.sum())
    log_m = np.sqrt(delta)[:, None] * nodes[None, :]
    log_m = log_m - logsumexp(log_weight + log_m, axis=1, keepdims=True)  # the factors' mean is 1, to rounding
    at = k[:, None] - log_m
    variance = variance_at(at)
    log_price = logsumexp(log_weight + log_m + _log_price(k[:, None] >= 0.0, at, np.sqrt(variance)), axis=1)
    low, high = variance.min(axis=1) + delta, variance.max(axis=1) + delta
    return stdev_between(k, log_price, np.sqrt(low * (1.0 - _BRACKET)), np.sqrt(high * (1.0 + _BRACKET))) ** 2


def spread_variance_and_slope(
    variance_at: Callable[[FloatArray], FloatArray], k: FloatArray, delta: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return total variance and its derivative in log-moneyness, by differences; see `spread_variance`."""
    step = _SLOPE_STEP * np.sqrt(delta)
    below, here, above = (spread_variance(variance_at, at, delta) for at in (k - step, k, k + step))
    return here, (above - below) / (2.0 * step)


def _log_price(is_call: np.ndarray, k: FloatArray, stdev: FloatArray) -> FloatArray:
    """Return the logarithm of a call's or a put's price over the forward, on either side of the money."""
    otm = log_otm_price(k.ravel(), stdev.ravel()).reshape(k.shape)
    intrinsic = np.where(is_call, -np.expm1(np.minimum(k, 0.0)), np.expm1(np.maximum(k, 0.0)))
    with np.errstate(divide="ignore"):
        return np.asarray(np.logaddexp(otm, np.log(intrinsic)))
