"""The normal distribution to as many digits as the context of `decimal` has, up to 58."""

from __future__ import annotations

from decimal import Decimal

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")


def normal_cdf(x: Decimal) -> Decimal:
    """Return N(x), by its power series near 0 and by Laplace's continued fraction of the Mills ratio in the tails."""
    if x > 0:
        return 1 - normal_cdf(-x)
    if x < -8:
        tail = -x
        for step in range(400, 0, -1):
            tail = -x + Decimal(step) / tail
        return (-x * x / 2).exp() / (2 * PI).sqrt() / tail
    term, total, n = x, x, 1
    while abs(term) > Decimal("1e-58"):
        term = -term * x * x * (2 * n - 1) / (2 * n * (2 * n + 1))
        total, n = total + term, n + 1
    return Decimal("0.5") + total / (2 * PI).sqrt()
