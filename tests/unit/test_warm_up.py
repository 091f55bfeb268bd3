"""Warming up compiles what there is: a kernel that is not listed would be compiled while somebody waits."""

from __future__ import annotations

import re
from pathlib import Path

from agent.warm_up import KERNELS, compiled_kernels


def test_kernels__every_file_that_compiles_one__is_listed(repository: Path) -> None:
    written = {
        ".".join(path.relative_to(repository).with_suffix("").parts)
        for path in (repository / "agent").rglob("*.py")
        if re.search(r"^from agent\.numerics\.compiled import .*\bkernel\b", path.read_text(), re.MULTILINE)
    }
    assert {module for module, _ in KERNELS} == written


def test_compiled_kernels__all__are_ready_and_named() -> None:
    assert list(compiled_kernels()) == [f"{module}.{function}" for module, function in KERNELS]
