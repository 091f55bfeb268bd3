"""``evenkeel gov``: what a DAO and its guardian do with a vault's parameters, shown before it is done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.gov_at_once import call, call_on, close, dismiss, pause, rescue, tighten
from agent.cli.gov_command import AsJson, GovernorAddress, Kind, NetworkName, Offline, desk_at, sending
from agent.cli.gov_lifecycle import cancel, execute, queue, veto, vote
from agent.cli.gov_list import waiting_rows
from agent.cli.gov_output import Output, deliver
from agent.cli.keeper_inputs import DEFAULT_NETWORK
from agent.errors import DataError
from agent.governance.calls import GovernedCall, parse_address, parse_call
from agent.governance.changes import calls_of, parse_changes
from agent.governance.day_source import DaySource
from agent.governance.desk import GovernanceDesk
from agent.governance.governors import (
    GovernorKind,
    proposal_id,
    propose_steps,
)
from agent.governance.review import Review, review
from agent.governance.subject import Subject, find_subject, save_proposal
from agent.governance.votes import book_of_votes, delegate_step, votes_token
from agent.plain_text import hides, plain, quoted, require_text
from agent.venues.registry import VENUE_PROTOCOLS

if TYPE_CHECKING:
    from agent.governance.effects import Effects

app = typer.Typer(
    help="Govern a vault: propose, show, delegate, vote, queue, execute, cancel, veto, tighten, pause, dismiss, close, "
    "call, rescue, resume, list.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_ACCOUNT = GovernorKind.ACCOUNT
_Sets = Annotated[
    list[str] | None, typer.Option("--set", help="name=value in the unit of config/<network>.toml; may be repeated.")
]
_Save = Annotated[Path | None, typer.Option("--save", help="Write the calls to a file for the later steps.")]
_NoSimulation = Annotated[bool, typer.Option("--no-simulation", help="Try it neither on a fork nor on a day.")]
_Prices = Annotated[
    Path | None, typer.Option("--prices", help="Parquet of prices whose day is replayed; else a seeded one is.")
]
_Day = Annotated[str | None, typer.Option("--day", help="First instant of the day in the price file, as 2024-08-05.")]
_Symbol = Annotated[str | None, typer.Option("--symbol", help="Symbol in the price file; ETHUSDT unless given.")]
_Description = Annotated[str | None, typer.Option("--title", help="Description that goes with the proposal.")]


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
    prices: _Prices = None,
    day: _Day = None,
    symbol: _Symbol = None,
) -> None:
    """Show what a change would do, try it on a fork and on a day, and propose or schedule it."""
    source = DaySource(prices, symbol, day)
    proposed = _proposed(desk, sets or (), calls or ())
    title = require_text(description or _title_of(sets or (), calls or ()), "--title")
    _propose(desk, proposed, title, save, None if no_simulation else source, output)


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
    source: DaySource | None,
    output: Output,
) -> None:
    shown = review(calls, desk.book, desk.state)
    steps = propose_steps(desk.governor, desk.deployment, calls, description, shown.wait)
    extra: dict[str, Any] = {"description": description}
    head = [f"Proposal: {plain(description)}", f"Governor: {desk.governor.address} ({desk.governor.kind.value})"]
    if desk.governor.kind is GovernorKind.VOTES:
        extra["proposal_id"] = str(proposal_id(calls, description))
        head.append(f"Number once proposed: {extra['proposal_id']}; the wait begins when it is queued")
    if save is not None:
        save_proposal(save, desk, calls, description)
    deliver(desk, shown, steps, output, head, _tried(desk, shown, source), extra)


@app.command(epilog="Example: evenkeel gov show proposal.json --offline")
def show(
    subject: Annotated[
        str, typer.Argument(help="Number of a proposal, id of an operation, a file, or call data with --target.")
    ],
    target: Annotated[str | None, typer.Option("--target", help="Contract that bare call data is for.")] = None,
    no_simulation: _NoSimulation = False,
    prices: _Prices = None,
    day: _Day = None,
    symbol: _Symbol = None,
    network: NetworkName = DEFAULT_NETWORK,
    governor: GovernorAddress = None,
    offline: Offline = False,
    kind: Kind = _ACCOUNT,
    as_json: AsJson = False,
) -> None:
    """Take a proposal or operation apart: what it changes, what it would allow at worst, what is not known."""
    source = DaySource(prices, symbol, day)
    with desk_at(network, governor, offline, kind) as desk:
        found = find_subject(subject, desk, target)
        shown = review(found.calls, desk.book, desk.state, found.ready_at, found.are_transactions)
        effects = _tried(desk, shown, None if no_simulation else source)
        extra = {"status": found.status, "description": found.description, "hides_text": hides(found.description)}
        deliver(desk, shown, (), Output(True, False, None, None, False, as_json), _told(found), effects, extra)


@app.command(epilog="Example: evenkeel gov delegate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --yes")
@sending(GovernorKind.VOTES)
def delegate(
    desk: GovernanceDesk,
    output: Output,
    account: Annotated[str, typer.Argument(help="Who votes with them: your own address, to vote yourself.")],
) -> None:
    """Say who casts the votes of your tokens. Those not delegated by a proposal's snapshot count for nobody in it."""
    token = votes_token(desk)
    step = delegate_step(token, parse_address(account, "account"))
    shown = review([step.call], book_of_votes(desk, token), desk.state, are_transactions=True)
    deliver(desk, shown, [step], output)


app.command(epilog="Example: evenkeel gov vote 5820... --support for --reason 'deep enough' --yes")(vote)
app.command(epilog="Example: evenkeel gov queue 5820... --yes")(queue)
app.command(epilog="Example: evenkeel gov execute proposal.json --yes")(execute)
app.command(epilog="Example: evenkeel gov cancel 0x5f3a9c --yes")(cancel)
app.command(epilog="Example: evenkeel gov veto 0x5f3a9c --yes")(veto)


app.command(epilog="Example: evenkeel gov tighten --set max_notional_usd=50000 --yes")(tighten)
app.command(epilog="Example: evenkeel gov pause --yes")(pause)
app.command(epilog="Example: evenkeel gov dismiss 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC --yes")(dismiss)
app.command(epilog=f"Example: evenkeel gov close {next(iter(VENUE_PROTOCOLS))} --yes")(close)
app.command(epilog="Example: evenkeel gov call 'HedgeVault.setReduceOnly []' --yes")(call)
app.command(epilog="Example: evenkeel gov rescue --book examples/book.toml --calldata")(rescue)


@app.command(epilog="Example: evenkeel gov resume --calldata")
@sending()
def resume(
    desk: GovernanceDesk,
    output: Output,
    save: _Save = None,
    no_simulation: _NoSimulation = False,
) -> None:
    """Propose to end pause and reduce-only: a governor's act, after its delay."""
    _propose(
        desk,
        (call_on(desk, "HedgeVault", "resume"),),
        "Resume the vault",
        save,
        None if no_simulation else DaySource(),
        output,
    )


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


def _told(found: Subject) -> list[str]:
    """Return what is said of a subject before its calls; a description is its proposer's word and nothing more."""
    lines = [f"Status: {found.status}"]
    if found.description:
        lines += ["Description, in its proposer's words, which nothing binds to the calls:", *quoted(found.description)]
    if hides(found.description):
        lines.append("! It holds characters that cannot be seen: they are written as escapes.")
    return lines


def _tried(desk: GovernanceDesk, shown: Review, source: DaySource | None) -> Effects | None:
    """Try calls out; None where that is not wanted, without a node, or where nothing waits."""
    if source is None or desk.node is None or not shown.wait:
        return None
    from agent.governance.effects import try_out  # noqa: PLC0415 - policies and their numerics load longer than a list

    return try_out(desk, shown, source)
