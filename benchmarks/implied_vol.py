"""Speed, accuracy and memory of implied volatility: ``python -m benchmarks implied_vol``.

Peers that are not installed are left out. py_vollib_vectorized 0.1.1 is none: its kernels do not compile under Numba 0.68.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import QuantLib

from agent.products.european import black76_greeks, black_scholes_greeks
from agent.vol.implied import black76_implied_vol, black_scholes_implied_vol
from benchmarks.figure import Figure
from benchmarks.option_rows import (
    ROWS,
    SEED,
    OptionRows,
    best_microseconds,
    best_seconds,
    extra_bytes,
    option_rows,
    peer_module,
)

OUR_REPEATS, PEER_REPEATS = 15, 2
QUANTLIB_ROWS = 20_000
GROWTH_ROWS = (1_000, 10_000, 100_000)
GROWTH_CALLS = 100
ULP = 2.0**-52
BYTES_PER_ANSWER = 9
"""A float64 and a status byte."""


def quantlib(rows: OptionRows, prices: np.ndarray) -> np.ndarray:
    """Return volatilities row by row with QuantLib's own inversion."""
    found = np.empty(prices.size)
    columns = (column.tolist() for column in rows.columns())
    for index, ((is_call, S, K, tau, vol, r, q), price) in enumerate(
        zip(zip(*columns, strict=True), prices.tolist(), strict=True)
    ):
        kind = QuantLib.Option.Call if is_call else QuantLib.Option.Put
        forward, discount, root = S * np.exp((r - q) * tau), np.exp(-r * tau), np.sqrt(tau)
        stdev = QuantLib.blackFormulaImpliedStdDev(kind, K, forward, price, discount, 0.0, vol * root, 1e-14)
        found[index] = stdev / root
    return found


def _peer_answers(rows: OptionRows, prices: np.ndarray) -> dict[str, tuple[float, np.ndarray]]:
    """Return million rows a second and the answers by peer, for the peers that are installed and run."""
    call, S, K, tau, _, r, q = rows.columns()
    flags, merton = rows.flags(), {"model": "black_scholes_merton", "return_as": "numpy", "on_error": "ignore"}
    runs = {}
    if fast_vollib := peer_module("fast_vollib.implied_volatility"):
        for backend in ("numpy", "numba"):
            solve = partial(fast_vollib.fast_implied_volatility, prices, S, K, tau, r, flags, q, backend=backend)
            runs[f"fast-vollib {backend}"] = partial(solve, **merton)
    if pyvolr := peer_module("pyvolr.bs"):
        signs = np.where(call, 1, -1).astype(np.int8)
        runs["pyvolr"] = partial(pyvolr.implied_vol, prices, signs, S, K, tau, r, q, on_error="ignore")
    return {name: (ROWS / best_seconds(run, PEER_REPEATS) / 1e6, np.asarray(run())) for name, run in runs.items()}


def _worst_error(found: np.ndarray, vol: np.ndarray) -> float:
    return float(np.nanmax(np.abs(found / vol - 1.0)))


def _domain_figures() -> list[Figure]:
    """Round trips over |ln(F/K)| up to 230 and total deviations from 1e-8 to 60."""
    rng = np.random.default_rng(SEED)
    x = np.exp(rng.uniform(np.log(1e-16), np.log(230.0), ROWS)) * rng.choice([-1.0, 1.0], ROWS)
    stdev = np.exp(rng.uniform(np.log(1e-8), np.log(60.0), ROWS))
    stdev = np.where(rng.random(ROWS) < 0.7, np.clip(np.abs(x) / rng.uniform(0.01, 37.0, ROWS), 1e-18, 60.0), stdev)
    is_call, forward = x <= 0.0, np.exp(x)
    greeks = black76_greeks(is_call, forward, 1.0, 1.0, stdev)
    implied = black76_implied_vol(is_call, greeks.value, forward, 1.0, 1.0)
    kept = implied.is_ok & (greeks.value > 1e-300)
    condition = 1.0 + greeks.value[kept] / (stdev[kept] * greeks.vega[kept])
    ulps = np.abs(implied.vol_annual[kept] / stdev[kept] - 1.0) / (ULP * condition)
    return [
        Figure("Implied vol, whole domain, largest error", float(ulps.max()), "ulp of price, as vol"),
        Figure("Implied vol, whole domain, median error", float(np.median(ulps)), "ulp of price, as vol"),
    ]


def run() -> list[Figure]:
    """Measure everything this page claims."""
    rows = option_rows()
    call, S, K, tau, vol, r, q = rows.columns()
    prices = black_scholes_greeks(*rows.columns()).value
    solve = partial(black_scholes_implied_vol, call, prices, S, K, tau, r, q)
    speed, error = ROWS / best_seconds(solve, OUR_REPEATS) / 1e6, _worst_error(solve().vol_annual, vol)
    figures = [
        Figure("Implied vol, new arrays", speed, "million rows/s"),
        Figure("Implied vol, market rows, largest error", error, "relative"),
    ]
    for name, (peer_speed, found) in _peer_answers(rows, prices).items():
        figures.append(Figure.against("Implied vol, new arrays", speed, "million rows/s", name, peer_speed))
        peer_error = _worst_error(found, vol)
        figures.append(Figure.against("Implied vol, market rows, largest error", error, "relative", name, peer_error))
    few = rows.head(QUANTLIB_ROWS)
    quantlib_speed = QUANTLIB_ROWS / best_seconds(partial(quantlib, few, prices[:QUANTLIB_ROWS]), 1) / 1e6
    figures.append(Figure.against("Implied vol, new arrays", speed, "million rows/s", "QuantLib", quantlib_speed))
    figures += _domain_figures()
    extra = extra_bytes(solve, BYTES_PER_ANSWER * ROWS) / ROWS
    figures.append(Figure("Implied vol, memory beyond inputs and outputs", extra, "bytes/row"))
    for count in (1, 100):
        some = [column[:count].copy() for column in (call, prices, S, K, tau, r, q)]
        small = partial(black_scholes_implied_vol, *some)
        figures.append(Figure(f"Implied vol, {count} rows", best_microseconds(small), "microseconds"))
    for count in GROWTH_ROWS:
        some = [column[:count].copy() for column in (call, prices, S, K, tau, r, q)]
        part = partial(black_scholes_implied_vol, *some)
        nanoseconds = best_microseconds(part, GROWTH_CALLS) * 1e3
        figures.append(Figure(f"Implied vol, {count:,} rows", nanoseconds / count, "ns/row"))
    figures.append(Figure(f"Implied vol, {ROWS:,} rows", 1e3 / speed, "ns/row"))
    return figures
