"""A Curie market on a chain of its own, with one adapter whose vault is a plain account."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from agent.localnet import artifacts
from agent.localnet.anvil import free_port
from agent.localnet.codec import create_address, decode, encode_call, encode_constructor, revert_reason
from agent.localnet.curie.actors import record_price
from agent.localnet.curie.contracts import CurieAddresses
from agent.localnet.evm import Transaction
from agent.localnet.price_feed import feed_answer, publish
from agent.localnet.rpc import RpcError
from agent.localnet.session import Localnet, LocalnetSettings
from agent.units import WAD, Address, Seconds, Wad

GAS = 5_000_000
NO_FLOOR = 0
NO_CEILING = 2**255
USDC_UNIT = 10**6
"""Smallest units of one test dollar."""
GRAIN = 10**12
"""One unit of collateral in WAD: Curie's own account values are rounded down to it."""

POSITION_CHANGED = (
    "0x" + keccak(text="PositionChanged(address,address,int256,int256,uint256,int256,int256,uint256)").hex()
)
POSITION = "(int256,uint256,int256,int256,int256)"
OPEN_POSITION = "openPosition((address,bool,bool,uint256,uint256,uint256,uint160,bytes32))"


def curie_addresses(localnet: Localnet) -> CurieAddresses:
    """Return the contracts of the local chain's Curie."""
    return CurieAddresses(**localnet.manifest.venues["curie"])


@dataclass(frozen=True)
class Position:
    """`IPerpVenue.Position`."""

    size: int
    entry_price: int
    margin: int
    unrealised_pnl: int
    funding_accrued: int


@dataclass(frozen=True)
class Execution:
    """`IPerpVenue.Execution` of a filled order."""

    size_delta: int
    price: int
    fee: int


class CurieMarket:
    """The market, and the adapter as its vault sees it. The depositor's account plays the vault."""

    def __init__(self, localnet: Localnet) -> None:
        self.localnet = localnet
        self.chain = localnet.chain
        self.curie = curie_addresses(localnet)
        self.accounts = localnet.manifest.accounts
        self.vault = self.accounts["depositor"]
        self.usdc = localnet.manifest.usdc
        self.venue = self._deploy()

    def _deploy(self) -> Address:
        address = create_address(self.vault, self.chain.nonce(self.vault))
        arguments = (self.vault, self.curie.clearing_house, self.curie.base_token)
        code = encode_constructor(artifacts.project("CurieVenue"), "(address,address,address)", arguments)
        self.chain.mine([Transaction("creation of CurieVenue", self.vault, None, code, GAS)])
        return address

    # --- the adapter ---------------------------------------------------------------------------------------------

    def send(self, signature: str, *arguments: object, sender: Address | None = None) -> int:
        """Send a call to the adapter and return the gas used; `RpcError` with the revert data when it would revert."""
        self.simulate(signature, *arguments, returns="()", sender=sender)
        return self.send_to(self.venue, signature, *arguments, sender=sender or self.vault)

    def send_to(self, to: Address, signature: str, *arguments: object, sender: Address) -> int:
        """Send a call to any contract."""
        work = Transaction(signature, sender, to, encode_call(signature, *arguments), GAS)
        return self.chain.mine([work])[0].gas_used

    def simulate(
        self, signature: str, *arguments: object, returns: str, sender: Address | None = None
    ) -> tuple[Any, ...]:
        """Result of a call to the adapter at the next block, without sending it."""
        call = {"from": sender or self.vault, "to": self.venue, "data": encode_call(signature, *arguments)}
        return decode(returns, self.chain.rpc.request("eth_call", {**call, "gas": hex(GAS)}, "pending"))

    def view(self, signature: str, *arguments: object, returns: str) -> tuple[Any, ...]:
        """Result of a view of the adapter."""
        return self.chain.call(self.venue, signature, *arguments, returns=returns)

    def deposit(self, usd: float) -> None:
        """Give the vault test dollars and have it put them into the venue account."""
        units = round(usd * USDC_UNIT)
        self.send_to(self.usdc, "mint(address,uint256)", self.vault, units, sender=self.vault)
        self.send_to(self.usdc, "approve(address,uint256)", self.venue, units, sender=self.vault)
        self.send("depositMargin(uint256)", units)

    def execute(self, size_delta: int, limit_price: int | None = None) -> Execution:
        """Trade; returns what the adapter reported in its event."""
        if limit_price is None:
            limit_price = NO_FLOOR if size_delta < 0 else NO_CEILING
        self.send("execute(int256,uint256)", size_delta, limit_price)
        found = self.chain.rpc.request("eth_getLogs", {"address": self.venue, "fromBlock": "latest"})
        return Execution(*decode("(int256,uint256,uint256)", found[-1]["data"]))

    def quote(self, size_delta: int) -> tuple[int, int]:
        """Execution price and fee of a trade now; `RpcError` when the adapter cannot tell."""
        price, fee = self.simulate("quote(int256)", size_delta, returns="(uint256,uint256)")
        return price, fee

    def capacity(self, is_long: bool) -> int:
        """Largest size `quote` answers."""
        return int(self.view("capacity(bool)", is_long, returns="(uint256)")[0])

    def position(self) -> Position:
        """The account's position."""
        return Position(*self.view("position()", returns=POSITION))

    def equity(self) -> tuple[int, int]:
        """Lower and higher equity."""
        low, high = self.view("equity()", returns="(int256,int256)")
        return low, high

    # --- the venue itself ----------------------------------------------------------------------------------------

    def venue_value(self, to: Address, signature: str, *arguments: object, returns: str = "(uint256)") -> int:
        """One integer from one of Curie's own getters."""
        return int(self.chain.call(to, signature, *arguments, returns=returns)[0])

    def mark_price(self) -> int:
        """Curie's mark price."""
        return self.venue_value(self.curie.account_balance, "getMarkPrice(address)", self.curie.base_token)

    def index_price(self) -> int:
        """Curie's index price."""
        return self.venue_value(self.curie.base_token, "getIndexPrice(uint256)", 0)

    def venue_fill(self) -> tuple[int, int, int]:
        """Size, notional and fee of the adapter's last trade, as Curie's own event has them."""
        filters = {"address": self.curie.clearing_house, "fromBlock": "latest", "topics": [POSITION_CHANGED]}
        data = self.chain.rpc.request("eth_getLogs", filters)[-1]["data"]
        size, notional, fee, *_ = decode("(int256,int256,uint256,int256,int256,uint256)", data)
        return size, notional, fee

    def trade_as(self, account: Address, size_delta: int) -> None:
        """Trade for another account of the market."""
        is_sell = size_delta < 0
        order = (self.curie.base_token, is_sell, is_sell, abs(size_delta), 0, 2**256 - 1, 0, bytes(32))
        self.send_to(self.curie.clearing_house, OPEN_POSITION, order, sender=account)

    def pass_time(self, seconds: int) -> None:
        """Mine one empty block ``seconds`` later."""
        self.chain.mine([], timestamp=self.chain.head().timestamp + seconds)

    def step(self, price_usd: float, seconds: int = 300) -> None:
        """Move the market to a price."""
        self.localnet.step(price_usd, self.chain.head().timestamp + seconds)

    def publish(self, price_usd: float) -> None:
        """Move the index alone, without anyone trading the pool to it."""
        moment = Seconds(self.chain.head().timestamp + 1)
        publisher, aggregator = self.accounts["publisher"], self.localnet.manifest.chainlink_aggregator
        update = publish(publisher, aggregator, feed_answer(price_usd))
        self.chain.mine([update, record_price(publisher, self.curie)], moment)

    def as_owner(self, to: Address, signature: str, *arguments: object) -> None:
        """Use a right of Curie's owner."""
        self.send_to(to, signature, *arguments, sender=self.accounts["deployer"])

    @contextmanager
    def undone(self) -> Iterator[CurieMarket]:
        """Undo on the chain whatever the block does."""
        snapshot = self.chain.rpc.request("evm_snapshot")
        try:
            yield self
        finally:
            self.chain.rpc.request("evm_revert", snapshot)


@contextmanager
def open_market(state_directory: Path, **settings_of_localnet: Any) -> Iterator[CurieMarket]:
    """Bring up a chain with the market on it."""
    settings = LocalnetSettings(port=free_port(), state_directory=state_directory, **settings_of_localnet)
    with Localnet.up(settings) as localnet:
        yield CurieMarket(localnet)


def whole(size: float) -> Wad:
    """Size in WAD, for sizes with few decimals."""
    return Wad(round(size * 10**6) * (WAD // 10**6))


@contextmanager
def refused_with(signature: str, *arguments: object) -> Iterator[None]:
    """Expect a revert with this custom error and these arguments."""
    with pytest.raises(RpcError) as caught:
        yield
    assert caught.value.data == encode_call(signature, *arguments)


@contextmanager
def refused_by_venue(reason: str) -> Iterator[None]:
    """Expect a revert with one of Curie's own codes."""
    with pytest.raises(RpcError) as caught:
        yield
    assert revert_reason(caught.value.data) == reason


WALK_KINDS = 5
"""Kinds of event that `random_event` knows."""


def random_event(market: CurieMarket, generator: random.Random, kind: int, price_usd: float) -> float:
    """Trade, close, move market or index, or let others trade; return the price after it, USD."""
    match kind:
        case 0:
            market.execute(whole(generator.uniform(-40, 40) or 1.0))
        case 1:
            size = market.position().size
            market.execute(-size if size else whole(-25))
        case 2:
            price_usd *= generator.uniform(0.96, 1.04)
            market.step(price_usd, seconds=generator.choice((30, 300, 3_600)))
        case 3:
            price_usd *= generator.uniform(0.98, 1.02)
            market.publish(price_usd)
        case 4:
            market.trade_as(market.accounts["arbitrageur"], whole(generator.uniform(-100, 100)))
            market.pass_time(generator.choice((1, 60, 6 * 3_600)))
    return price_usd
