"""How numeric kernels are compiled: flags in one place, machine code kept between runs, never stale."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable
from types import CodeType
from typing import Any, TypeVar, cast

import numba
from numba.core.registry import cpu_target
from numba.core.typeinfer import register_dispatcher
from numba.extending import is_jitted

from agent.numerics.kept_code import SummedCache

Function = TypeVar("Function", bound=Callable[..., object])

_FLAGS: dict[str, Any] = {
    # Contraction alone: a fused multiply-add is more exact than the two operations it replaces. Reassociation would
    # undo the range reductions, and the NaN and infinity flags would remove the tests that find bad rows.
    "fastmath": {"contract"},
    "error_model": "numpy",
    "nogil": True,
}


def inlined(function: Function) -> Function:
    """Compile ``function`` into every kernel that calls it, so that the kernel's loop can be vectorised."""
    return cast(Function, numba.njit(forceinline=True, **_FLAGS)(function))


def kernel(signature: str, function: Function) -> Function:
    """Compile ``function`` for one signature and keep the machine code on disk.

    Parameters
    ----------
    signature
        What the kernel takes, in Numba's notation; naming it prevents a second compilation for read-only arrays.
    function
        A closure over `code_stamp` of what it calls, see there.

    Notes
    -----
    The machine code lies beside the source, or in the user's cache directory where the source cannot be written. Where
    neither can, the kernel is compiled anew in every process, for seconds, unless ``NUMBA_CACHE_DIR`` names a directory
    that can. `agent.warm_up` compiles all kernels at once. Code that was damaged is compiled anew (`SummedCache`).

    Numba keys what it keeps by processor, but numbers the files of all processors from one index: two machines that
    compile at once into a shared directory can write one file, and one of them then loads code of the other. The name
    therefore carries the processor too, so that each has an index and files of its own.
    """
    function.__qualname__ = f"{function.__qualname__}.{processor_stamp()}"
    compiled: Any = numba.njit(**_FLAGS)(function)
    if compiled is function:  # NUMBA_DISABLE_JIT
        return function
    with contextlib.suppress(RuntimeError):  # no folder to keep it in
        compiled._cache = SummedCache(function)
    with register_dispatcher(compiled):
        compiled.compile(signature)
        compiled.disable_compile()
    return cast(Function, compiled)


def processor_stamp() -> str:
    """Return a checksum of what machine code is made for: the target triple, the processor and its features."""
    return f"cpu{zlib.crc32(repr(cpu_target.target_context.codegen().magic_tuple()).encode()):08x}"


def code_stamp(*functions: Callable[..., object]) -> int:
    """Return a checksum of the bytecode and constants of ``functions`` and of every compiled function they call.

    Numba keys its cache by the file of the kernel and by the kernel's closure, not by the functions it calls from other
    files. A kernel that closes over this number is compiled anew whenever one of them changes.
    """
    seen: dict[str, int] = {}
    for function in functions:
        _add_stamp(function, seen)
    return zlib.crc32(repr(sorted(seen.items())).encode())


def _add_stamp(function: Callable[..., object], seen: dict[str, int]) -> None:
    python = getattr(function, "py_func", function)
    name = f"{python.__module__}.{python.__qualname__}"
    if name in seen:
        return
    code: CodeType = python.__code__
    used = [(key, python.__globals__[key]) for key in code.co_names if key in python.__globals__]
    numbers = [(key, constant) for key, constant in used if isinstance(constant, int | float)]
    seen[name] = zlib.crc32(code.co_code + repr((code.co_consts, numbers)).encode())
    for _, callee in used:
        if is_jitted(callee):
            _add_stamp(callee, seen)
