"""From what a venue liquidates an account on: its own maintenance margin, read from its own contracts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent.chain.client import ChainClient
from agent.chain.deployment import VenueEntry
from agent.domain import BlockRef
from agent.errors import AgentError
from agent.units import Address, Wad
from agent.venues.protocol import MaintenanceView
from agent.venues.registry import venue_protocol
from agent.venues.views import follow_views, read_views


class Maintenance(NamedTuple):
    """At what ``ratio`` of equity over notional a venue liquidates an account, and what of the equity does not count.

    ``beside``: cash and whatever else backs no position there, WAD USD.
    """

    ratio: float
    beside: Wad = Wad(0)


def maintenance_of(client: ChainClient, venues: Sequence[VenueEntry], block: BlockRef) -> dict[Address, Maintenance]:
    """Return from what on each venue liquidates; one that does not tell is not among them."""
    found = {}
    for entry in venues:
        venue, view = Address(entry.address), venue_protocol(entry.kind, f"venue {entry.name}").maintenance
        try:
            [holder] = follow_views(client, block, [(venue, view.holder)])
            [(ratio,)] = client.read([view.ratio.at(holder, *_market(client, venue, view, block))], block)
            beside = Wad(0) if view.beside is None else view.beside(client, venue, holder, block)
        except AgentError:
            continue
        found[venue] = Maintenance(ratio / view.scale, Wad(max(beside, 0)))
    return found


def _market(client: ChainClient, venue: Address, view: MaintenanceView, block: BlockRef) -> tuple[object, ...]:
    """Return the market's name as the ratio's only argument, or none where it takes none."""
    if not view.market:
        return ()
    [place] = follow_views(client, block, [(venue, view.market[:-1])])
    [(name,)] = read_views(client, [view.market[-1].at(place)], block)
    return (name,)
