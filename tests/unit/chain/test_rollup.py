"""What a rollup charges for data: beside gas on the OP stack, within gas on Arbitrum, nothing on a chain of its own."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode
from eth_utils.crypto import keccak

from agent.chain.abi import Call, Function
from agent.chain.rollup import (
    ENVELOPE_BYTES,
    GAS_PRICE_ORACLE,
    NODE_INTERFACE,
    USUAL_REBALANCE_BYTES,
    Rollup,
    RollupKind,
)
from agent.domain import BlockRef
from agent.errors import TransientError
from agent.units import Address, BlockHash, Seconds, Wei

VAULT = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
BLOCK = BlockRef(7, BlockHash("0x07"), Seconds(7), Wei(10**8))
CALL = Call(VAULT, "0x" + "ab" * 400, Function("rebalance", b"", (), ()))


def selector(signature: str) -> str:
    return "0x" + keccak(text=signature)[:4].hex()


class FakeClient:
    """Answers the reads it has an answer for, by address and selector; others revert."""

    def __init__(self, answers: dict[tuple[str, str], tuple[int, ...]]) -> None:
        self.answers = answers
        self.read: list[str] = []
        self.trouble: Exception | None = None

    def read_or_none(self, calls: Any, block: BlockRef) -> list[tuple[int, ...] | None]:
        if self.trouble is not None:
            raise self.trouble
        self.read += [call.data for call in calls]
        return [self.answers.get((call.to, call.data[:10])) for call in calls]


L1_FEE = (GAS_PRICE_ORACLE, selector("getL1FeeUpperBound(uint256)"))
OPERATOR_FEE = (GAS_PRICE_ORACLE, selector("getOperatorFee(uint256)"))
L1_GAS = (NODE_INTERFACE, selector("gasEstimateL1Component(address,bool,bytes)"))


def test_rollup__chain_of_its_own__charges_nothing_and_is_not_asked():
    client = FakeClient({})
    rollup = Rollup(client, RollupKind.NONE)
    assert rollup.data_fee(CALL, 10**6, BLOCK) == 0
    assert rollup.data_gas(CALL, BLOCK) == 0
    assert rollup.usual_fee(VAULT, 10**6, BLOCK) is None
    assert rollup.charged({"l1Fee": "0x5", "gasUsed": "0x1"}, BLOCK) == 0
    assert client.read == []


def test_rollup__op_stack__adds_the_operators_fee_to_the_data():
    client = FakeClient({L1_FEE: (700,), OPERATOR_FEE: (30,)})
    rollup = Rollup(client, RollupKind.OP_STACK)
    assert rollup.data_fee(CALL, 10**6, BLOCK) == 730
    assert int(client.read[0][10:], 16) == ENVELOPE_BYTES + 401
    assert int(client.read[1][10:], 16) == 10**6
    assert rollup.usual_fee(VAULT, 10**6, BLOCK) == 730
    assert int(client.read[2][10:], 16) == USUAL_REBALANCE_BYTES
    assert rollup.data_gas(CALL, BLOCK) == 0


def test_rollup__op_stack_before_isthmus__has_no_operators_fee():
    assert Rollup(FakeClient({L1_FEE: (700,)}), RollupKind.OP_STACK).data_fee(CALL, 10**6, BLOCK) == 700


@pytest.mark.parametrize("kind", [RollupKind.OP_STACK, RollupKind.ARBITRUM])
def test_rollup__chain_does_not_tell__leaves_it_to_the_configuration(kind):
    assert Rollup(FakeClient({}), kind).usual_fee(VAULT, 10**6, BLOCK) is None


def test_rollup__arbitrum__counts_data_in_gas_at_the_base_fee():
    client = FakeClient({L1_GAS: (400_000, 1, 2)})
    rollup = Rollup(client, RollupKind.ARBITRUM)
    assert rollup.data_gas(CALL, BLOCK) == 400_000
    assert rollup.data_fee(CALL, 10**6, BLOCK) == 0
    assert rollup.usual_fee(VAULT, 10**6, BLOCK) == 400_000 * 10**8
    assert rollup.charged({"gasUsed": "0x1", "gasUsedForL1": "0x1"}, BLOCK) == 0  # it is within the gas used


@pytest.mark.parametrize(("receipt", "charged"), [({"l1Fee": "0x2bc"}, 730), ({}, 30), ({"l1Fee": None}, 30)])
def test_charged__op_stack_receipt__is_l1_fee_and_operators_fee(receipt, charged):
    client = FakeClient({OPERATOR_FEE: (30,)})
    assert Rollup(client, RollupKind.OP_STACK).charged({**receipt, "gasUsed": "0x5208"}, BLOCK) == charged
    assert int(client.read[0][10:], 16) == 21_000


def test_charged__operators_fee_not_told_any_more__is_left_out():
    client = FakeClient({})
    client.trouble = TransientError("missing trie node")
    assert Rollup(client, RollupKind.OP_STACK).charged({"l1Fee": "0x2bc", "gasUsed": "0x1"}, BLOCK) == 700


@pytest.mark.parametrize("kind", RollupKind)
def test_rollup__chain_does_not_tell__reckons_with_nothing(kind):
    rollup = Rollup(FakeClient({}), kind)
    assert (rollup.data_fee(CALL, 10**6, BLOCK), rollup.data_gas(CALL, BLOCK)) == (0, 0)


def test_rollup__arbitrum__asks_of_this_very_call_that_creates_no_contract():
    client = FakeClient({L1_GAS: (400_000, 1, 2)})
    Rollup(client, RollupKind.ARBITRUM).data_gas(CALL, BLOCK)
    [asked] = client.read
    to, creates, data = decode(["address", "bool", "bytes"], bytes.fromhex(asked[10:]))
    assert (to, creates, data) == (VAULT.lower(), False, bytes.fromhex(CALL.data[2:]))


def test_rollup__arbitrum_usual_rebalance__asks_with_data_that_does_not_compress():
    client = FakeClient({L1_GAS: (400_000, 1, 2)})
    Rollup(client, RollupKind.ARBITRUM).usual_fee(VAULT, 10**6, BLOCK)
    to, _, data = decode(["address", "bool", "bytes"], bytes.fromhex(client.read[0][10:]))
    assert to == VAULT.lower()
    assert len(data) == USUAL_REBALANCE_BYTES - ENVELOPE_BYTES == 780
    assert len(set(data[:255])) == 255
