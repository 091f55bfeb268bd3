"""From what a venue liquidates an account on: its own maintenance margin, read from its own contracts."""

from __future__ import annotations

from collections.abc import Sequence

from agent.chain.client import ChainClient
from agent.chain.deployment import VenueEntry
from agent.domain import BlockRef
from agent.errors import AgentError
from agent.units import Address
from agent.venues.protocol import MaintenanceView
from agent.venues.registry import venue_protocol
from agent.venues.views import follow_views, read_views


def maintenance_ratios(client: ChainClient, venues: Sequence[VenueEntry], block: BlockRef) -> dict[Address, float]:
    """Return equity over notional at which each venue liquidates; one that does not tell is not among them."""
    found = {}
    for entry in venues:
        venue, view = Address(entry.address), venue_protocol(entry.kind, f"venue {entry.name}").maintenance
        try:
            [holder] = follow_views(client, block, [(venue, view.holder)])
            [(ratio,)] = client.read([view.ratio.at(holder, *_market(client, venue, view, block))], block)
        except AgentError:
            continue
        found[venue] = ratio / view.scale
    return found


def _market(client: ChainClient, venue: Address, view: MaintenanceView, block: BlockRef) -> tuple[object, ...]:
    """Return the market's name as the ratio's only argument, or none where it takes none."""
    if not view.market:
        return ()
    [place] = follow_views(client, block, [(venue, view.market[:-1])])
    [(name,)] = read_views(client, [view.market[-1].at(place)], block)
    return (name,)
