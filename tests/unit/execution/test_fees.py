"""Bids double the base fee, leave room for bumps under their cap, beat what they replace, and pay what others pay."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.errors import RejectedError
from agent.execution.config import ExecutionSettings
from agent.execution.fees import LEAST_BUMP, Fees, Market, first_bid, freeing_bid, replacement_bid
from agent.ledger.records import Purpose, SignedTransaction
from agent.units import Address, IntentId, Wei

GWEI = 10**9
GAS = 2_000_000
SETTINGS = ExecutionSettings(
    deadline_seconds=240,
    receipt_timeout_seconds=20,
    receipt_poll_seconds=1,
    replace_after_blocks=2,
    max_replacements=3,
    fee_bump_ratio=1.25,
    priority_fee_gwei=1,
    urgent_priority_fee_gwei=3,
    max_fee_gwei=100,
    urgent_max_fee_gwei=400,
    gas_limit_ratio=1.3,
    usual_gas_units=2_000_000,
    max_gas_units=10_000_000,
)


def changed(**settings) -> ExecutionSettings:
    return SETTINGS.model_copy(update=settings)


def market(base_gwei: float, **more) -> Market:
    return Market(Wei(round(base_gwei * GWEI)), more.pop("gas_limit", GAS), **more)


def signed(max_fee_wei: int, priority_fee_wei: int) -> SignedTransaction:
    sender = Address("0x00000000000000000000000000000000000000C3")
    return SignedTransaction(
        "0x01", IntentId("0x02"), Purpose.REBALANCE, sender, 0, 1, Wei(max_fee_wei), Wei(priority_fee_wei), "0x"
    )


def as_signed(fees: Fees) -> SignedTransaction:
    return signed(fees.max_fee_wei, fees.priority_fee_wei)


def test_first_bid__calm_market__is_twice_the_base_fee_and_the_tip():
    assert first_bid(market(20), False, SETTINGS) == Fees(Wei(41 * GWEI), Wei(GWEI))


def test_first_bid__dear_gas__leaves_room_for_three_least_bumps_below_the_cap():
    """A bid of 91 gwei under a cap of 100 could not be bumped at all."""
    fees = first_bid(market(45), False, SETTINGS)
    assert fees.max_fee_wei < 91 * GWEI
    assert fees.max_fee_wei * LEAST_BUMP**3 <= 100 * GWEI
    assert (fees.max_fee_wei + 4) * LEAST_BUMP**3 > 100 * GWEI  # but for a wei of rounding a bump


def test_first_bid__dearer_still__takes_what_it_needs():
    assert first_bid(market(80), False, SETTINGS).max_fee_wei == 81 * GWEI
    assert first_bid(market(99), False, SETTINGS).max_fee_wei == 100 * GWEI


def test_first_bid__dearer_than_the_cap__is_rejected_with_both_numbers():
    with pytest.raises(RejectedError) as caught:
        first_bid(Market(Wei(99 * GWEI + 1), GAS), False, SETTINGS)
    assert caught.value.name == "GasPriceExceeded"
    assert caught.value.arguments == {"gasPriceWei": 100 * GWEI + 1, "maxGasPriceWei": 100 * GWEI}


def test_first_bid__urgent_hedge__still_goes_out_when_gas_is_dear():
    assert first_bid(market(300), True, SETTINGS) == Fees(Wei(303 * GWEI), Wei(3 * GWEI))


def test_first_bid__more_than_one_ether_in_all__is_what_no_node_passes_on():
    """go-ethereum refuses a transaction that may cost more than --rpc.txfeecap, one ether."""
    assert first_bid(market(90, gas_limit=10_000_000), True, SETTINGS).max_fee_wei * 10_000_000 <= 10**18
    with pytest.raises(RejectedError, match="GasPriceExceeded"):
        first_bid(market(98, gas_limit=10_000_000), True, SETTINGS)
    assert first_bid(market(98, gas_limit=10_000_000), True, changed(max_transaction_eth=Decimal(2))) is not None


def test_first_bid__worth_of_the_hedge__caps_it_unless_it_is_urgent():
    fees = first_bid(market(20, worth_wei=Wei(30 * GWEI)), False, SETTINGS)
    assert fees.max_fee_wei <= 30 * GWEI
    with pytest.raises(RejectedError, match="GasPriceExceeded"):
        first_bid(market(20, worth_wei=Wei(20 * GWEI)), False, SETTINGS)
    assert first_bid(market(20, worth_wei=Wei(20 * GWEI)), True, SETTINGS).max_fee_wei == 43 * GWEI


@pytest.mark.parametrize(
    ("market_tip", "configured", "expected"),
    [(None, 1, GWEI), (3 * 10**8, 1, 3 * 10**8), (5 * GWEI, 1, GWEI), (0, 1, 10**8), (0, 0, 0), (5 * GWEI, 0, 0)],
)
def test_first_bid__tip__is_what_others_pay_within_the_configured(market_tip, configured, expected):
    settings = changed(priority_fee_gwei=Decimal(configured))
    assert first_bid(market(20, tip_wei=market_tip), False, settings).priority_fee_wei == expected


def test_replacement_bid__calm_market__beats_both_parts_of_every_one_replaced():
    fees = replacement_bid(market(20), False, SETTINGS, [signed(41 * GWEI, GWEI), signed(44 * GWEI + 1, 3)])
    assert fees.priority_fee_wei == 125 * GWEI // 100
    assert fees.max_fee_wei == 55 * GWEI + 2  # 1.25 x (44 gwei + 1 wei), rounded up


def test_replacement_bid__base_fee_has_risen__is_twice_the_base_fee_and_the_tip():
    fees = replacement_bid(market(40), False, changed(max_fee_gwei=Decimal(500)), [signed(41 * GWEI, GWEI)])
    assert fees == Fees(Wei(2 * 40 * GWEI + 125 * GWEI // 100), Wei(125 * GWEI // 100))


def test_replacement_bid__cap_near__is_the_least_that_nodes_take():
    fees = replacement_bid(market(20), False, SETTINGS, [signed(41 * GWEI, GWEI)] * 2 + [signed(88 * GWEI, GWEI)])
    assert 99 * GWEI <= fees.max_fee_wei <= 100 * GWEI


def test_replacement_bid__least_bump_above_the_cap__is_rejected():
    with pytest.raises(RejectedError, match="GasPriceExceeded"):
        replacement_bid(market(1), False, SETTINGS, [signed(89 * GWEI, GWEI)])


def test_replacement_bid__no_tip__is_raised_by_one_wei():
    settings = changed(priority_fee_gwei=Decimal(0))
    fees = replacement_bid(market(1), False, settings, [signed(2 * GWEI, 0)])
    assert fees.priority_fee_wei == 1


def test_freeing_bid__stuck_at_the_cap__has_a_cap_of_its_own():
    stuck = [signed(100 * GWEI, GWEI)]
    with pytest.raises(RejectedError):
        replacement_bid(market(20), False, SETTINGS, stuck)
    assert freeing_bid(market(20), False, SETTINGS, stuck).max_fee_wei == 125 * GWEI
    own = changed(cancel_max_fee_gwei=Decimal(500))
    with pytest.raises(RejectedError):
        freeing_bid(market(20), False, own, [signed(450 * GWEI, GWEI)])


@settings(deadline=None)
@given(base=st.integers(0, 120 * GWEI), tip=st.integers(0, 2 * GWEI), cap=st.integers(1, 200))
def test_bids__from_the_first_to_the_last__can_all_be_replaced_below_the_cap(base, tip, cap):
    """While the base fee stays and half of the cap is above it, every bump that may be made can be made."""
    capped = changed(max_fee_gwei=Decimal(cap), urgent_max_fee_gwei=Decimal(cap), priority_fee_gwei=Decimal("0.1"))
    here = Market(Wei(base), 100_000, Wei(tip))
    assume(2 * (base + 2 * 10**8) <= cap * GWEI)
    bids = [as_signed(first_bid(here, False, capped))]
    for _ in range(capped.max_replacements):
        bids.append(as_signed(replacement_bid(here, False, capped, bids)))
    for cheaper, dearer in pairwise(bids):
        assert dearer.max_fee_wei >= cheaper.max_fee_wei * LEAST_BUMP
        assert dearer.priority_fee_wei > cheaper.priority_fee_wei
    assert all(bid.priority_fee_wei <= bid.max_fee_wei <= cap * GWEI for bid in bids)
