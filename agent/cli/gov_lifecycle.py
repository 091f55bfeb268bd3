"""``evenkeel gov vote | queue | execute | cancel | veto``: steps of what is proposed, refused when not due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Annotated

import typer

from agent.cli.gov_command import sending
from agent.cli.gov_output import Output, deliver
from agent.errors import DataError
from agent.governance.calls import GovernedCall, parse_uint
from agent.governance.desk import GovernanceDesk
from agent.governance.governors import (
    Governor,
    GovernorKind,
    Step,
    cancel_steps,
    execute_steps,
    queue_step,
    vote_step,
)
from agent.governance.readiness import (
    proposal_of,
    require_ready,
    require_scheduled,
    require_state,
    require_votes,
    scheduled_for,
)
from agent.governance.records import ProposalState
from agent.governance.review import review
from agent.governance.subject import Subject, find_subject
from agent.plain_text import require_text
from agent.units import Address

_SubjectArgument = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="Number of a proposal, id of an operation, or a file of calls.")
]


class Support(Enum):
    """A vote, as `GovernorCountingSimple` counts it."""

    AGAINST = "against"
    FOR = "for"
    ABSTAIN = "abstain"


@sending(GovernorKind.VOTES)
def vote(
    desk: GovernanceDesk,
    output: Output,
    proposal: Annotated[str, typer.Argument(help="Number of the proposal.")],
    support: Annotated[Support, typer.Option("--support", help="How you vote.")],
    reason: Annotated[str, typer.Option("--reason", help="Goes on the chain with the vote.")] = "",
) -> None:
    """Vote on a proposal of a VaultGovernor; shows it once more before."""
    number = parse_uint(proposal, "proposal")
    step = vote_step(desk.governor, number, list(Support).index(support), require_text(reason, "--reason"))
    found = Subject((step.call,)) if desk.node is None else find_subject(proposal, desk, None)
    own = found.proposal
    if own is None or not output.sends:
        _deliver(desk, found, found.calls, [step], output)
        return
    require_state(own, ProposalState.ACTIVE)
    _deliver(desk, found, found.calls, [step], output, require=lambda voter: require_votes(desk, own, voter))


@sending(GovernorKind.VOTES)
def queue(desk: GovernanceDesk, output: Output, subject: _SubjectArgument) -> None:
    """Schedule a passed proposal of a VaultGovernor: from here its delay runs."""
    found = find_subject(subject, desk, None)
    step = queue_step(desk.governor, found.calls, found.description)
    if output.sends:
        require_state(proposal_of(desk, found), ProposalState.SUCCEEDED)
    _deliver(desk, found, found.calls, [step], output)


@sending()
def execute(desk: GovernanceDesk, output: Output, subject: _SubjectArgument) -> None:
    """Run what was scheduled once its delay has passed."""
    found = find_subject(subject, desk, None)
    _require_proposal(desk, found, "execute")
    calls = _as_scheduled(desk, found)
    steps = execute_steps(desk.governor, desk.deployment, calls, found.description)
    if output.sends:
        require_ready(desk, found, calls)
    _deliver(desk, found, calls, steps, output)


@sending()
def cancel(desk: GovernanceDesk, output: Output, subject: _SubjectArgument) -> None:
    """Take back what you proposed or scheduled yourself."""
    found = find_subject(subject, desk, None)
    _require_proposal(desk, found, "cancel")
    calls = _as_scheduled(desk, found)
    steps = cancel_steps(desk.governor, desk.deployment, calls, found.description, False)
    if output.sends and desk.governor.kind is GovernorKind.VOTES:
        require_state(proposal_of(desk, found), ProposalState.PENDING)
    elif output.sends:
        require_scheduled(desk, found, desk.governor.address, calls)
    _deliver(desk, found, calls, steps, output)


@sending()
def veto(desk: GovernanceDesk, output: Output, subject: _SubjectArgument) -> None:
    """Cancel, as guardian, what a governor has scheduled: one transaction, at any time before it runs."""
    found = find_subject(subject, desk, None)
    caller = Governor(found.scheduled_by or desk.governor.address, desk.governor.kind)
    calls = _as_scheduled(desk, found)
    steps = cancel_steps(caller, desk.deployment, calls, found.description, True)
    if output.sends:
        require_scheduled(desk, found, caller.address, calls)
    _deliver(desk, found, calls, steps, output, is_urgent=True)


def _deliver(
    desk: GovernanceDesk,
    found: Subject,
    calls: Sequence[GovernedCall],
    steps: Sequence[Step],
    output: Output,
    is_urgent: bool = False,
    require: Callable[[Address], None] | None = None,
) -> None:
    shown = review(found.calls, desk.book, desk.state, scheduled_for(desk, found, calls))
    extra = {"status": found.status, "description": found.description}
    head = [f"Status: {found.status}"]
    deliver(desk, shown, steps, output, head, extra=extra, is_urgent=is_urgent, require=require)


def _as_scheduled(desk: GovernanceDesk, found: Subject) -> tuple[GovernedCall, ...]:
    """Return the calls as `VaultAccess` keeps them: a file for a Safe holds their scheduling instead."""
    return review(found.calls, desk.book, desk.state).calls


def _require_proposal(desk: GovernanceDesk, found: Subject, what: str) -> None:
    """Refuse an operation's id where a Governor runs and takes back whole proposals."""
    if desk.governor.kind is GovernorKind.VOTES and found.proposal is None and not found.description:
        raise DataError(f"a VaultGovernor can {what} whole proposals alone; name the proposal's number or its file")
