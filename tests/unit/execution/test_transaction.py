"""What of a signature nodes take, its parity as each side writes it, and a transaction as JSON-RPC has it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.execution.fees import Fees
from agent.execution.keys import LocalKey
from agent.execution.transaction import CURVE_ORDER, DynamicFeeTransaction, Signature
from agent.units import Address, Wei

N = CURVE_ORDER
TO = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
KEY = LocalKey(b"\x11" * 32, "test key")
NUMBERS = {0: False, 1: True, N // 2: True, N // 2 + 1: False, N - 1: False, N: False, -1: False}
"""Whether a number may be s; r may be anything from 1 to n - 1."""


@pytest.mark.parametrize(("r", "s"), list(itertools.product(NUMBERS, NUMBERS)))
def test_is_canonical__ends_of_both_ranges__are_those_of_eip_2(r, s):
    for parity in (0, 1):
        assert Signature(parity, r, s).is_canonical is (0 < r < N and NUMBERS[s])
    for parity in (-1, 2, 27):
        assert not Signature(parity, r, s).is_canonical


@settings(deadline=None, max_examples=50, derandomize=True)
@given(r=st.integers(0, 2**256 - 1), s=st.integers(0, 2**256 - 1), parity=st.integers(0, 1))
def test_signature__any__is_read_back_from_its_bytes_whichever_way_parity_is_written(r, s, parity):
    signature = Signature(parity, r, s)
    packed = signature.to_bytes()
    assert packed[64] == 27 + parity
    assert Signature.from_bytes(packed) == signature
    assert Signature.from_bytes(packed[:64] + bytes([parity])) == signature


@settings(deadline=None, max_examples=50, derandomize=True)
@given(
    numbers=st.tuples(*[st.integers(0, 2**64)] * 4),
    gas_limit=st.integers(1, 2**32),
    value=st.integers(0, 2**100),
    data=st.binary(max_size=80),
)
def test_require_signed__any_transaction__is_what_was_asked_and_one_field_off_is_not(numbers, gas_limit, value, data):
    chain_id, nonce, priority_fee, more = numbers
    fees = Fees(Wei(priority_fee + more), Wei(priority_fee))
    asked = DynamicFeeTransaction(chain_id, nonce, TO, Wei(value), "0x" + data.hex(), gas_limit, fees)
    signed = KEY.sign_transaction(asked)
    assert asked.require_signed(signed.raw, KEY.address, "signer") == signed
    request = asked.as_request(KEY.address)
    shown = {"chainId": chain_id, "nonce": nonce, "gas": gas_limit, "value": value}
    shown |= {"maxFeePerGas": fees.max_fee_wei, "maxPriorityFeePerGas": priority_fee}
    assert {name: int(request[name], 16) for name in shown} == shown
    assert (request["from"], request["to"], request["data"]) == (KEY.address, TO, "0x" + data.hex())
    assert request["type"] == "0x2"
