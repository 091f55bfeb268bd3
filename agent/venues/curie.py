"""Which event of a venue's protocol tells that funding was settled; one entry a kind of venue."""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from agent.chain.abi import Event, Function
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.domain import BlockRef
from agent.errors import DataError
from agent.units import Address


@dataclass(frozen=True, slots=True)
class FundingEvent:
    """The event, where its emitter is found on the adapter, and the names of its parameters.

    ``paid`` holds WAD USD and is positive when the account named by ``account`` pays.
    """

    event: Event
    emitter: Function
    account: str
    paid: str


_CURIE = FundingEvent(
    event=Event.from_abi(
        {
            "name": "FundingPaymentSettled",
            "inputs": [
                {"name": "trader", "type": "address", "indexed": True},
                {"name": "baseToken", "type": "address", "indexed": True},
                {"name": "fundingPayment", "type": "int256", "indexed": False},
            ],
        }
    ),
    emitter=Function.from_abi({"name": "clearingHouse", "inputs": [], "outputs": [{"name": "", "type": "address"}]}),
    account="trader",
    paid="fundingPayment",
)

FUNDING_EVENTS: dict[str, FundingEvent] = {"curie": _CURIE}
"""By the ``kind`` of a venue in the deployment manifest."""


@dataclass(frozen=True, slots=True)
class FundingSource:
    """Where one venue account's funding payments appear."""

    venue: Address
    emitter: Address
    event: FundingEvent


def funding_sources(client: ChainClient, deployment: Deployment, block: BlockRef) -> list[FundingSource]:
    """Return the funding source of every venue of a deployment.

    Raises
    ------
    DataError
        A venue's kind is not known.

    """
    for entry in deployment.venues:
        if entry.kind not in FUNDING_EVENTS:
            known = ", ".join(sorted(FUNDING_EVENTS))
            raise DataError(
                f"venue {entry.name} is of kind {entry.kind!r}, which is not one of {known}; mend the manifest"
            )
    events = [FUNDING_EVENTS[entry.kind] for entry in deployment.venues]
    venues = [Address(entry.address) for entry in deployment.venues]
    calls = [event.emitter.at(venue) for venue, event in zip(venues, events, strict=True)]
    outputs = client.read(calls, block)
    return [
        FundingSource(venue, Address(to_checksum_address(output[0])), event)
        for venue, output, event in zip(venues, outputs, events, strict=True)
    ]
