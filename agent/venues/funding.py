"""Where the funding payments of a deployment's venues appear."""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.domain import BlockRef
from agent.units import Address
from agent.venues.protocol import FundingEvent, IndexedFunding, UntoldFunding
from agent.venues.registry import venue_protocol
from agent.venues.views import read_views


@dataclass(frozen=True, slots=True)
class FundingSource:
    """Where one venue account's funding payments appear."""

    venue: Address
    emitter: Address
    event: FundingEvent | IndexedFunding


def funding_sources(client: ChainClient, deployment: Deployment, block: BlockRef) -> list[FundingSource]:
    """Return the funding source of every venue of a deployment whose protocol tells of funding.

    Raises
    ------
    DataError
        A venue's kind is not known.
    TransientError
        A venue does not answer, so that nobody can tell where its events are.

    """
    told: list[tuple[Address, FundingEvent | IndexedFunding]] = []
    for entry in deployment.venues:
        funding = venue_protocol(entry.kind, f"venue {entry.name}").funding
        if not isinstance(funding, UntoldFunding):
            told.append((Address(entry.address), funding))
    outputs = read_views(client, [event.emitter.at(venue) for venue, event in told], block)
    return [
        FundingSource(venue, Address(to_checksum_address(output[0])), event)
        for (venue, event), output in zip(told, outputs, strict=True)
    ]
