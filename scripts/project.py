"""Load the Brownie project and connect it to a network of ours, without touching Brownie's own network list."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("SOLCX_BINARY_PATH", str(ROOT / "build" / "toolchain"))

import brownie  # noqa: E402  (reads the compiler's location when it is imported)
from brownie._config import CONFIG  # noqa: E402


def load_project(*, quiet: bool) -> Any:
    """Load the project, compiling what has changed; compiler errors are always shown."""
    captured = io.StringIO()
    try:
        with contextlib.redirect_stdout(captured if quiet else sys.stdout):
            return brownie.project.load(str(ROOT), "Evenkeel")
    except Exception:
        sys.stdout.write(captured.getvalue())
        raise


@contextlib.contextmanager
def connected(network: str, rpc_url: str, chain_id: int) -> Iterator[None]:
    """Connect Brownie to ``rpc_url`` for the length of the block."""
    CONFIG.networks[network] = {"id": network, "host": rpc_url, "chainid": str(chain_id)}
    CONFIG.argv["silent"] = True
    brownie.network.connect(network)
    try:
        yield
    finally:
        brownie.network.disconnect()
