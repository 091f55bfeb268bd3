"""Where the events of a deployment's venue accounts appear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from agent.chain.abi import Function
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.domain import BlockRef
from agent.units import Address
from agent.venues.protocol import AccountEvent
from agent.venues.registry import venue_protocol
from agent.venues.views import read_views


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
    emitters = _follow(client, block, [(venue, event.emitter) for venue, event in wanted])
    return [AccountEventSource(venue, emitter, event) for (venue, event), emitter in zip(wanted, emitters, strict=True)]


def _follow(
    client: ChainClient, block: BlockRef, paths: Sequence[tuple[Address, tuple[Function, ...]]]
) -> list[Address]:
    """Return where each path of views leads: one batch a step, however many there are."""
    at = {(start, path[:0]): start for start, path in paths}
    for depth in range(1, max((len(path) for _, path in paths), default=0) + 1):
        steps = list(dict.fromkeys((start, path[:depth]) for start, path in paths if len(path) >= depth))
        outputs = read_views(client, [views[-1].at(at[start, views[:-1]]) for start, views in steps], block)
        at |= {step: Address(to_checksum_address(output[0])) for step, output in zip(steps, outputs, strict=True)}
    return [at[start, path] for start, path in paths]
