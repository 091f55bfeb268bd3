"""HEDGE-487 .. HEDGE-491: the delta of positions in Lyra's own contracts, against its Greeks and what it pays out."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from agent.localnet.codec import decode, encode_call
from agent.localnet.evm import Transaction
from agent.localnet.rpc import RpcError
from agent.products.european import black76_delta
from agent.units import SECONDS_PER_YEAR, WAD, Address
from benchmarks.evm import BenchmarkChain, compile_sources, local_chain
from tests.support import lyra_market
from tests.support.curie_market import refused_with
from tests.support.lyra_market import (
    LONG_CALL,
    LONG_PUT,
    SHORT_CALL_BASE,
    SHORT_CALL_QUOTE,
    SHORT_PUT_QUOTE,
    LyraMarket,
)

pytestmark = pytest.mark.chain

ACCESS = "contracts/governance/VaultAccess.sol"
SOURCE = "contracts/book/LyraOptions.sol"
METER = "benchmarks/contracts/BookMeter.sol"
SPOT_USD = 1_742.01337
SPOT = round(SPOT_USD * 10**5) * WAD // 10**5
CONSTRUCTOR = "(address,address,address,address,(uint256,uint256,uint256,uint256))"
IV_TOLERANCE = 0.1
CARRY_TOLERANCE = 0.1
LIMITS = (WAD // 2, 2 * WAD, WAD // 10, WAD // 10)
WIDENING = 2e-10


class LyraBook:
    """The market, and the source that reads the trader's positions in it."""

    def __init__(self, chain: BenchmarkChain) -> None:
        self.evm = chain
        self.chain = chain.chain
        self.market = LyraMarket(chain.chain, SPOT_USD)
        self.governor = chain.account
        access = chain.deploy(ACCESS, "VaultAccess", "(address)", chain.account)
        market, token = (self.market.contracts[name].address for name in ("OptionMarket", "OptionToken"))
        arguments = (access, market, token, self.market.trader, LIMITS)
        self.source = chain.deploy(SOURCE, "LyraOptions", CONSTRUCTOR, *arguments)

    def open(self, strike: int, kind: int, size: float, collateral: float = 0) -> int:
        """Open a position and list it."""
        position = self.market.open(strike, kind, size, collateral)
        self.send("addOwnPosition(uint256)", position, sender=self.market.trader)
        return position

    def send(self, signature: str, *arguments: object, sender: Address | None = None) -> None:
        """Send a call to the source; `RpcError` with the revert data when it would revert."""
        data, sender = encode_call(signature, *arguments), sender or self.governor
        self.chain.rpc.request("eth_call", {"from": sender, "to": self.source, "data": data}, "latest")
        self.chain.mine([Transaction(signature, sender, self.source, data, lyra_market.GAS)])

    def interval(self, price: int = SPOT) -> tuple[float, float]:
        """The source's interval, in units of the underlying."""
        low, high = self.chain.call(self.source, "deltaInterval(uint256)", price, returns="(int256,int256)")
        return low / WAD, high / WAD

    def listed(self) -> int:
        """How many positions are listed."""
        return len(self.chain.call(self.source, "positionIds()", returns="(uint256[])")[0])


@pytest.fixture(scope="module")
def lyra() -> Iterator[LyraBook]:
    compile_sources(ACCESS, SOURCE, METER)
    with local_chain() as chain:
        yield LyraBook(chain)


@pytest.fixture
def book(lyra: LyraBook) -> Iterator[LyraBook]:
    """The market as it was opened, whatever other tests did to it."""
    snapshot = lyra.chain.rpc.request("evm_snapshot")
    yield lyra
    lyra.chain.rpc.request("evm_revert", snapshot)


def call_delta(book: LyraBook, strike: int, iv: float, rate: float, left: int | None = None) -> float:
    """Black-Scholes call delta with the forward at ``rate``, by the agent's own formula."""
    years = (left or book.market.expiry() - book.chain.head().timestamp) / SECONDS_PER_YEAR
    forward = SPOT_USD * math.exp(rate * years)
    return float(black76_delta(True, forward, float(lyra_market.STRIKES_USD[strike]), years, iv))


# HEDGE-487
def test_lyra__long_call_and_short_put__interval_holds_lyras_greeks(book: LyraBook) -> None:
    book.open(1, LONG_CALL, 10)
    book.open(2, SHORT_PUT_QUOTE, 5, 9_000)
    call, _ = book.market.lyra_greeks(1)
    _, put = book.market.lyra_greeks(2)
    low, high = book.interval()
    assert low <= 10 * call - 5 * put <= high
    assert 7 < low < high < low + 1


# HEDGE-487
@pytest.mark.parametrize("strike", [0, 1, 2])
@pytest.mark.parametrize(
    ("kind", "sign", "is_call"),
    [(LONG_CALL, 1, True), (LONG_PUT, 1, False), (SHORT_CALL_QUOTE, -1, True), (SHORT_PUT_QUOTE, -1, False)],
)
def test_lyra__each_kind_of_option__interval_is_black_76_at_its_edges(
    book: LyraBook, strike: int, kind: int, sign: int, is_call: bool
) -> None:
    book.open(strike, kind, 2, 0 if sign > 0 else 4_500)
    iv = book.market.volatility(strike)
    deltas = [
        sign * 2 * (call_delta(book, strike, iv + step * IV_TOLERANCE, rate) - (not is_call))
        for step in (-1, -0.5, 0, 0.5, 1)
        for rate in (-CARRY_TOLERANCE, 0.0, lyra_market.RATE, CARRY_TOLERANCE)
    ]
    low, high = book.interval()
    assert low <= min(deltas) < max(deltas) <= high
    assert low == pytest.approx(min(deltas), abs=1e-3)
    assert high == pytest.approx(max(deltas), abs=1e-3)


# HEDGE-488
def test_lyra__base_collateral_of_a_short_call__counts_one_for_one(book: LyraBook) -> None:
    book.open(1, SHORT_CALL_BASE, 4, 3)
    call, _ = book.market.lyra_greeks(1)
    low, high = book.interval()
    assert low <= 3 - 4 * call <= high
    assert high - low < 0.5


# HEDGE-488
def test_lyra__base_collateral_after_settlement__is_what_lyra_pays_back(book: LyraBook) -> None:
    position = book.open(1, SHORT_CALL_BASE, 4, 3)
    book.market.pass_time_to(book.market.expiry())
    book.market.set_spot(1_900)
    book.market.settle()
    low, high = book.interval()
    before = book.market.view("base", "balanceOf", book.market.trader)[0]
    book.market.settle_positions([position])
    paid = (book.market.view("base", "balanceOf", book.market.trader)[0] - before) / WAD
    assert 2 < paid < 3
    assert low == pytest.approx(paid, abs=1e-15)
    assert high == pytest.approx(paid, abs=1e-15)
    assert book.interval() == (0, 0)


# HEDGE-489
def test_lyra__partly_then_wholly_closed__follows_the_position(book: LyraBook) -> None:
    position = book.open(1, LONG_CALL, 10)
    whole, _ = book.interval()
    book.market.close(1, LONG_CALL, 5, position)
    half, _ = book.interval()
    assert half == pytest.approx(whole / 2, rel=0.02)
    book.market.close(1, LONG_CALL, 5, position)
    assert book.interval() == (0, 0)
    book.send("removeBurntPosition(uint256)", position, sender=book.chain.accounts()["attacker"])
    assert book.listed() == 0


# HEDGE-489
def test_lyra__position_transferred_away__counts_zero(book: LyraBook) -> None:
    position = book.open(1, LONG_CALL, 10)
    other = book.chain.accounts()["spare"]
    trader = book.market.trader
    book.market.send("OptionToken", "transferFrom", trader, other, position, sender=trader)
    assert book.interval() == (0, 0)
    with refused_with("PositionNotBurnt(uint256,address)", position, other):
        book.send("removeBurntPosition(uint256)", position)


# HEDGE-490
def test_lyra__expired_but_not_settled__is_taken_as_in_its_last_second(book: LyraBook) -> None:
    book.open(0, LONG_CALL, 10)
    book.open(2, LONG_CALL, 7)
    book.open(2, SHORT_PUT_QUOTE, 5, 9_000)
    book.market.pass_time_to(book.market.expiry() + lyra_market.DAY)
    # In the money: the call of 1,500 and the put of 2,000. Their payoff still moves with the spot.
    assert book.interval() == pytest.approx((15, 15), abs=1e-6)
    assert book.interval(1_000 * WAD) == pytest.approx((5, 5), abs=1e-6)
    assert book.interval(3_000 * WAD) == pytest.approx((17, 17), abs=1e-6)


# HEDGE-490
def test_lyra__second_of_expiry__whole_in_the_money_half_at_the_strike(book: LyraBook) -> None:
    book.open(0, LONG_CALL, 10)
    book.market.pass_time_to(book.market.expiry())
    assert book.chain.head().timestamp == book.market.expiry()
    assert book.interval() == pytest.approx((10, 10), abs=1e-6)
    assert book.interval(lyra_market.STRIKES_USD[0] * WAD) == pytest.approx((5, 5), abs=1e-3)


# HEDGE-490
def test_lyra__board_settled__counts_zero_paid_out_or_not(book: LyraBook) -> None:
    positions = [book.open(0, LONG_CALL, 10), book.open(2, SHORT_PUT_QUOTE, 5, 9_000)]
    book.market.pass_time_to(book.market.expiry())
    book.market.set_spot(1_900)
    book.market.settle()
    assert book.interval() == (0, 0)
    book.market.settle_positions(positions)
    assert book.interval() == (0, 0)
    for position in positions:
        book.send("removeBurntPosition(uint256)", position)
    assert book.listed() == 0


# HEDGE-491
def test_lyra__volatility_outside_the_governed_levels__reverts(book: LyraBook) -> None:
    position = book.open(1, LONG_CALL, 10)
    found, board = book.market.view("OptionMarket", "getStrikeAndBoard", book.market.strikes[1])
    iv = board[2] * found[2] // WAD
    for limits in ((iv + 1, 2 * WAD, 0, 0), (WAD // 2, iv - 1, 0, 0)):
        book.send("setLimits((uint256,uint256,uint256,uint256))", limits)
        with refused_with("IvOutOfRange(uint256,uint256,uint256,uint256)", position, iv, limits[0], limits[1]):
            data = encode_call("deltaInterval(uint256)", SPOT)
            book.chain.rpc.request("eth_call", {"to": book.source, "data": data}, "latest")
    book.send("setLimits((uint256,uint256,uint256,uint256))", (iv, iv, 0, 0))
    low, high = book.interval()
    assert high - low < 10 * WIDENING + 1e-12


# HEDGE-491
def test_lyra__limits_out_of_range_or_of_a_stranger__are_refused(book: LyraBook) -> None:
    signature = "setLimits((uint256,uint256,uint256,uint256))"
    largest = 5 * WAD
    for limits in (
        (WAD // 100 - 1, WAD, 0, 0),
        (WAD, WAD - 1, 0, 0),
        (WAD, largest + 1, 0, 0),
        (WAD, WAD, WAD // 2 + 1, 0),
        (WAD, WAD, 0, WAD // 2 + 1),
    ):
        with refused_with("LimitsOutOfRange((uint256,uint256,uint256,uint256))", limits):
            book.send(signature, limits)
    with pytest.raises(RpcError):
        book.send(signature, LIMITS, sender=book.market.trader)


# HEDGE-491
def test_lyra__hard_limits__are_10_billion_units_6_positions_and_1_to_500_percent(book: LyraBook) -> None:
    hard_limits = {
        "MAX_SIZE": 10 * 10**9 * WAD,
        "MAX_POSITIONS": 6,
        "MIN_IV": WAD // 100,
        "MAX_IV": 5 * WAD,
        "MAX_IV_TOLERANCE": WAD // 2,
        "MAX_CARRY_TOLERANCE": WAD // 2,
    }
    found = {name: book.chain.call(book.source, f"{name}()", returns="(uint256)")[0] for name in hard_limits}
    assert found == hard_limits


# HEDGE-491
def test_lyra__limits_that_may_just_be__are_taken_and_told(book: LyraBook) -> None:
    narrow, wide = (WAD // 100, WAD // 100, 0, 0), (WAD // 100, 5 * WAD, WAD // 2, WAD // 2)
    types = "(uint256,uint256,uint256,uint256)"
    for old, new in ((LIMITS, narrow), (narrow, wide)):
        book.send(f"setLimits({types})", new)
        assert book.chain.call(book.source, "limits()", returns=types) == new
        (log,) = book.chain.rpc.request("eth_getLogs", {"address": book.source, "fromBlock": "latest"})
        assert decode(f"({types},{types})", log["data"]) == (old, new)


# HEDGE-491
def test_lyra__positions_sent_by_a_stranger__change_nothing(book: LyraBook) -> None:
    book.open(1, LONG_CALL, 10)
    trader = book.market.trader
    for _ in range(8):
        book.market.open(2, LONG_CALL, 0.01)
    owned = book.market.view("OptionToken", "getOwnerPositions", trader)[0]
    assert len(owned) == 9
    iv = book.market.volatility(1)
    low, high = book.interval()
    assert low <= 10 * call_delta(book, 1, iv, 0.0) <= high
    assert high < 10


# HEDGE-491
def test_lyra__full_source__fits_the_books_gas(book: LyraBook) -> None:
    kinds = ((0, LONG_CALL, 0), (1, LONG_PUT, 0), (2, SHORT_PUT_QUOTE, 4_500), (0, SHORT_CALL_BASE, 2))
    for strike, kind, collateral in (*kinds, *kinds[:2]):
        book.open(strike, kind, 2, collateral)
    one_more = book.market.open(1, LONG_CALL, 1)
    with refused_with("TooManyPositions(uint256,uint256)", 7, 6):
        book.send("addPosition(uint256)", one_more)
    meter = book.evm.deploy(METER, "BookMeter")
    cold, _ = book.chain.call(meter, "measure(address,uint256)", book.source, SPOT, returns="(uint256,uint256)")
    assert 100_000 < cold < 1_000_000
    # Were each position on a board of its own, of thirty strikes: 38 cold slots more a position.
    assert cold + 6 * (9 + 4 + 30) * 2_100 < 1_000_000
