"""Implied volatility of many rows, in blocks that stay in the first-level cache.

With x = ln(F / K), s the total standard deviation, a1 = |x| / s - s / 2 and a2 = |x| / s + s / 2, an out-of-the-money
option is worth the share R of the leg that bounds it:

    R = phi(a1) (m(a1) - m(a2)),   1 - R = phi(a1) (m(-a1) + m(a2)),   m(z) = (1 - N(z)) / phi(z).

Up to R = 1/2 the first is solved for s in ln R, beyond it the second in ln(1 - R). Neither loses digits, and all
derivatives in s follow from the two Mills ratios. Steps are Householder's of third order, as in Jaeckel, Let's be
rational (2015); the start is the answer of Bachelier's model, which is the limit of small |x|: two or three steps
suffice for |x| up to 1, and five everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray
from agent.numerics.blocks import BLOCK, COLUMN, FLAG_COLUMN, Index, gather, gather_signs
from agent.numerics.compiled import code_stamp, inlined, kernel
from agent.numerics.rows import DISCOUNT_EXPONENT, PRICE_USD, RATE_ANNUAL, TAU_YEARS
from agent.numerics.vector_math import NORMAL_DENSITY_AT_0, exp, leg_gap, log, log_ratio, mills_pair


class ImpliedVolStatus(IntEnum):
    """Why a row has an implied volatility, or has none."""

    OK = 0
    """The volatility reproduces the price."""
    AT_INTRINSIC = 1
    """The price is the intrinsic value to its last digits: the volatility is 0."""
    BELOW_INTRINSIC = 2
    """No volatility gives so low a price."""
    ABOVE_BOUND = 3
    """No finite volatility gives so high a price: a call is worth less than its asset, a put less than its strike."""
    EXPIRED = 4
    """No time is left."""
    NOT_FINITE = 5
    """A number of the row is missing or infinite."""
    OUT_OF_DOMAIN = 6
    """A price, strike, rate or time is outside what is solved for, or the time value is below 1e-300 of its bound."""
    NOT_CONVERGED = 7
    """The iteration was stopped before its end."""


_OK, _AT_INTRINSIC, _BELOW_INTRINSIC, _ABOVE_BOUND, _EXPIRED, _NOT_FINITE, _OUT_OF_DOMAIN, _NOT_CONVERGED = (
    int(status) for status in ImpliedVolStatus
)

MAX_STEPS = 8
_ROUNDING = 4.0 * 2.0**-52
"""A price below intrinsic by less than this share of the legs is at intrinsic: so much is lost in its last digits."""
_SHARE_LOWEST = 1e-300
"""Smallest time value, as a share of the leg that bounds it, that is solved for."""
_LOG_MONEYNESS_HIGHEST = 230.0
_LOW_SHARE_HIGHEST = 0.5
_NEAR_LOWEST = -0.72
"""Below R = 1/2, a1 is at least -0.6745; iterates stay above this, where the Mills ratio is fitted."""
_STEP_RATIO_HIGHEST = 4.0
_CONVERGED_STEP = 1e-5
"""Relative size of a step after which the next one, of fourth order, would be below a unit in the last place."""

_PRICE_LOWEST, _PRICE_HIGHEST = PRICE_USD.lowest, PRICE_USD.highest
_TAU_HIGHEST, _RATE_HIGHEST, _EXPONENT_HIGHEST = TAU_YEARS.highest, RATE_ANNUAL.highest, DISCOUNT_EXPONENT.highest

_IS_CALL, _QUOTE, _PRICE, _STRIKE, _TAU, _RATE, _DIVIDEND = (BLOCK * column for column in range(7))
_STDEV, _ABS_X, _SHARE, _IS_LOW, _STATUS, _UNSETTLED = (BLOCK * column for column in range(7, 13))
_COLUMNS = 13


@inlined
def _status(
    quote: float, own_bound: float, legs: float, time_value: float, share: float, tau: float, is_finite: bool
) -> float:
    """Return the status of a row whose numbers are in their domains: the first that applies."""
    status = _OK if share >= _SHARE_LOWEST else _OUT_OF_DOMAIN
    status = _ABOVE_BOUND if quote >= own_bound else status
    status = _AT_INTRINSIC if time_value <= 0.0 else status
    status = _BELOW_INTRINSIC if time_value < -_ROUNDING * legs else status
    status = _EXPIRED if tau <= 0.0 else status
    return float(status if is_finite else _NOT_FINITE)


@inlined
def _in_domain(x: float, price: float, strike: float, tau: float, rate: float, dividend: float) -> bool:
    good = (price >= _PRICE_LOWEST) & (price <= _PRICE_HIGHEST) & (abs(x) <= _LOG_MONEYNESS_HIGHEST)
    good &= (strike >= _PRICE_LOWEST) & (strike <= _PRICE_HIGHEST) & (tau <= _TAU_HIGHEST)
    good &= (abs(rate) <= _RATE_HIGHEST) & (abs(rate * tau) <= _EXPONENT_HIGHEST)
    return good & (abs(dividend) <= _RATE_HIGHEST) & (abs(dividend * tau) <= _EXPONENT_HIGHEST)


@inlined
def _normal_quantile(p: float) -> float:
    """Return z with 1 - N(z) = p for p in (0, 1/2], within 4.5e-4. Source: Abramowitz and Stegun, 26.2.23."""
    t = math.sqrt(-2.0 * log(p))
    return t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)))


@inlined
def _low_guess(y: float, share: float) -> float:
    """Return the total standard deviation of Bachelier's model, within 1e-4 of it: good for small y = |x|.

    There beta = s (phi(h) - h (1 - N(h))) with h = y / s, so that h is a function of beta / y alone, fitted by
    h**2 = w**2 P(w) / Q(w), w = ln(1 + y / beta), which has the limits on both sides. beta is the value over sqrt(F K).

    Source: ``python -m benchmarks.derive_bachelier_guess``.
    """
    growth = min(0.5 * y, 1.0)
    z = (y / share) * exp(growth)
    per_beta = (share * exp(-growth)) * (1.0 + 0.5 * z)
    w = log(1.0 + z) + (0.5 * y - growth)
    above = 0.15915494309189535 + w * (0.0276588 + w * (0.00357216 + w * 1.20427e-05))
    below = 1.0 + w * (0.174297 + w * (0.0290399 + w * (0.00186616 + w * 6.02135e-06)))
    y_per_w = per_beta if z < 1e-5 else y / w
    return y_per_w * math.sqrt(below / above)


@inlined
def _high_guess(y: float, share: float) -> float:
    """Return a total standard deviation for 1 - R = share: between N(-d1) (large y) and 2 N(-d1) (y = 0)."""
    d1 = _normal_quantile(share * (0.5 + y) / (1.0 + y))
    return d1 + math.sqrt(d1 * d1 + 2.0 * y)


@inlined
def _improved(s: float, y: float, share: float, is_low: bool) -> float:
    """Take one Householder step of third order in ln R, or in ln(1 - R)."""
    h = y / s
    near, far = h - 0.5 * s, h + 0.5 * s
    m_near, m_far, gap = mills_pair(near if is_low else -near, far, s if is_low else 2.0 * h)
    ratio = gap if is_low else -(m_near + m_far)
    f = log(NORMAL_DENSITY_AT_0 * abs(ratio) / share) - 0.5 * near * near
    slope = 1.0 / ratio
    second = h * (h / s) - 0.25 * s
    third = second * second - 3.0 * (h / s) * (h / s) - 0.25
    f2 = second - slope
    f3 = third + slope * (2.0 * slope - 3.0 * second)
    newton = -f * ratio
    step = newton * (1.0 + 0.5 * f2 * newton) / (1.0 + newton * (f2 + f3 * newton / 6.0))
    lowest = s * (1.0 / _STEP_RATIO_HIGHEST) if is_low else max(math.sqrt(2.0 * y), s * (1.0 / _STEP_RATIO_HIGHEST))
    highest = s * _STEP_RATIO_HIGHEST
    highest = min(highest, math.sqrt(_NEAR_LOWEST * _NEAR_LOWEST + 2.0 * y) - _NEAR_LOWEST) if is_low else highest
    return min(max(s + step, lowest), highest)


@inlined
def _prepare_block(work: FloatArray, rows: Index) -> None:
    """Turn quotes into shares of the bounding leg, judge every row and start the solution."""
    for j in range(rows):
        sign, quote, S, K = work[_IS_CALL + j], work[_QUOTE + j], work[_PRICE + j], work[_STRIKE + j]
        tau, r, q = work[_TAU + j], work[_RATE + j], work[_DIVIDEND + j]
        is_finite = (quote - quote) + (S - S) + (K - K) + (tau - tau) + (r - r) + (q - q) == 0.0
        x = log_ratio(S, K) + (r - q) * tau
        y = abs(x)
        is_good = _in_domain(x, S, K, tau, r, q)
        asset_leg, cash_leg = S * exp(-q * tau), K * exp(-r * tau)
        own_bound = asset_leg if sign > 0.0 else cash_leg
        bound, other = (asset_leg, cash_leg) if x <= 0.0 else (cash_leg, asset_leg)
        intrinsic = 0.0 if (sign > 0.0) == (x <= 0.0) else leg_gap(other, bound, y)
        time_value = quote - intrinsic
        share, rest = time_value / bound, (own_bound - quote) / bound
        status = _status(quote, own_bound, asset_leg + cash_leg, time_value, share, tau, is_finite)
        status = status if is_good or not is_finite else float(_OUT_OF_DOMAIN)
        is_solvable = status == _OK
        share, y = share if is_solvable else 0.25, y if is_solvable else 0.0
        is_low = share <= _LOW_SHARE_HIGHEST
        target = share if is_low else rest
        work[_STDEV + j] = _low_guess(y, target) if is_low else _high_guess(y, target)
        work[_ABS_X + j] = y
        work[_SHARE + j] = target
        work[_IS_LOW + j] = 1.0 if is_low else 0.0
        work[_STATUS + j] = status


@inlined
def _improve_block(work: FloatArray, rows: Index) -> int:
    """Take one step in every row; return how many rows have not converged."""
    unsettled = 0
    for j in range(rows):
        s = work[_STDEV + j]
        improved = _improved(s, work[_ABS_X + j], work[_SHARE + j], work[_IS_LOW + j] > 0.0)
        is_unsettled = abs(improved - s) > _CONVERGED_STEP * s
        unsettled += 1 if is_unsettled else 0
        work[_STDEV + j] = improved
        work[_UNSETTLED + j] = 1.0 if is_unsettled else 0.0
    return unsettled


@inlined
def _emit_block(work: FloatArray, vols: FloatArray, statuses: NDArray[np.uint8], first: Index, rows: Index) -> None:
    for j in range(rows):
        status = work[_STATUS + j]
        status = float(_NOT_CONVERGED) if (status == _OK) & (work[_UNSETTLED + j] > 0.0) else status
        vol = work[_STDEV + j] / math.sqrt(work[_TAU + j])
        vol = vol if status == _OK else (0.0 if status == _AT_INTRINSIC else np.nan)
        vols[first + j] = vol
        statuses[first + j] = np.uint8(status)


_SIGNATURE = (
    f"void({FLAG_COLUMN}, {', '.join([COLUMN] * 6)}, int64, Array(float64, 1, 'C'), Array(uint8, 1, 'C'), int64, int64)"
)


@cache
def implied_rows() -> Callable[..., None]:
    """Return the kernel that solves rows ``first`` to ``last``.

    It takes is_call as booleans, quote, price, strike, tau, rate and dividend as float64 columns of one row or of all,
    the largest number of steps, the volatilities and statuses to write, first and last.
    """
    stamp = code_stamp(gather, gather_signs, _prepare_block, _improve_block, _emit_block)

    def rows(
        is_call: NDArray[np.bool_],
        quote: FloatArray,
        price: FloatArray,
        strike: FloatArray,
        tau: FloatArray,
        rate: FloatArray,
        dividend: FloatArray,
        max_steps: int,
        vols: FloatArray,
        statuses: NDArray[np.uint8],
        first: int,
        last: int,
    ) -> None:
        work = np.empty(_COLUMNS * BLOCK)
        for start in range(np.uint64(first), np.uint64(last), np.uint64(BLOCK)):
            count = min(np.uint64(BLOCK), np.uint64(last) - start)
            gather_signs(is_call, work, _IS_CALL, start, count)
            gather(quote, work, _QUOTE, start, count)
            gather(price, work, _PRICE, start, count)
            gather(strike, work, _STRIKE, start, count)
            gather(tau, work, _TAU, start, count)
            gather(rate, work, _RATE, start, count)
            gather(dividend, work, _DIVIDEND, start, count)
            _prepare_block(work, count)
            unsettled = 0 * stamp + 1
            steps = 0
            while unsettled > 0 and steps < max_steps:
                unsettled = _improve_block(work, count)
                steps += 1
            _emit_block(work, vols, statuses, start, count)

    return kernel(_SIGNATURE, rows)
