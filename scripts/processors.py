"""Run the numerical suites as other processors would: ``python -m scripts.processors [--short] [TESTS ...]``.

Each setting makes BLAS, NumPy and Numba take the code paths of another processor, where sums end in other last digits.
A test that rests on those fails under one of them. Exits with 1 where any setting fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

SUITES = (
    *(
        f"tests/unit/{name}"
        for name in (
            "numerics", "products", "vol", "costs", "risk", "policy", "optimiser", "routing", "backtest", "decision",
        )
    ),
    "tests/properties",
    "tests/conformance",
)  # fmt: skip
SHORT = (
    "tests/unit/vol/test_garch.py::test_fit_garch__dem_gbp__fiorentini_calzolari_panattoni",
    "tests/unit/vol/test_garch.py::test_fit_garch__last_digits_disturbed__one_verdict",
    "tests/unit/vol/test_vol_forecast.py",
    "tests/unit/risk/test_collateral.py",
)
_BASELINE = " ".join(name for name in __cpu_dispatch__ if __cpu_features__.get(name))
"""What NumPy can do here beyond its baseline: it warns of any other name."""
_CONFIGURATION = ("-c", "pyproject.toml", "--rootdir", ".")  # for tests outside the checkout as well
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
_TWO_THREADS = {"OPENBLAS_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"}
SETTINGS: dict[str, dict[str, str]] = {
    "prescott, numpy baseline": {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": _BASELINE} | _ONE_THREAD,
    "zen": {"OPENBLAS_CORETYPE": "Zen"} | _TWO_THREADS,
    "haswell": {"OPENBLAS_CORETYPE": "Haswell"} | _ONE_THREAD,
    "skylakex": {"OPENBLAS_CORETYPE": "SkylakeX"} | _TWO_THREADS,
    "numba generic": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""} | _ONE_THREAD,
}
SHORT_SETTINGS = ("prescott, numpy baseline", "zen")


def run_setting(name: str, tests: Sequence[str]) -> bool:
    """Run ``tests`` under one setting, say how it went, and return whether all passed."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", *_CONFIGURATION, *tests]
    environment = os.environ | SETTINGS[name]
    if not environment.get("NPY_DISABLE_CPU_FEATURES"):
        environment.pop("NPY_DISABLE_CPU_FEATURES", None)
    print(f"== {name}: {' '.join(f'{key}={value!r}' for key, value in SETTINGS[name].items())}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as cache:
        if "NUMBA_CPU_NAME" in environment:
            environment["NUMBA_CACHE_DIR"] = cache
        passed = subprocess.run(command, env=environment, check=False).returncode == 0
    print(f"== {name}: {'passed' if passed else 'FAILED'} in {time.monotonic() - start:.0f} s", flush=True)
    return passed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the settings asked for one after the other."""
    parser = argparse.ArgumentParser(description="Run the numerical tests as other processors would.")
    parser.add_argument("tests", nargs="*", help="tests to run; the numerical suites where none is named")
    parser.add_argument("--short", action="store_true", help="two settings and a selection of tests")
    options = parser.parse_args(arguments)
    tests = options.tests or (SHORT if options.short else SUITES)
    failed = [name for name in (SHORT_SETTINGS if options.short else SETTINGS) if not run_setting(name, tests)]
    print(f"failed: {', '.join(failed)}" if failed else "passed under every setting")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
