"""Call data by name, and the words by which two people compare it."""

from __future__ import annotations

import pytest

from agent.errors import DataError
from agent.governance.calls import GovernedCall, checksum, parse_address, parse_call, parse_hex, same_words
from agent.governance.words import WORDS
from tests.support.governance import STRANGER, deployment

CALL = GovernedCall(deployment().contract("HedgeVault"), bytes.fromhex("046f7da2"))


def test_words__one_a_byte__differ():
    assert len(WORDS) == len(set(WORDS)) == 256
    assert all(word.isascii() and word.islower() for word in WORDS)


def test_checksum__same_calls__same_words():
    words = checksum(deployment(), [CALL])
    assert words == checksum(deployment(), [GovernedCall(CALL.target, CALL.data)])
    assert len(words.split()) == 8


@pytest.mark.parametrize(
    ("chain_id", "calls"),
    [
        (31_337, [GovernedCall(CALL.target, CALL.data[:-1] + b"\xa3")]),
        (31_337, [GovernedCall(STRANGER, CALL.data)]),
        (31_337, [GovernedCall(CALL.target, CALL.data, wei=1)]),
        (31_337, [CALL, CALL]),
        (1, [CALL]),
    ],
)
def test_checksum__one_byte_differs__other_words(chain_id, calls):
    assert checksum(deployment(chain_id), calls) != checksum(deployment(), [CALL])


def test_same_words__typed_by_a_person__case_and_spaces_do_not_matter():
    assert same_words("  Aardvark  ABSURD ", "aardvark absurd")
    assert not same_words("aardvark", "aardvark absurd")


def test_parse_call__role_by_name__is_the_contracts_call_data():
    call = parse_call(f'VaultAccess.grantRole [1, "{STRANGER}", "0"]', deployment().contract)
    assert call.target == deployment().contract("VaultAccess")
    assert call.data[:4].hex() == "25c471a0"
    assert call.data[-64:-32].hex().endswith("a4")


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("resume", "write Contract.function"),
        ("Nowhere.resume", "no contract Nowhere"),
        ("HedgeVault.resum", "HedgeVault has no function 'resum'"),
        ("HedgeVault.resume [1]", "takes 0 arguments, not 1"),
        ("HedgeVault.resume {}", "no JSON list"),
        ("HedgeVault.resume [", "not JSON"),
        ("HedgeVault.setDepositCap [1.5]", "no whole number"),
        ("HedgeVault.setDepositCap [-1]", "setDepositCap: "),
        ('VenueRegistry.closeVenue ["venue"]', "closeVenue: "),
    ],
)
def test_parse_call__what_does_not_fit__is_refused_in_one_line(written, line):
    with pytest.raises(DataError, match=line.replace("(", r"\(")) as caught:
        parse_call(written, deployment().contract)
    assert "\n" not in str(caught.value)


def test_parse__address_and_hex__are_refused_by_name():
    with pytest.raises(DataError, match="--governor 'x' is not an address"):
        parse_address("x", "--governor")
    with pytest.raises(DataError, match="is not call data"):
        parse_hex("0x123", "call data")
