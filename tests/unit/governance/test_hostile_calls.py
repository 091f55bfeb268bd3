"""Call data of someone who means harm: never a failure, never a screen that lies, and what is not shown is said."""

from __future__ import annotations

import json

import numpy as np
import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.abi import functions_of, load_abi
from agent.governance.calls import GovernedCall, encode_entry
from agent.governance.decoding import MAX_CALLS, MAX_DEPTH, UNCOMPILED, AddressBook, decode_call
from agent.governance.review import review
from agent.governance.text import review_document, review_lines
from agent.governance.wrappers import WRAPPERS
from agent.plain_text import hides, plain, quoted
from tests.support.governance import CONTRACTS, GOVERNOR, STRANGER, desk

ESCAPES = "\x1b[2J\x1b[31mWARNINGS: none\u202e\u200b"
ACCESS = desk().deployment.contract("VaultAccess")
RESUME = bytes.fromhex("046f7da2")


def of(signature: str, *arguments: object) -> bytes:
    types = signature[signature.index("(") + 1 : -1].split(",")
    return keccak(text=signature)[:4] + encode(types, arguments)


def shown(call: GovernedCall, kind: str | None = None):
    own = desk()
    book = own.book if kind is None else AddressBook(own.deployment, {STRANGER: kind})
    return review([call], book, own.state)


def warnings_of(call: GovernedCall, kind: str | None = None) -> str:
    return " | ".join(shown(call, kind).warnings)


# --- anything at all ------------------------------------------------------------------------------------------------


def _known_selectors() -> list[tuple[str, bytes]]:
    own = desk().deployment
    known = [(own.contract(name), selector) for name in CONTRACTS for selector in functions_of(name)]
    return [*((STRANGER, selector) for selector in WRAPPERS), *((GOVERNOR, selector) for selector in WRAPPERS), *known]


def _random_calls() -> list[GovernedCall]:
    random = np.random.default_rng(7)
    calls = []
    for number, (target, selector) in enumerate(_known_selectors()):
        size = int(random.integers(0, 10)) * 32 + (number % 3 == 0)
        words = b"".join(int(word).to_bytes(32, "big") for word in random.integers(0, 130, 9))
        body = random.bytes(size) if number % 2 else words[:size]
        calls.append(GovernedCall(target, selector + body))
    return calls


def test_review__random_bytes_behind_every_known_selector__is_a_review():
    calls = _random_calls()
    own = desk()
    found = review(calls, own.book, own.state)
    assert len(calls) > 200
    assert json.dumps(review_document(found, 6))
    assert "\x1b" not in "\n".join(review_lines(found, 6))


def test_review__nothing_but_zeros_behind_every_known_selector__is_a_review():
    """The first governed role is 0, and so is a deposit cap that closes deposits."""
    own = desk()
    for words in range(12):
        calls = [GovernedCall(target, selector + bytes(32 * words)) for target, selector in _known_selectors()]
        assert review_document(review(calls, own.book, own.state), 6)


def test_decode_call__nothing_to_warn_of__is_exactly_what_it_says():
    own = desk()
    silent = [one for one in (decode_call(call, own.book) for call in _random_calls()) if not one.warnings]
    for one in silent:
        assert one.contract is not None
        entry = functions_of(one.contract)[one.call.data[:4]]
        assert encode_entry(entry, [argument.value for argument in one.arguments]) == one.call.data
    assert 0 < len(silent) < 100


@pytest.mark.parametrize("length", range(0, 200, 7))
def test_review__call_cut_short_anywhere__is_warned_of(length):
    whole = (
        load_abi("VaultAccess").function("multicall").encode([of("grantRole(uint64,address,uint32)", 1, STRANGER, 0)])
    )
    cut = GovernedCall(ACCESS, bytes.fromhex(whole[2:])[:length])
    assert shown(cut).calls == (cut,)
    assert any(words in warnings_of(cut) for words in ("cannot be decoded", "no function"))


# --- calls inside calls ---------------------------------------------------------------------------------------------


def _aliased(entries: int, inner: bytes) -> bytes:
    """A multicall whose entries all point at the same bytes, so that each layer multiplies what is inside."""
    padded = inner + bytes(-len(inner) % 32)
    offsets = (32 * entries).to_bytes(32, "big") * entries
    head = (32).to_bytes(32, "big") + entries.to_bytes(32, "big")
    return of("multicall(bytes[])", [])[:4] + head + offsets + len(inner).to_bytes(32, "big") + padded


def test_review__layers_that_multiply__end_and_say_so():
    data = RESUME
    for _ in range(MAX_DEPTH):
        data = _aliased(60, data)
    call = GovernedCall(ACCESS, data)
    decoded = decode_call(call, desk().book)
    assert sum(1 for _ in decoded.walk()) <= MAX_CALLS + 1
    assert f"more than are shown ({MAX_CALLS} in all)" in warnings_of(call)


def test_review__more_calls_than_are_shown__has_words_of_its_own():
    schedule = of("schedule(address,bytes,uint48)", ACCESS, RESUME, 0)
    many = [GovernedCall(ACCESS, _aliased(MAX_CALLS + extra, schedule)) for extra in (1, 2)]
    assert [shown(call).calls for call in many] == [(call,) for call in many]
    assert shown(many[0]).words != shown(many[1]).words


def test_review__bytes_behind_the_arguments_of_a_layer__are_not_peeled_off():
    schedule = GovernedCall(ACCESS, of("schedule(address,bytes,uint48)", ACCESS, RESUME, 0) + bytes(32))
    assert shown(schedule).calls == (schedule,)
    assert "bytes are hidden in it" in warnings_of(schedule)


@pytest.mark.parametrize("kind", UNCOMPILED)
def test_review__bytes_behind_the_arguments_of_a_foreign_layer__are_told(kind):
    data = of("multiSend(bytes)", b"") + bytes(32)
    assert "bytes are hidden in it" in warnings_of(GovernedCall(STRANGER, data), kind)


def test_review__lists_of_different_lengths__are_told():
    vault = desk().deployment.contract("HedgeVault")
    data = of("propose(address[],uint256[],bytes[],string)", [vault, vault], [0, 0], [RESUME], "why")
    assert "2, 2, 1: it reverts" in warnings_of(GovernedCall(STRANGER, data), "Governor")


# --- a Safe ---------------------------------------------------------------------------------------------------------


def _row(operation: int, data: bytes = RESUME, length: int | None = None) -> bytes:
    vault = desk().deployment.contract("HedgeVault")
    size = len(data) if length is None else length
    return bytes([operation]) + bytes.fromhex(vault[2:]) + bytes(32) + size.to_bytes(32, "big") + data


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (_row(0) + _row(1), "delegatecall: the code called acts as the Safe itself"),
        (_row(0) + _row(7), "operation 7 is none of Safe's"),
        (_row(0) + b"\x01\x02", "its last 2 bytes are no whole call"),
        (_row(0) + _row(0, length=2**200), "are no whole call and are not shown"),
    ],
)
def test_review__multi_send_that_hides__is_told(packed, words):
    call = GovernedCall(STRANGER, of("multiSend(bytes)", packed))
    assert words in warnings_of(call, "Safe")
    assert any(part.function == "resume" for part in decode_call(call, desk().book).walk())


def test_review__safe_transaction_by_delegatecall__is_told():
    types = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
    for operation, is_told in ((0, False), (1, True)):
        data = of(types, ACCESS, 0, RESUME, operation, 0, 0, 0, STRANGER, STRANGER, b"")
        assert ("holds a delegatecall" in warnings_of(GovernedCall(STRANGER, data), "Safe")) is is_told


# --- text -----------------------------------------------------------------------------------------------------------


def test_review__text_that_steers_a_terminal__is_written_as_escapes():
    governor = desk().deployment.contract("VaultAccess")
    call = GovernedCall(governor, of("labelRole(uint64,string)", 1, ESCAPES))
    lines = "\n".join(review_lines(shown(call), 6))
    assert not {"\x1b", "\u202e", "\u200b"} & set(lines)
    assert r"\x1b[2J" in lines


def test_review__text_that_is_no_utf_8__cannot_be_decoded():
    data = of("labelRole(uint64,string)", 1, "aaaa").replace(b"aaaa", b"\xff\xfe\xfd\xfc")
    assert "cannot be decoded" in warnings_of(GovernedCall(ACCESS, data))


def test_review__lists_and_bytes_without_end__are_cut():
    many = GovernedCall(ACCESS, of("setTargetFunctionRole(address,bytes4[],uint64)", ACCESS, [b"abcd"] * 5_000, 1))
    long = GovernedCall(ACCESS, of("schedule(address,bytes,uint48)", STRANGER, bytes(50_000), 0))
    assert "and 4,936 more" in shown(many).decoded[0].arguments[1].text
    assert "(50,000 bytes)" in shown(long).decoded[0].arguments[1].text


def test_plain__what_cannot_be_seen__is_an_escape():
    assert plain("set \u202eecnav\x07\u3164") == r"set \u202eecnav\x07\u3164"
    assert plain("Prüfung ist 安全") == "Prüfung ist 安全"
    assert plain("\udcff") == r"\udcff"
    assert plain("a" * 30, 10) == "aaaaaaaaaa ... (30 characters)"
    assert hides("a\u200bb")
    assert not hides("two\nlines")


def test_quoted__lines_of_ones_own__do_not_pass_for_ours():
    assert quoted("harmless\r\n\nWARNINGS:\tnone") == ["  | harmless", "  | ", r"  | WARNINGS:\tnone"]
    assert quoted("x" * 5_000)[-1] == "  | ... (5,000 characters)"


# --- what sets a parameter that is not known ------------------------------------------------------------------------


def test_review__cap_of_a_venue_that_is_not_the_manifests__is_not_passed_over():
    call = GovernedCall(desk().deployment.contract("VenueRegistry"), _set_venue_cap(STRANGER, 2**64 - 1))
    assert shown(call).changes == ()
    assert "as much equity may be lost with the venue" in " ".join(shown(call).worst_case)


def _set_venue_cap(*arguments: object) -> bytes:
    return bytes.fromhex(load_abi("VenueRegistry").function("setVenueCap").encode(*arguments)[2:])
