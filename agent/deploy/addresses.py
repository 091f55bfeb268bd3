"""How an address is written in a network's file: as itself, or as a word for one that is not known there."""

from __future__ import annotations

from typing import Annotated

from eth_utils.address import is_checksum_address
from pydantic import AfterValidator

TODO_ADDRESS = "TODO-address"
"""Stands where an address is not known yet; nothing is deployed before it is replaced."""
NO_ADDRESS = "none"
"""Stands where there is deliberately none."""
MARKET_ADDRESS = "market"
"""Stands where the stand-in market says the address."""
DAO_ADDRESS = "dao"
"""Stands where the Governor of ``[dao]`` is meant."""
NEW_TOKEN = "new"  # noqa: S105  (no secret: the token of votes)
"""Stands where the token of ``[dao.new_token]`` is meant."""


def _or(*words: str) -> AfterValidator:
    """Return the check of an address that may also be one of some words."""

    def check(written: str) -> str:
        if written not in words and not is_checksum_address(written):
            *first, last = words
            raise ValueError(f"write a checksummed address{''.join(f', {word}' for word in first)}, or {last}")
        return written

    return AfterValidator(check)


RequiredAddress = Annotated[str, _or(TODO_ADDRESS)]
OptionalAddress = Annotated[str, _or(TODO_ADDRESS, NO_ADDRESS)]
MarketableAddress = Annotated[str, _or(TODO_ADDRESS, MARKET_ADDRESS)]
GovernorAddress = Annotated[str, _or(TODO_ADDRESS, DAO_ADDRESS)]
TokenAddress = Annotated[str, _or(TODO_ADDRESS, NEW_TOKEN)]
