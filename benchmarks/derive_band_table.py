"""Solve the optimal band at every node of the shipped table and write ``agent/policy/band_table.npz``.

``python -m benchmarks.derive_band_table`` takes about half an hour on two cores. The table is stored in half
precision (5e-4 of a band), far finer than the interpolation between its nodes.
"""

from __future__ import annotations

import itertools
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import agent.policy
from agent.policy.band_solver import Criterion
from agent.policy.band_table import (
    BAND_SIZES,
    COST_WEIGHTS,
    FIXED_WEIGHTS,
    SHAPE,
    STDEVS,
    TABLE_FILE,
    BandPlace,
    table_name,
    tabulate,
)

STEPS_PER_BAND = 3.5
MOST_STEPS = 2_400
LARGEST_STORED = 60.0
THREADS = 2


def derive(criterion: Criterion, *, is_short: bool) -> np.ndarray:
    """Return one table."""
    nodes = list(itertools.product(BAND_SIZES, COST_WEIGHTS, FIXED_WEIGHTS, STDEVS))

    def solve(node: tuple[float, ...]) -> np.ndarray:
        band_size, cost_weight, fixed_weight, stdev = node
        place = BandPlace(band_size, cost_weight, fixed_weight, stdev, moneyness=0.0)
        return tabulate(place, criterion, is_short=is_short, steps_per_band=STEPS_PER_BAND, most_steps=MOST_STEPS)

    with ThreadPoolExecutor(THREADS) as pool:
        edges = np.array(list(pool.map(solve, nodes))).reshape(SHAPE)
    return np.clip(edges, -LARGEST_STORED, LARGEST_STORED).astype(np.float16)


def main() -> int:
    """Derive and write all tables."""
    tables = {}
    for criterion, is_short in itertools.product(Criterion, (True, False)):
        name = table_name(criterion, is_short=is_short)
        tables[name] = derive(criterion, is_short=is_short)
        print(name, "done", flush=True)
    path = Path(agent.policy.__file__).parent / TABLE_FILE
    np.savez_compressed(path, **tables)
    print(f"{path}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
