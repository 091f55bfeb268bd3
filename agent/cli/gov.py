"""``evenkeel gov``: what a DAO and its guardian do with a vault's parameters, shown before it is done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.chain.abi import load_abi
from agent.cli.gov_command import AsJson, GovernorAddress, Kind, NetworkName, Offline, desk_at, sending
from agent.cli.gov_list import waiting_rows
from agent.cli.gov_output import Output, deliver, tried
from agent.cli.keeper_inputs import DEFAULT_NETWORK
from agent.errors import DataError
from agent.governance.calls import GovernedCall, parse_call, parse_uint
from agent.governance.changes import calls_of, parse_changes
from agent.governance.desk import GovernanceDesk
from agent.governance.governors import (
    Governor,
    GovernorKind,
    Step,
    cancel_steps,
    execute_steps,
    proposal_id,
    propose_steps,
    queue_step,
    vote_step,
)
from agent.governance.review import review
from agent.governance.subject import Subject, find_subject, save_proposal

app = typer.Typer(
    help="Govern a vault: propose, show, vote, queue, execute, cancel, veto, tighten, pause, resume, list.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_ACCOUNT = GovernorKind.ACCOUNT
_Sets = Annotated[
    list[str] | None, typer.Option("--set", help="name=value in the unit of config/<network>.toml; may be repeated.")
]
_SubjectArgument = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="Number of a proposal, id of an operation, or a file of calls.")
]
_Save = Annotated[Path | None, typer.Option("--save", help="Write the calls to a file for the later steps.")]
_NoSimulation = Annotated[bool, typer.Option("--no-simulation", help="Do not try it on a fork of the node's chain.")]
_Description = Annotated[str | None, typer.Option("--title", help="Description that goes with the proposal.")]


class Support(Enum):
    """A vote, as `GovernorCountingSimple` counts it."""

    AGAINST = "against"
    FOR = "for"
    ABSTAIN = "abstain"


@app.command(
    epilog="Example: evenkeel gov propose --set max_slippage_bps=40 --set deposit_cap=2000000 --save proposal.json"
)
@sending()
def propose(
    desk: GovernanceDesk,
    output: Output,
    sets: _Sets = None,
    calls: Annotated[
        list[str] | None,
        typer.Option("--call", help="Another call, as 'VaultAccess.grantRole [1, \"0x...\", 0]'; may be repeated."),
    ] = None,
    description: _Description = None,
    save: _Save = None,
    no_simulation: _NoSimulation = False,
) -> None:
    """Show what a change would do, try it on a fork, and propose or schedule it."""
    proposed = _proposed(desk, sets or (), calls or ())
    title = description or _title_of(sets or (), calls or ())
    _propose(desk, proposed, title, save, not no_simulation, output)


def _proposed(desk: GovernanceDesk, sets: Sequence[str], calls: Sequence[str]) -> tuple[GovernedCall, ...]:
    changes = parse_changes(sets, desk.state, desk.deployment) if sets else ()
    found = (*calls_of(changes, desk.state, desk.deployment), *(parse_call(one, desk.book.address) for one in calls))
    if not found:
        raise DataError("nothing is proposed; add --set name=value, such as --set max_slippage_bps=40")
    return found


def _title_of(sets: Sequence[str], calls: Sequence[str]) -> str:
    return "; ".join([f"Set {one}" for one in sets] + [f"Call {one}" for one in calls])


def _propose(
    desk: GovernanceDesk,
    calls: Sequence[GovernedCall],
    description: str,
    save: Path | None,
    with_simulation: bool,
    output: Output,
) -> None:
    shown = review(calls, desk.book, desk.state)
    steps = propose_steps(desk.governor, desk.deployment, calls, description, shown.wait)
    extra: dict[str, Any] = {"description": description}
    head = [f"Proposal: {description}", f"Governor: {desk.governor.address} ({desk.governor.kind.value})"]
    if desk.governor.kind is GovernorKind.VOTES:
        extra["proposal_id"] = str(proposal_id(calls, description))
        head.append(f"Number once proposed: {extra['proposal_id']}; the wait begins when it is queued")
    if save is not None:
        save_proposal(save, desk, calls, description)
    deliver(desk, shown, steps, output, head, tried(desk, shown, with_simulation), extra)


@app.command(epilog="Example: evenkeel gov show proposal.json --offline")
def show(
    subject: Annotated[
        str, typer.Argument(help="Number of a proposal, id of an operation, a file, or call data with --target.")
    ],
    target: Annotated[str | None, typer.Option("--target", help="Contract that bare call data is for.")] = None,
    no_simulation: _NoSimulation = False,
    network: NetworkName = DEFAULT_NETWORK,
    governor: GovernorAddress = None,
    offline: Offline = False,
    kind: Kind = _ACCOUNT,
    as_json: AsJson = False,
) -> None:
    """Take a proposal or operation apart: what it changes, what it would allow at worst, what is not known."""
    with desk_at(network, governor, offline, kind) as desk:
        found = find_subject(subject, desk, target)
        shown = review(found.calls, desk.book, desk.state, found.ready_at, found.are_transactions)
        simulation = tried(desk, shown, not no_simulation)
        head = [f"Status: {found.status}", *([f"Description: {found.description}"] if found.description else [])]
        extra = {"status": found.status, "description": found.description}
        deliver(desk, shown, (), Output(True, False, None, None, False, as_json), head, simulation, extra)


@app.command(epilog="Example: evenkeel gov vote 5820... --support for --reason 'deep enough' --yes")
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
    step = vote_step(desk.governor, number, list(Support).index(support), reason)
    found = Subject((step.call,)) if desk.node is None else find_subject(proposal, desk, None)
    _deliver(desk, found, [step], output)


@app.command(epilog="Example: evenkeel gov queue 5820... --yes")
@sending(GovernorKind.VOTES)
def queue(desk: GovernanceDesk, output: Output, subject: _SubjectArgument) -> None:
    """Schedule a passed proposal of a VaultGovernor: from here its delay runs."""
    found = find_subject(subject, desk, None)
    step = queue_step(desk.governor, found.calls, found.description)
    _deliver(desk, found, [step], output)


@app.command(epilog="Example: evenkeel gov execute proposal.json --yes")
@sending()
def execute(desk: GovernanceDesk, output: Output, subject: _SubjectArgument) -> None:
    """Run what was scheduled once its delay has passed."""
    found = find_subject(subject, desk, None)
    _require_proposal(desk, found, "execute")
    steps = execute_steps(desk.governor, desk.deployment, _scheduled(desk, found), found.description)
    _deliver(desk, found, steps, output)


@app.command(epilog="Example: evenkeel gov cancel 0x5f3a9c --yes")
@sending()
def cancel(desk: GovernanceDesk, output: Output, subject: _SubjectArgument) -> None:
    """Take back what you proposed or scheduled yourself."""
    found = find_subject(subject, desk, None)
    _require_proposal(desk, found, "cancel")
    steps = cancel_steps(desk.governor, desk.deployment, _scheduled(desk, found), found.description, False)
    _deliver(desk, found, steps, output)


@app.command(epilog="Example: evenkeel gov veto 0x5f3a9c --yes")
@sending()
def veto(desk: GovernanceDesk, output: Output, subject: _SubjectArgument) -> None:
    """Cancel, as guardian, what a governor has scheduled: one transaction, at any time before it runs."""
    found = find_subject(subject, desk, None)
    caller = Governor(found.scheduled_by or desk.governor.address, desk.governor.kind)
    steps = cancel_steps(caller, desk.deployment, _scheduled(desk, found), found.description, True)
    _deliver(desk, found, steps, output, is_urgent=True)


@app.command(epilog="Example: evenkeel gov tighten --set max_notional_usd=50000 --yes")
@sending()
def tighten(desk: GovernanceDesk, output: Output, sets: _Sets = None) -> None:
    """Tighten parameters at once, as guardian. What would loosen one is refused, here and by the contracts."""
    if not sets:
        raise DataError("nothing is tightened; add --set name=value, such as --set max_notional_usd=50000")
    changes = parse_changes(sets, desk.state, desk.deployment)
    calls = calls_of(changes, desk.state, desk.deployment, at_once=True)
    _at_once(desk, calls, "tighten", output)


@app.command(epilog="Example: evenkeel gov pause --yes")
@sending()
def pause(desk: GovernanceDesk, output: Output) -> None:
    """Stop trades and deposits at once, as guardian, for three days; exits stay open."""
    _at_once(desk, (_on_vault(desk, "pause"),), "pause", output)


@app.command(epilog="Example: evenkeel gov resume --calldata")
@sending()
def resume(
    desk: GovernanceDesk,
    output: Output,
    save: _Save = None,
    no_simulation: _NoSimulation = False,
) -> None:
    """Propose to end pause and reduce-only: a governor's act, after its delay."""
    _propose(desk, (_on_vault(desk, "resume"),), "Resume the vault", save, not no_simulation, output)


@app.command(name="list", epilog="Example: evenkeel gov list --json")
def list_(
    network: NetworkName = DEFAULT_NETWORK,
    governor: GovernorAddress = None,
    as_json: AsJson = False,
) -> None:
    """List what is scheduled with the time left, and the open proposals of a VaultGovernor."""
    with desk_at(network, governor, False, _ACCOUNT) as desk:
        rows = waiting_rows(desk)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(f"{row['id']}\n  {row['what']}\n  {row['when']}; checksum {row['checksum']}")
    if not rows:
        typer.echo("Nothing is scheduled or proposed.")


# --- the pieces -----------------------------------------------------------------------------------------------------


def _on_vault(desk: GovernanceDesk, function: str) -> GovernedCall:
    data = load_abi("HedgeVault").function(function).encode()
    return GovernedCall(desk.deployment.contract("HedgeVault"), bytes.fromhex(data[2:]))


def _at_once(desk: GovernanceDesk, calls: Sequence[GovernedCall], what: str, output: Output) -> None:
    shown = review(calls, desk.book, desk.state, are_transactions=True)
    deliver(desk, shown, [Step(what, "a guardian", call) for call in calls], output, is_urgent=True)


def _deliver(
    desk: GovernanceDesk, found: Subject, steps: Sequence[Step], output: Output, is_urgent: bool = False
) -> None:
    shown = review(found.calls, desk.book, desk.state, found.ready_at)
    extra = {"status": found.status, "description": found.description}
    deliver(desk, shown, steps, output, [f"Status: {found.status}"], extra=extra, is_urgent=is_urgent)


def _scheduled(desk: GovernanceDesk, found: Subject) -> tuple[GovernedCall, ...]:
    """Return the calls as `VaultAccess` keeps them: a file for a Safe holds their scheduling instead."""
    return review(found.calls, desk.book, desk.state).calls


def _require_proposal(desk: GovernanceDesk, found: Subject, what: str) -> None:
    """Refuse an operation's id where a Governor runs and takes back whole proposals."""
    if desk.governor.kind is GovernorKind.VOTES and found.proposal is None and not found.description:
        raise DataError(f"a VaultGovernor can {what} whole proposals alone; name the proposal's number or its file")
