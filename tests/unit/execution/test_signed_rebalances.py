"""What a keeper signs is what `IntentRelay` hashes, field by field, and nobody else's signature passes for its own."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils.crypto import keccak

from agent.chain.abi import load_abi
from agent.domain import BlockRef, Intent, Leg
from agent.execution.keys import TypedData
from agent.execution.signed_rebalances import relay_call, typed_rebalance
from agent.execution.signer import load_signer
from agent.units import Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei

KEY = "0x" + "11" * 32
CHAIN_ID = 31_337
KEEPER = Address("0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A")
RELAY = Address("0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0")
VAULT = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
VENUE = Address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512")
BLOCK = BlockRef(7, BlockHash("0x" + "ab" * 32), Seconds(1_000), Wei(0))
INTENT = Intent(
    intent_id=IntentId("0x" + "22" * 32),
    vault=VAULT,
    legs=(
        Leg(VENUE, AssetUnits(-1), Wad(2), Wad(3)),
        Leg(RELAY, AssetUnits(4), Wad(-5), Wad(6)),
    ),
    deadline=Seconds(1_240),
    decided_at_block=BLOCK,
)


def digest(
    intent: Intent = INTENT, keeper: Address = KEEPER, chain_id: int = CHAIN_ID, relay: Address = RELAY
) -> bytes:
    return typed_rebalance(intent, keeper, chain_id, relay).digest


# HEDGE-522
def test_typed_rebalance__types_of_the_contract__hashed_by_hand_are_the_same(repository):
    source = (repository / "contracts" / "relay" / "IntentRelay.sol").read_text(encoding="utf-8")
    leg_type, intent_type = (re.search(rf'keccak256\("({name}\([^"]+\))"\)', source)[1] for name in ("Leg", "Intent"))
    rebalance_type = re.search(r'"(Rebalance\([^"]+\))"', source)[1]
    (name, version) = re.search(r'EIP712\("([^"]+)", "([^"]+)"\)', source).groups()
    legs = b"".join(
        keccak(encode(["bytes32", "address", "int256", "int256", "uint256"], [keccak(text=leg_type), *leg]))
        for leg in ((VENUE, -1, 2, 3), (RELAY, 4, -5, 6))
    )
    bound = (keccak(text=intent_type), b"\x22" * 32, 7, b"\xab" * 32, 1_240)
    intent = keccak(encode(["bytes32", "bytes32", "uint256", "bytes32", "uint256"], bound))
    types = keccak(text=rebalance_type + intent_type + leg_type)
    struct = encode(
        ["bytes32", "address", "address", "bytes32", "bytes32"], [types, VAULT, KEEPER, intent, keccak(legs)]
    )
    domain_type = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    domain = encode(
        ["bytes32", "bytes32", "bytes32", "uint256", "address"],
        [keccak(text=domain_type), keccak(text=name), keccak(text=version), CHAIN_ID, RELAY],
    )
    assert digest() == keccak(b"\x19\x01" + keccak(domain) + keccak(struct))


# HEDGE-522
def test_digest_of__anything_else__is_another_digest():
    first, second = INTENT.legs
    others = [
        digest(keeper=VENUE),
        digest(chain_id=1),
        digest(relay=VAULT),
        digest(replace(INTENT, vault=VENUE)),
        digest(replace(INTENT, intent_id=IntentId("0x" + "23" * 32))),
        digest(replace(INTENT, deadline=Seconds(1_241))),
        digest(replace(INTENT, decided_at_block=replace(BLOCK, number=8))),
        digest(replace(INTENT, decided_at_block=replace(BLOCK, hash=BlockHash("0x" + "cd" * 32)))),
        digest(replace(INTENT, legs=(second, first))),
        digest(replace(INTENT, legs=(first,))),
        digest(replace(INTENT, legs=())),
        *(
            digest(replace(INTENT, legs=(replace(first, **changed), second)))
            for changed in ({"venue": VAULT}, {"margin_delta": 1}, {"size_delta": 1}, {"limit_price": 1})
        ),
    ]
    assert len({digest(), *others}) == 1 + len(others)


def readable(data: TypedData) -> SignableMessage:
    return encode_typed_data(data.domain, data.types, data.message)


def test_sign_rebalance__keeper__is_recovered_from_the_signature_alone():
    signer = load_signer({"EVENKEEL_KEEPER_KEY": KEY}, CHAIN_ID)
    signature = signer.sign_rebalance(INTENT, RELAY)
    assert signature == signer.sign_rebalance(INTENT, RELAY)
    assert len(signature) == 65
    assert signer.address == KEEPER
    message = readable(typed_rebalance(INTENT, KEEPER, CHAIN_ID, RELAY))
    assert Account.recover_message(message, signature=signature) == KEEPER
    tampered = readable(typed_rebalance(replace(INTENT, legs=INTENT.legs[:1]), KEEPER, CHAIN_ID, RELAY))
    assert Account.recover_message(tampered, signature=signature) != KEEPER


@pytest.mark.parametrize("price_update", [(), (b"\x01", b"\x02\x03")])
def test_relay_call__signed_intent__is_what_the_relay_decodes(price_update):
    call = relay_call(INTENT, KEEPER, RELAY, b"\x05" * 65, price_update)
    function = load_abi("IntentRelay").function("relay")
    bound = (b"\x22" * 32, 7, b"\xab" * 32, 1_240)
    legs = [(VENUE, -1, 2, 3), (RELAY, 4, -5, 6)]
    assert call.to == RELAY
    assert call.data == function.encode(KEEPER, bound, legs, b"\x05" * 65, list(price_update))
