"""``evenkeel``: every command in one place, and the place where an expected failure becomes one line and a status.

A command's module is imported when that command is asked for: reading a book needs no web3, and help needs nothing.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from agent.errors import AgentError, DataError, PreflightError

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2


class CommandPlace(NamedTuple):
    """Where a command is written, and the line that stands for it in the list of all."""

    module: str
    summary: str


COMMANDS: dict[str, CommandPlace] = {
    "demo": CommandPlace(
        "agent.cli.demo",
        "Replay a price path on a local chain with real venue contracts while the keeper hedges through the vault.",
    ),
    "localnet": CommandPlace(
        "agent.cli.localnet", "A local chain with real protocols and a market: up, down, status, step."
    ),
    "greeks": CommandPlace(
        "agent.cli.greeks", "Value a book, or a whole chain of listed options, and print its Greeks."
    ),
    "decide": CommandPlace(
        "agent.cli.decide", "Read the chain once and say what the keeper would do now, and why. Sends nothing."
    ),
    "run": CommandPlace("agent.cli.run", "Hedge the book, cycle after cycle, until stopped."),
}
"""A module offers the function named like its command, with an ``EXAMPLE``, or a Typer ``app`` of its own."""


class _LazyGroup(TyperGroup):
    """Lists commands without importing them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: TyperCommand(name, help=place.summary) for name, place in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed and load_command(str(listed.name)), rest


def load_command(name: str) -> Any:
    """Import a command and return it ready to run."""
    module = importlib.import_module(COMMANDS[name].module)
    own = getattr(module, "app", None)
    if own is None:
        own = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        own.command(name, epilog=module.EXAMPLE)(getattr(module, name))
    return typer.main.get_command(own)


app = typer.Typer(
    name="evenkeel",
    help="Delta hedging for options books, through an on-chain vault whose keeper need not be trusted.",
    cls=_LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Delta hedging for options books, through an on-chain vault whose keeper need not be trusted."""


def main() -> None:
    """Run the command line.

    Bad input (`DataError`) is one line on standard error and exit status 2, or one line a finding (`PreflightError`);
    any other expected failure is one line and exit status 1. What is not expected keeps its traceback, because it is a
    defect.
    """
    try:
        app()
    except DataError as error:
        _fail(error, EXIT_BAD_INPUT)
    except AgentError as error:
        _fail(error, EXIT_FAILED)


def _fail(error: AgentError, status: int) -> None:
    for finding in error.findings if isinstance(error, PreflightError) else (str(error),):
        typer.echo(f"evenkeel: {' '.join(finding.split())}", err=True)
    sys.exit(status)
