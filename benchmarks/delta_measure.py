"""Delta and gas of each implementation on the reference grid, on one local chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.units import WAD
from benchmarks.delta_reference import Option
from benchmarks.evm import BenchmarkChain, in_batches

METERS = {
    "evenkeel": ("benchmarks/contracts/Black76Meter.sol", "Black76Meter"),
    "Solady + Abramowitz-Stegun 26.2.17": ("benchmarks/contracts/SoladyDelta.sol", "SoladyAbramowitzStegun"),
    "Solady + Hart (West 2005)": ("benchmarks/contracts/SoladyDelta.sol", "SoladyHart"),
}
EMPTY_METER = ("benchmarks/contracts/DeltaMeter.sol", "EmptyMeter")
OURS = "evenkeel"
_OPTIONS_PER_CALL = 1_000
_MEASURE = "measure((uint256,uint256,uint256,uint256)[])"


@dataclass(frozen=True)
class Measured:
    """Deltas and gas, one entry an option."""

    deltas: np.ndarray
    gas: np.ndarray


def measure(chain: BenchmarkChain, meter: tuple[str, str], options: Sequence[Option]) -> Measured:
    """Run one implementation over ``options``."""
    address = chain.deploy(*meter)
    deltas: list[int] = []
    gas: list[int] = []
    for batch in in_batches(options, _OPTIONS_PER_CALL):
        found_deltas, found_gas = chain.call(address, _MEASURE, list(batch), returns="(int256[],uint256[])")
        deltas.extend(found_deltas)
        gas.extend(found_gas)
    return Measured(np.array(deltas, dtype=float) / WAD, np.array(gas))


def measure_all(chain: BenchmarkChain, options: Sequence[Option]) -> dict[str, Measured]:
    """Run every implementation, with the meter's own cost taken off the gas."""
    overhead = int(measure(chain, EMPTY_METER, options[:1]).gas[0])
    found = {name: measure(chain, meter, options) for name, meter in METERS.items()}
    return {name: Measured(one.deltas, one.gas - overhead) for name, one in found.items()}
