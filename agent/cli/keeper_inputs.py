"""What ``decide`` and ``run`` start from: a network's configuration and a book, judged by the chain's own clock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from agent.chain.client import ChainClient
from agent.chain.deployment import load_deployment
from agent.domain import Book
from agent.errors import PreflightError
from agent.files.book_file import load_book
from agent.keeper.preflight import gas_token_faults
from agent.settings import Settings, config_path, load_settings

DEFAULT_NETWORK = "localnet"

BookFile = Annotated[Path, typer.Option("--book", help="Book of positions to hedge: .toml, .csv, .json or .parquet.")]
Network = Annotated[
    str,
    typer.Option(
        "--network",
        help="A network by name (config/NAME.toml, or the one of that name in the package), or a .toml file.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def load_inputs(network: str, book: Path) -> tuple[Settings, Book]:
    """Read the configuration, reach the chain, and read the book; a leg has expired when the chain says so.

    Raises
    ------
    DataError
        Bad configuration, another chain, or a book that cannot be trusted.
    TransientError
        The servers do not answer.

    """
    config = config_path(network)
    settings = load_settings(config)
    client = ChainClient(settings.chain)
    try:
        client.require_chain()
        load_deployment(settings.chain.manifest_file, settings.chain.chain_id)
        now_unix = client.head(time.time()).timestamp
    finally:
        client.close()
    positions = load_book(book, now_unix)
    if faults := [*gas_token_faults(settings, config, positions.underlying)]:
        raise PreflightError(faults)
    return settings, positions
