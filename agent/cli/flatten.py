"""``evenkeel flatten``: close the hedge by hand, within the chain's bounds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any, TypeVar

import typer

from agent.cli.keeper_inputs import DEFAULT_NETWORK, AsJson, Network
from agent.decision.flatten import FlattenStep
from agent.domain import Book
from agent.errors import DataError, RejectedError, TransientError
from agent.guard import GuardError, worst_net_delta
from agent.keeper.keeper import Keeper
from agent.keeper.planner import Planner, Sight
from agent.keeper.result import CycleResult, Outcome
from agent.report.formatting import price, signed
from agent.settings import Settings, config_path, load_settings
from agent.units import Address, from_wad

T = TypeVar("T")

EXAMPLE = "Example: evenkeel flatten --network localnet"
NO_BOOK = Book("", ())
"""The hedge is closed whatever it was for."""


def flatten(
    network: Network = DEFAULT_NETWORK,
    yes: Annotated[
        bool, typer.Option("--yes", help="Act; without it the first step is shown and nothing is sent.")
    ] = False,
    wait_seconds: Annotated[
        float, typer.Option(min=0.0, help="How long to wait for a cooldown, a transaction or an endpoint.")
    ] = 600.0,
    as_json: AsJson = False,
) -> None:
    """Close the hedge by hand, in steps that the chain allows. Shows the first step, and acts with --yes.

    Needs no book. With --yes the key comes from EVENKEEL_KEEPER_KEY, and the keeper has to be stopped first: started
    again, it hedges again. Status 1 when something stays open.

    """
    settings = load_settings(config_path(network))
    left = _act(settings, wait_seconds, as_json) if yes else _show(settings, as_json)
    if left:
        raise typer.Exit(1)


def _show(settings: Settings, as_json: bool) -> bool:
    """Print the first step and return whether it cannot be taken."""
    with Planner.open(settings, NO_BOOK) as planner:
        sight = _seen(planner)
        step = planner.flatten(sight)
        rejection, keeper = None, planner.keeper
        if step.legs:
            rejection = planner.simulate(planner.intent_of(sight, step), keeper, sight.block)
    if as_json:
        typer.echo(json.dumps(_document(sight, step, rejection) | {"keeper": keeper}, allow_nan=False))
    else:
        typer.echo("\n".join(_lines(sight, step, rejection, keeper)))
    return not step.is_done and (rejection is not None or not step.legs)


def _seen(planner: Planner) -> Sight:
    try:
        return planner.see(planner.head())
    except RejectedError as rejection:
        raise DataError(f"the vault cannot be read, so nothing can be traded: {rejection}; try again later") from None


def _act(settings: Settings, wait_seconds: float, as_json: bool) -> bool:
    """Take steps until nothing is open or no more can be done; return whether something stays open."""
    patience = _Patience(settings.keeper.interval_seconds, wait_seconds)
    with patience.of(partial(Keeper.build, settings, NO_BOOK)) as keeper:
        while True:
            step, result = patience.of(keeper.flatten_step)
            if step.is_done and result is None:
                typer.echo(json.dumps({"remaining": 0.0}) if as_json else "Nothing is open.")
                return False
            has_closed = result is not None and result.outcome is Outcome.EXECUTED
            has_time = patience.has_time(anew=has_closed)
            gives_up = not _can_wait(step, result) or not has_time
            if has_closed or gives_up:
                typer.echo(json.dumps(_outcome(step, result)) if as_json else _outcome_line(step, result))
            if gives_up:
                return True
            patience.wait()


class _Patience:
    """How long the operator waits, counted anew after each step that has closed something."""

    def __init__(self, interval_seconds: float, most_seconds: float) -> None:
        self._interval_seconds, self._most_seconds = interval_seconds, most_seconds
        self._waited = 0.0

    def has_time(self, *, anew: bool = False) -> bool:
        """Count one more wait, or begin anew; return whether there is time for it."""
        self._waited = 0.0 if anew else self._waited + self._interval_seconds
        return self._waited <= self._most_seconds

    def wait(self) -> None:
        """Wait once."""
        time.sleep(self._interval_seconds)

    def of(self, act: Callable[[], T]) -> T:
        """Return what ``act`` does, tried again after faults of the moment, each told, while there is time."""
        while True:
            try:
                return act()
            except TransientError as trouble:
                if not self.has_time():
                    raise
                typer.echo(f"evenkeel: {' '.join(str(trouble).split())}; tried again", err=True)
                self.wait()


def _can_wait(step: FlattenStep, result: CycleResult | None) -> bool:
    """Return whether another look may help: a cooldown or an order ends, a transaction is mined, a block passes."""
    if result is None:
        return step.waits_for_order or (step.refusal is not None and step.refusal.name == GuardError.COOLDOWN_ACTIVE)
    names = {GuardError.COOLDOWN_ACTIVE.value, "IntentOutdated"}
    return result.outcome is not Outcome.REJECTED or (result.rejection is not None and result.rejection.name in names)


def _lines(sight: Sight, step: FlattenStep, rejection: RejectedError | None, keeper: Address) -> Iterator[str]:
    snapshot = sight.snapshot
    for venue in snapshot.venues:
        yield f"{venue.name}: {signed(from_wad(venue.size), 4)} at {price(from_wad(venue.mark_price), 0)}"
    yield f"Worst case {signed(from_wad(worst_net_delta(snapshot.measurement)), 4)}"
    if step.is_done:
        yield "Nothing is open."
    elif not step.legs:
        yield f"Nothing can be closed: {step.reason}"
    else:
        yield f"First step: {step.reason}; {signed(from_wad(step.remaining), 4)} stays open after it"
        refused, accepted = f"The chain would refuse it: {rejection}", f"The chain would accept it from {keeper}."
        yield refused if rejection else f"{accepted} --yes acts, with the key that is named then."


def _document(sight: Sight, step: FlattenStep, rejection: RejectedError | None) -> dict[str, Any]:
    return {
        "block": sight.block.number,
        "positions": {venue.name: from_wad(venue.size) for venue in sight.snapshot.venues},
        "size_delta": from_wad(sum(fill.size_delta for fill in step.expected_fills)),
        "remaining": from_wad(step.remaining),
        "reason": step.reason,
        "chain_refuses": None if rejection is None else str(rejection),
    }


def _outcome(step: FlattenStep, result: CycleResult | None) -> dict[str, Any]:
    closed = 0.0 if result is None else from_wad(sum(fill.size_delta for fill in result.fills))
    return {
        "outcome": "rejected" if result is None else result.outcome.value,
        "size_delta": closed,
        "remaining": from_wad(step.remaining),
        "reason": step.reason if result is None else result.reason,
    }


def _outcome_line(step: FlattenStep, result: CycleResult | None) -> str:
    if result is None:
        return f"Nothing can be closed: {step.reason}"
    return f"{result.outcome.value}: {result.reason}; {signed(from_wad(step.remaining), 4)} stays open"
