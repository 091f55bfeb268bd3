"""The local chain: time to bring it up, and to move it through a week in steps of five minutes."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from agent.backtest.jump_diffusion import next_price
from agent.localnet.anvil import free_port
from agent.localnet.session import STEPPED_MODEL, Localnet, LocalnetSettings
from benchmarks.figure import Figure

STEPS = 2_016
"""Five-minute steps of a week."""
INTERVAL_SECONDS = 300
MILLISECONDS = 1_000.0


def run() -> list[Figure]:
    """Bring a chain up and walk it for a week."""
    with tempfile.TemporaryDirectory() as directory:
        began = time.perf_counter()
        settings = LocalnetSettings(port=free_port(), state_directory=Path(directory))
        with Localnet.up(settings) as localnet:
            up_seconds = time.perf_counter() - began
            milliseconds, gas = _walk(localnet)
    by_size = statistics.quantiles(milliseconds, n=100)
    return [
        Figure("localnet up: Anvil, Curie, market", up_seconds, "s"),
        Figure("localnet step, mean of a week", statistics.fmean(milliseconds), "ms"),
        Figure("localnet step, 99th percentile", by_size[98], "ms"),
        Figure("localnet step, mean of its last day", statistics.fmean(milliseconds[-288:]), "ms"),
        Figure("localnet step, gas", gas / STEPS, "gas"),
    ]


def _walk(localnet: Localnet) -> tuple[list[float], int]:
    price_usd = localnet.manifest.start_price_usd
    milliseconds, gas_used = [], 0
    for number in range(1, STEPS + 1):
        price_usd = next_price(STEPPED_MODEL, price_usd, INTERVAL_SECONDS, localnet.manifest.seed, number)
        began = time.perf_counter()
        result = localnet.step(price_usd, localnet.manifest.start_unix + number * INTERVAL_SECONDS)
        milliseconds.append((time.perf_counter() - began) * MILLISECONDS)
        gas_used += result.gas_used
    return milliseconds, gas_used
