"""What ``decide`` and ``run`` start from: a network's configuration and a book, judged by the chain's own clock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from agent.chain.client import ChainClient
from agent.domain import Book
from agent.files.book_file import load_book
from agent.settings import Settings, config_path, load_settings

DEFAULT_NETWORK = "localnet"

BookFile = Annotated[Path, typer.Option("--book", help="Book of positions to hedge: .toml, .csv, .json or .parquet.")]
Network = Annotated[str, typer.Option("--network", help="Name of a file in config/, without .toml.")]
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
    settings = load_settings(config_path(network))
    client = ChainClient(settings.chain)
    try:
        client.require_chain()
        now_unix = client.head(time.time()).timestamp
    finally:
        client.close()
    return settings, load_book(book, now_unix)
