"""What a review tells of calls: changes, worst case, and a warning for all that is hidden, unknown or combined."""

from __future__ import annotations

import re

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.abi import functions_of, load_abi
from agent.governance.calls import GovernedCall
from agent.governance.changes import calls_of, parse_changes
from agent.governance.consequences import CONSEQUENCES, consequence_of
from agent.governance.decoding import MAX_DEPTH, decode_call
from agent.governance.governors import GovernorKind, execute_steps, propose_steps
from agent.governance.review import review
from agent.units import Seconds
from tests.conformance.test_governed_functions import CALL, IN_MATRIX, MATRIX
from tests.support.governance import GOVERNOR, GUARDIAN, KEEPER, STRANGER, VENUE, desk


def call_of(contract: str, function: str, *arguments: object) -> GovernedCall:
    data = load_abi(contract).function(function).encode(*arguments)
    return GovernedCall(desk().deployment.contract(contract), bytes.fromhex(data[2:]))


def reviewed(*calls: GovernedCall, kind: GovernorKind = GovernorKind.ACCOUNT):
    own = desk(kind)
    return review(calls, own.book, own.state)


def set_calls(*sets: str) -> tuple[GovernedCall, ...]:
    own = desk()
    return calls_of(parse_changes(sets, own.state, own.deployment), own.state, own.deployment)


RESUME = call_of("HedgeVault", "resume")


def test_consequences__every_governed_function__is_explained(repository):
    entries = CALL.findall((repository / MATRIX).read_text(encoding="utf-8"))
    locked = re.findall(r"function (\w+)\([^)]*\) public (?:pure|view) override", _source(repository, "VaultAccess"))
    locked += re.findall(r"function (\w+)\([^)]*\) public (?:pure|view) override", _source(repository, "Governed"))
    by_role = {("VaultAccess", "grantRole"), ("VaultAccess", "revokeRole")}
    by_the_keeper = {"rebalance", "rebalanceFor", "addOwnPosition", "setIvIntervals"}
    governed = {(IN_MATRIX[variable], function) for variable, function in entries} - by_role
    missing = {one for one in governed if one[1] not in {*locked, *by_the_keeper}} - set(CONSEQUENCES)
    assert missing == set()


def _source(repository, name):
    return (repository / "contracts" / "governance" / f"{name}.sol").read_text(encoding="utf-8")


def test_consequences__every_line__names_arguments_that_exist():
    for (contract, function), consequence in CONSEQUENCES.items():
        abi = load_abi(contract)
        abi.function(function)
        for name in re.findall(r"{(\w+)}", consequence.line):
            assert name in _argument_names(contract, function), (contract, function)


def _argument_names(contract, function):
    entries = [entry for entry in functions_of(contract).values() if entry["name"] == function]
    return {parameter["name"].rstrip("_") for entry in entries for parameter in entry["inputs"]}


# --- changes and worst case -----------------------------------------------------------------------------------------


def test_review__two_bounds__both_ways_told_and_losses_compared():
    shown = reviewed(*set_calls("max_slippage_bps=80", "loss_capacity_bps=100"))
    assert [(one.key, one.old, one.new, one.loosens) for one in shown.changes] == [
        ("max_slippage_bps", 60, 80, True),
        ("loss_capacity_bps", 150, 100, False),
    ]
    worst = " ".join(shown.worst_case)
    assert "max_slippage_bps 80 bps: execution worse than the oracle price" in worst
    assert "at most 250 bps of NAV together (now 300), 167 by one key (now 201)" in worst


@pytest.mark.parametrize(
    "sets",
    [
        ("deposit_cap=1000",),
        ("share_lock_seconds=3600",),
        ("venue_cap_usd:curie=1000",),
        ("venue_cap_usd=1000",),
        ("delay_seconds=172800",),
        ("min_price_usd=200", "max_depeg_bps=50"),
    ],
)
def test_review__each_group__reads_back_what_was_set(sets):
    shown = reviewed(*set_calls(*sets))
    assert len(shown.changes) == len(sets)
    assert sorted(one.key.partition(":")[0] for one in shown.changes) == sorted(
        one.partition("=")[0].partition(":")[0] for one in sets
    )


@pytest.mark.parametrize(
    ("role", "words", "days"),
    [
        (0, "may schedule everything", 1),
        (1, "one stolen key costs", 1),
        (2, "hold governance up for two delays", 1),
        (3, "spends every budget", 1),
    ],
)
def test_review__grant__says_what_the_holder_can_do(role, words, days):
    shown = reviewed(call_of("VaultAccess", "grantRole", role, STRANGER, 86_400 if role == 0 else 0))
    (line,) = shown.worst_case
    assert words in line
    assert STRANGER in line
    assert shown.wait == days * 86_400


def test_review__role_that_does_not_exist__is_told():
    (line,) = reviewed(call_of("VaultAccess", "grantRole", 9, STRANGER, 0)).worst_case
    assert "a role that cannot be told" in line


def test_review__dismissal_of_the_guardian__waits_twice():
    shown = reviewed(call_of("VaultAccess", "revokeRole", 2, GUARDIAN), RESUME)
    assert shown.wait == 2 * 86_400
    assert "nobody cancels" in " ".join(shown.worst_case)
    assert f"guardian ({GUARDIAN})" in " ".join(shown.worst_case)


# --- warnings -------------------------------------------------------------------------------------------------------


def warnings_of(*calls: GovernedCall) -> str:
    return " | ".join(reviewed(*calls).warnings)


def test_review__bytes_behind_the_arguments__are_told():
    grown = GovernedCall(RESUME.target, RESUME.data + b"\0" * 32)
    assert "bytes are hidden in it" in warnings_of(grown)
    assert "bytes are hidden" not in warnings_of(RESUME)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (GovernedCall(STRANGER, bytes.fromhex("046f7da2")), "is no contract of this vault"),
        (GovernedCall(RESUME.target, bytes.fromhex("deadbeef")), "no function with selector 0xdeadbeef"),
        (GovernedCall(RESUME.target, b""), "it has no function selector"),
        (GovernedCall(RESUME.target, RESUME.data, wei=5), "it sends 5 wei"),
        (GovernedCall(RESUME.target, call_of("HedgeVault", "setDepositCap", 1).data[:20]), "cannot be decoded"),
        (call_of("HedgeVault", "approve", STRANGER, 1), "no function of a governor or guardian"),
    ],
)
def test_review__what_nobody_knows__is_warned_of(call, words):
    assert words in warnings_of(call)


def test_review__keeper_and_loosening_in_one__is_warned_of():
    grant = call_of("VaultAccess", "grantRole", 1, STRANGER, 0)
    assert "appoints a keeper and loosens" in warnings_of(grant, *set_calls("max_slippage_bps=300"))
    assert "appoints a keeper" not in warnings_of(grant, *set_calls("max_slippage_bps=30"))


def test_review__same_call_twice_in_a_multicall__is_warned_of():
    schedule = call_of("VaultAccess", "schedule", RESUME.target, RESUME.data, 0)
    assert "the same call twice" in warnings_of(call_of("VaultAccess", "multicall", [schedule.data] * 2))


def test_review__offline__says_that_the_chain_was_not_asked():
    assert "not with the chain" in warnings_of(RESUME)


def test_review__unknown_contract_around_known_calls__is_not_trusted():
    schedule = call_of("VaultAccess", "schedule", RESUME.target, RESUME.data, 0)
    foreign = GovernedCall(STRANGER, call_of("VaultAccess", "multicall", [schedule.data]).data)
    shown = reviewed(foreign)
    assert shown.calls == (foreign,)
    assert any("anything that the target lets" in line for line in shown.worst_case)


def test_decode_call__calls_nested_without_end__stops_and_says_so():
    call = RESUME
    for _ in range(MAX_DEPTH + 3):
        call = call_of("VaultAccess", "execute", desk().deployment.contract("VaultAccess"), call.data)
    assert f"more than {MAX_DEPTH} deep" in warnings_of(call)


def test_decode_call__cancellation__will_not_run():
    cancel = call_of("VaultAccess", "cancel", GOVERNOR, RESUME.target, RESUME.data)
    shown = reviewed(cancel)
    assert shown.calls == (cancel,)
    assert shown.decoded[0].inner[0].is_taken_back
    assert shown.worst_case == ()


def test_decode_call__safe_multi_send__is_taken_apart():

    row = b"\0" + bytes.fromhex(RESUME.target[2:]) + (0).to_bytes(32, "big") + len(RESUME.data).to_bytes(32, "big")
    data = keccak(text="multiSend(bytes)")[:4] + encode(("bytes",), (row + RESUME.data,))
    decoded = decode_call(GovernedCall(STRANGER, data), desk().book)
    assert [leaf.function for leaf in decoded.leaves()] == ["resume"]


def test_consequence_of__call_that_cannot_be_decoded__has_no_name_to_give():
    call = GovernedCall(desk().deployment.contract("MemberGate"), call_of("MemberGate", "addMember", KEEPER).data[:9])
    consequence = consequence_of(decode_call(call, desk().book))
    assert consequence is not None
    assert "an unknown account" in consequence.line


# --- the same words whoever governs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(GovernorKind))
def test_words__of_every_kinds_transactions__are_those_of_the_calls(kind):
    own = desk(kind, own_delay=3_600)
    calls = (*set_calls("max_slippage_bps=40", "deposit_cap=1000"), call_of("VenueRegistry", "reopenVenue", VENUE))
    expected = review(calls, own.book, own.state).words
    for steps in (
        propose_steps(own.governor, own.deployment, calls, "why", Seconds(86_400)),
        execute_steps(own.governor, own.deployment, calls, "why"),
    ):
        shown = review([step.call for step in steps], own.book, own.state)
        assert shown.calls == calls
        assert shown.words == expected
