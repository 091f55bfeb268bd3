"""What a command is about: a proposal by number, a scheduled operation by id, a file, or bare call data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.chain.operations import scheduled_operations
from agent.errors import DataError
from agent.governance.calls import GovernedCall, checksum, parse_address, parse_hex, parse_uint
from agent.governance.desk import GovernanceDesk
from agent.governance.records import Proposal, ProposalState, find_operation, find_proposal
from agent.governance.safe_file import read_batch, read_document
from agent.units import Address, Seconds

_FORMAT = "evenkeel governance 1"
_OPERATION_DIGITS = 66
_LEAST_PREFIX = 6


@dataclass(frozen=True, slots=True)
class Subject:
    """Calls with what is known of their way. ``status`` is a line for people."""

    calls: tuple[GovernedCall, ...]
    description: str = ""
    ready_at: Seconds | None = None
    status: str = "not on the chain as far as this file tells"
    proposal: Proposal | None = None
    scheduled_by: Address | None = None
    are_transactions: bool = False
    """Whether the calls are what somebody sends, not what the governor makes once they have waited."""


def find_subject(written: str, desk: GovernanceDesk, target: str | None) -> Subject:
    """Find what is meant; `DataError` in one line where nothing fits."""
    if target is not None:
        call = GovernedCall(parse_address(target, "--target"), parse_hex(written, "call data"))
        return Subject((call,), status="bare call data", are_transactions=True)
    if written.isdecimal():
        return _proposal(parse_uint(written, "proposal"), desk)
    if written.startswith("0x") and len(written) > _OPERATION_DIGITS:
        raise DataError("bare call data needs --target, the contract that is called")
    if written.startswith("0x") and len(written) >= _LEAST_PREFIX:
        return _operation(written, desk)
    path = Path(written)
    return _from_document(read_document(path), path, desk)


def _proposal(number: int, desk: GovernanceDesk) -> Subject:
    node = desk.online()
    found = find_proposal(node.client, desk.deployment, desk.governor, number, node.head)
    is_queued = found.state is ProposalState.QUEUED
    return Subject(
        found.calls,
        found.description,
        found.ready_at if is_queued else None,
        f"proposal {found.id}: {found.state.name.lower()}",
        found,
        desk.governor.address if is_queued else None,
    )


def _operation(written: str, desk: GovernanceDesk) -> Subject:
    node = desk.online()
    found = find_operation(scheduled_operations(node.client, desk.deployment, node.head), written)
    status = f"operation {found.id}: scheduled by {desk.book.label(found.caller)}"
    return Subject((GovernedCall.of(found),), "", found.ready_at, status, None, found.caller)


def _from_document(document: Mapping[str, Any], path: Path, desk: GovernanceDesk) -> Subject:
    if "transactions" in document:
        if str(document.get("chainId")) != str(desk.deployment.chain_id):
            raise DataError(f"{path}: is for chain {document.get('chainId')!s:.20}, not {desk.deployment.chain_id}")
        return Subject(read_batch(document, path), are_transactions=True)
    if document.get("format") != _FORMAT:
        raise DataError(f"{path}: is neither a batch of Safe's Transaction Builder nor one saved by evenkeel gov")
    for key, expected in _place(desk).items():
        if document.get(key) != expected:
            raise DataError(f"{path}: {key} is {document.get(key)!s:.60}, not {expected}; it is for another vault")
    try:
        rows = [(str(row["target"]), str(row["data"]), str(row["value"])) for row in document["calls"]]
    except (KeyError, TypeError):
        raise DataError(f"{path}: calls are damaged; propose anew") from None
    where = f"{path}: call"
    calls = tuple(
        GovernedCall(parse_address(to, where), parse_hex(data, where), parse_uint(wei, f"{where}'s value"))
        for to, data, wei in rows
    )
    if document.get("checksum") != checksum(desk.deployment, calls):
        raise DataError(f"{path}: its checksum does not fit its calls; it was changed after it was saved")
    return Subject(calls, str(document.get("description", "")))


def save_proposal(path: Path, desk: GovernanceDesk, calls: Sequence[GovernedCall], description: str) -> None:
    """Write the calls to a file that `find_subject` reads."""
    rows = [{"target": call.target, "data": call.data_hex, "value": str(call.wei)} for call in calls]
    words = checksum(desk.deployment, calls)
    document = {"format": _FORMAT, **_place(desk), "description": description, "calls": rows, "checksum": words}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _place(desk: GovernanceDesk) -> dict[str, object]:
    deployment = desk.deployment
    return {"chain_id": deployment.chain_id, "vault": deployment.contract("HedgeVault")}
