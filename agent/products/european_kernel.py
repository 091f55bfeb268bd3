"""Black-Scholes and Black-76 Greeks of many rows, in blocks that stay in the first-level cache.

A block of rows is gathered into one scratch array, valued there by a loop that compiles to vector instructions, and
copied out: with every input and output at a fixed distance in one array, no two of them can overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray
from agent.numerics.blocks import BLOCK, COLUMN, FLAG_COLUMN, Index, gather, gather_signs
from agent.numerics.compiled import code_stamp, inlined, kernel
from agent.numerics.rows import DISCOUNT_EXPONENT, PRICE_USD, RATE_ANNUAL, TAU_YEARS, VOL_ANNUAL
from agent.numerics.vector_math import MILLS_LOWEST, NORMAL_DENSITY_AT_0, exp, leg_gap, log_ratio, mills_of_distances

MIN_STDEV = 1e-30
"""Total standard deviation below which an option is its discounted intrinsic value."""
_FAR_STDEVS = 37.5
"""The normal density beyond this many standard deviations is below 1e-306 and taken as 0."""
_WITHOUT_STDEV = 1e3
"""Stands for an infinite number of standard deviations."""

_IS_CALL, _PRICE, _STRIKE, _TAU, _VOL, _RATE, _DIVIDEND = (BLOCK * column for column in range(7))
_INPUTS, _OUTPUTS = 7, 12
_VALUE, _DELTA, _GAMMA, _VEGA, _THETA, _RHO = (BLOCK * column for column in range(7, 13))
_VANNA, _VOLGA, _CHARM, _SPEED, _ZOMMA, _COLOR = (BLOCK * column for column in range(13, 19))
# Until the outputs are known, their columns hold what one loop leaves for the next.
_X, _ROOT, _STDEV, _PER_STDEV, _NEAR, _FAR = (BLOCK * column for column in range(7, 13))
_DENSITY, _ASSET_LEG, _CASH_LEG, _NEAR_RATIO, _FAR_RATIO, _GAP = (BLOCK * column for column in range(13, 19))
_LEGS = _X

_PRICE_LOWEST, _PRICE_HIGHEST = PRICE_USD.lowest, PRICE_USD.highest
_TAU_HIGHEST, _VOL_HIGHEST = TAU_YEARS.highest, VOL_ANNUAL.highest
_RATE_HIGHEST, _EXPONENT_HIGHEST = RATE_ANNUAL.highest, DISCOUNT_EXPONENT.highest


@inlined
def _is_good(price: float, strike: float, tau: float, vol: float, rate: float, dividend: float) -> bool:
    """Tell whether a row lies inside the domain; every comparison is false for a NaN."""
    good = (price >= _PRICE_LOWEST) & (price <= _PRICE_HIGHEST)
    good &= (strike >= _PRICE_LOWEST) & (strike <= _PRICE_HIGHEST)
    good &= (tau >= 0.0) & (tau <= _TAU_HIGHEST) & (vol >= 0.0) & (vol <= _VOL_HIGHEST)
    good &= (abs(rate) <= _RATE_HIGHEST) & (abs(rate * tau) <= _EXPONENT_HIGHEST)
    return good & (abs(dividend) <= _RATE_HIGHEST) & (abs(dividend * tau) <= _EXPONENT_HIGHEST)


@inlined
def _measure_block(work: FloatArray, rows: Index) -> int:
    """Find x = ln(F / K) and the distances of a block; return how many rows are outside the domain."""
    bad = 0
    for j in range(rows):
        S, K, tau, vol = work[_PRICE + j], work[_STRIKE + j], work[_TAU + j], work[_VOL + j]
        r, q = work[_RATE + j], work[_DIVIDEND + j]
        bad += 0 if _is_good(S, K, tau, vol, r, q) else 1
        root = np.sqrt(tau)
        stdev = vol * root
        has_stdev = stdev >= MIN_STDEV
        per_stdev = 1.0 / stdev if has_stdev else 0.0
        x = log_ratio(S, K) + (r - q) * tau
        distance = abs(x) * per_stdev if has_stdev else (_WITHOUT_STDEV if x != 0.0 else 0.0)
        work[_X + j] = x
        work[_ROOT + j] = root
        work[_STDEV + j] = stdev
        work[_PER_STDEV + j] = per_stdev
        work[_NEAR + j] = distance - 0.5 * stdev
        work[_FAR + j] = distance + 0.5 * stdev
    return bad


@inlined
def _discount_block(work: FloatArray, rows: Index) -> None:
    """Find both legs of a block and the density S e^(-q tau) phi(d1) = K e^(-r tau) phi(d2)."""
    for j in range(rows):
        tau, near = work[_TAU + j], work[_NEAR + j]
        asset_leg = work[_PRICE + j] * exp(-work[_DIVIDEND + j] * tau)
        cash_leg = work[_STRIKE + j] * exp(-work[_RATE + j] * tau)
        density = exp(-0.5 * near * near) * NORMAL_DENSITY_AT_0
        density = density if abs(near) < _FAR_STDEVS else 0.0
        work[_DENSITY + j] = density * (asset_leg if work[_X + j] <= 0.0 else cash_leg)
        work[_ASSET_LEG + j] = asset_leg
        work[_CASH_LEG + j] = cash_leg


@inlined
def _ratio_block(work: FloatArray, rows: Index) -> None:
    """Find the Mills ratios at both distances of a block, their difference, and that of the legs in the place of x."""
    for j in range(rows):
        x, asset_leg, cash_leg = work[_X + j], work[_ASSET_LEG + j], work[_CASH_LEG + j]
        legs = leg_gap(cash_leg, asset_leg, -x) if x <= 0.0 else leg_gap(asset_leg, cash_leg, x)
        work[_LEGS + j] = -legs if x <= 0.0 else legs
        near_ratio, far_ratio, gap = mills_of_distances(work[_NEAR + j], work[_FAR + j], work[_STDEV + j])
        work[_NEAR_RATIO + j] = near_ratio
        work[_FAR_RATIO + j] = far_ratio
        work[_GAP + j] = gap


@inlined
def _option(work: FloatArray, j: Index) -> tuple[float, float, float, float, float]:
    """Return value, asset part and cash part (value = +-(asset - cash)), d1 and d2 of a row.

    The option out of the money comes first. With a1 = |x| / s - s / 2, a2 = |x| / s + s / 2 and B the leg that bounds
    its value, its parts are B phi(a1) m(a1) and B phi(a1) m(a2), m the Mills ratio: one exponential serves both, and
    their difference loses no digits. The option in the money follows by put-call parity.
    """
    near, far, density, legs = work[_NEAR + j], work[_FAR + j], work[_DENSITY + j], work[_LEGS + j]
    asset_leg, cash_leg, sign = work[_ASSET_LEG + j], work[_CASH_LEG + j], work[_IS_CALL + j]
    is_call, is_low = legs <= 0.0, near >= MILLS_LOWEST
    bound, other = (asset_leg, cash_leg) if is_call else (cash_leg, asset_leg)
    near_tail, far_tail = density * work[_NEAR_RATIO + j], density * work[_FAR_RATIO + j]
    is_otm = (sign > 0.0) == is_call
    low_value = density * work[_GAP + j]
    low_value = low_value if is_otm else low_value + abs(legs)
    value = low_value if is_low else (bound if is_otm else other) - (near_tail + far_tail)
    # Each part is a tail or a leg without it, never a leg less a leg without its tail, which would lose the tail.
    near_part = near_tail if is_low == is_otm else bound - near_tail
    far_part = far_tail if is_otm else other - far_tail
    asset = near_part if is_call else far_part
    cash = far_part if is_call else near_part
    return value, asset, cash, -near if is_call else far, -far if is_call else near


@inlined
def _greeks_block(work: FloatArray, rows: Index, has_fixed_forward: bool) -> None:
    """Find the outputs of a block; they take the place of what the loops before left there."""
    for j in range(rows):
        value, asset, cash, d1, d2 = _option(work, j)
        sign, tau, vol, r, q = work[_IS_CALL + j], work[_TAU + j], work[_VOL + j], work[_RATE + j], work[_DIVIDEND + j]
        density, root, stdev, per_stdev = work[_DENSITY + j], work[_ROOT + j], work[_STDEV + j], work[_PER_STDEV + j]
        per_price = 1.0 / work[_PRICE + j]
        per_vol, per_tau = root * per_stdev, vol * vol * per_stdev * per_stdev
        delta = sign * asset * per_price
        gamma = density * per_stdev * per_price * per_price
        vega = density * root
        decay = (r - q) * tau * per_stdev * per_tau - 0.5 * d2 * per_tau
        work[_VALUE + j] = value
        work[_DELTA + j] = delta
        work[_GAMMA + j] = gamma
        work[_VEGA + j] = vega
        work[_THETA + j] = r * value + sign * (q - r) * asset - 0.5 * density * stdev * per_tau
        work[_RHO + j] = -tau * value if has_fixed_forward else sign * tau * cash
        work[_VANNA + j] = -density * d2 * per_vol * per_price
        work[_VOLGA + j] = vega * d1 * d2 * per_vol
        work[_CHARM + j] = q * delta - density * per_price * decay
        work[_SPEED + j] = -gamma * per_price * (d1 * per_stdev + 1.0)
        work[_ZOMMA + j] = gamma * (d1 * d2 - 1.0) * per_vol
        work[_COLOR + j] = gamma * (q + 0.5 * per_tau + d1 * decay)


@inlined
def _fill_block(work: FloatArray, rows: Index, has_fixed_forward: bool) -> int:
    """Value the rows of one block; return how many are outside the domain.

    Four short loops instead of one: the processor then works on several rounds of a loop at once, where a long chain of
    dependent operations would keep it waiting.
    """
    bad = _measure_block(work, rows)
    _discount_block(work, rows)
    _ratio_block(work, rows)
    _greeks_block(work, rows, has_fixed_forward)
    return bad


_SIGNATURE = f"int64({FLAG_COLUMN}, {', '.join([COLUMN] * 6)}, boolean, Array(float64, 2, 'C'), int64, int64)"


@cache
def greeks_rows() -> Callable[..., int]:
    """Return the kernel that values rows ``first`` to ``last`` and counts the bad ones among them.

    It takes is_call as booleans, price, strike, tau, vol, rate and dividend as float64 columns of one row or of
    all, whether the rate moves at a fixed forward (Black-76), the output of shape (12, rows), or fewer outputs from the
    first on, and first and last.
    """
    stamp = code_stamp(gather, gather_signs, _fill_block)

    def rows(
        is_call: NDArray[np.bool_],
        price: FloatArray,
        strike: FloatArray,
        tau: FloatArray,
        vol: FloatArray,
        rate: FloatArray,
        dividend: FloatArray,
        has_fixed_forward: bool,
        out: FloatArray,
        first: int,
        last: int,
    ) -> int:
        bad = 0 * stamp
        work = np.empty((_INPUTS + _OUTPUTS) * BLOCK)
        for start in range(np.uint64(first), np.uint64(last), np.uint64(BLOCK)):
            count = min(np.uint64(BLOCK), np.uint64(last) - start)
            gather_signs(is_call, work, _IS_CALL, start, count)
            gather(price, work, _PRICE, start, count)
            gather(strike, work, _STRIKE, start, count)
            gather(tau, work, _TAU, start, count)
            gather(vol, work, _VOL, start, count)
            gather(rate, work, _RATE, start, count)
            gather(dividend, work, _DIVIDEND, start, count)
            bad += _fill_block(work, count, has_fixed_forward)
            for output in range(np.uint64(out.shape[0])):
                for j in range(count):
                    # Adding 0.0 turns a negative zero into a plain one.
                    out[output, start + j] = work[np.uint64(_VALUE) + output * np.uint64(BLOCK) + j] + 0.0
        return bad

    return kernel(_SIGNATURE, rows)
