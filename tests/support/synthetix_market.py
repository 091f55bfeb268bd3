"""The ETH market of Synthetix Perps V2 on a chain of its own, with one adapter whose vault is a stand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from eth_utils.crypto import keccak

from agent.localnet import artifacts
from agent.localnet.codec import create_address, decode, encode_call, encode_constructor, revert_reason
from agent.localnet.deployer import Deployer
from agent.localnet.evm import Transaction
from agent.localnet.price_feed import PRICE_FEED_DECIMALS, feed_answer, publish
from agent.localnet.rpc import RpcError
from agent.localnet.synthetix.contracts import MARKET_KEY, PYTH_FEE_WEI, deploy, key, live_parameters
from agent.localnet.synthetix.market import issue_susd, pyth_update, settle_data
from agent.units import WAD, Address, Seconds
from benchmarks.evm import BenchmarkChain, compile_sources, local_chain

GAS = 10_000_000
START_PRICE_USD = 3_000.0
KEEPER_DEPOSIT = 4 * WAD
MAX_AGE = 30
"""Seconds in which an order may be executed."""
NO_FLOOR = 0
NO_CEILING = 2**128 - 1
NONE, PENDING, FILLED, CANCELLED, EXPIRED, PARTLY_FILLED, FROZEN = range(7)
"""`IPerpVenue.OrderStatus`."""

POSITION_MODIFIED = (
    "0x" + keccak(text="PositionModified(uint256,address,uint256,int256,int256,uint256,uint256,uint256,int256)").hex()
)
ORDER_UPDATED = "0x" + keccak(text="OrderUpdated(bytes32,uint8,int256,uint256,uint256)").hex()
STAND = "tests/contracts/support/VaultStand.sol"
CURIOUS = "tests/contracts/support/CuriousPyth.sol"
ACCOUNT = "(int256,int256,int256,int256,uint256,uint256,uint256,uint256,uint256)"
EXECUTION = "(uint8,bytes32,int256,uint256,uint256)"
ORDER = "(uint8,int256,int256,uint256,uint256,uint256,uint256,uint256,uint256)"
POSITION = "(int256,uint256,int256,int256,int256)"
VENUE_POSITION = "(uint64,uint64,uint128,uint128,int128)"
VENUE_ORDER = "(bool,int128,uint128,uint128,uint128,uint128,uint256,uint256,bytes32)"
PARAMETERS = "(" + ",".join(["uint256"] * 16 + ["bytes32"] + ["uint256"] * 5) + ")"
SET_PARAMETERS = f"setParameters(bytes32,{PARAMETERS})"


@dataclass(frozen=True)
class Account:
    """`IPerpVenue.Account`."""

    size: int
    pending_negative: int
    pending_positive: int
    equity: int
    mark_price: int
    index_price: int
    pending_floor: int
    pending_ceiling: int
    pending_fee: int


@dataclass(frozen=True)
class Execution:
    """`IPerpVenue.Execution`."""

    status: int
    order_id: bytes
    size_delta: int
    price: int
    fee: int


@dataclass(frozen=True)
class Order:
    """`IPerpVenue.Order`."""

    status: int
    size_delta: int
    filled: int
    limit_price: int
    price: int
    fee: int
    max_fee: int
    requested_at: int
    expires_at: int


@dataclass(frozen=True)
class Position:
    """`IPerpVenue.Position`."""

    size: int
    entry_price: int
    margin: int
    unrealised_pnl: int
    funding_accrued: int


@dataclass(frozen=True)
class VenueTrade:
    """`PositionModified`, Synthetix's own word of a trade."""

    margin: int
    size: int
    size_delta: int
    price: int
    funding_index: int
    fee: int
    skew: int


class SynthetixMarket:
    """The market, and the adapter as its vault sees it."""

    def __init__(self, evm: BenchmarkChain, adapter: str = "SynthetixV2Venue") -> None:
        self.chain = evm.chain
        self.chain.use_deterministic_time()
        self.accounts = self.chain.accounts()
        deployer = Deployer(self.chain, self.accounts["deployer"])
        code = artifacts.project("RoundAggregatorDouble")
        first_answer = feed_answer(START_PRICE_USD)
        self.aggregator = deployer.create(
            "RoundAggregatorDouble", code, "(uint8,int256)", PRICE_FEED_DECIMALS, first_answer
        )
        self.synthetix = deploy(self.chain, deployer, self.aggregator)
        self.stranger, self.keeper = self.accounts["attacker"], self.accounts["keeper"]
        self.vault = self._deploy_vault(evm)
        self.venue = self.deploy_adapter(adapter, self.vault)

    def _deploy_vault(self, evm: BenchmarkChain) -> Address:
        """Create the stand that plays the vault."""
        stand = evm.deploy(STAND, "VaultStand")
        self.impersonate(stand)
        self.curious_oracle = evm.deploy(CURIOUS, "CuriousPyth")
        return stand

    def deploy_adapter(self, name: str, vault: Address) -> Address:
        """Create an adapter of the market for a vault."""
        owner = self.accounts["deployer"]
        address = create_address(owner, self.chain.nonce(owner))
        arguments = (vault, self.synthetix.market, self.synthetix.resolver)
        code = encode_constructor(artifacts.project(name), "(address,address,address)", arguments)
        self.chain.mine([Transaction(f"creation of {name}", owner, None, code, GAS)])
        return address

    def impersonate(self, account: Address) -> None:
        """Let the node send as an account that nobody has the key of."""
        self.chain.rpc.request("anvil_setBalance", account, hex(1_000 * WAD))
        self.chain.rpc.request("anvil_impersonateAccount", account)

    # --- the adapter ---------------------------------------------------------------------------------------------

    def send(
        self, signature: str, *arguments: object, sender: Address | None = None, at: int | None = None, value: int = 0
    ) -> int:
        """Send a call to the adapter and return the gas used; `RpcError` with the revert data when it reverts."""
        return self.send_to(self.venue, signature, *arguments, sender=sender or self.vault, at=at, value=value)

    def send_to(
        self, to: Address, signature: str, *arguments: object, sender: Address, at: int | None = None, value: int = 0
    ) -> int:
        """Send a call to any contract, in a block at a time; `RpcError` with the revert data when it reverts."""
        rpc = self.chain.rpc
        rpc.request("evm_setAutomine", False)  # what mines by itself answers before it is done
        call = {"from": sender, "to": to, "data": encode_call(signature, *arguments), "gas": hex(GAS)}
        hash_ = rpc.request("eth_sendTransaction", call | {"value": hex(value)})
        if at is not None:
            rpc.request("evm_setNextBlockTimestamp", at)
        rpc.request("evm_mine")
        receipt = rpc.request("eth_getTransactionReceipt", hash_)
        if receipt["status"] != "0x1":  # it has changed nothing, so a call at its time fails for the same reason
            rpc.request("eth_call", call | {"value": hex(value)}, "latest", {}, {"time": hex(self.now())})
            raise AssertionError(f"{signature} failed, and does not when it is called again")
        return int(receipt["gasUsed"], 16)

    def simulate(
        self, signature: str, *arguments: object, returns: str, sender: Address | None = None
    ) -> tuple[Any, ...]:
        """Result of a call to the adapter at the head, without sending it."""
        call = {"from": sender or self.vault, "to": self.venue, "data": encode_call(signature, *arguments)}
        return decode(returns, self.chain.rpc.request("eth_call", {**call, "gas": hex(GAS)}, "latest"))

    def view(self, signature: str, *arguments: object, returns: str) -> tuple[Any, ...]:
        """Result of a view of the adapter at the head."""
        return self.simulate(signature, *arguments, returns=returns)

    def account(self) -> Account:
        """The account as the vault is told it."""
        return Account(*self.view("account()", returns=ACCOUNT))

    def position(self) -> Position:
        """The position."""
        return Position(*self.view("position()", returns=POSITION))

    def order(self, order_id: bytes) -> Order:
        """An order as the venue's state has it now."""
        return Order(*self.view("order(bytes32)", order_id, returns=ORDER))

    def open_order(self) -> bytes:
        """Id of the open order."""
        return bytes(self.view("openOrder()", returns="(bytes32)")[0])

    def quote(self, size_delta: int) -> tuple[int, int]:
        """Price and fee of a trade now."""
        price, fee = self.view("quote(int256)", size_delta, returns="(uint256,uint256)")
        return price, fee

    def free(self) -> int:
        """Free collateral."""
        return int(self.view("freeCollateral()", returns="(uint256)")[0])

    def deposit(self, usd: float) -> None:
        """Give the vault dollars and have it put them into the account."""
        units = round(usd * 10**6) * 10**12
        issue_susd(self.chain, self.synthetix, self.vault, units)
        self.send_to(self.synthetix.susd, "approve(address,uint256)", self.venue, units, sender=self.vault)
        self.send("depositMargin(uint256)", units)

    def ask(self, size_delta: int, limit_price: int | None = None) -> bytes:
        """Ask for a trade; returns the id of the order that is open now."""
        if limit_price is None:
            limit_price = NO_FLOOR if size_delta < 0 else NO_CEILING
        self.send("execute(int256,uint256)", size_delta, limit_price)
        return self.open_order()

    def update(self, price_usd: float, at: int) -> bytes:
        """Return what `settle` takes: one price of Pyth's, published at a time."""
        return settle_data([pyth_update(feed_answer(price_usd), Seconds(at))])

    def settle(
        self,
        order_id: bytes,
        price_usd: float,
        at: int | None = None,
        published_at: int | None = None,
        sender: Address | None = None,
        value: int = PYTH_FEE_WEI,
    ) -> int:
        """Have an order executed at a price of Pyth's, five seconds after the head unless told otherwise."""
        at = at or self.now() + 5
        data = self.update(price_usd, published_at or at)
        return self.send("settle(bytes32,bytes)", order_id, data, sender=sender or self.stranger, at=at, value=value)

    def trade(self, size_delta: int, price_usd: float | None = None) -> Order:
        """Ask for a trade and have it executed; returns the order."""
        order_id = self.ask(size_delta)
        self.settle(order_id, self.price_usd() if price_usd is None else price_usd)
        return self.order(order_id)

    def call_with(self, call: dict[str, str], signature: str, *arguments: object) -> tuple[Any, ...]:
        """Return the execution that a call to the adapter would answer with at the head's time."""
        call = call | {"data": encode_call(signature, *arguments)}
        answer = self.chain.rpc.request("eth_call", call, "latest", {}, {"time": hex(self.now())})
        return decode(EXECUTION, answer)

    def gas_of(self, signature: str) -> int:
        """Gas that a view of the adapter takes, storage cold, with what any transaction pays at first."""
        call = {"to": self.venue, "data": encode_call(signature)}
        return int(self.chain.rpc.request("eth_estimateGas", call), 16)

    def events(self, event: str) -> list[str]:
        """Return the data of the adapter's events of one kind in the head."""
        filters = {"address": self.venue, "fromBlock": "latest", "topics": ["0x" + keccak(text=event).hex()]}
        return [log["data"] for log in self.chain.rpc.request("eth_getLogs", filters)]

    def last_order_update(self) -> tuple[Any, ...]:
        """The adapter's last word of an order, as its event in the head has it."""
        filters = {"address": self.venue, "fromBlock": "latest", "topics": [ORDER_UPDATED]}
        log = self.chain.rpc.request("eth_getLogs", filters)[-1]
        return (bytes.fromhex(log["topics"][1][2:]), *decode("(uint8,int256,uint256,uint256)", log["data"]))

    # --- the venue itself ----------------------------------------------------------------------------------------

    def venue_view(self, signature: str, *arguments: object, returns: str) -> tuple[Any, ...]:
        """Result of one of the market's own views."""
        return self.chain.call(self.synthetix.market, signature, *arguments, returns=returns)

    def remaining_margin(self) -> int:
        """Synthetix's own figure of what the account is worth, order's deposit apart."""
        return int(self.venue_view("remainingMargin(address)", self.venue, returns="(uint256,bool)")[0])

    def venue_position(self) -> tuple[int, ...]:
        """Id, funding index, margin, last price and size."""
        return tuple(self.venue_view("positions(address)", self.venue, returns=VENUE_POSITION))

    def venue_order(self) -> tuple[Any, ...]:
        """The order that Synthetix has of the account."""
        return self.venue_view("delayedOrders(address)", self.venue, returns=VENUE_ORDER)

    def venue_trade(self) -> VenueTrade:
        """The last trade in the head, as Synthetix's event has it."""
        filters = {"address": self.synthetix.market, "fromBlock": "latest", "topics": [POSITION_MODIFIED]}
        found = [
            VenueTrade(*decode("(uint256,int256,int256,uint256,uint256,uint256,int256)", log["data"]))
            for log in self.chain.rpc.request("eth_getLogs", filters)
        ]
        return [trade for trade in found if trade.size_delta != 0][-1]

    def execute_elsewhere(self, price_usd: float, at: int | None = None, sender: Address | None = None) -> None:
        """Have the order executed at Synthetix itself, past the adapter; the keeper's deposit goes to who does it."""
        at = at or self.now() + 5
        update = pyth_update(feed_answer(price_usd), Seconds(at))
        execute = ("executeOffchainDelayedOrder(address,bytes[])", self.venue, [update])
        self.send_to(self.synthetix.market, *execute, sender=sender or self.stranger, at=at, value=PYTH_FEE_WEI)

    def cancel_elsewhere(self) -> None:
        """Have a stale order cancelled at Synthetix itself."""
        at = self.venue_order()[7] + MAX_AGE + 1
        cancel = ("cancelOffchainDelayedOrder(address)", self.venue)
        self.send_to(self.synthetix.market, *cancel, sender=self.stranger, at=max(at, self.now() + 1))

    def fund_stranger(self, usd: int = 50_000_000) -> None:
        """Give a stranger margin to trade with."""
        issue_susd(self.chain, self.synthetix, self.stranger, usd * WAD)
        self.send_to(self.synthetix.market, "transferMargin(int256)", usd * WAD, sender=self.stranger)

    def trade_as_stranger(self, size_delta: int) -> None:
        """Trade at once for somebody else, whatever the fee: it moves the skew."""
        limit = NO_FLOOR if size_delta < 0 else NO_CEILING
        self.send_to(self.synthetix.market, "modifyPosition(int256,uint256)", size_delta, limit, sender=self.stranger)

    def publish(self, price_usd: float, seconds: int = 1) -> None:
        """Move the price on chain."""
        work = publish(self.accounts["publisher"], self.aggregator, feed_answer(price_usd))
        self.chain.mine([work], Seconds(self.now() + seconds))

    def price_usd(self) -> float:
        """The price on chain."""
        return float(self.venue_view("assetPrice()", returns="(uint256,bool)")[0] / WAD)

    def liquidate(self) -> None:
        """Flag the account, and take its position."""
        self.flag()
        self.send_to(self.synthetix.market, "liquidatePosition(address)", self.venue, sender=self.stranger)

    def flag(self) -> None:
        """Flag the account for liquidation."""
        self.send_to(self.synthetix.market, "flagPosition(address)", self.venue, sender=self.stranger)

    def set_parameters(self, **changes: str) -> None:
        """Change the market's parameters, as Synthetix's owner."""
        settings = self.synthetix.market_settings
        self.as_owner(settings, SET_PARAMETERS, key(MARKET_KEY), live_parameters(**changes))

    def as_owner(self, to: Address, signature: str, *arguments: object) -> None:
        """Use a right of Synthetix's owner."""
        self.send_to(to, signature, *arguments, sender=self.accounts["deployer"])

    def balance(self, account: Address) -> int:
        """Dollars that an account holds."""
        returns = self.chain.call(self.synthetix.susd, "balanceOf(address)", account, returns="(uint256)")
        return int(returns[0])

    def now(self) -> int:
        """Time of the head."""
        return int(self.chain.rpc.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def pass_time(self, seconds: int) -> None:
        """Mine one empty block ``seconds`` later."""
        self.chain.mine([], Seconds(self.now() + seconds))

    @contextmanager
    def undone(self) -> Iterator[SynthetixMarket]:
        """Undo on the chain whatever the block does."""
        snapshot = self.chain.rpc.request("evm_snapshot")
        try:
            yield self
        finally:
            self.chain.rpc.request("evm_revert", snapshot)


def value_range(account: Account, width_bps: int = 50) -> tuple[int, int]:
    """Return lowest and highest equity as `VenueValuation` takes them without an oracle's price."""
    price, sold, bought = account.mark_price, account.pending_negative, account.pending_positive
    width = price * width_bps // 10_000
    ends, found_low, found_high = (price - width, price + width), [], []
    for end in ends:
        for sells in (0, 1):
            for buys in (0, 1):
                held = account.size * (end - price)
                worst = sells * sold * (end - account.pending_floor) + buys * bought * (end - account.pending_ceiling)
                best_sale, best_purchase = max(account.pending_floor, ends[1]), min(account.pending_ceiling, ends[0])
                best = sells * sold * (end - best_sale) + buys * bought * (end - best_purchase)
                found_low.append(held + worst)
                found_high.append(held + best)
    low = account.equity + min(found_low) // WAD - account.pending_fee
    return low, account.equity - (-max(found_high) // WAD)


@contextmanager
def open_market(adapter: str = "SynthetixV2Venue") -> Iterator[SynthetixMarket]:
    """Bring up a chain with the market on it, and an adapter of that name."""
    compile_sources(STAND, CURIOUS)
    with local_chain() as evm:
        yield SynthetixMarket(evm, adapter)


@contextmanager
def refused_by_venue(reason: str) -> Iterator[None]:
    """Expect a revert with one of Synthetix's own reasons."""
    with pytest.raises(RpcError) as caught:
        yield
    assert revert_reason(caught.value.data) == reason
