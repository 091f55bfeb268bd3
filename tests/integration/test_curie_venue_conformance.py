"""What every adapter does (`VenueConformance.sol`), of the adapter of Curie on the real one.

Fills are at the pool's price, so that a position opened at one moves the equity, at the mark, by impact and fee.
"""

from __future__ import annotations

import pytest

from agent.localnet.codec import encode_call
from agent.localnet.rpc import RpcError
from agent.units import WAD
from tests.support.curie_market import GRAIN, NO_CEILING, USDC_UNIT, open_market, refused_with, whole

pytestmark = pytest.mark.chain

MARGIN_USD = 200_000
VENUE_GAS = 900_000
"""What `VenueRegistry` gives a venue to answer in."""
ACCOUNT = "(int256,int256,int256,int256,uint256,uint256,uint256,uint256,uint256)"
OF_AN_ORDER = ("reconcile(bytes32)", "cancel(bytes32)")
MOST = ("maxFundingRate()", "(uint256)")
SIZE, NEGATIVE, POSITIVE, EQUITY, MARK, INDEX = range(6)


@pytest.fixture(scope="module")
def market_of_the_module(tmp_path_factory):
    with open_market(tmp_path_factory.mktemp("curie")) as market:
        yield market


def account(market):
    """The account as the vault's next transaction measures it."""
    return market.simulate("account()", returns=ACCOUNT)


def test_fresh__is_flat_without_equity_or_orders(empty):
    found = account(empty)
    assert (found[SIZE], found[NEGATIVE], found[POSITIVE], found[EQUITY]) == (0, 0, 0, 0)
    assert empty.view("openOrder()", returns="(bytes32)") == (bytes(32),)
    assert empty.view("pending()", returns="(int256,int256)") == (0, 0)


def test_deposit__is_equity_and_margin_to_the_unit(market):
    assert account(market)[EQUITY] == market.position().margin == MARGIN_USD * WAD


def test_withdrawal__is_exact_and_of_more_than_there_is_reverts(market):
    market.send("withdrawMargin(uint256)", 50_000 * USDC_UNIT)
    assert account(market)[EQUITY] == 150_000 * WAD
    with pytest.raises(RpcError):
        market.send("withdrawMargin(uint256)", 150_000 * USDC_UNIT + 1)
    [free] = market.simulate("freeCollateral()", returns="(uint256)")
    assert free == 150_000 * USDC_UNIT
    market.send("withdrawMargin(uint256)", free)
    assert account(market)[EQUITY] == 0


def test_what_the_vault_does__is_the_vaults_alone(market):
    stranger = market.accounts["attacker"]
    calls = (
        ("depositMargin(uint256)", 1),
        ("withdrawMargin(uint256)", 1),
        ("execute(int256,uint256)", WAD, NO_CEILING),
        ("bracketTrade(bool)", True),
    )
    for call in calls:
        with refused_with("OnlyVault(address,address)", stranger, market.vault):
            market.send(*call, sender=stranger)


def test_trades__have_their_signs_add_up_and_leave_nothing(market):
    for size, held in ((1, 1), (2, 3), (-1, 2), (-5, -3), (3, 0)):
        market.execute(whole(size))
        assert market.position().size == account(market)[SIZE] == whole(held)
        assert market.view("size()", returns="(int256)") == (whole(held),)
    assert account(market)[EQUITY] < MARGIN_USD * WAD, "a round trip gains nothing"


def test_margin__moved_beside_a_position__is_all_that_the_equity_moves_by(market):
    market.execute(whole(2))
    before = account(market)[EQUITY]
    market.deposit(1_000)
    market.send("withdrawMargin(uint256)", 500 * USDC_UNIT)
    assert abs(account(market)[EQUITY] - before - 500 * WAD) <= WAD, "funding of the seconds between"


def test_views__are_of_one_account(market):
    market.execute(whole(-2))
    found, position = account(market), market.position()
    low, high = market.simulate("equity()", returns="(int256,int256)")
    assert low - GRAIN <= found[EQUITY] <= high + GRAIN
    assert (position.size, position.entry_price > 0) == (found[SIZE], True)
    assert market.simulate("indexPrice()", returns="(uint256)") == (found[INDEX],)
    assert market.simulate("markPrice()", returns="(uint256)") == (found[MARK],)


def test_quote__is_the_trade_that_follows_and_refuses_what_cannot_be(market):
    price, fee = market.quote(whole(2))
    filled = market.execute(whole(2))
    assert (filled.price, filled.fee) == (pytest.approx(price, abs=2), pytest.approx(fee, abs=GRAIN))
    with refused_with("ZeroSize()"):
        market.quote(0)
    with pytest.raises(RpcError):
        market.quote(market.capacity(is_long=True) * 2)


def test_trade__of_nothing_or_at_a_limit_that_cannot_be_met__fills_nothing(market):
    with refused_with("ZeroSize()"):
        market.send("execute(int256,uint256)", 0, NO_CEILING)
    with pytest.raises(RpcError):
        market.send("execute(int256,uint256)", whole(2), market.mark_price() // 2)
    assert market.position().size == 0


def test_funding_and_capacity__answer_within_their_limits(market):
    [rate], [most] = (market.view(name, returns=kind) for name, kind in (("fundingRate()", "(int256)"), MOST))
    assert abs(rate) <= most
    assert all(market.capacity(is_long=is_long) > whole(2) for is_long in (True, False))


def test_account__with_a_position__takes_less_gas_than_it_is_given(market):
    market.execute(whole(2))
    call = {"from": market.vault, "to": market.venue, "data": encode_call("account()")}
    assert int(market.chain.rpc.request("eth_estimateGas", call), 16) < VENUE_GAS


def test_order__unknown__is_refused_at_a_venue_that_leaves_none(market):
    unknown = bytes([7]) * 32
    for call in (("settle(bytes32,bytes)", unknown, b""), *((name, unknown) for name in OF_AN_ORDER)):
        with refused_with("UnknownOrder(bytes32)", unknown):
            market.send(*call)
