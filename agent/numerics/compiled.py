"""How numeric kernels are compiled: machine code kept between runs, never stale.

Nothing is compiled, nor Numba loaded, before the first kernel is asked for: many commands never need one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cached_property, update_wrapper
from importlib import import_module
from types import CodeType
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., object])


class Inlined:
    """A function that kernels compile into themselves; ``py_func`` is what was written."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.py_func = function
        update_wrapper(self, function)

    def __call__(self, *arguments: Any) -> Any:
        """Call it by itself, compiled."""
        return self.compiled(*arguments)

    @cached_property
    def compiled(self) -> Callable[..., Any]:
        """Numba's dispatcher of it."""
        return cast(Callable[..., Any], _compiler().compile_inlined(self.py_func))


def inlined(function: Function) -> Function:
    """Compile ``function`` into every kernel that calls it, so that the kernel's loop can be vectorised."""
    return cast(Function, Inlined(function))


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
    return cast(Function, _compiler().compile_kernel(signature, function))


def thread_count() -> int:
    """Return over how many threads rows are spread: ``NUMBA_NUM_THREADS``, else the cores this process may use."""
    return int(_compiler().thread_count())


def _compiler() -> Any:
    """Return the module that loads Numba, which takes longer than many a command."""
    return import_module("agent.numerics.compiler")


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
        if isinstance(callee, Inlined):
            _add_stamp(callee, seen)
