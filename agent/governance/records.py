"""What is on its way: a scheduled operation by its id, and a Governor's proposals from their events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from eth_utils.address import to_checksum_address

from agent.chain.abi import load_abi
from agent.chain.block_id import BlockId
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.chain.operations import Operation
from agent.domain import BlockRef
from agent.errors import DataError
from agent.governance.calls import GovernedCall
from agent.governance.decoding import VAULT_GOVERNOR
from agent.governance.governors import Governor
from agent.units import Address, Seconds


class ProposalState(Enum):
    """`IGovernor.ProposalState`, in its order."""

    PENDING = 0
    ACTIVE = 1
    CANCELED = 2
    DEFEATED = 3
    SUCCEEDED = 4
    QUEUED = 5
    EXPIRED = 6
    EXECUTED = 7


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposal of a Governor. ``ready_at`` is None until it is queued.

    Votes are counted as at ``votes_from``, and cast after it until ``votes_until``, in the token's clock.
    """

    id: int
    calls: tuple[GovernedCall, ...]
    description: str
    state: ProposalState
    ready_at: Seconds | None
    votes_from: int
    votes_until: int


def find_operation(operations: Sequence[Operation], written: str) -> Operation:
    """Return the operation whose id begins as written; `DataError` where none or several do."""
    fitting = [one for one in operations if one.id.startswith(written.lower())]
    if len(fitting) != 1:
        known = ", ".join(one.id[:10] for one in operations) or "none"
        how_many = "no" if not fitting else str(len(fitting))
        raise DataError(f"{how_many} scheduled operation begins with {written:.66}; scheduled now: {known}")
    return fitting[0]


def proposals(client: ChainClient, deployment: Deployment, governor: Governor, block: BlockRef) -> tuple[Proposal, ...]:
    """Return every proposal of a Governor since the vault was deployed, in their order."""
    abi = load_abi(VAULT_GOVERNOR)
    event = abi.event("ProposalCreated")
    logs = client.logs([governor.address], [event.topic], deployment.block, BlockId.of(block), None) or []
    created = [event.decode(log) for log in logs]
    names = ("state", "proposalEta")
    reads = [abi.function(name).at(governor.address, one["proposalId"]) for one in created for name in names]
    answers = [answer for (answer,) in client.read(reads, block)]
    try:
        return tuple(map(_proposal, created, answers[::2], answers[1::2]))
    except ValueError:
        raise DataError(f"governor {governor.address} lists a proposal that is none of OpenZeppelin's") from None


def _proposal(created: Mapping[str, Any], state: int, ready_at: int) -> Proposal:
    """Return a proposal; `ValueError` where lists have no match, or its state is none."""
    lists = zip(created["targets"], created["values"], created["calldatas"], strict=True)
    return Proposal(
        id=created["proposalId"],
        calls=tuple(GovernedCall(Address(to_checksum_address(to)), data, wei) for to, wei, data in lists),
        description=created["description"],
        state=ProposalState(state),
        ready_at=Seconds(ready_at) if ready_at else None,
        votes_from=created["voteStart"],
        votes_until=created["voteEnd"],
    )


def find_proposal(
    client: ChainClient, deployment: Deployment, governor: Governor, proposal: int, block: BlockRef
) -> Proposal:
    """Return a proposal of the governor by its number; `DataError` when it has none such."""
    for one in proposals(client, deployment, governor, block):
        if one.id == proposal:
            return one
    raise DataError(f"governor {governor.address} has no proposal {proposal}; check the number, or --governor")
