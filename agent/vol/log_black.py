"""Logarithm of the Black price of options out of the money: exact where the price itself is too small for a float.

Prices are undiscounted and over the forward; k = ln(strike/forward), s = iv sqrt(tau), d1 = -k/s + s/2. The option out
of the money is the call for k >= 0 and the put for k < 0. With Mills' ratio M(x) = N(-x)/n(x) its price is, for both,

    price = n(d1) (M(|k|/s - s/2) - M(|k|/s + s/2)).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erfcx

from agent.numerics.arrays import FloatArray

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_NEWTON_STEPS = 60
_TOLERANCE = 1e-9
"""Relative step after which the next would be below rounding: Newton's method squares its error."""


def mills_ratio(x: FloatArray) -> FloatArray:
    """Return N(-x)/n(x)."""
    return np.asarray(math.sqrt(0.5 * math.pi) * erfcx(x / math.sqrt(2.0)))


def log_density_d1(log_moneyness: FloatArray, stdev: FloatArray) -> FloatArray:
    """Return ln n(d1): the logarithm of dprice/ds."""
    d1 = -log_moneyness / stdev + 0.5 * stdev
    return np.asarray(-0.5 * d1 * d1 - _HALF_LOG_TWO_PI)


def log_otm_price(log_moneyness: FloatArray, stdev: FloatArray) -> FloatArray:
    """Return ln(price / forward) of the out-of-the-money option; stdev > 0."""
    distance = np.abs(log_moneyness) / stdev
    # A put at k is e^k calls at -k, and n(d1) of the one is e^k n(d1) of the other: one formula for both.
    return np.asarray(
        log_density_d1(log_moneyness, stdev)
        + np.log(mills_ratio(distance - 0.5 * stdev) - mills_ratio(distance + 0.5 * stdev))
    )


def stdev_between(log_moneyness: FloatArray, log_price: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return s with ``log_otm_price(k, s) = log_price``, known to lie in [low, high]; all of shape (rows,).

    Newton's method in 1/s^2, in which far from the money the logarithm of the price is nearly straight; a step that
    leaves the bracket is replaced by its middle, so every row converges; those that have are left alone. The start is
    on the chord between the ends.
    """
    lowest, highest, k, target = high**-2.0, low**-2.0, log_moneyness, log_price
    at_low, at_high = log_otm_price(k, low), log_otm_price(k, high)
    share = (target - at_high) / np.where(at_high > at_low, at_low - at_high, -np.inf)
    answer = lowest + np.clip(share, 0.0, 1.0) * (highest - lowest)
    rows = np.arange(answer.size)
    for _ in range(_NEWTON_STEPS):
        x = answer[rows]
        stdev = x**-0.5
        at = log_otm_price(k, stdev)
        miss = at - target
        lowest, highest = np.where(miss > 0.0, x, lowest), np.where(miss > 0.0, highest, x)
        slope = -0.5 * np.exp(log_density_d1(k, stdev) - at) * stdev**3
        step = x - miss / slope
        answer[rows] = np.where((step >= lowest) & (step <= highest), step, 0.5 * (lowest + highest))
        left = np.abs(answer[rows] - x) > _TOLERANCE * x
        if not left.any():
            break
        rows, lowest, highest, k, target = rows[left], lowest[left], highest[left], k[left], target[left]
    return np.asarray(answer**-0.5)
