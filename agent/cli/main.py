"""``evenkeel``: every command in one place, and the place where an expected failure becomes one line and a status."""

from __future__ import annotations

import sys

import typer

from agent.cli import decide, demo, greeks, localnet, run
from agent.errors import AgentError, DataError

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2

app = typer.Typer(
    name="evenkeel",
    help="Delta hedging for options books, through an on-chain vault whose keeper need not be trusted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(epilog=demo.EXAMPLE)(demo.demo)
app.add_typer(localnet.app, name="localnet")
app.command(epilog=greeks.EXAMPLE)(greeks.greeks)
app.command(epilog=decide.EXAMPLE)(decide.decide)
app.command(epilog=run.EXAMPLE)(run.run)


def main() -> None:
    """Run the command line.

    Bad input (`DataError`) is one line on standard error and exit status 2; any other expected failure is one line and
    exit status 1. What is not expected keeps its traceback, because it is a defect.
    """
    try:
        app()
    except DataError as error:
        _fail(error, EXIT_BAD_INPUT)
    except AgentError as error:
        _fail(error, EXIT_FAILED)


def _fail(error: AgentError, status: int) -> None:
    line = " ".join(str(error).split())
    typer.echo(f"evenkeel: {line}", err=True)
    sys.exit(status)
