"""Where the events of a deployment's venue accounts appear."""

from __future__ import annotations

from dataclasses import dataclass

from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.domain import BlockRef
from agent.units import Address
from agent.venues.protocol import AccountEvent
from agent.venues.registry import venue_protocol
from agent.venues.views import follow_views


@dataclass(frozen=True, slots=True)
class AccountEventSource:
    """Where one kind of event of one venue account appears."""

    venue: Address
    emitter: Address
    event: AccountEvent


def account_event_sources(client: ChainClient, deployment: Deployment, block: BlockRef) -> list[AccountEventSource]:
    """Return the sources of every venue of a deployment.

    Raises
    ------
    DataError
        A venue's kind is not known.
    TransientError
        A venue does not answer: nobody can tell where its events are.

    """
    wanted = [
        (Address(entry.address), event)
        for entry in deployment.venues
        for event in venue_protocol(entry.kind, f"venue {entry.name}").account_events
    ]
    emitters = follow_views(client, block, [(venue, event.emitter) for venue, event in wanted])
    return [AccountEventSource(venue, emitter, event) for (venue, event), emitter in zip(wanted, emitters, strict=True)]
