"""Operations that wait on ``VaultAccess``: what is scheduled and neither executed nor cancelled."""

from __future__ import annotations

from dataclasses import dataclass

from agent.chain.abi import load_abi
from agent.chain.block_id import BlockId
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.domain import BlockRef
from agent.units import Address, Seconds

EXPIRATION_SECONDS = 7 * 86_400
"""`AccessManager.expiration`: an operation is void so long after it became ready."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One scheduled call that waits or is ready. ``caller`` is the governor who scheduled it."""

    id: str
    caller: Address
    target: Address
    data: bytes
    ready_at: Seconds

    @property
    def expires_at(self) -> Seconds:
        """When it is void, Unix seconds."""
        return Seconds(self.ready_at + EXPIRATION_SECONDS)


def scheduled_operations(client: ChainClient, deployment: Deployment, block: BlockRef) -> tuple[Operation, ...]:
    """Return the operations that still stand at ``block``, the one that is ready first in front.

    All logs since the deployment are read. Of an operation scheduled for the end of `uint48` the contract cannot say
    whether it stands: no time is left to add the expiration to. It can never run, and stands until it is cancelled.
    """
    abi, access = load_abi("VaultAccess"), deployment.contract("VaultAccess")
    event = abi.event("OperationScheduled")
    logs = client.logs([access], [event.topic], deployment.block, BlockId.of(block), None) or []
    latest = {entry["operationId"]: entry for entry in map(event.decode, logs)}
    get_schedule = abi.function("getSchedule")
    times = client.read_or_none([get_schedule.at(access, operation) for operation in latest], block)
    found = [
        Operation(
            "0x" + key.hex(), Address(entry["caller"]), Address(entry["target"]), entry["data"], Seconds(ready_at)
        )
        for (key, entry), answer in zip(latest.items(), times, strict=True)
        for ready_at in (entry["schedule"] if answer is None else answer[0],)
        if ready_at  # 0 once it is executed, cancelled or void
    ]
    return tuple(sorted(found, key=lambda operation: operation.ready_at))
