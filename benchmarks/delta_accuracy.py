"""Largest error of the on-chain delta over the reference grid, beside the usual implementations' on the same grid."""

from __future__ import annotations

import numpy as np

from benchmarks.delta_measure import METERS, OURS, measure_all
from benchmarks.delta_reference import call_deltas, grid
from benchmarks.evm import compile_sources, local_chain
from benchmarks.figure import Figure


def run() -> list[Figure]:
    """Measure the largest absolute error of a call delta."""
    options = grid()
    expected = call_deltas(options)
    compile_sources(*{source for source, _ in METERS.values()})
    with local_chain() as chain:
        measured = measure_all(chain, options)
    errors = {name: float(np.abs(one.deltas - expected).max()) for name, one in measured.items()}
    title = f"on-chain delta, largest error of {len(options):,}"
    return [Figure.against(title, errors[OURS], "delta", peer, errors[peer]) for peer in METERS if peer != OURS]
