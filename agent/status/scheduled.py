"""Changes that wait out their delay: operations on ``VaultAccess`` by what they will call, and when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from eth_utils.address import is_address, to_checksum_address

from agent.chain.abi import load_abi
from agent.chain.block_id import BlockId
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.domain import BlockRef
from agent.errors import DataError
from agent.status.records import ScheduledChange
from agent.units import Address, Seconds

_VENUE_INTERFACE = "IPerpVenue"


def scheduled_changes(client: ChainClient, deployment: Deployment, block: BlockRef) -> tuple[ScheduledChange, ...]:
    """Return what is scheduled at ``block``, the next to be ready first; all logs since the deployment are read."""
    abi, access = load_abi("VaultAccess"), deployment.contract("VaultAccess")
    event = abi.event("OperationScheduled")
    logs = client.logs([access], [event.topic], deployment.block, BlockId.of(block), None) or []
    newest = {entry["operationId"]: entry for entry in map(event.decode, logs)}
    get_schedule = abi.function("getSchedule")
    *waiting, (expiration,) = client.read(
        [*(get_schedule.at(access, operation) for operation in newest), abi.function("expiration").at(access)], block
    )
    names = {Address(address): name for name, address in deployment.contracts.items()}
    names |= {Address(venue.address): venue.name for venue in deployment.venues}
    changes = [
        ScheduledChange(
            operation_id="0x" + entry["operationId"].hex(),
            caller=Address(entry["caller"]),
            target=names.get(entry["target"], entry["target"]),
            call=call_text(names.get(entry["target"]), entry["data"]),
            ready_at=Seconds(ready_at),
            expires_at=Seconds(ready_at + expiration),
        )
        for entry, (ready_at,) in zip(newest.values(), waiting, strict=True)
        if ready_at != 0  # executed, cancelled or void
    ]
    return tuple(sorted(changes, key=lambda change: change.ready_at))


def call_text(contract: str | None, data: bytes) -> str:
    """Return a call as ``name(argument, ...)``, or its selector where the contract is not one of ours."""
    for name in (contract, _VENUE_INTERFACE):
        try:
            function = None if name is None else load_abi(name).by_selector(data[:4])
        except DataError:  # a venue goes by its own name, not by its contract's
            continue
        if function is not None:
            return f"{function.name}({_listed(function.decode_inputs(data))})"
    return f"0x{data[:4].hex()}, {len(data)} bytes"


def _listed(arguments: Iterable[Any]) -> str:
    return ", ".join(_argument(argument) for argument in arguments)


def _argument(argument: Any) -> str:
    if isinstance(argument, bytes):
        return "0x" + argument.hex()
    if isinstance(argument, Sequence) and not isinstance(argument, str):
        return f"({_listed(argument)})"
    return to_checksum_address(argument) if is_address(argument) else str(argument)
