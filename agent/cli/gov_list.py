"""The rows of ``evenkeel gov list``: open proposals, and what stands on `VaultAccess` with the time left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent.chain.operations import scheduled_operations
from agent.governance.calls import GovernedCall, checksum
from agent.governance.decoding import decode_call
from agent.governance.desk import GovernanceDesk
from agent.governance.governors import GovernorKind
from agent.governance.records import ProposalState, proposals
from agent.governance.review import review, title
from agent.plain_text import plain
from agent.report.formatting import duration, utc_minute
from agent.units import Seconds


def waiting_rows(desk: GovernanceDesk) -> list[dict[str, Any]]:
    """Return a row for each; times as Unix seconds and in words."""
    return [*_proposal_rows(desk), *_operation_rows(desk)]


def _operation_rows(desk: GovernanceDesk) -> Iterator[dict[str, Any]]:
    node = desk.online()
    for one in scheduled_operations(node.client, desk.deployment, node.head):
        call = GovernedCall.of(one)
        left = one.ready_at - node.head.timestamp
        when = f"ready in {duration(left)}" if left > 0 else "ready now"
        yield {
            "id": one.id,
            "what": title(decode_call(call, desk.book)),
            "caller": one.caller,
            "when": f"{when}, at {utc_minute(one.ready_at)} UTC; void at {utc_minute(one.expires_at)} UTC",
            "ready_unix": one.ready_at,
            "expires_unix": one.expires_at,
            "seconds_left": max(Seconds(0), left),
            "checksum": checksum(desk.deployment, (call,)),
        }


_LIST_CHARACTERS = 100
"""Of a description, in a list; ``show`` has the rest."""
_OPEN = (ProposalState.PENDING, ProposalState.ACTIVE, ProposalState.SUCCEEDED, ProposalState.QUEUED)


def _proposal_rows(desk: GovernanceDesk) -> Iterator[dict[str, Any]]:
    if desk.governor.kind is not GovernorKind.VOTES:
        return
    node = desk.online()
    for one in proposals(node.client, desk.deployment, desk.governor, node.head):
        if one.state in _OPEN:
            yield {
                "id": str(one.id),
                "what": plain(one.description, _LIST_CHARACTERS),
                "when": f"proposal, {one.state.name.lower()}",
                "state": one.state.name.lower(),
                "checksum": checksum(desk.deployment, review(one.calls, desk.book, desk.state).calls),
            }
