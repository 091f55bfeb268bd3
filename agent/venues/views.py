"""Reads of a venue's own views, without which a keeper cannot follow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_utils.address import to_checksum_address

from agent.chain.abi import Call, Function
from agent.chain.client import ChainClient
from agent.domain import BlockRef
from agent.errors import RejectedError, TransientError
from agent.units import Address
from agent.venues.protocol import View

BALANCE_OF = Function.from_abi(
    {
        "name": "balanceOf",
        "inputs": [{"name": "", "type": "address"}],
        "outputs": [{"name": "", "type": "uint256"}],
    }
)
"""Of any token that an account may hold."""


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


def follow_views(
    client: ChainClient, block: BlockRef, paths: Sequence[tuple[Address, tuple[View, ...]]]
) -> list[Address]:
    """Return where each path of views leads: one batch a step, however many there are; raises as `read_views` does."""
    at: dict[tuple[Address, tuple[View, ...]], Address] = {(start, path[:0]): start for start, path in paths}
    for depth in range(1, max((len(path) for _, path in paths), default=0) + 1):
        steps = list(dict.fromkeys((start, path[:depth]) for start, path in paths if len(path) >= depth))
        outputs = read_views(client, [views[-1].at(at[start, views[:-1]]) for start, views in steps], block)
        at |= {step: Address(to_checksum_address(output[0])) for step, output in zip(steps, outputs, strict=True)}
    return [at[start, path] for start, path in paths]
