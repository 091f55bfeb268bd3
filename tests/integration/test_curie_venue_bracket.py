"""What the Curie adapter tells while a trade is measured, against what it tells afterwards, in one transaction."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from agent.localnet import artifacts
from agent.localnet.codec import create_address, decode, encode_call, encode_constructor
from agent.localnet.evm import Transaction
from agent.units import WAD
from tests.support.curie_market import (
    GAS,
    GRAIN,
    NO_CEILING,
    NO_FLOOR,
    OPEN_POSITION,
    USDC_UNIT,
    open_market,
    refused_with,
    whole,
)

pytestmark = pytest.mark.chain

MARGIN_USD = 400_000
ROUNDS = 25
RUN = "run(address[],bytes[])"
BATCH_GAS = 15_000_000


@dataclass(frozen=True)
class Account:
    """`IPerpVenue.Account`."""

    size: int
    negative: int
    positive: int
    equity: int
    mark: int
    index: int

    def equity_at(self, price):
        return self.equity + self.size * (price - self.mark) // WAD


class Batch:
    """An adapter whose vault makes several calls in one transaction."""

    def __init__(self, market):
        self.market = market
        self.sender = market.accounts["depositor"]
        self.vault = self._create("CallBatch", artifacts.project("CallBatch"))
        arguments = (self.vault, market.curie.clearing_house, market.curie.base_token)
        code = encode_constructor(artifacts.project("CurieVenue"), "(address,address,address)", arguments)
        self.venue = self._create("CurieVenue", code)

    def _create(self, name, code):
        address = create_address(self.sender, self.market.chain.nonce(self.sender))
        self.market.chain.mine([Transaction(f"creation of {name}", self.sender, None, code, GAS)])
        return address

    def own(self, signature, *arguments):
        """A call to the adapter."""
        return (self.venue, encode_call(signature, *arguments))

    def trade(self, size):
        return self.own("execute(int256,uint256)", size, NO_FLOOR if size < 0 else NO_CEILING)

    def strangers_trade(self, size):
        """A trade of the batch itself, which has margin of its own at the venue."""
        order = (self.market.curie.base_token, size < 0, size < 0, abs(size), 0, 2**256 - 1, 0, bytes(32))
        return (self.market.curie.clearing_house, encode_call(OPEN_POSITION, order))

    def deposit(self, usd):
        units = round(usd * USDC_UNIT)
        return (
            (self.market.usdc, encode_call("mint(address,uint256)", self.vault, units)),
            (self.market.usdc, encode_call("approve(address,uint256)", self.venue, units)),
            self.own("depositMargin(uint256)", units),
        )

    def accounts(self, *calls):
        """The accounts that the calls of `ACCOUNT` among these answer, in a transaction that is not sent."""
        call = {"from": self.sender, "to": self.vault, "data": self._data(calls), "gas": hex(BATCH_GAS)}
        (answers,) = decode("(bytes[])", self.market.chain.rpc.request("eth_call", call, "pending"))
        read = self.account
        return [
            Account(*decode("(int256,int256,int256,int256,uint256,uint256)", "0x" + answer.hex()))
            for made, answer in zip(calls, answers, strict=True)
            if made == read
        ]

    def send(self, *calls):
        self.market.chain.mine([Transaction("batch", self.sender, self.vault, self._data(calls), BATCH_GAS)])

    def _data(self, calls):
        return encode_call(RUN, [target for target, _ in calls], [bytes.fromhex(data[2:]) for _, data in calls])

    @property
    def account(self):
        return self.own("account()")

    @property
    def begin(self):
        return self.own("bracketTrade(bool)", True)

    @property
    def end(self):
        return self.own("bracketTrade(bool)", False)


@pytest.fixture(scope="module")
def batch_of_the_module(tmp_path_factory):
    with open_market(tmp_path_factory.mktemp("curie")) as market:
        batch = Batch(market)
        batch.send(*batch.deposit(MARGIN_USD))
        yield batch


@pytest.fixture
def batch(batch_of_the_module):
    with batch_of_the_module.market.undone():
        yield batch_of_the_module


def assert_same_at_any_price(inside, outside):
    """Inside a measured trade the mark may be another, worse for the position; the account is not."""
    assert (inside.size, inside.negative, inside.positive, inside.index) == (outside.size, 0, 0, outside.index)
    for price in (outside.index, outside.mark, outside.index // 2, outside.index * 2):
        assert abs(inside.equity_at(price) - outside.equity_at(price)) <= GRAIN
    if inside.size:
        assert (inside.mark - outside.mark) * inside.size <= abs(inside.size)  # to the wei


# HEDGE-510
def test_bracket__random_trades_of_every_kind__account_as_it_is_afterwards(batch):
    generator = random.Random(11)
    price_usd = batch.market.localnet.manifest.start_price_usd
    size = 0
    for _ in range(ROUNDS):
        sizes = (-size, whole(generator.uniform(-40, 40)), whole(generator.uniform(-40, 40)))
        trade = generator.choice(sizes) or whole(7)
        calls = [batch.account, batch.begin, batch.account, batch.trade(trade), batch.account, batch.end, batch.account]
        plain, first, inside, outside = batch.accounts(*calls)
        assert first == plain
        assert_same_at_any_price(inside, outside)
        batch.send(*calls)
        size += trade
        assert outside.size == size
        price_usd *= generator.uniform(0.97, 1.03)
        batch.market.step(price_usd, seconds=generator.choice((30, 300, 3_600, 6 * 3_600)))


# HEDGE-510
@pytest.mark.parametrize("trade", [20, -20, -60])
def test_bracket__margin_moves_around_the_trade__account_as_afterwards(batch, trade):
    batch.send(batch.trade(whole(30)))
    batch.market.pass_time(3_600)
    calls = [batch.begin, *batch.deposit(5_000), batch.trade(whole(trade)), batch.account]
    calls += [batch.own("withdrawMargin(uint256)", 7_000 * USDC_UNIT), batch.account, batch.end, batch.account]
    before, inside, outside = batch.accounts(*calls)
    assert_same_at_any_price(inside, outside)
    assert abs(before.equity_at(outside.index) - outside.equity_at(outside.index) - 7_000 * WAD) <= 2 * GRAIN


# HEDGE-510
def test_bracket__liquidated_meanwhile__account_is_valued_anew(batch):
    batch.send(batch.own("withdrawMargin(uint256)", (MARGIN_USD - 20_000) * USDC_UNIT), batch.trade(whole(-50)))
    for price_usd in (3_250.0, 3_350.0, 3_450.0):
        batch.market.step(price_usd)
    pair = (batch.venue, batch.market.curie.base_token)
    liquidation = (batch.market.curie.clearing_house, encode_call("liquidate(address,address)", *pair))
    funds = [
        (batch.market.usdc, encode_call("mint(address,uint256)", batch.vault, MARGIN_USD * USDC_UNIT)),
        (batch.market.usdc, encode_call("approve(address,uint256)", batch.market.curie.vault, MARGIN_USD * USDC_UNIT)),
        (batch.market.curie.vault, encode_call("deposit(address,uint256)", batch.market.usdc, MARGIN_USD * USDC_UNIT)),
    ]
    calls = [*funds, batch.begin, batch.account, liquidation, batch.account, batch.end, batch.account]
    healthy, inside, outside = batch.accounts(*calls)
    assert abs(outside.size) < abs(healthy.size)
    assert inside == outside


# HEDGE-510
@pytest.mark.parametrize("push", [150, -150])
@pytest.mark.parametrize("trade", [15, -15, -45])
def test_bracket__pool_pushed_after_the_trade__mark_errs_against_the_position(batch, trade, push):
    batch.send(
        *batch.deposit(2 * MARGIN_USD),
        (batch.market.usdc, encode_call("mint(address,uint256)", batch.vault, MARGIN_USD * USDC_UNIT)),
        (batch.market.usdc, encode_call("approve(address,uint256)", batch.market.curie.vault, MARGIN_USD * USDC_UNIT)),
        (batch.market.curie.vault, encode_call("deposit(address,uint256)", batch.market.usdc, MARGIN_USD * USDC_UNIT)),
        batch.trade(whole(30)),
    )
    batch.market.pass_time(60)
    calls = [batch.begin, batch.trade(whole(trade)), batch.strangers_trade(whole(push)), batch.account]
    inside, outside = batch.accounts(*calls, batch.end, batch.account)
    assert_same_at_any_price(inside, outside)


# HEDGE-508
def test_bracket__by_anyone_but_the_vault__is_refused(batch):
    stranger = batch.market.accounts["attacker"]
    with refused_with("OnlyVault(address,address)", stranger, batch.vault):
        call = {"from": stranger, "to": batch.venue, "data": batch.begin[1]}
        batch.market.chain.rpc.request("eth_call", call, "latest")
