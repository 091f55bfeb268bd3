"""Logarithm of the Black price of options out of the money: exact where the price itself is too small for a float.

Prices are undiscounted and over the forward; k = ln(strike/forward), s = iv sqrt(tau), d1 = -k/s + s/2. The option out
of the money is the call for k >= 0 and the put for k < 0. With Mills' ratio M(x) = N(-x)/n(x) its price is, for both,

    price = n(d1) (M(|k|/s - s/2) - M(|k|/s + s/2)).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erfcx

from agent.products.greeks import FloatArray

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_NEWTON_STEPS = 60
_TOLERANCE = 1e-15


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
    """Return s with ``log_otm_price(k, s) = log_price``, known to lie in [low, high].

    Newton's method in 1/s^2, in which far from the money the logarithm of the price is nearly straight; a step that
    leaves the bracket is replaced by its middle, so every row converges.
    """
    lowest, highest = 1.0 / (high * high), 1.0 / (low * low)
    x = 0.5 * (lowest + highest)
    for _ in range(_NEWTON_STEPS):
        stdev = 1.0 / np.sqrt(x)
        at = log_otm_price(log_moneyness, stdev)
        miss = at - log_price
        lowest, highest = np.where(miss > 0.0, x, lowest), np.where(miss > 0.0, highest, x)
        slope = -0.5 * np.exp(log_density_d1(log_moneyness, stdev) - at) * stdev**3
        step = x - miss / slope
        new = np.where((step >= lowest) & (step <= highest), step, 0.5 * (lowest + highest))
        done = np.abs(new - x) <= _TOLERANCE * x
        x = new
        if done.all():
            break
    return np.asarray(1.0 / np.sqrt(x))
