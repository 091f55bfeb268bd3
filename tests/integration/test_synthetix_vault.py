"""A vault that hedges by delayed orders on the real Synthetix: asked for, executed, cancelled, lapsed, liquidated."""

from __future__ import annotations

import pytest

from agent.localnet.codec import encode_call
from agent.localnet.governance import governor_call
from agent.localnet.rpc import RpcError
from agent.units import WAD
from tests.support.curie_market import refused_with, whole
from tests.support.synthetix_market import (
    CANCELLED,
    FILLED,
    FROZEN,
    KEEPER_DEPOSIT,
    MAX_AGE,
    PENDING,
    START_PRICE_USD,
    refused_by_venue,
)
from tests.support.synthetix_vault import open_vault

pytestmark = pytest.mark.chain

DEPOSIT_USD, MARGIN_USD = 200_000, 60_000
HEDGE = -50
COOLDOWN = 600


@pytest.fixture(scope="module")
def vault_of_the_module():
    with open_vault() as vault:
        vault.fund_stranger()
        vault.join(DEPOSIT_USD)
        vault.pass_time(3_600)  # a deposit carries exposure after an hour
        vault.publish(START_PRICE_USD)
        yield vault


@pytest.fixture
def vault(vault_of_the_module):
    with vault_of_the_module.undone() as vault:
        yield vault


def nav_by_synthetix(vault):
    """What the vault holds and what Synthetix says of its account: remaining margin and an order's deposit."""
    return vault.idle() + vault.remaining_margin() + vault.venue_order()[5]


def later(vault, price_usd=START_PRICE_USD):
    """After the cooldown, at a price."""
    vault.pass_time(COOLDOWN)
    vault.publish(price_usd)


# HEDGE-131, HEDGE-551, HEDGE-553
def test_rebalance__by_an_order__pending_executed_and_nav_exact_all_along(vault):
    assert vault.measure().nav == DEPOSIT_USD * WAD
    order_id = vault.order_of(whole(HEDGE), MARGIN_USD)
    pending, order = vault.measure(), vault.order(order_id)
    assert order.status == PENDING
    assert order.limit_price == 2_985 * WAD, "the guard's bound of 50 bps"
    assert (pending.venue.size_low, pending.venue.size_high) == (whole(HEDGE), 0)
    assert pending.nav == nav_by_synthetix(vault) == DEPOSIT_USD * WAD
    low, high = vault.nav_bounds()
    vault.settle(order_id, 2_994.0)
    done = vault.measure()
    assert vault.order(order_id).status == FILLED
    assert vault.venue_trade().price == vault.order(order_id).price
    assert (done.venue.size_low, done.venue.size_high) == (whole(HEDGE), whole(HEDGE))
    assert done.nav == nav_by_synthetix(vault)
    sold = vault.order(order_id)
    # 50 sold at the order's price and valued at the price on chain, less the fee.
    expected = DEPOSIT_USD * WAD + HEDGE * (vault.measure().price - sold.price) - sold.fee
    assert abs(done.nav - expected) <= 2
    later(vault)
    done_low, done_high = vault.nav_bounds()
    assert low <= done_low <= done_high <= high
    assert done.worst_delta == pending.book_high + whole(HEDGE) == WAD


# HEDGE-132
def test_rebalance__order_open__the_delta_rule_holds_whatever_fills(vault):
    before = vault.measure().worst_delta
    order_id = vault.order_of(whole(HEDGE), MARGIN_USD)
    assert vault.measure().worst_delta == before == whole(51)
    vault.settle(order_id, START_PRICE_USD)
    assert vault.measure().worst_delta == WAD


# HEDGE-133
def test_rebalance__second_order_and_margin_while_one_is_open__refused(vault):
    order_id = vault.order_of(whole(HEDGE), MARGIN_USD)
    for margin, size in ((10_000 * WAD, 0), (-1_000 * WAD, 0), (0, whole(-2))):
        with refused_with("OrderStillOpen(bytes32)", order_id):
            vault.rebalance(margin, size)
    assert vault.open_order() == order_id


def test_rebalance__margin_out_in_the_leg_that_leaves_an_order__refused(vault):
    vault.rebalance(MARGIN_USD * WAD, 0)
    with pytest.raises(RpcError) as caught:
        vault.rebalance(-WAD, whole(HEDGE))
    assert str(caught.value.data).startswith(encode_call("OrderStillOpen(bytes32)", bytes(32))[:10])
    assert vault.open_order() == bytes(32)


# HEDGE-552
def test_settlement__price_beyond_the_guards_bound__synthetix_refuses(vault):
    order_id = vault.order_of(whole(HEDGE), MARGIN_USD)
    with refused_by_venue("Price impact exceeded"):
        vault.settle(order_id, START_PRICE_USD * 0.994)
    vault.settle(order_id, START_PRICE_USD * 0.996)
    assert vault.measure().nav == nav_by_synthetix(vault)


# HEDGE-137, HEDGE-555
def test_cancel__by_the_keeper_from_the_expiry_on__nothing_is_lost(vault):
    order_id = vault.order_of(whole(HEDGE), MARGIN_USD)
    expires_at = vault.order(order_id).expires_at
    with refused_with("CancelTooEarly(uint256,uint256)", expires_at - 1, expires_at):
        vault.send("cancel(bytes32)", order_id, sender=vault.keeper, at=expires_at - 1)
    vault.send("cancel(bytes32)", order_id, sender=vault.keeper, at=expires_at)
    assert vault.order(order_id).status == CANCELLED
    assert vault.measure().nav == nav_by_synthetix(vault) == DEPOSIT_USD * WAD
    later(vault)
    vault.settle(vault.order_of(whole(HEDGE)), START_PRICE_USD)
    assert vault.measure().venue.size_low == whole(HEDGE)


# HEDGE-137, HEDGE-555
def test_order__lapsed__frozen_cancelled_by_a_stranger_and_asked_for_again(vault):
    order_id = vault.order_of(whole(HEDGE), MARGIN_USD)
    vault.pass_time(MAX_AGE)
    assert vault.order(order_id).status == FROZEN
    assert vault.measure().venue.size_low == whole(HEDGE), "open while Synthetix has it"
    with refused_by_venue("order too old, use cancel"):
        vault.settle(order_id, START_PRICE_USD)
    vault.send("cancel(bytes32)", order_id, sender=vault.stranger)
    assert vault.measure().venue.size_low == 0
    assert vault.measure().nav == DEPOSIT_USD * WAD
    later(vault)
    assert vault.order_of(whole(HEDGE)) != order_id


# HEDGE-553
def test_execution_elsewhere__order_of_the_vault__costs_the_deposit_and_is_seen(vault):
    order_id = vault.order_of(whole(HEDGE), MARGIN_USD)
    vault.execute_elsewhere(START_PRICE_USD)
    measured, order = vault.measure(), vault.order(order_id)
    assert measured.nav == nav_by_synthetix(vault)
    expected = DEPOSIT_USD * WAD + HEDGE * (measured.price - order.price) - order.fee
    assert abs(measured.nav - expected) <= 2
    assert order.fee == vault.venue_trade().fee + KEEPER_DEPOSIT
    later(vault)
    vault.settle(vault.order_of(whole(2)), START_PRICE_USD)
    assert vault.order(order_id) == order, "booked when the next one was asked for"


# HEDGE-551
def test_nav__days_with_funding_and_moves__is_what_synthetix_says(vault):
    vault.settle(vault.order_of(whole(HEDGE), MARGIN_USD), START_PRICE_USD)
    vault.trade_as_stranger(whole(-400))
    for price_usd in (3_050.0, 2_990.0, 2_940.5, 3_010.25):
        vault.pass_time(9 * 3_600)
        vault.publish(price_usd)
        assert vault.measure().nav == nav_by_synthetix(vault)
    assert vault.position().funding_accrued < 0, "shorts have paid"
    vault.write_book(0)
    vault.settle(vault.order_of(whole(-HEDGE)), 3_010.25)
    assert vault.venue_position()[4] == 0
    assert vault.measure().nav == nav_by_synthetix(vault)
    later(vault, 3_010.25)
    vault.rebalance(-vault.free(), 0)
    assert vault.account().equity == 0
    assert vault.measure().nav == vault.idle()


# HEDGE-556
def test_liquidation__hedge_and_order_gone__nav_is_idle_and_the_vault_goes_on(vault):
    vault.settle(vault.order_of(whole(HEDGE), 20_000), START_PRICE_USD)
    later(vault, 3_250.0)
    vault.write_book(whole(45))
    order_id = vault.order_of(whole(5))
    vault.publish(3_386.0)
    vault.liquidate()
    measured = vault.measure()
    assert vault.order(order_id).status == CANCELLED
    assert (measured.venue.size_low, measured.venue.size_high, measured.venue.equity) == (0, 0, 0)
    assert measured.nav == vault.idle() == (DEPOSIT_USD - 20_000) * WAD
    later(vault, 3_386.0)
    vault.settle(vault.order_of(whole(-45), MARGIN_USD), 3_386.0)
    assert vault.measure().venue.size_low == whole(-45)
    assert vault.measure().nav == nav_by_synthetix(vault)


# HEDGE-137, HEDGE-557
def test_removal__by_force_with_an_order_open__cancelled_and_recovered_by_strangers(vault):
    order_id = vault.order_of(whole(HEDGE), MARGIN_USD)
    vault.send_to(vault.vault, "lowerDepositCap(uint256)", 0, sender=vault.accounts["guardian"])
    force = ("forceRemoveVenue(address)", vault.venue)
    governor_call(vault.chain, vault.access, vault.accounts["governor"], vault.registry, *force)
    vault.publish(START_PRICE_USD)
    assert vault.nav_bounds() == ((DEPOSIT_USD - MARGIN_USD) * WAD,) * 2
    recover = ("recoverMargin(address)", vault.venue)
    vault.send_to(vault.vault, *recover, sender=vault.stranger)
    assert vault.idle() == (DEPOSIT_USD - MARGIN_USD) * WAD, "nothing is free while the order is open"
    vault.send("cancel(bytes32)", order_id, sender=vault.stranger)
    vault.send_to(vault.vault, *recover, sender=vault.stranger)
    assert vault.idle() == DEPOSIT_USD * WAD
    assert vault.account().equity == 0


# HEDGE-561
def test_atomic_adapter__vault_rebalances_and_a_member_leaves__at_once():
    with open_vault("SynthetixV2AtomicVenue") as vault:
        vault.set_parameters(takerFee="0.001", makerFee="0.001")
        vault.join(DEPOSIT_USD)
        vault.pass_time(3_600)
        vault.publish(START_PRICE_USD)
        vault.rebalance(MARGIN_USD * WAD, whole(HEDGE))
        assert vault.measure().venue.size_low == vault.measure().venue.size_high == whole(HEDGE)
        assert vault.measure().nav == nav_by_synthetix(vault)
        shares = vault.chain.call(vault.vault, "balanceOf(address)", vault.member, returns="(uint256)")[0]
        supply, leaving = shares, shares * 9 // 10
        worth = vault.chain.call(vault.vault, "previewRedeem(uint256)", leaving, returns="(uint256)")[0]
        idle = vault.chain.call(vault.vault, "idleAssets()", returns="(uint256)")[0]
        paid_by_idle = leaving * idle // worth
        closed = whole(-HEDGE) * (leaving - paid_by_idle) // (supply - paid_by_idle) * 99 // 100
        part = (vault.venue, idle - worth, closed, 0)
        redeem = "redeemWithUnwind(uint256,uint256,address,address,(address,int256,int256,uint256)[])"
        vault.send_to(vault.vault, redeem, leaving, 0, vault.member, vault.member, [part], sender=vault.member)
        assert vault.measure().venue.size_low == whole(HEDGE) + closed
        assert vault.measure().nav == nav_by_synthetix(vault)
        assert vault.balance(vault.member) == pytest.approx(DEPOSIT_USD * 9 // 10 * WAD, rel=0.01)
