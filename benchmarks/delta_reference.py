"""Reference for the on-chain delta, and the grid it is held against.

The reference takes the chain's own integers: ln(F/K) and d1 in 40-digit decimals, the normal distribution by
`scipy.special.ndtr` (double precision). Its own error is below 2e-15.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Context, Decimal, localcontext

import numpy as np
from scipy.special import ndtr

from agent.units import SECONDS_PER_YEAR, WAD

SECONDS_PER_DAY = 86_400
_CONTEXT = Context(prec=40)
_LARGEST_D1 = 40
"""ndtr is 0 or 1 to the last bit beyond."""

STRIKE = 2_500 * WAD
MONEYNESS = tuple(Decimal(str(m)) for m in np.round(np.exp(np.linspace(np.log(0.2), np.log(5.0), 57)), 6))
TAU_SECONDS = (1, 60, 3_600, 4 * 3_600, *(d * SECONDS_PER_DAY for d in (1, 2, 7, 14, 30, 60, 90, 180, 365, 545, 730)))
IV = tuple(Decimal(iv) / 100 for iv in (5, 10, 20, 30, 40, 50, 60, 80, 100, 125, 150, 200, 250, 300))

Option = tuple[int, int, int, int]
"""Price WAD, strike WAD, tau seconds, IV WAD."""


def grid() -> list[Option]:
    """Moneyness 0.2 to 5, one second to two years, IV 5 % to 300 %, and at the money exactly."""
    prices = [int(STRIKE * m) for m in (*MONEYNESS, Decimal(1))]
    ivs = [int(iv * WAD) for iv in IV]
    return [(price, STRIKE, tau, iv) for price, tau, iv in itertools.product(prices, TAU_SECONDS, ivs)]


def log_moneyness(price: int, strike: int) -> Decimal:
    """ln(F/K) of two WADs, to 40 digits."""
    with localcontext(_CONTEXT):
        return Decimal(price).ln() - Decimal(strike).ln()


def d1(moneyness_ln: Decimal, tau_seconds: int, iv: Decimal) -> float:
    """d1 = ln(F/K) / w + w / 2, w = iv * sqrt(tau / 365 days), cut off where the distribution is flat."""
    with localcontext(_CONTEXT):
        deviation = iv * (Decimal(tau_seconds) / SECONDS_PER_YEAR).sqrt()
        exact = moneyness_ln / deviation + deviation / 2
        return float(max(min(exact, Decimal(_LARGEST_D1)), Decimal(-_LARGEST_D1)))


def call_deltas(options: Sequence[Option]) -> np.ndarray:
    """N(d1) of each option, rate 0."""
    logs = {(price, strike): log_moneyness(price, strike) for price, strike, _, _ in options}
    return ndtr(np.array([d1(logs[f, k], tau, Decimal(iv) / WAD) for f, k, tau, iv in options]))
