"""Changes that wait out their delay: operations on ``VaultAccess`` by what they will call, and when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from eth_abi.abi import decode
from eth_utils.address import is_address, to_checksum_address

from agent.chain.abi import functions_of, type_of
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.chain.operations import scheduled_operations
from agent.domain import BlockRef
from agent.errors import DataError
from agent.status.records import ScheduledChange
from agent.units import Address

_VENUE_INTERFACE = "IPerpVenue"


def scheduled_changes(client: ChainClient, deployment: Deployment, block: BlockRef) -> tuple[ScheduledChange, ...]:
    """Return what is scheduled at ``block``, the next to be ready first."""
    names = {Address(address): name for name, address in deployment.contracts.items()}
    names |= {Address(venue.address): venue.name for venue in deployment.venues}
    return tuple(
        ScheduledChange(
            operation_id=one.id,
            caller=one.caller,
            target=names.get(one.target, one.target),
            call=call_text(names.get(one.target), one.data),
            ready_at=one.ready_at,
            expires_at=one.expires_at,
        )
        for one in scheduled_operations(client, deployment, block)
    )


def call_text(contract: str | None, data: bytes) -> str:
    """Return a call as ``name(argument, ...)``, or its selector where the contract is not one of ours."""
    for name in (contract, _VENUE_INTERFACE):
        try:
            entry = None if name is None else functions_of(name).get(data[:4])
        except DataError:  # a venue goes by its own name, not by its contract's
            continue
        if entry is not None:
            types = [type_of(parameter) for parameter in entry["inputs"]]
            return f"{entry['name']}({_listed(decode(types, data[4:]))})"
    return f"0x{data[:4].hex()}, {len(data)} bytes"


def _listed(arguments: Iterable[Any]) -> str:
    return ", ".join(_argument(argument) for argument in arguments)


def _argument(argument: Any) -> str:
    if isinstance(argument, bytes):
        return "0x" + argument.hex()
    if isinstance(argument, Sequence) and not isinstance(argument, str):
        return f"({_listed(argument)})"
    return to_checksum_address(argument) if is_address(argument) else str(argument)
