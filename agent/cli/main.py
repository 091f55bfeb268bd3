"""``evenkeel``: every command in one place, and the place where an expected failure becomes one line and a status.

A command's module is imported when that command is asked for: reading a book needs no web3, and help needs nothing.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import importlib
import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from agent.cli.stopping import EXIT_INTERRUPTED
from agent.errors import AgentError, DataError, PreflightError, TransientError

PROGRAM = "evenkeel"
COMPLETION_VARIABLE = "_EVENKEEL_COMPLETE"
"""A shell sets it to ask for completions instead of running a command."""
EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_TERMINATED = 143
"""128 + SIGTERM."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_PLAIN_ERRORS = "evenkeel.plain"
_PLAIN = {
    "\N{MINUS SIGN}": "-",
    "±": "+/-",
    "✓": "ok",
    "✗": "no",
    "·": ".",
    "²": "2",
    "…": "...",
    "─": "-",
}
"""What stands for a sign of the tables where the terminal's encoding has no such sign."""


_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
"""Click's ``UsageError``, wherever this version of Typer keeps its Click."""


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
    "backtest": CommandPlace(
        "agent.cli.backtest", "Replay policies, books and bounds over price histories, without a chain."
    ),
    "bounds": CommandPlace("agent.cli.bounds", "Bounds of a vault: suggest."),
    "decide": CommandPlace(
        "agent.cli.decide", "Read the chain once and say what the keeper would do now, and why. Sends nothing."
    ),
    "deploy": CommandPlace(
        "agent.cli.deploy", "A vault on a network: plan, apply, verify, status; market, a stand-in for a live one."
    ),
    "run": CommandPlace("agent.cli.run", "Hedge the book, cycle after cycle, until stopped."),
    "ledger": CommandPlace(
        "agent.cli.ledger",
        "A keeper's records: export to Parquet; impact of own trades on prices; what options cost; acknowledge.",
    ),
    "flatten": CommandPlace(
        "agent.cli.flatten", "Close the hedge by hand, within the bounds: shows the first step, acts with --yes."
    ),
    "gov": CommandPlace(
        "agent.cli.gov",
        "Govern a vault: propose, show, delegate, vote, queue, execute, cancel, veto, tighten, pause, dismiss, close, "
        "call, rescue, resume, list.",
    ),
    "status": CommandPlace(
        "agent.cli.status",
        "Show a vault as it stands: NAV, delta, budgets, hedge, keepers, price, scheduled changes. Needs no key.",
    ),
    "watch": CommandPlace(
        "agent.cli.watch",
        "Read the vault again and again, and page when W stays outside the band. Needs no key and asks no keeper.",
    ),
    "alert": CommandPlace("agent.cli.alert", "Alerts: test."),
    "key": CommandPlace("agent.cli.key", "Keys of keepers: new, grant, rotate."),
    "doctor": CommandPlace(
        "agent.cli.doctor",
        "Check machine, endpoints, vault, key and ledger, and say how to mend what fails. Sends nothing.",
    ),
    "completion": CommandPlace(
        "agent.cli.completion", "Print the script that lets a shell complete commands and options."
    ),
}
"""A module offers the function named like its command, with an ``EXAMPLE``, or a Typer ``app`` of its own."""


class _LazyGroup(TyperGroup):
    """Lists commands without importing them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {
            name: TyperCommand(name, help=place.summary, short_help=place.summary) for name, place in COMMANDS.items()
        }

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
    name=PROGRAM,
    help="Delta hedging for options books, through an on-chain vault whose keeper need not be trusted.",
    cls=_LazyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,  # Rich takes two thirds of the time that the list of commands takes
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


@app.callback()
def _root(
    is_version_asked: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Delta hedging for options books, through an on-chain vault whose keeper need not be trusted."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as an interrupt from the keyboard does."""


def main() -> None:
    """Run the command line.

    Bad input (`DataError`) is one line on standard error and exit status 2, or one line a finding (`PreflightError`);
    any other expected failure, or an output that cannot be written, is one line and exit status 1. What is not expected
    keeps its traceback, because it is a defect.
    """
    try:
        _run()
    except PreflightError as error:
        _fail(error.findings, EXIT_BAD_INPUT)
    except DataError as error:
        _fail([str(error)], EXIT_BAD_INPUT)
    except AgentError as error:
        _fail([str(error)], EXIT_FAILED)
    except BrokenPipeError:
        _drop_output()
        _fail(["standard output was closed before all was written"], EXIT_FAILED)
    except OSError as error:
        _drop_output()
        place = "" if error.filename is None else f"{error.filename}: "
        mend = "; make room or choose another place" if error.errno in _NO_ROOM else ""
        _fail([f"{place}{error.strerror or error}{mend}"], EXIT_FAILED)
    except Terminated:
        _fail(["stopped by SIGTERM"], EXIT_TERMINATED)
    except KeyboardInterrupt:
        _fail(["interrupted"], EXIT_INTERRUPTED)


def _run() -> None:
    """Run the command asked for, and write out all it printed, while a failure can still be told."""
    if sys.stdout is None:
        raise TransientError("standard output is closed; redirect it to a file or to /dev/null")
    codecs.register_error(_PLAIN_ERRORS, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_PLAIN_ERRORS)
    if COMPLETION_VARIABLE in os.environ:
        importlib.import_module("typer.completion").completion_init()
    with _noted_signals() as noted:
        status = _invoke()
    if status == EXIT_INTERRUPTED and noted:
        raise noted[-1]  # Typer answers with the bare status, whichever signal it was
    sys.stdout.flush()
    sys.exit(status if isinstance(status, int) else 0)


def _invoke() -> object:
    try:
        return app(standalone_mode=False)
    except _USAGE_ERROR as error:
        raise DataError(_usage_text(error)) from None
    except typer.Abort as error:
        raise error.__cause__ or KeyboardInterrupt from None


@contextlib.contextmanager
def _noted_signals() -> Iterator[list[KeyboardInterrupt]]:
    """Raise and note what SIGINT, unless it is ignored, and SIGTERM end a command with."""
    noted: list[KeyboardInterrupt] = []

    def stop(number: int, _: object) -> None:
        noted.append(Terminated() if number == signal.SIGTERM else KeyboardInterrupt())
        raise noted[-1]

    numbers = [signal.SIGTERM, *([] if signal.getsignal(signal.SIGINT) == signal.SIG_IGN else [signal.SIGINT])]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _usage_text(error: Any) -> str:
    """Return what is wrong with the arguments, and where help is, in one line."""
    context = error.ctx
    command = PROGRAM if context is None else context.command_path
    if type(error).__name__ == "NoArgsIsHelpError":  # its message is the whole help
        return f"no command is named; '{command} --help' lists them"
    return f"{error.format_message().rstrip('.')}; see '{command} --help'"


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Return plain text for what an encoding lacks: a minus must not get lost on the way to the terminal."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    written = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in written), error.end


def _drop_output() -> None:
    """Let what is left in the buffer go nowhere: Python flushes it once more at exit, and would complain."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _fail(failures: Sequence[str], status: int) -> None:
    """Write one line a failure and end."""
    with contextlib.suppress(OSError):
        for failure in failures:
            typer.echo(f"{PROGRAM}: {' '.join(failure.split())}", err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
