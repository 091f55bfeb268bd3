"""How kernels are compiled: into vector instructions, with a cache that is never stale and never needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest

from agent.numerics import compiled
from agent.numerics.compiled import code_stamp, inlined, kernel
from agent.numerics.parallel import count_over_rows
from agent.products.european_kernel import greeks_rows
from agent.vol.implied_kernel import implied_rows

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


@pytest.mark.parametrize("rows", [greeks_rows, implied_rows])
def test_kernel__compiled_for_this_machine__works_on_vectors_of_rows(rows: Callable[[], Any]) -> None:
    cached = rows()
    anew = numba.njit([cached.signatures[0]], fastmath={"contract"}, error_model="numpy", nogil=True)(cached.py_func)
    code = anew.inspect_llvm(anew.signatures[0])
    for operation in ("fdiv", "sqrt", "shl"):
        assert re.search(rf"{operation}[^\n]*<\d+ x (double|i64)>", code), f"{operation} is not vectorised"


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

    monkeypatch.setattr(compiled.numba, "njit", broken)
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


def test_count_over_rows__kernel_fails_in_a_thread__fails_the_call() -> None:
    def fail(first: int, _: int) -> int:
        if first > 0:
            raise MemoryError("no scratch")
        return 0

    with pytest.raises(MemoryError, match="no scratch"):
        count_over_rows(fail, 100_000)
