"""Derive the constants of ``agent/numerics/vector_math.py``: ``python -m benchmarks.derive_mills``.

Three functions are interpolated at Chebyshev nodes in 130-digit decimals and rounded to doubles at the end, so that the
constants are the same on every machine:

- (e^r - 1 - r) / r^2 on |r| <= ln(2) / 2,
- (2 artanh(s) - 2 s) / s^3 in z = s^2, on s <= (sqrt 2 - 1) / (sqrt 2 + 1),
- (x + 4.5) m(x) in t = (x - c) / (x + 4.5), on -0.75 <= x <= 55, m the Mills ratio (1 - N(x)) / phi(x); c maps the
  range to nearly [-1, 1]. The form is that of Shepherd and Laframboise, Mathematics of Computation 36 (1981).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Context, Decimal, localcontext
from functools import cache

EXP_DEGREE, LOG_DEGREE, MILLS_DEGREE = 9, 6, 24
RANGE_MARGIN = Decimal("1.0005")
"""The reduced arguments overshoot their ranges by a rounding."""
MILLS_LOWEST, MILLS_HIGHEST = Decimal("-0.75"), Decimal(55)
MILLS_SHIFT = Decimal("4.5")
NODES = 64
SERIES_BELOW = Decimal(12)
"""Below it the power series of the Mills ratio, above it the continued fraction."""
CONTEXT = Context(prec=130)
"""The power series loses 63 digits at its end."""


def _arctan_of_inverse(number: int) -> Decimal:
    term = total = Decimal(1) / number
    k = 1
    while abs(term) > Decimal(10) ** -125:
        term = -term / (number * number)
        k += 2
        total += term / k
    return total


@cache
def pi() -> Decimal:
    """Return pi by Machin's formula."""
    return 4 * (4 * _arctan_of_inverse(5) - _arctan_of_inverse(239))


def cosine(x: Decimal) -> Decimal:
    """Return cos x by its power series, for |x| <= 4."""
    total = term = Decimal(1)
    k = 0
    while abs(term) > Decimal(10) ** -125:
        k += 2
        term = -term * x * x / (k * (k - 1))
        total += term
    return total


def mills(x: Decimal) -> Decimal:
    """Return (1 - N(x)) / phi(x).

    Source: Abramowitz and Stegun, 26.2.11 (series) and 26.2.14 (continued fraction).
    """
    if x > SERIES_BELOW:
        tail = x
        for k in range(400, 0, -1):
            tail = x + k / tail
        return 1 / tail
    total = term = x
    k = 1
    while abs(term) > Decimal(10) ** -120:
        k += 2
        term = term * x * x / k
        total += term
    return (pi() / 2).sqrt() * (x * x / 2).exp() - total


def fit(function: Callable[[Decimal], Decimal], low: Decimal, high: Decimal, degree: int) -> list[float]:
    """Return the coefficients, lowest power first, of the truncated Chebyshev series of ``function``."""
    angles = [pi() * (2 * k + 1) / (2 * NODES) for k in range(NODES)]
    middle, half = (low + high) / 2, (high - low) / 2
    numbers = [function(middle + half * cosine(angle)) for angle in angles]
    series = []
    for j in range(degree + 1):
        # cos(j a) at the nodes is again the cosine of a node angle or its mirror image: reduce it to [0, pi] exactly.
        total = sum((number * _node_cosine(j * (2 * k + 1)) for k, number in enumerate(numbers)), start=Decimal(0))
        series.append(total * 2 / NODES)
    series[0] /= 2
    return [float(c) for c in _powers(series, middle, half)]


@cache
def _node_cosine(odd_multiple: int) -> Decimal:
    """Return cos(odd_multiple * pi / (2 * NODES))."""
    turn = odd_multiple % (4 * NODES)
    return cosine(pi() * min(turn, 4 * NODES - turn) / (2 * NODES))


def _powers(series: Sequence[Decimal], middle: Decimal, half: Decimal) -> list[Decimal]:
    """Turn a Chebyshev series in (x - middle) / half into powers of x, by Clenshaw's recurrence on polynomials."""
    size = len(series)
    ahead, after = [Decimal(0)] * size, [Decimal(0)] * size
    for k in range(size - 1, -1, -1):
        factor = 1 if k == 0 else 2
        shifted = [Decimal(0), *ahead[:-1]]
        current = [
            factor * (up - middle * flat) / half - last for up, flat, last in zip(shifted, ahead, after, strict=True)
        ]
        current[0] += series[k]
        ahead, after = current, ahead
    return ahead


def mills_centre() -> float:
    """Return c, the point of the range that t = 0 stands for."""
    u_low, u_high = 1 / (MILLS_HIGHEST + MILLS_SHIFT), 1 / (MILLS_LOWEST + MILLS_SHIFT)
    scale = 2 / (u_high - u_low)
    return float(scale / (1 + u_low * scale) - MILLS_SHIFT)


def derive_exp() -> list[float]:
    """Return the coefficients of (e^r - 1 - r) / r^2."""
    half = Decimal(2).ln() / 2 * RANGE_MARGIN
    return fit(lambda r: (r.exp() - 1 - r) / (r * r), -half, half, EXP_DEGREE)


def derive_log() -> list[float]:
    """Return the coefficients of (2 artanh(s) - 2 s) / s^3 in s^2."""
    root = Decimal(2).sqrt()
    highest = ((root - 1) / (root + 1) * RANGE_MARGIN) ** 2

    def remainder(z: Decimal) -> Decimal:
        s = z.sqrt()
        return (((1 + s) / (1 - s)).ln() - 2 * s) / (s * z)

    return fit(remainder, Decimal(0), highest, LOG_DEGREE)


def derive_mills() -> list[float]:
    """Return the coefficients of (x + 4.5) m(x) in t."""
    centre = Decimal(mills_centre())

    def scaled(t: Decimal) -> Decimal:
        x = (centre + MILLS_SHIFT * t) / (1 - t)
        return mills(x) * (x + MILLS_SHIFT)

    ends = [(x - centre) / (x + MILLS_SHIFT) for x in (MILLS_LOWEST, MILLS_HIGHEST)]
    return fit(scaled, ends[0], ends[1], MILLS_DEGREE)


def main() -> None:
    """Print every constant, lowest power first."""
    with localcontext(CONTEXT):
        print("exp", derive_exp())
        print("log", derive_log())
        print("Mills centre", mills_centre())
        print("Mills", derive_mills())


if __name__ == "__main__":
    main()
