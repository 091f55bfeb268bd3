"""What the local chain asks of a protocol: to be deployed, opened, and moved to a price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from agent.localnet.deployer import Deployer
from agent.localnet.evm import LocalChain, Transaction
from agent.localnet.price_feed import PriceMove
from agent.units import Address, AssetUnits, Seconds

Addresses = Mapping[str, Address]
"""A protocol's contracts, by name."""


@dataclass(frozen=True, slots=True)
class MarketOpening:
    """What a market is opened with."""

    answer: AssetUnits
    """Price at the opening, in the decimals of the feed."""
    start_price_usd: float
    depth_size_underlying: float
    depth_slippage_bps: float
    """Selling ``depth_size_underlying`` at the opening executes this far below the price, fee excluded."""
    low_ratio: float
    high_ratio: float
    """Range of the maker's liquidity, ratio to the opening price."""
    exchange_fee_bps: float


class Dollar(Protocol):
    """The collateral of every venue of one chain."""

    @property
    def address(self) -> Address:
        """Its contract."""
        ...

    @property
    def decimals(self) -> int:
        """Of its units."""
        ...

    def mint(self, to: Address, units: AssetUnits) -> Transaction:
        """Return what gives an account ``units`` of it, ahead of what the account does in the same block."""
        ...


class DollarOfProtocol(Protocol):
    """What a protocol says of a dollar of its own, which nobody else can issue."""

    @property
    def name(self) -> str:
        """Of its contract, among those that `MarketProtocol.deploy` returns."""
        ...

    def of(self, addresses: Addresses) -> Dollar:
        """Return the dollar of a deployment."""
        ...


class Market(Protocol):
    """One protocol's market on a running chain; transactions are sent by the session, in one block a move."""

    def schedule(self, answer: AssetUnits, last_unix: Seconds, end_unix: Seconds) -> list[PriceMove]:
        """Split a move to ``answer`` into publications that the protocol accepts, the last one not after the end."""
        ...

    def follow(self, answer: AssetUnits) -> list[Transaction]:
        """Take in the published price and trade to it."""
        ...

    def settle(self) -> list[Transaction]:
        """Settle what has accrued, funding for one."""
        ...

    def tend(self, at_unix: Seconds) -> list[Transaction]:
        """Do at a time what the protocol leaves to anybody: execute what is due, cancel what has lapsed."""
        ...

    def price_usd(self) -> float:
        """Return the price the market trades at."""
        ...


class MarketProtocol(Protocol):
    """One protocol, ready to be deployed beside others."""

    @property
    def address_names(self) -> frozenset[str]:
        """Names of all the contracts that `deploy` returns."""
        ...

    @property
    def dollar(self) -> DollarOfProtocol | None:
        """Its own collateral, where it takes no other; then every venue of the chain has that one."""
        ...

    def deploy(
        self, chain: LocalChain, deployer: Deployer, collateral: Address, aggregator: Address, opening: MarketOpening
    ) -> dict[str, Address]:
        """Deploy the protocol with one market and return its contracts by name."""
        ...

    def populate(
        self, accounts: Addresses, addresses: Addresses, dollar: Dollar, opening: MarketOpening
    ) -> list[Transaction]:
        """Return what makes the market liquid: margin, the maker's quotes."""
        ...

    def market(self, chain: LocalChain, accounts: Addresses, addresses: Addresses) -> Market:
        """Return the market of a running chain."""
        ...

    def depth_note(self, opening: MarketOpening, underlying: str) -> str:
        """Say what the market is made of, beyond what its quotes show."""
        ...
