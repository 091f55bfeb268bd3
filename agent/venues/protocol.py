"""What the agent must know of a venue's protocol; one record a protocol."""

from __future__ import annotations

from dataclasses import dataclass

from agent.chain.abi import Event, Function


@dataclass(frozen=True, slots=True)
class FundingEvent:
    """The event that tells that funding was settled, where its emitter is found, and the names of its parameters.

    ``emitter`` is a view of the adapter. ``paid`` holds WAD USD and is positive when the account named by ``account``
    pays.
    """

    event: Event
    emitter: Function
    account: str
    paid: str


@dataclass(frozen=True, slots=True)
class VenueProtocol:
    """One protocol: its adapter contract and its events."""

    title: str
    """As people know it."""
    adapter: str
    """Name of the adapter contract; its constructor takes the vault, then the addresses below."""
    adapter_addresses: tuple[str, ...]
    """The protocol's own contracts by their name among a deployment's inputs, in the constructor's order."""
    funding: FundingEvent
