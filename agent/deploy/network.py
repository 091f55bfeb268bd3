"""What a deployment reads of a network's file: the contracts' sections, what deploys it, and no other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from agent.config import Section, Whole
from agent.deploy.addresses import (
    DAO_ADDRESS,
    NO_ADDRESS,
    TODO_ADDRESS,
    GovernorAddress,
    MarketableAddress,
    OptionalAddress,
    RequiredAddress,
)
from agent.deploy.dao import DaoSection
from agent.errors import DataError, PreflightError
from agent.localnet.registry import MARKET_PROTOCOLS
from agent.settings.consistency import queue_contradictions
from agent.settings.file import one_line, read_network_file
from agent.settings.settings import ContractSettings


def _market_kind(written: str) -> str:
    if written not in MARKET_PROTOCOLS:
        raise ValueError(f"choose one of {', '.join(sorted(MARKET_PROTOCOLS))}")
    return written


MarketKind = Annotated[str, AfterValidator(_market_kind)]


class DeploySection(Section):
    """``[deploy]``: what the vault stands on and who holds its roles."""

    salt: str = Field(min_length=1, max_length=64)
    """Part of every contract's address: another one gives another vault."""
    inputs_path: str = ""
    """File that names all of the addresses below in their place, as the local chain writes it."""
    asset: MarketableAddress = TODO_ADDRESS
    asset_decimals: Whole = Field(default=6, ge=0, le=24)
    price_feed: MarketableAddress = TODO_ADDRESS
    price_pair: str = "ETH / USD"
    """How the price feed's own description begins."""
    secondary_feed: OptionalAddress = NO_ADDRESS
    collateral_feed: OptionalAddress = NO_ADDRESS
    collateral_pair: str = "USDC / USD"
    """How the collateral feed's own description begins."""
    sequencer_feed: OptionalAddress = NO_ADDRESS
    underlying_token: RequiredAddress = TODO_ADDRESS
    underlying_holder: RequiredAddress = TODO_ADDRESS
    deployer: RequiredAddress = TODO_ADDRESS
    governor: GovernorAddress = TODO_ADDRESS
    guardian: RequiredAddress = TODO_ADDRESS
    keepers: tuple[RequiredAddress, ...] = Field(default=(TODO_ADDRESS,), min_length=1, max_length=3)
    members: tuple[RequiredAddress, ...] = Field(default=(TODO_ADDRESS,), min_length=1)
    fee_recipient: OptionalAddress = NO_ADDRESS


class LiveVenue(Section):
    """One venue that is there already."""

    name: str = Field(min_length=1)
    kind: str
    addresses: dict[str, RequiredAddress]


class VenueSection(Section):
    """``[venue]``: live venues, or a market to stand in where a testnet has none."""

    deploy: MarketKind | None = None
    """Protocol that ``evenkeel deploy market`` puts up."""
    live: tuple[LiveVenue, ...] = ()


class Network(ContractSettings):
    """What is deployed on one network, and with which parameters."""

    deploy: DeploySection
    venue: VenueSection = VenueSection()
    dao: DaoSection | None = None


def load_network(path: Path, environment: Mapping[str, str] = os.environ) -> Network:
    """Read a network's file; sections of the keeper may be missing.

    Raises
    ------
    DataError
        One line: file, key, what is wrong and how to mend it.
    PreflightError
        Numbers that contradict one another.

    """
    document = read_network_file(path, environment)
    kept = {name: document[name] for name in Network.model_fields if name in document}
    try:
        network = Network.model_validate({**kept, "network": path.stem})
    except ValidationError as error:
        raise DataError(one_line(error, path, Network)) from None
    if found := [*_contradictions(network)]:
        raise PreflightError([f"{path}: {finding}" for finding in found])
    return network


def _contradictions(network: Network) -> Iterator[str]:
    yield from queue_contradictions(network.queue, network.oracle, network.bounds)
    if network.venue.deploy is not None and network.venue.live:
        yield "[venue] deploy and [[venue.live]] exclude one another; remove one"
    if (network.deploy.governor == DAO_ADDRESS) != (network.dao is not None):
        yield f'[deploy] governor "{DAO_ADDRESS}" and [dao] go together; write both or neither'
    if network.dao is not None:
        yield from network.dao.contradictions()
