"""A Synthetix market on a running chain: the prices it follows, the orders that anybody may execute, its dollars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import encode as abi_encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from agent.localnet.codec import encode_call
from agent.localnet.evm import LocalChain, Transaction
from agent.localnet.market import Addresses
from agent.localnet.price_feed import PRICE_FEED_DECIMALS, PriceMove, publish
from agent.localnet.synthetix.contracts import PYTH_FEE_WEI, PYTH_FEED_ID, SynthetixAddresses
from agent.units import WAD, Address, AssetUnits, Seconds, Wei, from_wad

ISSUER_BALANCE_WEI = 100_000 * WAD
"""Pays for the gas of what the issuer issues."""

_GAS = 1_000_000
_ORDER_GAS = 4_000_000
_ORDER_SUBMITTED = (
    "0x"
    + keccak(text="DelayedOrderSubmitted(address,bool,int256,uint256,uint256,uint256,uint256,uint256,bytes32)").hex()
)
_ORDER = "(bool,int128,uint128,uint128,uint128,uint128,uint256,uint256,bytes32)"
_ADAPTER_ORDER = "(uint8,int256,int256,uint256,uint256,uint256,uint256,uint256,uint256)"
_ROUND = "(uint80,int256,uint256,uint256,uint80)"
_PRICE_BEYOND_LIMIT = "Price impact exceeded"


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An adapter's order that waits to be executed or cancelled."""

    adapter: Address
    order_id: bytes
    expires_at: Seconds


class SynthetixMarket:
    """Who publishes its prices, and the bot that executes due orders for the adapters that asked for them."""

    def __init__(self, chain: LocalChain, accounts: Addresses, market: Address, price_feed: Address) -> None:
        self._chain = chain
        self._publisher = accounts["publisher"]
        self._bot = accounts["arbitrageur"]
        self._market = market
        self._price_feed = price_feed
        self._askers: dict[Address, None] = {}
        self._next_block = 0

    def schedule(self, answer: AssetUnits, last_unix: Seconds, end_unix: Seconds) -> list[PriceMove]:  # noqa: ARG002
        """Return one publication, however far the price moves."""
        return [PriceMove(end_unix, answer)]

    def follow(self, answer: AssetUnits) -> list[Transaction]:
        """Publish the price on the feed that the market reads."""
        return [publish(self._publisher, self._price_feed, answer)]

    def settle(self) -> list[Transaction]:
        """Return nothing: funding accrues by the second, whoever looks."""
        return []

    def tend(self, at_unix: Seconds) -> list[Transaction]:
        """Execute each order with a price that Pyth publishes at that very time, or cancel it where it has expired."""
        return [self._act_on(order, at_unix) for order in self.open_orders()]

    def price_usd(self) -> float:
        """Return the price on chain."""
        return from_wad(self._chain.call(self._market, "assetPrice()", returns="(uint256,bool)")[0])

    def open_orders(self) -> list[OpenOrder]:
        """Return the orders that Synthetix holds for adapters."""
        found = []
        for account in self._accounts_that_asked():
            if self._chain.call(self._market, "delayedOrders(address)", account, returns=_ORDER)[1] == 0:
                continue
            (order_id,) = self._chain.call(account, "openOrder()", returns="(bytes32)")
            order = self._chain.call(account, "order(bytes32)", order_id, returns=_ADAPTER_ORDER)
            found.append(OpenOrder(account, bytes(order_id), Seconds(order[8])))
        return found

    def _act_on(self, order: OpenOrder, at_unix: Seconds) -> Transaction:
        if at_unix >= order.expires_at:
            cancel = encode_call("cancel(bytes32)", order.order_id)
            return Transaction("cancellation of an order", self._bot, order.adapter, cancel, _ORDER_GAS)
        (_, answer, *_) = self._chain.call(self._price_feed, "latestRoundData()", returns=_ROUND)
        data = settle_data([pyth_update(AssetUnits(answer), at_unix)])
        return Transaction(
            "execution of an order",
            self._bot,
            order.adapter,
            encode_call("settle(bytes32,bytes)", order.order_id, data),
            _ORDER_GAS,
            accepted_reverts=(_PRICE_BEYOND_LIMIT,),
            value_wei=Wei(PYTH_FEE_WEI),
        )

    def _accounts_that_asked(self) -> list[Address]:
        head = self._chain.head().number
        if head >= self._next_block:
            wanted = {
                "address": self._market,
                "fromBlock": hex(self._next_block),
                "toBlock": hex(head),
                "topics": [_ORDER_SUBMITTED],
            }
            for log in self._chain.rpc.request("eth_getLogs", wanted):
                self._askers[Address(to_checksum_address("0x" + log["topics"][1][-40:]))] = None
            self._next_block = head + 1
        return list(self._askers)


def pyth_update(answer: AssetUnits, publish_time: Seconds) -> bytes:
    """Return an update as the double of Pyth takes it: a price in the decimals of the feed, published at a time."""
    price = (int(answer), 0, -PRICE_FEED_DECIMALS, int(publish_time))
    return abi_encode(["bytes32", "(int64,uint64,int32,uint256)"], [PYTH_FEED_ID, price])


def settle_data(updates: Sequence[bytes]) -> bytes:
    """Return updates as the adapter's ``settle`` takes them."""
    return abi_encode(["bytes[]"], [list(updates)])


def issue_susd(chain: LocalChain, synthetix: SynthetixAddresses, to: Address, units: int) -> None:
    """Issue dollars to an account as Synthetix's issuer does, in a block of its own."""
    issuer, rpc = synthetix.issuer, chain.rpc
    rpc.request("anvil_setBalance", issuer, hex(ISSUER_BALANCE_WEI))
    rpc.request("anvil_impersonateAccount", issuer)
    try:
        issue = encode_call("issue(address,uint256)", to, units)
        chain.mine([Transaction("issue of sUSD", issuer, synthetix.synth, issue, _GAS)])
    finally:
        rpc.request("anvil_stopImpersonatingAccount", issuer)
