"""A deployment at hand: a network's file, its addresses, a book, the chain, and the plan that they make."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.chain.client import ChainClient
from agent.deploy.blueprint import Blueprint, draw
from agent.deploy.book_legs import chain_legs, holdings_of
from agent.deploy.inputs import resolve_inputs
from agent.deploy.network import load_network
from agent.deploy.state import ChainState
from agent.domain import Book
from agent.files.book_file import load_book
from agent.settings import config_path
from agent.units import Wad


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a deployment is read from; ``config`` and ``inputs`` None for what the network's name says."""

    network: str
    config: Path | None = None
    inputs: Path | None = None
    book: Path | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """What is to be deployed, and where."""

    blueprint: Blueprint
    state: ChainState
    book: Book | None

    @property
    def holdings(self) -> Wad | None:
        """Return what the book holds of the underlying, None without a book."""
        return None if self.book is None else holdings_of(self.book)


@contextlib.contextmanager
def open_session(sources: Sources, environment: Mapping[str, str] = os.environ) -> Iterator[Session]:
    """Read everything and reach the chain, which must be the one that the file names.

    Raises
    ------
    DataError
        Bad configuration, inputs or book, or another chain.
    TransientError
        The servers do not answer.

    """
    path = sources.config or config_path(sources.network)
    network = load_network(path, environment)
    inputs = resolve_inputs(network, path, sources.inputs)
    with contextlib.closing(ChainClient(network.chain)) as client:
        client.require_chain()
        state = ChainState(client)
        now_unix = state.head().timestamp
        book = None if sources.book is None else load_book(sources.book, now_unix)
        legs = () if book is None else chain_legs(book)
        yield Session(draw(network, inputs, legs), state, book)
