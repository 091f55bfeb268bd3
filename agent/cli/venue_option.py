"""The option that names the protocols of a local chain."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.localnet.registry import DEFAULT_KINDS, MARKET_PROTOCOLS
from agent.localnet.world import require_kinds

DEFAULT_VENUES = ",".join(DEFAULT_KINDS)
Venues = Annotated[
    str,
    typer.Option(
        "--venue",
        help=f"Where to hedge, with commas between several, which share one dollar: {', '.join(MARKET_PROTOCOLS)}.",
    ),
]


def kinds_of(written: str) -> tuple[str, ...]:
    """Return the protocols that the option names; raises `DataError` as `require_kinds` does."""
    kinds = tuple(kind.strip() for kind in written.split(","))
    require_kinds(kinds)
    return kinds
