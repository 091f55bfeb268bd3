"""A revert becomes the Solidity error's name and its arguments by parameter name."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.reverts import UNKNOWN_REVERT, decode_revert


def revert_data(signature: str, *arguments: object) -> str:
    types = signature[signature.index("(") + 1 : -1].split(",") if not signature.endswith("()") else []
    return "0x" + (keccak(text=signature)[:4] + encode(types, arguments)).hex()


def test_decode_revert__guard_error__names_actual_and_limit():
    rejection = decode_revert(revert_data("NetDeltaExceeded(uint256,uint256)", 7 * 10**18, 5 * 10**18))
    assert rejection.name == "NetDeltaExceeded"
    assert rejection.arguments == {"worstNetDelta": 7 * 10**18, "maxAbsDelta": 5 * 10**18}
    assert str(rejection) == "NetDeltaExceeded(worstNetDelta=7000000000000000000, maxAbsDelta=5000000000000000000)"


def test_decode_revert__vault_and_role_errors__hex_and_checksummed_addresses():
    address = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"
    assert decode_revert(revert_data("NotKeeper(address)", address)).arguments == {
        "caller": "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
    }
    outdated = decode_revert(revert_data("IntentOutdated(bytes32,uint256,uint256)", b"\x01" * 32, 7, 8))
    assert outdated.arguments == {"intentId": "0x" + "01" * 32, "blockNumber": 7, "lastBlock": 8}


def test_decode_revert__name_of_a_bound__is_text():
    data = revert_data("BoundLooser(bytes32,uint256,uint256)", b"band".ljust(32, b"\0"), 2, 1)
    assert decode_revert(data).arguments == {"boundName": "band", "actual": 2, "limit": 1}


def test_decode_revert__name_of_a_bound_that_is_no_text__is_shown_all_the_same():
    data = revert_data("BoundLooser(bytes32,uint256,uint256)", b"ba\xffnd".ljust(32, b"\0"), 2, 1)
    assert decode_revert(data).arguments["boundName"] == "ba\ufffdnd"


@pytest.mark.parametrize(
    ("signature", "argument", "name", "arguments"),
    [
        ("Error(string)", "CH_TLRS", "Error", {"message": "CH_TLRS"}),
        ("Panic(uint256)", 0x11, "Panic", {"code": 0x11}),
    ],
)
def test_decode_revert__built_in_error__keeps_its_message(signature, argument, name, arguments):
    rejection = decode_revert(revert_data(signature, argument))
    assert (rejection.name, rejection.arguments) == (name, arguments)


@pytest.mark.parametrize("data", [None, "0x", "0x12345678", "0x1234", "0x123", "nothing"])
def test_decode_revert__unknown_data__is_shown_raw(data):
    rejection = decode_revert(data)
    assert rejection.name == UNKNOWN_REVERT
    assert rejection.arguments == {"data": data or "0x"}


def test_decode_revert__truncated_arguments__are_shown_raw():
    data = revert_data("NetDeltaExceeded(uint256,uint256)", 7, 5)[:-8]
    assert decode_revert(data).arguments == {"data": data}


@pytest.mark.parametrize("text", [b"\xff\xfe is no UTF-8", None], ids=["no text", "endless"])
def test_decode_revert__reason_of_a_stranger_that_is_no_text__is_shown_raw(text):
    """Ended the keeper: any contract that it asks may revert with such bytes."""
    arguments = encode(("bytes",), (text,)) if text else (32).to_bytes(32) + b"\xff" * 32
    data = "0x" + (keccak(text="Error(string)")[:4] + arguments).hex()
    assert decode_revert(data).arguments == {"data": data}


def test_decode_revert__reason_that_no_ledger_keeps__is_escaped():
    """PostgreSQL takes no NUL: why an intent had reverted could not be recorded, and so its end was not."""
    rejection = decode_revert(revert_data("Error(string)", "no\0\x1b[2J"))
    assert rejection.arguments == {"message": r"no\x00\x1b[2J"}
