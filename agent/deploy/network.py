"""What a deployment reads of a network's file: the contracts' sections, what deploys it, and no other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

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

MAX_SETTLEMENT_WINDOW_SECONDS = 3_600
"""``OptionBook.MAX_SETTLEMENT_WINDOW``."""


def _market_kind(written: str) -> str:
    able = sorted(kind for kind, protocol in MARKET_PROTOCOLS.items() if protocol.dollar is None)
    if written not in able:
        raise ValueError(f"choose one of {', '.join(able)}")
    return written


MarketKind = Annotated[str, AfterValidator(_market_kind)]


class DeploySection(Section):
    """``[deploy]``: what the vault stands on and who holds its roles."""

    salt: str = Field(
        min_length=1, max_length=64, description="part of every contract's address: another one gives another vault"
    )
    inputs_path: str = Field(
        default="",
        description="file that names all of the addresses below in their place, as the local chain writes it",
    )
    asset: MarketableAddress = Field(
        default=TODO_ADDRESS, description="collateral: an ERC-20 token of one dollar that takes no fee"
    )
    asset_decimals: Whole = Field(default=6, ge=0, le=24, description="its decimals, compared with the token's own")
    price_feed: MarketableAddress = Field(default=TODO_ADDRESS, description="Chainlink feed of the underlying in USD")
    price_pair: str = Field(
        default="ETH / USD", description="how the price feed's own description begins; another pair is refused"
    )
    secondary_feed: OptionalAddress = Field(
        default=NO_ADDRESS, description="a second feed, whose price has to agree with the first"
    )
    collateral_feed: OptionalAddress = Field(default=NO_ADDRESS, description="feed of the collateral in USD")
    collateral_pair: str = Field(default="USDC / USD", description="how the collateral feed's own description begins")
    sequencer_feed: OptionalAddress = Field(default=NO_ADDRESS, description="uptime feed of a rollup's sequencer")
    underlying_token: RequiredAddress = Field(
        default=TODO_ADDRESS, description="token of the underlying, whose balance can be part of the book"
    )
    underlying_holder: RequiredAddress = Field(
        default=TODO_ADDRESS, description="whose balance of it is part of the book"
    )
    settlement_window_seconds: Whole = Field(
        default=0,
        ge=0,
        le=MAX_SETTLEMENT_WINDOW_SECONDS,
        description="the book's options settle on the average over so long before expiry: 1,800 on Deribit, 0 for the "
        "price at expiry",
    )
    deployer: RequiredAddress = Field(
        default=TODO_ADDRESS, description="sends the deployment and hands it over; holds no role afterwards"
    )
    governor: GovernorAddress = Field(default=TODO_ADDRESS, description="loosens and appoints, after the delay")
    guardian: RequiredAddress = Field(
        default=TODO_ADDRESS, description="tightens, pauses and vetoes at once; another account than the governor"
    )
    keepers: tuple[RequiredAddress, ...] = Field(
        default=(TODO_ADDRESS,),
        min_length=1,
        max_length=3,
        description="who may rebalance within the bounds; three at most",
    )
    members: tuple[RequiredAddress, ...] = Field(
        default=(TODO_ADDRESS,), min_length=1, description="who may deposit and hold shares from the start"
    )
    fee_recipient: OptionalAddress = Field(
        default=NO_ADDRESS, description="gets the fee shares where there is a section [fees]"
    )


class LiveVenue(Section):
    """One venue that is there already."""

    name: str = Field(min_length=1, description="what the venue is called everywhere")
    kind: str = Field(description="its protocol, of agent/venues/registry.py")
    addresses: dict[str, RequiredAddress] = Field(
        description="the protocol's contracts that its adapter needs, by name"
    )
    terms: dict[str, Any] | None = Field(
        default=None,
        description="what cannot be read of the market and is set instead; only of protocols that need it",
    )


class VenueSection(Section):
    """``[venue]``: live venues, or a market to stand in where a testnet has none."""

    deploy: MarketKind | None = Field(
        default=None, description="protocol of the stand-in market that evenkeel deploy market puts up"
    )
    live: tuple[LiveVenue, ...] = Field(default=(), description="venues that are there already, a table each")


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
