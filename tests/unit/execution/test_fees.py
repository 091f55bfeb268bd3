"""Bids double the base fee, stay under a cap that urgency raises, and beat what they replace."""

from __future__ import annotations

import pytest

from agent.errors import RejectedError
from agent.execution.config import ExecutionSettings
from agent.execution.fees import quote_fees
from agent.ledger.records import Purpose, SignedTransaction
from agent.units import Address, IntentId, Wei

GWEI = 10**9
SETTINGS = ExecutionSettings(
    deadline_seconds=240,
    receipt_timeout_seconds=20,
    receipt_poll_seconds=1,
    replace_after_seconds=5,
    max_replacements=3,
    fee_bump_ratio=1.25,
    priority_fee_gwei=1,
    urgent_priority_fee_gwei=3,
    max_fee_gwei=100,
    urgent_max_fee_gwei=500,
    gas_limit_ratio=1.3,
    usual_gas_units=2_000_000,
    max_gas_units=10_000_000,
)


def signed(max_fee_wei: int, priority_fee_wei: int) -> SignedTransaction:
    sender = Address("0x00000000000000000000000000000000000000C3")
    return SignedTransaction(
        "0x01", IntentId("0x02"), Purpose.REBALANCE, sender, 0, 1, Wei(max_fee_wei), Wei(priority_fee_wei), "0x"
    )


def test_quote_fees__calm_market__is_twice_the_base_fee_and_the_tip():
    fees = quote_fees(Wei(20 * GWEI), False, SETTINGS)
    assert (fees.max_fee_wei, fees.priority_fee_wei) == (41 * GWEI, 1 * GWEI)


def test_quote_fees__dear_gas__is_cut_at_the_cap():
    assert quote_fees(Wei(80 * GWEI), False, SETTINGS).max_fee_wei == 100 * GWEI
    assert quote_fees(Wei(99 * GWEI), False, SETTINGS).max_fee_wei == 100 * GWEI


def test_quote_fees__dearer_than_the_cap__is_rejected_with_both_numbers():
    with pytest.raises(RejectedError) as caught:
        quote_fees(Wei(99 * GWEI + 1), False, SETTINGS)
    assert caught.value.name == "GasPriceExceeded"
    assert caught.value.arguments == {"gasPriceWei": 100 * GWEI + 1, "maxGasPriceWei": 100 * GWEI}


def test_quote_fees__urgent_hedge__still_goes_out_when_gas_is_dear():
    fees = quote_fees(Wei(300 * GWEI), True, SETTINGS)
    assert (fees.max_fee_wei, fees.priority_fee_wei) == (500 * GWEI, 3 * GWEI)


def test_quote_fees__replacement__beats_both_parts_of_every_one_replaced():
    fees = quote_fees(Wei(20 * GWEI), False, SETTINGS, [signed(41 * GWEI, GWEI), signed(44 * GWEI + 1, 3)])
    assert fees.priority_fee_wei == 125 * GWEI // 100
    assert fees.max_fee_wei == 55 * GWEI + 2  # 1.25 x (44 gwei + 1 wei), rounded up


def test_quote_fees__replacement_above_the_cap__is_rejected():
    with pytest.raises(RejectedError, match="GasPriceExceeded"):
        quote_fees(Wei(1 * GWEI), False, SETTINGS, [signed(81 * GWEI, GWEI)])


def test_quote_fees__tip_never_above_the_whole_bid():
    for base_gwei in (0, 1, 20, 99):
        fees = quote_fees(Wei(base_gwei * GWEI), False, SETTINGS)
        assert fees.priority_fee_wei <= fees.max_fee_wei
