"""Speed, accuracy and memory of European Greeks: ``python -m benchmarks greeks``.

Ours answers eight outputs a row, or twelve; what each peer answers is said beside its name. All run on the same rows,
one after the other, each with as many threads as it takes by itself. Every answer is dropped before the next, so that
ours is written where the last one lay; fresh memory costs more, because the system clears it, and is shown apart.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import QuantLib
from scipy.special import ndtr

from agent.products.european import black_scholes_greeks, black_scholes_standard_greeks
from agent.products.greeks import GREEK_NAMES, STANDARD_GREEK_NAMES, StandardGreeks
from benchmarks.figure import Figure
from benchmarks.first_call import first_call_figures
from benchmarks.option_rows import (
    ROWS,
    OptionRows,
    best_microseconds,
    best_of_each,
    extra_bytes,
    option_rows,
    peer_module,
)

OURS, OURS_FRESH = "Greeks, 8 outputs", "Greeks, 8 outputs, into fresh memory"
ALL, ALL_FRESH = "Greeks, 12 outputs", "Greeks, 12 outputs, into fresh memory"
FAST_VOLLIB, FAST_VOLLIB_OUTPUTS = "fast-vollib", 5
ROUNDS = 10
QUANTLIB_ROWS, PY_VOLLIB_ROWS = 20_000, 2_000
GROWTH_ROWS = (1_000, 10_000, 100_000, 1_000_000)
GROWTH_CALLS = 50
FIRST_CALL = """
from agent.products.european import black_scholes_standard_greeks as call
arguments = (True, 100.0, 100.0, 1.0, 0.2, 0.0)
"""


def plain_numpy(rows: OptionRows) -> tuple[np.ndarray, ...]:
    """Return the eight outputs of the claim as a careful user would write them with NumPy and SciPy."""
    S, K, tau, vol, r, q = rows.columns()[1:]
    sign = np.where(rows.is_call, 1.0, -1.0)
    root = np.sqrt(tau)
    d1 = (np.log(S / K) + (r - q + 0.5 * vol * vol) * tau) / (vol * root)
    d2 = d1 - vol * root
    carry, discount = np.exp(-q * tau), np.exp(-r * tau)
    phi = carry * np.exp(-0.5 * d1 * d1) / np.sqrt(2.0 * np.pi)
    asset, cash = S * carry * ndtr(sign * d1), K * discount * ndtr(sign * d2)
    vega = S * phi * root
    theta = sign * (q * asset - r * cash) - 0.5 * vega * vol / tau
    return (
        sign * (asset - cash),
        sign * asset / S,
        phi / (S * vol * root),
        vega,
        theta,
        sign * tau * cash,
        -phi * d2 / vol,
        vega * d1 * d2 / vol,
    )


def quantlib(rows: OptionRows) -> np.ndarray:
    """Return six outputs row by row with QuantLib's Black calculator."""
    found = np.empty((6, rows.tau_years.size))
    columns = (column.tolist() for column in rows.columns())
    for index, (is_call, S, K, tau, vol, r, q) in enumerate(zip(*columns, strict=True)):
        kind = QuantLib.Option.Call if is_call else QuantLib.Option.Put
        discount, forward = np.exp(-r * tau), S * np.exp((r - q) * tau)
        payoff = QuantLib.PlainVanillaPayoff(kind, K)
        black = QuantLib.BlackCalculator(payoff, forward, vol * np.sqrt(tau), discount)
        found[:, index] = (
            black.value(),
            black.delta(S),
            black.gamma(S),
            black.vega(tau),
            black.theta(S, tau),
            black.rho(tau),
        )
    return found


def py_vollib_runs(rows: OptionRows) -> dict[str, Callable[[], object]]:
    """Return price and five Greeks row by row with py_vollib, which takes one option a call."""
    formulas = peer_module("py_vollib.black_scholes_merton")
    greeks = peer_module("py_vollib.black_scholes_merton.greeks.analytical")
    if formulas is None or greeks is None:
        return {}
    price = formulas.black_scholes_merton
    calls = (price, greeks.delta, greeks.gamma, greeks.vega, greeks.theta, greeks.rho)
    _, S, K, tau, vol, r, q = (column.tolist() for column in rows.columns())
    arguments = list(zip(rows.flags().tolist(), S, K, tau, r, vol, q, strict=True))
    return {"py_vollib (6 outputs)": lambda: [call(*row) for row in arguments for call in calls]}


def _into_fresh_memory(price: Callable[..., StandardGreeks], rows: OptionRows, outputs: int) -> StandardGreeks:
    return price(*rows.columns(), out=np.empty((outputs, ROWS)))


def _runs(rows: OptionRows) -> dict[str, Callable[[], object]]:
    """Return ours and every installed peer, by name."""
    call, S, K, tau, vol, r, q = rows.columns()
    runs: dict[str, Callable[[], object]] = {
        OURS: partial(black_scholes_standard_greeks, *rows.columns()),
        OURS_FRESH: partial(_into_fresh_memory, black_scholes_standard_greeks, rows, len(STANDARD_GREEK_NAMES)),
        ALL: partial(black_scholes_greeks, *rows.columns()),
        ALL_FRESH: partial(_into_fresh_memory, black_scholes_greeks, rows, len(GREEK_NAMES)),
        "NumPy/SciPy (8 outputs)": partial(plain_numpy, rows),
    }
    if fast_vollib := peer_module("fast_vollib.api"):
        merton = {"model": "black_scholes_merton", "return_as": "dict"}
        for backend in ("numpy", "numba"):
            run = partial(fast_vollib.get_all_greeks, rows.flags(), S, K, tau, r, vol, q, backend=backend, **merton)
            runs[f"{FAST_VOLLIB} {backend} ({FAST_VOLLIB_OUTPUTS} outputs)"] = run
    if pyvolr := peer_module("pyvolr.bs"):
        signs = np.where(call, 1, -1).astype(np.int8)
        runs["pyvolr (5 outputs)"] = partial(pyvolr.greeks, signs, S, K, tau, r, vol, q, return_as="dict")
    return runs


def _speed_figures(rows: OptionRows) -> list[Figure]:
    """Return million rows a second of ours, alone and against each peer."""
    speeds = {name: ROWS / seconds / 1e6 for name, seconds in best_of_each(_runs(rows), ROUNDS).items()}
    few = {"QuantLib (6 outputs)": partial(quantlib, rows.head(QUANTLIB_ROWS))}
    speeds |= {name: QUANTLIB_ROWS / seconds / 1e6 for name, seconds in best_of_each(few, 1).items()}
    fewer = py_vollib_runs(rows.head(PY_VOLLIB_ROWS))
    speeds |= {name: PY_VOLLIB_ROWS / seconds / 1e6 for name, seconds in best_of_each(fewer, 1).items()}
    ours = (OURS, OURS_FRESH, ALL, ALL_FRESH)
    figures = [Figure(name, speeds[name], "million rows/s") for name in ours]
    peers = {name: speed for name, speed in speeds.items() if name not in ours}
    figures += [Figure.against(OURS, speeds[OURS], "million rows/s", name, speed) for name, speed in peers.items()]
    return figures + _fast_vollib_figures(speeds)


def _fast_vollib_figures(speeds: dict[str, float]) -> list[Figure]:
    """Return ours against the fastest backend of fast-vollib, by row and by output."""
    backends = [name for name in speeds if name.startswith(FAST_VOLLIB)]
    if not backends:
        return []
    fastest = max(backends, key=lambda name: speeds[name])
    row = Figure.against(
        "Greeks, 8 outputs, against its fastest", speeds[OURS], "million rows/s", fastest, speeds[fastest]
    )
    outputs, theirs = speeds[OURS] * len(STANDARD_GREEK_NAMES), speeds[fastest] * FAST_VOLLIB_OUTPUTS
    return [row, Figure.against("Greeks, against its fastest", outputs, "million outputs/s", fastest, theirs)]


def run() -> list[Figure]:
    """Measure everything this page claims."""
    rows = option_rows()
    figures = _speed_figures(rows)
    few = rows.head(QUANTLIB_ROWS)
    ours, theirs = black_scholes_standard_greeks(*few.columns()), quantlib(few)
    difference = max(
        float(np.max(np.abs(getattr(ours, name) / expected - 1.0)))
        for name, expected in zip(GREEK_NAMES, theirs, strict=False)
    )
    figures.append(Figure("Greeks, largest difference from QuantLib", difference, "relative"))
    output_bytes = len(STANDARD_GREEK_NAMES) * ROWS * np.dtype(np.float64).itemsize
    fresh = partial(_into_fresh_memory, black_scholes_standard_greeks, rows, len(STANDARD_GREEK_NAMES))
    extra = extra_bytes(fresh, output_bytes) / ROWS
    figures.append(Figure("Greeks, memory beyond inputs and outputs", extra, "bytes/row"))
    figures += first_call_figures("Greeks", FIRST_CALL)
    for count in (1, 100):
        small = partial(black_scholes_standard_greeks, *rows.head(count).columns())
        figures.append(Figure(f"Greeks, {count} rows", best_microseconds(small), "microseconds"))
    for count in GROWTH_ROWS:
        part = partial(black_scholes_standard_greeks, *rows.head(count).columns())
        figures.append(Figure(f"Greeks, {count:,} rows", best_microseconds(part, GROWTH_CALLS) * 1e3 / count, "ns/row"))
    return figures
