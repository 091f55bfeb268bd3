"""``evenkeel gov tighten | pause | dismiss | close | call | rescue``: acts without a delay, a guardian's above all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from agent.chain.abi import load_abi
from agent.cli.gov_command import sending
from agent.cli.gov_output import Output, deliver
from agent.cli.keeper_inputs import BookFile
from agent.domain import Action
from agent.errors import DataError
from agent.execution.intents import bound_intent
from agent.files.book_file import load_kept_book
from agent.governance.calls import GovernedCall, parse_address, parse_call
from agent.governance.changes import calls_of, parse_changes
from agent.governance.desk import GovernanceDesk
from agent.governance.governors import Step
from agent.governance.review import review
from agent.units import Address, Wad
from agent.venues.registry import adapter_name, venue_protocol

_GUARDIAN, _ANYONE = "a guardian", "whoever may"


@sending()
def tighten(
    desk: GovernanceDesk,
    output: Output,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="name=value in the unit of config/<network>.toml; may be repeated."),
    ] = None,
) -> None:
    """Tighten parameters at once, as guardian. What would loosen one is refused, here and by the contracts."""
    if not sets:
        raise DataError("nothing is tightened; add --set name=value, such as --set max_notional_usd=50000")
    changes = parse_changes(sets, desk.state, desk.deployment)
    _at_once(desk, calls_of(changes, desk.state, desk.deployment, at_once=True), "tighten", output)


@sending()
def pause(desk: GovernanceDesk, output: Output) -> None:
    """Stop trades and deposits at once, as guardian, for three days; exits stay open."""
    _at_once(desk, [call_on(desk, "HedgeVault", "pause")], "pause", output)


@sending()
def dismiss(
    desk: GovernanceDesk,
    output: Output,
    account: Annotated[str, typer.Argument(help="Keeper, or with --relay relay, that loses its role.")],
    is_relay: Annotated[bool, typer.Option("--relay", help="It is a relay.")] = False,
) -> None:
    """Take the role from a keeper at once, as guardian: its key trades no more."""
    function = "dismissRelay" if is_relay else "dismissKeeper"
    _at_once(desk, [call_on(desk, "VaultAccess", function, parse_address(account, "account"))], "dismiss", output)


@sending()
def close(
    desk: GovernanceDesk,
    output: Output,
    venue: Annotated[str, typer.Argument(help="Venue by its name in the manifest, or its address.")],
) -> None:
    """Close a venue at once, as guardian: its position may only shrink from then on."""
    _at_once(desk, [call_on(desk, "VenueRegistry", "closeVenue", _venue_address(desk, venue))], "close", output)


@sending()
def call(
    desk: GovernanceDesk,
    output: Output,
    written: Annotated[
        str,
        typer.Argument(
            metavar="CALL",
            help="Contract.function [arguments as JSON], a venue by its name or address: 'VENUE.cancel [...]'.",
        ),
    ],
) -> None:
    """Send one call that needs no delay: a guardian's, a keeper's or anyone's. What would revert is not sent."""
    _at_once(desk, [_parsed(desk, written)], "call", output, _ANYONE)


@sending()
def rescue(desk: GovernanceDesk, output: Output, book: BookFile) -> None:
    """Hedge in the stead of silent keepers, as anyone: the keeper's decision, through the rescue desk, which pays."""
    from agent.keeper.planner import Planner  # noqa: PLC0415 - policies and their numerics load longer than a list

    desk.online()
    rescuer = desk.deployment.contract("RescueDesk")
    with Planner.open(desk.settings, load_kept_book(book), rescuer) as planner:
        view = planner.look(planner.head())
        if view.decision.action is not Action.REBALANCE:
            raise DataError(f"there is nothing to rescue: {view.decision.reason}")
        intent, legs = bound_intent(planner.intent(view))
    orders = {entry.address for entry in desk.deployment.venues if venue_protocol(entry.kind, entry.name).fills_later}
    judged = [(venue, margin, size, Wad(0) if venue in orders else limit) for venue, margin, size, limit in legs]
    _at_once(desk, [call_on(desk, "RescueDesk", "rescue", intent, judged)], "rescue", output, _ANYONE)


def call_on(desk: GovernanceDesk, contract: str, function: str, *arguments: object) -> GovernedCall:
    """Return a call of one of the vault's contracts."""
    data = load_abi(contract).function(function).encode(*arguments)
    return GovernedCall(desk.deployment.contract(contract), bytes.fromhex(data[2:]))


def _parsed(desk: GovernanceDesk, written: str) -> GovernedCall:
    """Read a call whose contract may be a venue of the manifest."""
    head, _, tail = written.partition(".")
    entries, wanted = desk.deployment.all_venues, head.lower()
    venue = next((entry for entry in entries if wanted in (entry.name.lower(), entry.address.lower())), None)
    if venue is None:
        return parse_call(written, desk.book.address)
    adapter, address = adapter_name(venue.kind, venue.name), Address(venue.address)
    return parse_call(f"{adapter}.{tail}", lambda _: address)


def _venue_address(desk: GovernanceDesk, venue: str) -> Address:
    """Return where a venue is, by name or address; `DataError` with the names there are."""
    by_name = {entry.name: Address(entry.address) for entry in desk.deployment.all_venues}
    if venue in by_name:
        return by_name[venue]
    if not venue.startswith("0x"):
        raise DataError(f"no venue is called {venue!r:.40}; venues: {', '.join(by_name)}, or write an address")
    return parse_address(venue, "venue")


def _at_once(
    desk: GovernanceDesk, calls: Sequence[GovernedCall], what: str, output: Output, sender: str = _GUARDIAN
) -> None:
    shown = review(calls, desk.book, desk.state, are_transactions=True)
    deliver(desk, shown, [Step(what, sender, one) for one in calls], output, is_urgent=True)
