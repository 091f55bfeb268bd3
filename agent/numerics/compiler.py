"""What Numba does for `agent.numerics.compiled`: flags in one place, and where machine code is kept."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable
from typing import Any

import numba
from numba.core.registry import cpu_target
from numba.core.typeinfer import register_dispatcher
from numba.extending import typeof_impl

from agent.numerics.compiled import Inlined
from agent.numerics.kept_code import SummedCache

_FLAGS: dict[str, Any] = {
    # Contraction alone: a fused multiply-add is more exact than the two operations it replaces. Reassociation would
    # undo the range reductions, and the NaN and infinity flags would remove the tests that find bad rows.
    "fastmath": {"contract"},
    "error_model": "numpy",
    "nogil": True,
}


@typeof_impl.register(Inlined)
def _type_of_inlined(function: Inlined, _context: object) -> Any:
    """Tell Numba that a kernel which names an inlined function calls its dispatcher."""
    return numba.types.Dispatcher(function.compiled)


def compile_inlined(function: Callable[..., object]) -> Any:
    """Return the dispatcher of a function that its callers inline."""
    return numba.njit(forceinline=True, **_FLAGS)(function)


def compile_kernel(signature: str, function: Callable[..., object]) -> Any:
    """Return a kernel, compiled for ``signature`` or loaded; see `agent.numerics.compiled.kernel`."""
    function.__qualname__ = f"{function.__qualname__}.{processor_stamp()}"
    compiled: Any = numba.njit(**_FLAGS)(function)
    if compiled is function:  # NUMBA_DISABLE_JIT
        return function
    with contextlib.suppress(RuntimeError):  # no folder to keep it in
        compiled._cache = SummedCache(function)
    with register_dispatcher(compiled):
        compiled.compile(signature)
        compiled.disable_compile()
    return compiled


def processor_stamp() -> str:
    """Return a checksum of what machine code is made for: the target triple, the processor and its features."""
    return f"cpu{zlib.crc32(repr(cpu_target.target_context.codegen().magic_tuple()).encode()):08x}"


def thread_count() -> int:
    """Return over how many threads rows are spread: ``NUMBA_NUM_THREADS``, else the cores this process may use."""
    return int(vars(numba.config)["NUMBA_NUM_THREADS"])
