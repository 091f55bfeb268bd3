"""Speed, accuracy and memory of implied volatility: ``python -m benchmarks implied_vol``.

Peers that are not installed are left out. py_vollib_vectorized 0.1.1 is none: its kernels do not compile under
Numba 0.68.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import QuantLib

from agent.products.european import black76_greeks, black_scholes_greeks
from agent.vol.implied import black76_implied_vol, black_scholes_implied_vol
from benchmarks.figure import Figure
from benchmarks.first_call import first_call_figures
from benchmarks.option_rows import (
    ROWS,
    SEED,
    OptionRows,
    best_microseconds,
    best_of_each,
    extra_bytes,
    option_rows,
    peer_module,
)

SPEED, ERROR = "Implied vol, new arrays", "Implied vol, market rows, largest error"
ROUNDS = 5
QUANTLIB_ROWS, PY_VOLLIB_ROWS = 20_000, 2_000
GROWTH_ROWS = (1_000, 10_000, 100_000, 1_000_000)
GROWTH_CALLS = 50
ULP = 2.0**-52
BYTES_PER_ANSWER = 9
"""A float64 and a status byte."""
FIRST_CALL = """
from agent.vol.implied import black76_implied_vol as call
arguments = (True, 8.0, 100.0, 100.0, 1.0)
"""


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


def _peer_runs(rows: OptionRows, prices: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    """Return every installed peer, by name."""
    call, S, K, tau, _, r, q = rows.columns()
    runs: dict[str, Callable[[], np.ndarray]] = {}
    if fast_vollib := peer_module("fast_vollib.implied_volatility"):
        merton = {"model": "black_scholes_merton", "return_as": "numpy", "on_error": "ignore"}
        for backend in ("numpy", "numba"):
            solve = partial(fast_vollib.fast_implied_volatility, prices, S, K, tau, r, rows.flags(), q)
            runs[f"fast-vollib {backend}"] = partial(solve, backend=backend, **merton)
    if pyvolr := peer_module("pyvolr.bs"):
        signs = np.where(call, 1, -1).astype(np.int8)
        runs["pyvolr"] = partial(pyvolr.implied_vol, prices, signs, S, K, tau, r, q, on_error="ignore")
    return runs


def py_vollib_runs(rows: OptionRows, prices: np.ndarray) -> dict[str, Callable[[], object]]:
    """Return volatilities row by row with py_vollib, which takes one option a call."""
    solver = peer_module("py_vollib.black_scholes_merton.implied_volatility")
    if solver is None:
        return {}
    _, S, K, tau, _, r, q = (column.tolist() for column in rows.columns())
    arguments = list(zip(prices.tolist(), S, K, tau, r, q, rows.flags().tolist(), strict=True))
    return {"py_vollib": lambda: [solver.implied_volatility(*row) for row in arguments]}


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


def _market_figures(rows: OptionRows, prices: np.ndarray) -> list[Figure]:
    """Return speed and error on market-like rows, alone and against each peer."""
    call, S, K, tau, vol, r, q = rows.columns()
    solve, peers = partial(black_scholes_implied_vol, call, prices, S, K, tau, r, q), _peer_runs(rows, prices)
    seconds = best_of_each({SPEED: solve, **peers}, ROUNDS)
    speed, error = ROWS / seconds[SPEED] / 1e6, _worst_error(solve().vol_annual, vol)
    figures = [Figure(SPEED, speed, "million rows/s"), Figure(ERROR, error, "relative")]
    for name, run_peer in peers.items():
        figures.append(Figure.against(SPEED, speed, "million rows/s", name, ROWS / seconds[name] / 1e6))
        peer_error = _worst_error(np.asarray(run_peer()), vol)
        figures.append(Figure.against(ERROR, error, "relative", name, peer_error))
    some = partial(quantlib, rows.head(QUANTLIB_ROWS), prices[:QUANTLIB_ROWS])
    quantlib_speed = QUANTLIB_ROWS / best_of_each({"QuantLib": some}, 1)["QuantLib"] / 1e6
    figures.append(Figure.against(SPEED, speed, "million rows/s", "QuantLib", quantlib_speed))
    fewer = py_vollib_runs(rows.head(PY_VOLLIB_ROWS), prices[:PY_VOLLIB_ROWS])
    for name, taken in best_of_each(fewer, 1).items():
        figures.append(Figure.against(SPEED, speed, "million rows/s", name, PY_VOLLIB_ROWS / taken / 1e6))
    return figures


def run() -> list[Figure]:
    """Measure everything this page claims."""
    rows = option_rows()
    call, S, K, tau, _, r, q = rows.columns()
    prices = black_scholes_greeks(*rows.columns()).value
    figures = _market_figures(rows, prices) + _domain_figures()
    columns = (call, prices, S, K, tau, r, q)
    extra = extra_bytes(partial(black_scholes_implied_vol, *columns), BYTES_PER_ANSWER * ROWS) / ROWS
    figures.append(Figure("Implied vol, memory beyond inputs and outputs", extra, "bytes/row"))
    figures += first_call_figures("Implied vol", FIRST_CALL)
    for count in (1, 100):
        small = partial(black_scholes_implied_vol, *(column[:count].copy() for column in columns))
        figures.append(Figure(f"Implied vol, {count} rows", best_microseconds(small), "microseconds"))
    for count in GROWTH_ROWS:
        part = partial(black_scholes_implied_vol, *(column[:count].copy() for column in columns))
        nanoseconds = best_microseconds(part, GROWTH_CALLS) * 1e3
        figures.append(Figure(f"Implied vol, {count:,} rows", nanoseconds / count, "ns/row"))
    return figures
