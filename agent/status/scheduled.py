"""Changes that wait out their delay: operations on ``VaultAccess`` by what they call, what that allows, and when."""

from __future__ import annotations

from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.chain.operations import Operation, scheduled_operations
from agent.domain import BlockRef
from agent.governance.calls import GovernedCall
from agent.governance.consequences import worst_lines
from agent.governance.decoding import AddressBook, DecodedCall, decode_call
from agent.governance.desk import address_book
from agent.governance.governors import detect_governor
from agent.plain_text import plain
from agent.status.records import ScheduledChange

_CALL_CHARACTERS = 300
"""Of a call, on a screen: ``evenkeel gov show`` has all of it."""


def scheduled_changes(client: ChainClient, deployment: Deployment, block: BlockRef) -> tuple[ScheduledChange, ...]:
    """Return what is scheduled at ``block``, the next to be ready first."""
    operations = scheduled_operations(client, deployment, block)
    callers, access = dict.fromkeys(one.caller for one in operations), deployment.contract("VaultAccess")
    book = address_book(deployment, *(detect_governor(client, access, caller, block) for caller in callers))
    return tuple(_change(one, book) for one in operations)


def _change(operation: Operation, book: AddressBook) -> ScheduledChange:
    decoded = decode_call(GovernedCall.of(operation), book)
    return ScheduledChange(
        operation_id=operation.id,
        caller=operation.caller,
        target=decoded.contract or operation.target,
        call=call_text(decoded),
        ready_at=operation.ready_at,
        expires_at=operation.expires_at,
        worst_case=worst_lines(decoded),
        warnings=tuple(warning for part in decoded.walk() for warning in part.warnings),
    )


def call_text(decoded: DecodedCall) -> str:
    """Return a call as ``name(argument, ...)``, or its selector where nobody knows it."""
    if decoded.function is None:
        return f"0x{decoded.call.data[:4].hex()}, {len(decoded.call.data)} bytes"
    arguments = ", ".join(argument.text for argument in decoded.arguments)
    return plain(f"{decoded.function}({arguments})", _CALL_CHARACTERS)
