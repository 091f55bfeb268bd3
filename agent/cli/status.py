"""``evenkeel status``: a vault as it stands, on one screen."""

from __future__ import annotations

import json
import time
from contextlib import closing

import typer

from agent.chain.client import ChainClient
from agent.chain.deployment import load_deployment
from agent.cli.keeper_inputs import DEFAULT_NETWORK, AsJson, Network
from agent.settings import config_path, load_settings
from agent.status.document import as_document
from agent.status.reading import StatusReader
from agent.status.screen import as_lines

EXAMPLE = "Example: evenkeel status --network localnet"


def status(network: Network = DEFAULT_NETWORK, as_json: AsJson = False) -> None:
    """Show a vault as it stands: NAV, delta, budgets, hedge, keepers, price, scheduled changes. Needs no key."""
    settings = load_settings(config_path(network))
    with closing(ChainClient(settings.chain)) as client:
        client.require_chain()
        deployment = load_deployment(settings.chain.manifest_file, settings.chain.chain_id)
        seen = StatusReader(settings, client, deployment).read(client.head(time.time()))
    typer.echo(json.dumps(as_document(seen), indent=2, allow_nan=False) if as_json else "\n".join(as_lines(seen)))
