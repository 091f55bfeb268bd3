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

TRANSACTION_SETTINGS = {
    "gas_limit": "auto",
    "gas_buffer": 1.1,
    "gas_price": None,
    "max_fee": None,  # twice the base fee and the priority fee
    "priority_fee": "auto",
    "reverting_tx_gas_limit": False,
    "default_contract_owner": False,
}
"""What Brownie uses on live networks; it reads the project's own file only under its command line."""


@contextlib.contextmanager
def quiet_unless_failing() -> Iterator[None]:
    """Keep what Brownie prints to itself, and show it on standard error when the block fails."""
    captured = io.StringIO()
    try:
        with contextlib.redirect_stdout(captured):
            yield
    except Exception:
        sys.stderr.write(captured.getvalue())
        raise


def load() -> Any:
    """Load the project, compiling what has changed."""
    return brownie.project.load(str(ROOT), "Evenkeel")


@contextlib.contextmanager
def connected(network: str, rpc_url: str) -> Iterator[None]:
    """Connect Brownie to ``rpc_url`` for the length of the block.

    To Brownie every network is a development one that it did not launch: its record of live deployments, which fails on
    contracts with imports in this version, is not needed: the chain itself says what is done.
    """
    CONFIG.networks[network] = {"id": network, "host": rpc_url, "cmd": "", "cmd_settings": {}}
    CONFIG.argv["silent"] = True
    brownie.network.connect(network, launch_rpc=False)
    CONFIG.active_network["settings"] |= TRANSACTION_SETTINGS
    try:
        yield
    finally:
        if brownie.network.is_connected():  # not when the node is gone
            brownie.network.disconnect()
