"""How kernels are compiled: into vector instructions, with a cache that is never stale and never needed."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from agent.numerics import compiler
from agent.numerics.compiled import code_stamp, inlined, kernel
from agent.numerics.parallel import count_over_rows

SCALE = 2.0


@inlined
def _scaled(x: float) -> float:
    return SCALE * x


@inlined
def _shifted(x: float) -> float:
    return x + 1.0


@inlined
def _uses_scaled(x: float) -> float:
    return _scaled(x) + 1.0


@inlined
def _uses_shifted(x: float) -> float:
    return _shifted(x) + 1.0


def python(code: str, cache: Path, **environment: str) -> str:
    """Run ``code`` in a process of its own that keeps kernels in ``cache``; for this processor where none is named."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_CPU_")}
    settings = inherited | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(cache)} | environment
    (cache / "small_kernel.py").write_text(SMALL_KERNEL, encoding="utf-8")
    os.utime(cache / "small_kernel.py", (0, 0))  # a source written anew would make what is kept old
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=300, check=True).stdout


@pytest.mark.parametrize(
    ("module", "rows"), [("products.european_kernel", "greeks_rows"), ("vol.implied_kernel", "implied_rows")]
)
def test_kernel__compiled_for_avx2__works_on_vectors_of_rows(tmp_path: Path, module: str, rows: str) -> None:
    """The code is read, not run: whether loops become vectors depends on the processor it is for, so that is named."""
    show = f"from agent.{module} import {rows} as f; k = f(); print(k.inspect_llvm(k.signatures[0]))"
    code = python(show, tmp_path, NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES="+avx,+avx2,+fma")
    for operation in ("fdiv", "sqrt", "shl"):
        assert re.search(rf"{operation}[^\n]*<\d+ x (double|i64)>", code), f"{operation} is not vectorised"


GENERIC = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
SMALL_KERNEL = """
from agent.numerics.compiled import code_stamp, inlined, kernel

@inlined
def doubled(x):
    return 2.0 * x

def small_kernel():
    stamp = code_stamp(doubled)
    def small(x):
        return doubled(x) if stamp else 0.0
    return kernel("float64(float64)", small)
"""
COUNT_LOADS = """
from small_kernel import small_kernel
kernel = small_kernel()
assert kernel(21.0) == 42.0
print(sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
"""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (GENERIC, {}),
        ({}, GENERIC),
        (GENERIC, GENERIC | {"NUMBA_CPU_FEATURES": "+sse3"}),
        (GENERIC | {"NUMBA_CPU_FEATURES": "+sse3"}, GENERIC),
    ],
    ids=["generic, host", "host, generic", "fewer features first", "more features first"],
)
def test_kernel__kept_by_another_processor__is_compiled_anew(
    tmp_path: Path, first: dict[str, str], second: dict[str, str]
) -> None:
    assert python(COUNT_LOADS, tmp_path, **first).split() == ["0", "1"]
    kept = {path.name: path.read_bytes() for path in tmp_path.rglob("*.nb*")}
    assert python(COUNT_LOADS, tmp_path, **second).split() == ["0", "1"]
    now = {path.name: path.read_bytes() for path in tmp_path.rglob("*.nb*")}
    assert len(now) == 2 * len(kept)  # an index and files of its own: machines that write at once cannot mix them up
    assert {name: now[name] for name in kept} == kept
    assert python(COUNT_LOADS, tmp_path, **first).split() == ["1", "0"]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _bit_flipped(path: Path) -> None:
    kept = bytearray(path.read_bytes())
    kept[-200] ^= 1
    path.write_bytes(kept)


def _of_something_else(path: Path) -> None:
    path.write_bytes(pickle.dumps({"another": "program"}))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    """What a process does that asks for the kernel: how often code was found, and how often it was compiled."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def ask() -> list[int]:
        stamp = code_stamp(_scaled)

        def small(x: float) -> float:
            return _scaled(x) if stamp else 0.0

        found: Any = kernel("float64(float64)", small)
        assert found(21.0) == 42.0
        return [sum(found.stats.cache_hits.values()), sum(found.stats.cache_misses.values())]

    return ask


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", [_cut, _emptied, _bit_flipped, _of_something_else, _folder])
def test_kernel__kept_code_damaged__is_compiled_anew(
    tmp_path: Path, load: Callable[[], list[int]], kind: str, damage: Callable[[Path], None]
) -> None:
    assert load() == [0, 1]
    assert load() == [1, 0]
    (kept,) = tmp_path.rglob(f"*.{kind}")
    damage(kept)
    counted = load()
    if damage is not _bit_flipped or kind == "nbc":
        assert counted == [0, 1]
    if damage is not _folder:
        assert load() == [1, 0]


def test_kernel__disk_full__is_compiled_and_not_kept(
    tmp_path: Path, load: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left")

    monkeypatch.setattr(os, "replace", full)
    for _ in range(2):
        assert load() == [0, 1]
    assert not list(tmp_path.rglob("*.nb*"))


def test_code_stamp__same_functions__is_the_same() -> None:
    assert code_stamp(_uses_scaled) == code_stamp(_uses_scaled)


def test_code_stamp__called_function_or_its_constant_changes__changes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_stamp(_uses_scaled)
    assert code_stamp(_uses_shifted) != before
    monkeypatch.setitem(_scaled.py_func.__globals__, "SCALE", 3.0)
    assert code_stamp(_uses_scaled) != before


def test_kernel__no_place_for_a_cache__is_compiled_all_the_same() -> None:
    names: dict[str, Any] = {}
    exec("def twice(x):\n    return 2.0 * x", names)
    assert kernel("float64(float64)", names["twice"])(21.0) == 42.0


def test_kernel__other_failure__is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of registers")

    monkeypatch.setattr(compiler.numba, "njit", broken)
    with pytest.raises(RuntimeError, match="out of registers"):
        kernel("float64(float64)", _scaled)


@pytest.mark.parametrize("rows", [0, 1, 32_768, 32_769, 100_000])
def test_count_over_rows__any_number_of_rows__covers_each_once(rows: int) -> None:
    seen = np.zeros(rows, dtype=np.int64)

    def count(first: int, last: int) -> int:
        seen[first:last] += 1
        return last - first

    assert count_over_rows(count, rows) == rows
    assert np.all(seen == 1)


def test_count_over_rows__kernel_fails_in_a_thread__fails_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)

    def fail(first: int, _: int) -> int:
        if first > 0:
            raise MemoryError("no scratch")
        return 0

    with pytest.raises(MemoryError, match="no scratch"):
        count_over_rows(fail, 100_000)
