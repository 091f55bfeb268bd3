"""What ``decide`` and ``run`` start from: a network's configuration and a book, of a chain that is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.chain.client import ChainClient
from agent.chain.deployment import load_deployment
from agent.domain import Book
from agent.errors import PreflightError
from agent.files.book_file import load_kept_book
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
    """Read the configuration, reach the chain, and read the book, legs that have expired among it.

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
    finally:
        client.close()
    positions = load_kept_book(book)
    if faults := [*gas_token_faults(settings, config, positions.underlying)]:
        raise PreflightError(faults)
    return settings, positions
