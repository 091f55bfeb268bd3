"""An intent is named by its content, signing is repeatable, and a key is never repeated."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account

from agent.chain.abi import load_abi
from agent.domain import Action, Decision, Exposure, Leg, Snapshot, Target, TradeCosts
from agent.errors import DataError
from agent.execution.fees import Fees
from agent.execution.intents import (
    LAST_BLOCKS,
    MAX_DECISION_AGE_BLOCKS,
    book_digest,
    build_intent,
    call_on,
    rebalance_call,
)
from agent.execution.signer import has_key, load_signer
from agent.files.book_file import load_book
from agent.ledger.records import Purpose
from agent.units import Address, AssetUnits, BlockHash, IntentId, Wad, Wei
from tests.support.decision_builders import short_calls, snapshot_of, wad

KEY = "0x" + "11" * 32
VAULT = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
VENUE = Address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512")
LEGS = (Leg(VENUE, AssetUnits(5), wad(-3), wad(2_990)), Leg(VENUE, AssetUnits(-5), Wad(0), Wad(0)))


def snapshot() -> Snapshot:
    plain = snapshot_of(short_calls())
    return replace(plain, vault=VAULT, block=replace(plain.block, hash=BlockHash("0x" + "ab" * 32)))


def decision(legs: tuple[Leg, ...] = LEGS) -> Decision:
    return Decision(
        action=Action.REBALANCE,
        exposure=Exposure(3_000.0, -50.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        costs=TradeCosts(0.0, 0.0, 0.0, 0.0),
        target=Target(-1.0, 1.0, 0.0, "because"),
        legs=legs,
        expected_fills=(),
        urgent=False,
        guard_error=None,
        reason="because",
    )


def test_build_intent__same_decision_at_the_same_block__is_the_same_intent():
    first, again = build_intent(snapshot(), decision(), 240), build_intent(snapshot(), decision(), 240)
    assert first == again
    assert first.deadline == snapshot().block.timestamp + 240
    assert len(first.intent_id) == 66


def test_build_intent__anything_else__is_another_intent():
    seen = snapshot()
    others = [
        (replace(seen, chain_id=1), LEGS, 240),
        (replace(seen, vault=VENUE), LEGS, 240),
        (replace(seen, block=replace(seen.block, hash=BlockHash("0x" + "cd" * 32))), LEGS, 240),
        (seen, LEGS[:1], 240),
        (seen, (replace(LEGS[0], size_delta=Wad(LEGS[0].size_delta + 1)), LEGS[1]), 240),
        (seen, LEGS, 241),
    ]
    ids = {build_intent(other, decision(legs), seconds).intent_id for other, legs, seconds in others}
    assert len(ids) == len(others)
    assert build_intent(seen, decision(), 240).intent_id not in ids


def test_rebalance_call__intent__is_what_the_vault_decodes():
    intent = build_intent(snapshot(), decision(), 240)
    call = rebalance_call(intent)
    function = load_abi("HedgeVault").function("rebalance")
    assert call.to == VAULT
    assert call.data.startswith("0x" + function.selector.hex())
    legs = [(leg.venue, leg.margin_delta, leg.size_delta, leg.limit_price) for leg in LEGS]
    block = intent.decided_at_block
    bound = (bytes.fromhex(intent.intent_id[2:]), block.number, bytes.fromhex(block.hash[2:]), intent.deadline)
    assert call.data == function.encode(bound, legs)


@pytest.mark.parametrize("further", [1, 0], ids=["later block", "sibling of the block decided on"])
def test_call_on__another_block__is_what_is_signed(further):
    intent = build_intent(snapshot(), decision(), 240)
    block = intent.decided_at_block
    other = replace(block, number=block.number + further, hash=BlockHash("0x" + "ee" * 32))
    assert call_on(intent, other) == rebalance_call(intent)


def test_call_on__block_decided_on__is_bound_to_its_parent():
    intent = build_intent(snapshot(), decision(), 240)
    parent = BlockHash("0x" + "cd" * 32)
    block = replace(intent.decided_at_block, parent_hash=parent)
    other = replace(block, number=block.number - 1, hash=parent)
    assert call_on(intent, block) == rebalance_call(replace(intent, decided_at_block=other))
    with pytest.raises(DataError, match="the parent of block 1 is not known"):
        call_on(intent, replace(block, parent_hash=None))


def test_book_digest__same_content__is_the_same_and_any_change_shows():
    book = short_calls()
    assert book_digest(book) == book_digest(short_calls())
    [leg] = book.options
    assert book_digest(replace(book, positions=(replace(leg, quantity=-99.0),))) != book_digest(book)
    assert book_digest(replace(book, underlying="BTC")) != book_digest(book)


def test_book_digest__example_book__is_what_ledgers_hold(repository):
    book = load_book(repository / "examples" / "book.toml", 1_722_470_400)
    assert book_digest(book) == "0xcd09250211b5541e86891294e1188ce85fc27e41129cf71e1e36c70cd3e7dd17"


def test_sign__same_inputs__are_the_same_bytes_of_the_right_sender():
    signer = load_signer({"EVENKEEL_KEEPER_KEY": KEY}, 1)
    fees = Fees(Wei(41 * 10**9), Wei(10**9))
    signed, again = (
        signer.sign(IntentId("0x" + "22" * 32), Purpose.REBALANCE, VAULT, "0x1234", 7, 1_000_000, fees)
        for _ in range(2)
    )
    assert signed == again
    assert Account.recover_transaction(signed.raw) == signer.address == signed.sender
    assert signed.raw.startswith("0x02")
    assert (signed.nonce, signed.gas_limit, signed.max_fee_wei) == (7, 1_000_000, 41 * 10**9)


def test_load_signer__no_key__serves_the_local_chain_alone():
    assert load_signer({}, 31_337).address == "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
    with pytest.raises(DataError, match="EVENKEEL_KEEPER_KEY is not set"):
        load_signer({}, 1)


@pytest.mark.parametrize(
    ("named", "chain_id", "expected"),
    [
        ({}, 31_337, True),
        ({}, 1, False),
        ({"EVENKEEL_KEEPER_KEY": "0x11"}, 1, True),
        ({"EVENKEEL_KEEPER_KEY": " "}, 1, False),
    ],
)
def test_has_key__named_or_on_the_local_chain__is_there(named, chain_id, expected):
    assert has_key(named, chain_id) is expected


@pytest.mark.parametrize(
    "bad", ["0x1234", "not a key", "0x" + "zz" * 32, "0x" + "00" * 32, "0x" + "ff" * 32, "0x" + "11" * 33]
)
def test_load_signer__bad_key__is_refused_without_repeating_it(bad):
    with pytest.raises(DataError, match="is not a private key; write 0x and 64 hexadecimal digits") as caught:
        load_signer({"EVENKEEL_KEEPER_KEY": bad}, 1)
    assert bad not in str(caught.value)


def test_signer__shown__keeps_its_key_to_itself():
    signer = load_signer({"EVENKEEL_KEEPER_KEY": KEY}, 1)
    assert "11" * 32 not in repr(signer) + str(vars(signer))


def test_age__oldest_decision_that_is_sent__has_56_blocks_left_to_be_mined():
    """The EVM knows the hashes of 256 blocks (yellow paper, 9.4.4); 200 may have passed before it is sent."""
    assert (LAST_BLOCKS, MAX_DECISION_AGE_BLOCKS) == (256, 200)
