"""``evenkeel status``: a vault as it stands, on one screen, or all vaults that are configured here."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer

from agent.cli.keeper_inputs import DEFAULT_NETWORK, AsJson, Network
from agent.settings import config_path, load_settings
from agent.status.document import as_document
from agent.status.networks import read_all, read_status
from agent.status.overview import overview_document, overview_lines
from agent.status.screen import as_lines

EXAMPLE = "Example: evenkeel status --network localnet"


def status(
    network: Network = DEFAULT_NETWORK,
    is_all: Annotated[
        bool, typer.Option("--all", help="Every network that is configured and deployed here, a line each.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a vault as it stands: NAV, delta, budgets, hedge, keepers, price, scheduled changes. Needs no key.

    With --all exit status 1 when a vault could not be read; its endpoints are named in EVENKEEL_RPC_URLS_<NETWORK>.
    """
    if is_all:
        networks = read_all(time.time)
        page = json.dumps(overview_document(networks), indent=2, allow_nan=False)
        typer.echo(page if as_json else "\n".join(overview_lines(networks)))
        if any(one.failure is not None for one in networks):
            raise typer.Exit(1)
        return
    seen = read_status(load_settings(config_path(network)), time.time())
    typer.echo(json.dumps(as_document(seen), indent=2, allow_nan=False) if as_json else "\n".join(as_lines(seen)))
