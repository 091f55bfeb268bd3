"""Compile every numeric kernel now, so that no command waits for it later: ``python -m agent.warm_up``.

Kernels are compiled when they are first called and kept beside their source, or in ``NUMBA_CACHE_DIR`` where that is
set. A set-up that ends with this leaves the first `evenkeel greeks` as fast as the second.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

KERNELS: tuple[tuple[str, str], ...] = (
    ("agent.products.european_kernel", "greeks_rows"),
    ("agent.vol.implied_kernel", "implied_rows"),
    ("agent.numerics.least_squares", "solve_blocks"),
    ("agent.vol.svi_kernel", "svi_normal_equations"),
    ("agent.vol.bump_kernel", "bump_normal_equations"),
    ("agent.vol.garch_kernel", "garch_likelihood"),
    ("agent.risk.revaluation_kernel", "scenario_sums"),
    ("agent.policy.band_kernel", "induction"),
    ("agent.policy.small_band_kernel", "march"),
    ("agent.optimiser.interior_point", "interior_point"),
    ("agent.backtest.simulator", "hedging"),
)
"""Module and function of each: the function compiles its kernel, or finds it compiled, and returns it."""


def compiled_kernels() -> Iterator[str]:
    """Compile the kernels one after the other and name each once it is ready."""
    for module, function in KERNELS:
        getattr(importlib.import_module(module), function)()
        yield f"{module}.{function}"


def main() -> None:
    """Compile everything and say what is ready."""
    for name in compiled_kernels():
        print(f"ready: {name}")  # noqa: T201 - a command's own output


if __name__ == "__main__":
    main()
