"""What the first call of a process costs: with the machine code of the kernels at hand, and compiled anew."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from benchmarks.figure import Figure

_TIMED = """
import time
start = time.perf_counter()
call(*arguments)
print(time.perf_counter() - start)
"""


def first_call_figures(name: str, code: str) -> list[Figure]:
    """Return seconds of the first call in processes of their own; ``code`` names it ``call`` and its ``arguments``."""
    with tempfile.TemporaryDirectory() as directory:
        anew, kept = (_seconds(code, directory) for _ in range(2))
    return [
        Figure(f"{name}, first call of a process, compiled anew", anew, "s"),
        Figure(f"{name}, first call of a process, code kept", kept, "s"),
    ]


def _seconds(code: str, cache: str) -> float:
    finished = subprocess.run(
        [sys.executable, "-c", code + _TIMED],
        env=os.environ | {"NUMBA_CACHE_DIR": cache},
        check=True,
        capture_output=True,
        text=True,
    )
    return float(finished.stdout)
