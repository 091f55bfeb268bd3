from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from agent.localnet.codec import (
    create2_address,
    create_address,
    decode,
    encode_call,
    encode_constructor,
    revert_reason,
    split_types,
)

DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
ZERO = "0x0000000000000000000000000000000000000000"


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("()", ()),
        ("(uint256)", ("uint256",)),
        ("(uint256,address)", ("uint256", "address")),
        ("((address,bool),uint256[])", ("(address,bool)", "uint256[]")),
        ("((uint8,(bytes32,int256)))", ("(uint8,(bytes32,int256))",)),
    ],
)
def test_split_types__nested_tuples__top_level_types_alone(types, expected):
    assert split_types(types) == expected


def test_encode_call__erc20_transfer__published_selector_and_padded_words():
    assert encode_call("transfer(address,uint256)", DEPLOYER, 1) == (
        "0xa9059cbb" + DEPLOYER[2:].lower().rjust(64, "0") + "1".rjust(64, "0")
    )


def test_encode_constructor__no_arguments__code_unchanged():
    assert encode_constructor("0x6001", "()", ()) == "0x6001"
    assert encode_constructor("0x6001", "(uint8)", (6,)) == "0x6001" + "6".rjust(64, "0")


def test_decode__address_among_others__checksummed():
    word = DEPLOYER[2:].lower().rjust(64, "0")
    assert decode("(address,uint256)", "0x" + word + "2".rjust(64, "0")) == (DEPLOYER, 2)


@pytest.mark.parametrize(
    ("nonce", "address"),
    [
        # First contracts of Anvil's first account, as every user of its default mnemonic knows them.
        (0, "0x5FbDB2315678afecb367f032d93F642f64180aa3"),
        (1, "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"),
        (2, "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0"),
    ],
)
def test_create_address__known_deployments__same_address(nonce, address):
    assert create_address(DEPLOYER, nonce) == address


@pytest.mark.parametrize(
    ("factory", "salt", "code", "address"),
    [  # examples 1, 3 and 6 of EIP-1014
        (ZERO, 0, "00", "0x4D1A2e2bB4F88F0250f26Ffff098B0b30B26BF38"),
        (
            "0xdeadbeef00000000000000000000000000000000",
            0xFEED << 144,
            "00",
            "0xD04116cDd17beBE565EB2422F2497E06cC1C9833",
        ),
        (
            "0x00000000000000000000000000000000deadbeef",
            0xCAFEBABE,
            "deadbeef" * 11,
            "0x1d8bfDC5D46DC4f61D6b6115972536eBE6A8854C",
        ),
    ],
)
def test_create2_address__examples_of_the_standard__same_address(factory, salt, code, address):
    assert create2_address(factory, salt, keccak(bytes.fromhex(code))) == address


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encode_call("Error(string)", "EX_OPLAS"), "EX_OPLAS"),
        ("0x758814d8", "0x758814d8"),
        ("0x", "0x"),
        (None, "0x"),
    ],
)
def test_revert_reason__string_custom_or_none__readable(data, reason):
    assert revert_reason(data) == reason
