"""``evenkeel deploy``: plan, apply, verify, status, and a market to stand in for a live one on a testnet."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.chain.client import ChainClient
from agent.chain.deployment import load_deployment
from agent.cli.shared_options import REQUIRED, Command, sharing
from agent.config import LONGEST_WAIT_SECONDS
from agent.deploy.approval import require_ready
from agent.deploy.comparison import Check
from agent.deploy.deployer_key import deployer_key
from agent.deploy.execution import StepDone, is_handed_over, remaining
from agent.deploy.explorers import write_explorer_files
from agent.deploy.market import HISTORY_SECONDS, MarketRound, run_market
from agent.deploy.network import load_network
from agent.deploy.plan import as_document, plan_report
from agent.deploy.plan_text import plan_text
from agent.deploy.script import run_script
from agent.deploy.session import Sources, open_session
from agent.deploy.steps import Create
from agent.deploy.verification import verify
from agent.errors import PreflightError
from agent.report.text_table import Column, table_lines
from agent.settings import config_path
from agent.units import Address

EXIT_NOT_AS_PLANNED = 1

app = typer.Typer(
    help="A vault on a network: plan, apply, verify, status; market, a stand-in for a live one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_Network = Annotated[str, typer.Option("--network", help="Name of a file in config/, without .toml.")]
_Config = Annotated[Path | None, typer.Option("--config", help="Read this file in place of config/<network>.toml.")]
_Inputs = Annotated[
    Path | None, typer.Option("--inputs", help="Addresses it stands on (.json), in place of the file's own.")
]
_Book = Annotated[Path | None, typer.Option("--book", help="Book whose options are put on the chain.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def _run(command: Command, values: dict[str, Any], own: dict[str, Any]) -> None:
    network, book, config, inputs, as_json = values.values()
    command(Sources(network, config, inputs, book), as_json, **own)


_on_network = sharing(
    {
        "network": (_Network, REQUIRED),
        "book": (_Book, None),
        "config": (_Config, None),
        "inputs": (_Inputs, None),
        "as_json": (_AsJson, False),
    },
    2,
    _run,
)
"""For commands on a network's sources: ``command(sources, as_json, ...)``."""


@app.command(epilog="Example: evenkeel deploy plan --network sepolia --book examples/book.toml")
@_on_network
def plan(sources: Sources, as_json: bool) -> None:
    """Show every transaction with its cost, every parameter, what can be lost, and the plan's digest. Sends nothing."""
    with open_session(sources) as session:
        report = plan_report(session)
    typer.echo(json.dumps(as_document(report)) if as_json else plan_text(report))
    if report.findings:
        raise PreflightError(report.findings)
    if not as_json:
        typer.echo(f"Apply it: {_command('apply', sources)} --plan {report.digest}")


@app.command(
    epilog="Example: evenkeel deploy apply --network sepolia --book examples/book.toml --plan 0123456789abcdef"
)
@_on_network
def apply(
    sources: Sources,
    as_json: bool,
    plan: Annotated[str, typer.Option("--plan", help="Digest that `evenkeel deploy plan` has shown.")],
) -> None:
    """Send what the plan says and the chain lacks. Stopped at any moment and run again, it goes on where it stopped.

    The deployer's key comes from EVENKEEL_DEPLOYER_KEY, unless the node holds the account.
    """
    with open_session(sources) as session:
        deployer_key(os.environ, Address(session.blueprint.inputs.deployer), session.state)
        require_ready(session, plan)

    def show(done: StepDone) -> None:
        typer.echo(json.dumps(asdict(done)) if as_json else _step_line(done))

    run_script(sources, plan, show)
    if not as_json:
        typer.echo(f"All stands. Compare it with the plan: {_command('verify', sources)}")


@app.command("verify", epilog="Example: evenkeel deploy verify --network sepolia --book examples/book.toml --json")
@_on_network
def verify_command(sources: Sources, as_json: bool) -> None:
    """Compare code, wiring, parameters, roles and powers with the plan, and write the explorers' inputs.

    Exit status 1 when anything differs.
    """
    with open_session(sources) as session:
        chain = session.blueprint.network.chain
        deployment = load_deployment(chain.manifest_file, chain.chain_id)
        checks = verify(session.blueprint, session.state, deployment.block)
        directory = write_explorer_files(session.blueprint)
    differing = [check for check in checks if not check.is_as_planned]
    if as_json:
        document = {"checks": [asdict(check) for check in checks], "differing": len(differing)}
        typer.echo(json.dumps(document | {"explorer_inputs": str(directory)}))
    else:
        typer.echo(_checks_text(checks))
        typer.echo(f"{len(checks)} checks, {len(differing)} differ. Inputs for explorers: {directory}")
    if differing:
        raise typer.Exit(EXIT_NOT_AS_PLANNED)


@app.command(epilog="Example: evenkeel deploy status --network sepolia --book examples/book.toml")
@_on_network
def status(sources: Sources, as_json: bool) -> None:
    """Say which steps are done, which is next, and where everything stands or will stand."""
    with open_session(sources) as session:
        left = remaining(session.blueprint, session.state)
        handed_over = is_handed_over(session.blueprint, session.state)
    rows = [
        {
            "title": step.title,
            "address": step.creation.address if isinstance(step, Create) else None,
            "is_done": wanted is None,
        }
        for step, wanted in left
    ]
    following = next((row["title"] for row in rows if not row["is_done"]), None)
    if as_json:
        typer.echo(json.dumps({"steps": rows, "next": following, "handed_over": handed_over}))
        return
    columns = [Column((heading,), is_figure=False) for heading in ("", "Step", "Address")]
    cells = [("done" if row["is_done"] else "to do", str(row["title"]), str(row["address"] or "")) for row in rows]
    typer.echo("\n".join(table_lines(columns, cells)))
    typer.echo("All is done, and handed over." if following is None else f"Next: {following}")


def _command(name: str, sources: Sources) -> str:
    """Return a command on the same sources, as it is typed."""
    named = {f"--{key}": path for key, path in asdict(sources).items() if path is not None}
    return shlex.join(["evenkeel", "deploy", name, *(str(part) for option in named.items() for part in option)])


def _step_line(done: StepDone) -> str:
    what = "was there" if done.gas_used is None else f"gas {done.gas_used:,}  {done.transaction_hash}"
    return f"{done.number:>2}/{done.count}  {done.title}  {what}"


def _checks_text(checks: Sequence[Check]) -> str:
    return "\n".join(f"{'✓' if check.is_as_planned else '✗'} {check.subject}: {check.found}" for check in checks)


@app.command(epilog="Example: evenkeel deploy market --network sepolia")
def market(
    network: _Network,
    config: _Config = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often the market is looked after.")] = 1,
    interval_seconds: Annotated[
        float, typer.Option(min=0, max=LONGEST_WAIT_SECONDS, help="Wait between two rounds.")
    ] = 60.0,
    as_json: _AsJson = False,
) -> None:
    """Put up a market that stands in for a live one on a testnet, open it half an hour later, and trade it to its feed.

    Its collateral is a test dollar that anyone can mint. The deployer's account plays maker, publisher and trader.
    """
    settings = load_network(config or config_path(network))
    with contextlib.closing(ChainClient(settings.chain)) as client:
        for number in range(rounds):
            if number:
                time.sleep(interval_seconds)
            done = run_market(settings, client, os.environ)
            typer.echo(json.dumps(asdict(done)) if as_json else _market_line(done))


def _market_line(done: MarketRound) -> str:
    line = f"Stand-in market {done.action}: test dollar {done.asset}, feed {done.price_usd:,.2f}, "
    line += f"trades at {done.market_price_usd:,.2f}"
    if done.action == "deployed":
        line += f". Run this again in {HISTORY_SECONDS // 60 + 1} minutes to open it"
    return line
