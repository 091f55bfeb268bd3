"""What every governance command does at its end: show, write for a Safe, or send once a person has confirmed."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from agent.errors import DataError
from agent.governance.calls import parse_address, same_words
from agent.governance.desk import GovernanceDesk
from agent.governance.governors import GovernorKind, Step
from agent.governance.review import Review
from agent.governance.safe_file import safe_batch
from agent.governance.sending import find_sender, send_and_wait
from agent.governance.text import review_document, review_lines, step_document, step_lines
from agent.units import Address

if TYPE_CHECKING:
    from agent.governance.effects import Effects

_UNTRIED = {"simulation": None, "day": None}


@dataclass(frozen=True, slots=True)
class Output:
    """Where the transactions of a command go."""

    is_offline: bool
    with_calldata: bool
    safe_file: Path | None
    sender: str | None
    is_confirmed: bool
    as_json: bool

    @property
    def sends(self) -> bool:
        """Whether something may be sent at all."""
        return not (self.is_offline or self.with_calldata or self.safe_file is not None)


def deliver(
    desk: GovernanceDesk,
    review: Review,
    steps: Sequence[Step],
    output: Output,
    head_lines: Sequence[str] = (),
    effects: Effects | None = None,
    extra: dict[str, Any] | None = None,
    is_urgent: bool = False,
    require: Callable[[Address], None] | None = None,
) -> None:
    """Show the review and the transactions, and do with them what was asked.

    ``require`` is asked about who would send, and raises where nothing is to be sent.
    """
    decimals = desk.deployment.asset.decimals
    if not output.as_json:
        typer.echo(
            "\n".join([*head_lines, *review_lines(review, decimals, () if effects is None else effects.lines())])
        )
    if output.safe_file is not None:
        _write_safe(desk, review, steps, output.safe_file)
    if output.sends and steps and effects is not None and effects.refusals:
        raise DataError(f"{effects.refusals[0]} on the fork, so nothing is sent; --no-simulation sends all the same")
    sent = _send(desk, review.words, steps, output, is_urgent, require) if output.sends and steps else []
    if output.as_json:
        document = {
            "chain_id": desk.deployment.chain_id,
            "vault": desk.deployment.contract("HedgeVault"),
            "governor": {"address": desk.governor.address, "kind": desk.governor.kind.value},
            **(extra or {}),
            **review_document(review, decimals),
            **(_UNTRIED if effects is None else effects.document()),
            "transactions": [step_document(step) for step in steps],
            "sent": sent,
        }
        typer.echo(json.dumps(document, indent=2, allow_nan=False))
        return
    if steps and (output.with_calldata or output.is_offline):
        typer.echo("\n".join(["", *step_lines(steps)]))
    if output.safe_file is not None:
        typer.echo(f"Wrote {output.safe_file} for Safe's Transaction Builder.")
    if not sent:
        typer.echo("Nothing sent.")


def _write_safe(desk: GovernanceDesk, review: Review, steps: Sequence[Step], path: Path) -> None:
    name = f"Evenkeel {desk.settings.network}: {steps[0].what}" if steps else "Evenkeel"
    is_sender = desk.governor.kind is GovernorKind.SAFE and all(step.sender == desk.governor.address for step in steps)
    safe = desk.governor.address if is_sender else ""
    batch = safe_batch(steps, desk.deployment.chain_id, safe, name, review.words, int(time.time()))
    path.write_text(json.dumps(batch, indent=2) + "\n", encoding="utf-8")


def _send(
    desk: GovernanceDesk,
    words: str,
    steps: Sequence[Step],
    output: Output,
    is_urgent: bool,
    require: Callable[[Address], None] | None,
) -> list[str]:
    if not output.is_confirmed and not _is_typed(words, output.as_json):
        return []
    node, unlocked = desk.online(), None if output.sender is None else parse_address(output.sender, "--from")
    sender = find_sender(os.environ, desk.deployment.chain_id, unlocked)
    if require is not None:
        require(sender.address)
    sent = []
    for step in steps:
        execution = desk.settings.execution
        sent.append(send_and_wait(node.client, sender, step.call, node.head, execution, is_urgent))
        typer.echo(f"Sent: {sent[-1]}", err=output.as_json)
    return sent


def _is_typed(words: str, as_json: bool) -> bool:
    """Ask for the checksum at a terminal; `DataError` when other words are typed."""
    if as_json or not sys.stdin.isatty():
        typer.echo("Not confirmed: add --yes, or run at a terminal and type the checksum.", err=True)
        return False
    typed = typer.prompt("Type the checksum to send, or nothing to stop", default="", show_default=False)
    if typed and not same_words(typed, words):
        raise DataError("these are other words than the checksum's: nothing is sent; compare what is proposed")
    return bool(typed)
