"""Waits for what was sent."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from agent.chain.client import ChainClient
from agent.errors import TransientError

_POLL_SECONDS = 0.1


def wait_for_receipt(client: ChainClient, transaction_hash: str, timeout_seconds: float) -> dict[str, Any] | None:
    """Return a transaction's receipt once a quorum shows it, None when it does not within the time.

    Servers that do not answer meanwhile, or of which only some have the block yet, are asked again.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        with suppress(TransientError):
            (receipt,) = client.receipts([transaction_hash])
            if receipt is not None:
                return receipt
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL_SECONDS)
