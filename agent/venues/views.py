"""Reads of a venue's own views, without which a keeper cannot follow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.chain.abi import Call
from agent.chain.client import ChainClient
from agent.domain import BlockRef
from agent.errors import RejectedError, TransientError


def read_views(client: ChainClient, calls: Sequence[Call], block: BlockRef) -> list[tuple[Any, ...]]:
    """Return what views of venues answer at ``block``.

    Raises
    ------
    TransientError
        One of them reverts, as a venue that has fallen silent does: it may answer again.
    DataError
        One answers what its function cannot have returned.

    """
    try:
        return client.read(calls, block)
    except RejectedError as rejection:
        names = ", ".join(sorted({f"{call.function.name} of {call.to}" for call in calls}))
        raise TransientError(
            f"a venue does not answer, so a keeper cannot start to follow its account ({names}: {rejection}); it is "
            "tried again: see `evenkeel status`"
        ) from None
