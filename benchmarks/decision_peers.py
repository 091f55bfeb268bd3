"""The exposure of a book as a careful user would compute it with NumPy, QuantLib and py_vollib."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import QuantLib
from numpy.typing import NDArray
from scipy.special import ndtr

from agent.units import SECONDS_PER_YEAR
from benchmarks.decision_world import OptionColumns
from benchmarks.option_rows import peer_module


def numpy_exposure(columns: OptionColumns, price_usd: float, at_unix: int) -> NDArray[np.float64]:
    """Return value, delta, gamma, vega and theta of the book by Black-76 without a rate, in plain NumPy and SciPy."""
    sign = np.where(columns.is_call, 1.0, -1.0)
    tau = (columns.expiry_unix - at_unix) / SECONDS_PER_YEAR
    strike, vol = columns.strike_usd, columns.iv_annual
    root = np.sqrt(tau)
    d1 = np.log(price_usd / strike) / (vol * root) + 0.5 * vol * root
    d2 = d1 - vol * root
    density = np.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi)
    delta = sign * ndtr(sign * d1)
    value = price_usd * delta - strike * sign * ndtr(sign * d2)
    vega = price_usd * density * root
    greeks = np.array([value, delta, density / (price_usd * vol * root), vega, -0.5 * vega * vol / tau])
    return greeks @ columns.quantity


def quantlib_exposure(columns: OptionColumns, price_usd: float, at_unix: int) -> NDArray[np.float64]:
    """Sum the same with QuantLib's Black calculator, leg by leg."""
    sums = [0.0] * 5
    for is_call, strike, expiry, vol, quantity in zip(*(column.tolist() for column in columns), strict=True):
        tau = (expiry - at_unix) / SECONDS_PER_YEAR
        payoff = QuantLib.PlainVanillaPayoff(QuantLib.Option.Call if is_call else QuantLib.Option.Put, strike)
        black = QuantLib.BlackCalculator(payoff, price_usd, vol * math.sqrt(tau), 1.0)
        greeks = (
            black.value(),
            black.deltaForward(),
            black.gammaForward(),
            black.vega(tau),
            black.theta(price_usd, tau),
        )
        for index, greek in enumerate(greeks):
            sums[index] += quantity * greek
    return np.array(sums)


def py_vollib_exposure() -> Callable[[OptionColumns, float, int], NDArray[np.float64]] | None:
    """Return the same by py_vollib, one number a call; None where that is not installed.

    Its vega is per point and its theta a day.
    """
    formulas, greeks = peer_module("py_vollib.black"), peer_module("py_vollib.black.greeks.analytical")
    if formulas is None or greeks is None:
        return None
    calls = (formulas.black, greeks.delta, greeks.gamma, greeks.vega, greeks.theta)

    def exposure(columns: OptionColumns, price_usd: float, at_unix: int) -> NDArray[np.float64]:
        sums = [0.0] * len(calls)
        for is_call, strike, expiry, vol, quantity in zip(*(column.tolist() for column in columns), strict=True):
            tau = (expiry - at_unix) / SECONDS_PER_YEAR
            flag = "c" if is_call else "p"
            for index, call in enumerate(calls):
                sums[index] += quantity * call(flag, price_usd, strike, tau, 0.0, vol)
        return np.array(sums)

    return exposure
