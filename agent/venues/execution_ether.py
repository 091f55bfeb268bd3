"""Ether of a venue account that its orders are executed with: how much there is, and what it is worth there."""

from __future__ import annotations

from typing import NamedTuple

from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.domain import BlockRef
from agent.units import Address, Wad, Wei
from agent.venues.protocol import ExecutionEther
from agent.venues.registry import venue_protocol
from agent.venues.views import follow_views, read_views


class HeldEther(NamedTuple):
    """What an account holds, and its worth at the venue's own price, WAD USD."""

    held: Wei
    worth: Wad


def ether_accounts(deployment: Deployment) -> dict[Address, ExecutionEther]:
    """Return the venues of a deployment whose accounts have to hold ether; `DataError` names an unknown kind."""
    found = {}
    for entry in deployment.venues:
        ether = venue_protocol(entry.kind, f"venue {entry.name}").ether
        if ether is not None:
            found[Address(entry.address)] = ether
    return found


def held_ether(client: ChainClient, venue: Address, ether: ExecutionEther, block: BlockRef) -> HeldEther:
    """Return what a venue account holds at ``block``; raises as `follow_views` does."""
    _, _, held = client.account(venue, block)
    [holder] = follow_views(client, block, [(venue, ether.holder)])
    [(worth,)] = read_views(client, [ether.worth.at(holder, held)], block)
    return HeldEther(held, Wad(worth))
