"""Elementary functions without branches or calls, so that a loop over rows becomes vector instructions.

Horner's scheme is written out: a loop over a tuple of coefficients would keep LLVM from vectorising the loop over rows.
Errors are the largest seen against 40-digit references on the stated ranges, in units of 2**-52.
"""

from __future__ import annotations

import numpy as np

from agent.numerics.compiled import inlined

_LN2_HIGH = 0.6931471803691238
"""ln 2 cut to 32 bits: its product with an exponent is exact."""
_LN2_LOW = 1.9082149292705877e-10
_PER_LN2 = 1.4426950408889634
_ROUND_TO_INTEGER = 6755399441055744.0
"""1.5 * 2**52: adding it leaves the nearest integer in the lowest bits of the sum."""
_EXP_LOWEST, _EXP_HIGHEST = -708.0, 709.0
"""Exponents whose result is a normal double."""
_EXPONENT_SHIFT = 52
_EXPONENT_BIAS = 1023
_SQRT_HALF_TO_ONE = 0x00095F619980C433
"""Bits from sqrt(1/2) to 1: added to a double they carry into its exponent exactly when its mantissa exceeds sqrt 2."""
_TWO_TO_52_BITS = 0x4330000000000000
_TWO_TO_52 = 4503599627370496.0

NORMAL_DENSITY_AT_0 = 0.3989422804014327
"""1 / sqrt(2 pi)."""
MILLS_LOWEST = -0.75
"""Lower end of the range on which the Mills ratio is fitted; the upper end is 55."""
_MILLS_SHIFT = 4.5
_MILLS_CENTRE = 2.5553359683794468


@inlined
def exp(y: float) -> float:
    """Return e**y; y is cut to [-708, 709]. Error 1 ulp.

    e**y = 2**n * e**r with n the integer nearest y / ln 2; e**r by a polynomial of degree 11 on |r| <= ln(2) / 2.
    """
    y = min(max(y, _EXP_LOWEST), _EXP_HIGHEST)
    shifted = y * _PER_LN2 + _ROUND_TO_INTEGER
    n = shifted - _ROUND_TO_INTEGER
    r = (y - n * _LN2_HIGH) - n * _LN2_LOW
    p = 2.5105260230519278e-08
    p = p * r + 2.7620139757939593e-07
    p = p * r + 2.755725529609744e-06
    p = p * r + 2.4801521187721228e-05
    p = p * r + 0.00019841269874902947
    p = p * r + 0.001388888891728367
    p = p * r + 0.008333333333326112
    p = p * r + 0.04166666666662399
    p = p * r + 0.1666666666666667
    p = p * r + 0.5000000000000001
    mantissa = 1.0 + (r + r * r * p)
    exponent_bits = np.float64(shifted).view(np.int64) << np.int64(_EXPONENT_SHIFT)
    return np.int64(np.float64(mantissa).view(np.int64) + exponent_bits).view(np.float64)


@inlined
def _log_series(numerator: float, denominator: float, exponent: float) -> float:
    """Return exponent * ln 2 + 2 artanh(numerator / denominator), the quotient within +-0.1716."""
    s = numerator / denominator
    z = s * s
    p = 0.14618452412443222
    p = p * z + 0.15331554715751564
    p = p * z + 0.18182894320913914
    p = p * z + 0.22222211060553002
    p = p * z + 0.28571428626452694
    p = p * z + 0.3999999999989839
    p = p * z + 0.666666666666667
    return exponent * _LN2_HIGH + (2.0 * s + (s * z * p + exponent * _LN2_LOW))


@inlined
def _binary_exponent(x: float) -> tuple[float, float]:
    """Return k and 2**k with x / 2**k in [sqrt(1/2), sqrt 2), for a normal x > 0."""
    biased = (np.float64(x).view(np.int64) + np.int64(_SQRT_HALF_TO_ONE)) >> np.int64(_EXPONENT_SHIFT)
    exponent = np.int64(biased | np.int64(_TWO_TO_52_BITS)).view(np.float64) - (_TWO_TO_52 + _EXPONENT_BIAS)
    return exponent, np.int64(biased << np.int64(_EXPONENT_SHIFT)).view(np.float64)


@inlined
def log(x: float) -> float:
    """Return ln x for a normal x > 0. Error 1.2 ulp."""
    exponent, power = _binary_exponent(x)
    return _log_series(x - power, x + power, exponent)


@inlined
def log_ratio(a: float, b: float) -> float:
    """Return ln(a / b) for a, b > 0 whose quotient is a normal number. Error 2 ulp, even for a close to b.

    The quotient gives only the binary exponent k; then ln(a / b) = k ln 2 + 2 artanh((a - b 2**k) / (a + b 2**k)),
    where the difference is exact for close a and b.
    """
    exponent, power = _binary_exponent(a / b)
    return _log_series(a - b * power, a + b * power, exponent)


@inlined
def leg_gap(larger: float, smaller: float, y: float) -> float:
    """Return larger - smaller of two positive legs, of which the larger is the smaller times e**y, y >= 0.

    Below y = 1/2 that is smaller * (e**y - 1) by the power series to y**14: the difference of legs that are alike, each
    of which was rounded, would have few right digits. Error 6 ulp beside what an error of y makes.
    """
    p = 1.1470745597729725e-11
    p = p * y + 1.6059043836821613e-10
    p = p * y + 2.08767569878681e-09
    p = p * y + 2.505210838544172e-08
    p = p * y + 2.755731922398589e-07
    p = p * y + 2.7557319223985893e-06
    p = p * y + 2.48015873015873e-05
    p = p * y + 0.0001984126984126984
    p = p * y + 0.001388888888888889
    p = p * y + 0.008333333333333333
    p = p * y + 0.041666666666666664
    p = p * y + 0.16666666666666666
    p = p * y + 0.5
    gap = smaller * (y + y * y * p) if y < 0.5 else larger - smaller
    return max(gap, 0.0)  # and no sum that takes it up is contracted with its product in one loop and not in another


@inlined
def _mills_series(t_low: float, t_high: float) -> tuple[float, float]:
    """Return g(t_low) and (g(t_high) - g(t_low)) / (t_high - t_low) of the polynomial in `mills_pair`."""
    near, slope = 6.917715252028346e-08, 0.0
    near, slope = near * t_low + 5.7089625492258895e-08, near
    near, slope = near * t_low - 5.166831305904969e-07, slope * t_high + near
    near, slope = near * t_low - 6.825603219516793e-07, slope * t_high + near
    near, slope = near * t_low + 1.811393886346895e-06, slope * t_high + near
    near, slope = near * t_low + 4.263788379123294e-06, slope * t_high + near
    near, slope = near * t_low - 3.0992916219660865e-06, slope * t_high + near
    near, slope = near * t_low - 1.9268561805427384e-05, slope * t_high + near
    near, slope = near * t_low - 5.262850475901495e-06, slope * t_high + near
    near, slope = near * t_low + 7.410030407109884e-05, slope * t_high + near
    near, slope = near * t_low + 7.661964919492688e-05, slope * t_high + near
    near, slope = near * t_low - 0.00027745015775795047, slope * t_high + near
    near, slope = near * t_low - 0.0004714839299892551, slope * t_high + near
    near, slope = near * t_low + 0.0011853025879930373, slope * t_high + near
    near, slope = near * t_low + 0.002381030455615465, slope * t_high + near
    near, slope = near * t_low - 0.006672960183532298, slope * t_high + near
    near, slope = near * t_low - 0.009484058945842951, slope * t_high + near
    near, slope = near * t_low + 0.04818528190361505, slope * t_high + near
    near, slope = near * t_low - 0.010506144418572767, slope * t_high + near
    near, slope = near * t_low - 0.3135387393098587, slope * t_high + near
    near, slope = near * t_low + 1.070142598421645, slope * t_high + near
    near, slope = near * t_low - 2.0969194946378598, slope * t_high + near
    near, slope = near * t_low + 2.9120408594018725, slope * t_high + near
    near, slope = near * t_low - 3.051741158874579, slope * t_high + near
    near, slope = near * t_low + 2.4555483262363262, slope * t_high + near
    return near, slope


@inlined
def mills_pair(low: float, high: float, width: float) -> tuple[float, float, float]:
    """Return m(low), m(high) and m(low) - m(high) of the Mills ratio m(x) = (1 - N(x)) / phi(x).

    Parameters
    ----------
    low, high
        From `MILLS_LOWEST` to 55, low <= high.
    width
        high - low, given apart because the caller knows it without cancellation.

    Notes
    -----
    m(x) = g(t) / (x + 4.5) with t = (x - c) / (x + 4.5) and g a polynomial of degree 24. The difference comes from the
    divided difference of g, which Horner's scheme yields alongside, so it is as exact as the ratios themselves even
    where they agree in all but their last digits. Errors: 4, 5 and 8 ulp.

    Source: the form is that of Shepherd and Laframboise, Mathematics of Computation 36 (1981); the coefficients come
    from ``python -m benchmarks.derive_mills``.
    """
    u_low, u_high = 1.0 / (low + _MILLS_SHIFT), 1.0 / (high + _MILLS_SHIFT)
    t_low, t_high = (low - _MILLS_CENTRE) * u_low, (high - _MILLS_CENTRE) * u_high
    near, slope = _mills_series(t_low, t_high)
    scale = _MILLS_CENTRE + _MILLS_SHIFT
    step = width * u_low * u_high
    gap = step * (near - scale * u_high * slope)
    return near * u_low, (near + scale * step * slope) * u_high, gap


@inlined
def mills_of_distances(near: float, far: float, stdev: float) -> tuple[float, float, float]:
    """Return `mills_pair` of two distances, far - near = stdev; below `MILLS_LOWEST` of the mirrored near one."""
    is_low = near >= MILLS_LOWEST
    return mills_pair(near if is_low else -near, far, stdev if is_low else far + near)
