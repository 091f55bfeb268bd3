"""Whether a step can be taken now: a proposal's state, the time of what is scheduled, the weight of a vote."""

from __future__ import annotations

from collections.abc import Sequence

from agent.chain.abi import load_abi
from agent.chain.operations import Operation, scheduled_operations
from agent.errors import DataError
from agent.governance.calls import GovernedCall
from agent.governance.decoding import VAULT_GOVERNOR
from agent.governance.desk import GovernanceDesk
from agent.governance.governors import GovernorKind, proposal_id
from agent.governance.records import Proposal, ProposalState, find_proposal, proposals
from agent.governance.subject import Subject
from agent.report.formatting import duration, utc_minute
from agent.units import Address, Seconds

_FIRST_UNIX = 1_000_000_000
"""A clock below counts blocks: Unix time passed this in 2001."""
_STEPS = {
    ProposalState.PENDING: "cancelled by who proposed it",
    ProposalState.ACTIVE: "voted on",
    ProposalState.SUCCEEDED: "queued",
    ProposalState.QUEUED: "executed, or vetoed by a guardian",
}
"""What can be done with a proposal of each state; nothing with one of the others."""


def proposal_of(desk: GovernanceDesk, found: Subject) -> Proposal:
    """Return the proposal that a subject is, or that its calls and description make; `DataError` where none is."""
    if found.proposal is not None:
        return found.proposal
    node, number = desk.online(), proposal_id(found.calls, found.description)
    return find_proposal(node.client, desk.deployment, desk.governor, number, node.head)


def require_state(proposal: Proposal, wanted: ProposalState) -> None:
    """Raise `DataError` where a proposal is in another state."""
    if proposal.state is not wanted:
        name = proposal.state.name.lower()
        can = _STEPS.get(proposal.state)
        times = _times(proposal)
        mend = f"it can only be {can}" if can else "nothing can be done with it any more; propose anew"
        raise DataError(f"proposal {proposal.id} is {name}{times}: {mend}")


def _times(proposal: Proposal) -> str:
    if proposal.state is ProposalState.PENDING:
        return f" until {_moment(proposal.votes_from)}"
    if proposal.state is ProposalState.ACTIVE:
        return f" until {_moment(proposal.votes_until)}"
    return ""


def _moment(clock: int) -> str:
    return f"{utc_minute(clock)} UTC" if clock >= _FIRST_UNIX else f"block {clock}"


def require_ready(desk: GovernanceDesk, found: Subject, calls: Sequence[GovernedCall]) -> None:
    """Raise `DataError` where calls cannot be executed now: not scheduled, void, or too early."""
    now = desk.online().head.timestamp
    if desk.governor.kind is GovernorKind.VOTES:
        proposal = proposal_of(desk, found)
        require_state(proposal, ProposalState.QUEUED)
        _require_time(proposal.ready_at, now)
    elif desk.governor.kind in (GovernorKind.ACCOUNT, GovernorKind.SAFE):
        for operation in _scheduled(desk, desk.governor.address, calls):
            _require_time(operation.ready_at, now)


def scheduled_for(desk: GovernanceDesk, found: Subject, calls: Sequence[GovernedCall]) -> Seconds | None:
    """Return from when on calls can be executed; None where they are not scheduled, or nobody can be asked."""
    if found.ready_at is not None or found.proposal is not None or desk.node is None:
        return found.ready_at
    if desk.governor.kind is GovernorKind.VOTES:
        number = proposal_id(found.calls, found.description)
        made = proposals(desk.node.client, desk.deployment, desk.governor, desk.node.head)
        return next((one.ready_at for one in made if one.id == number and one.state is ProposalState.QUEUED), None)
    standing = _standing(desk)
    due = [standing[one].ready_at for call in calls if (one := (desk.governor.address, call)) in standing]
    return max(due) if calls and len(due) == len(calls) else None


def require_scheduled(desk: GovernanceDesk, found: Subject, caller: Address, calls: Sequence[GovernedCall]) -> None:
    """Raise `DataError` where there is nothing to veto or take back."""
    if found.proposal is not None:
        require_state(found.proposal, ProposalState.QUEUED)
    else:
        _scheduled(desk, caller, calls)


def require_votes(desk: GovernanceDesk, proposal: Proposal, voter: Address) -> None:
    """Raise `DataError` where an account has voted already, or had no votes when they were counted."""
    node, abi, at = desk.online(), load_abi(VAULT_GOVERNOR), desk.governor.address
    reads = [
        abi.function("hasVoted").at(at, proposal.id, voter),
        abi.function("getVotes").at(at, voter, proposal.votes_from),
    ]
    (has_voted,), (votes,) = node.client.read(reads, node.head)
    if has_voted:
        raise DataError(f"{voter} has voted on proposal {proposal.id} already: a vote stands")
    if not votes:
        raise DataError(
            f"{voter} had no votes at {_moment(proposal.votes_from)}, when proposal {proposal.id} counts them; hold "
            "tokens and delegate them, be it to yourself, before the next proposal"
        )


def _scheduled(desk: GovernanceDesk, caller: Address, calls: Sequence[GovernedCall]) -> list[Operation]:
    """Return the operations of calls; `DataError` where one does not stand."""
    standing = _standing(desk)
    missing = [call for call in calls if (caller, call) not in standing]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(calls)} calls are not scheduled by {caller}: not proposed, executed, cancelled or "
            "void; evenkeel gov list shows what is"
        )
    return [standing[caller, call] for call in calls]


def _standing(desk: GovernanceDesk) -> dict[tuple[Address, GovernedCall], Operation]:
    """Return what is scheduled, by who scheduled it and what it is."""
    node = desk.online()
    operations = scheduled_operations(node.client, desk.deployment, node.head)
    return {(one.caller, GovernedCall.of(one)): one for one in operations}


def _require_time(ready_at: Seconds | None, now: Seconds) -> None:
    if ready_at is not None and ready_at > now:
        raise DataError(f"too early: it runs from {utc_minute(ready_at)} UTC on, in {duration(ready_at - now)}")
