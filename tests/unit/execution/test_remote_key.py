"""What a remote signer is asked, and that nothing it answers is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from agent.chain.wire import BrokenWireError, NoWireError, SilentWireError, WireAnswer
from agent.errors import DataError, FatalError, TransientError
from agent.execution import remote_key
from agent.execution.fees import Fees
from agent.execution.keys import LocalKey, TypedData
from agent.execution.remote_key import PROTOCOLS, TIMEOUT_SECONDS, RemoteKey, SignerProtocol
from agent.execution.signer import load_signer
from agent.execution.transaction import CURVE_ORDER, DynamicFeeTransaction
from agent.units import Address, Wei

HOLDER = LocalKey(b"\x11" * 32, "holder")
THIEF = LocalKey(b"\x33" * 32, "thief")
URL = "http://user:secret@signer.example:9000/path"
TO = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
ASKED = DynamicFeeTransaction(1, 7, TO, Wei(0), "0x1234", 1_000_000, Fees(Wei(41 * 10**9), Wei(10**9)))
TYPED = TypedData(
    {"name": "Evenkeel", "version": "1", "chainId": 1, "verifyingContract": TO},
    {
        "Rebalance": [{"name": "legs", "type": "Leg[]"}, {"name": "blockHash", "type": "bytes32"}],
        "Leg": [{"name": "sizeDelta", "type": "int256"}, {"name": "isLast", "type": "bool"}],
    },
    {"legs": [{"sizeDelta": -(10**30), "isLast": False}, {"sizeDelta": 5, "isLast": True}], "blockHash": b"\xab" * 32},
)
WEB3SIGNER = PROTOCOLS["web3signer"]


class FakeSigner:
    """Answers each method as a test says, in place of the wire that would ask it."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"eth_accounts": [HOLDER.address], **answers}
        self.asked: list[tuple[str, list[Any]]] = []

    def post(self, body: bytes, timeout_seconds: float) -> WireAnswer:
        question = json.loads(body)
        assert (timeout_seconds, question["jsonrpc"]) == (TIMEOUT_SECONDS, "2.0")
        self.asked.append((question["method"], question["params"]))
        answer = self.answers[question["method"]]
        answer = answer(*question["params"]) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        whole = answer if isinstance(answer, Whole) else {"jsonrpc": "2.0", "id": 1, "result": answer}
        return WireAnswer(200, {}, answer if isinstance(answer, bytes) else json.dumps(whole).encode())


class Whole(dict):
    """A whole answer, not a result alone."""


@pytest.fixture
def opened(monkeypatch):
    def open_(address: Address | None = None, protocol: SignerProtocol = WEB3SIGNER, **answers: Any):
        signer = FakeSigner(**answers)
        monkeypatch.setattr(remote_key, "Wire", lambda url: {URL: signer}[url])
        return RemoteKey.open(URL, protocol, address), signer

    return open_


def signature_of(key: LocalKey, document: dict[str, Any]) -> str:
    return "0x" + bytes(Account.sign_message(encode_typed_data(full_message=document), b"\x11" * 32).signature).hex()


def test_open__only_account__is_taken_and_its_name_holds_no_password(opened):
    key, signer = opened()
    assert (key.address, key.kind) == (HOLDER.address, "Web3Signer at signer.example:9000")
    assert signer.asked == [("eth_accounts", [])]


def test_open__several_accounts__takes_the_one_that_is_named(opened):
    accounts = [THIEF.address.lower(), HOLDER.address.lower()]
    assert opened(HOLDER.address, eth_accounts=accounts)[0].address == HOLDER.address
    with pytest.raises(DataError, match=f"signs for {THIEF.address}, {HOLDER.address}; name one of them"):
        opened(eth_accounts=accounts)
    with pytest.raises(DataError, match="signs for none; name one of them"):
        opened(HOLDER.address, eth_accounts=[])


@pytest.mark.parametrize("listed", ["0x11", {"a": 1}, [1], None, ["odd"], ["0x11"]])
def test_open__accounts_that_are_none__check_the_protocol(opened, listed):
    with pytest.raises(DataError, match=r"answers eth_accounts with .*; check the protocol"):
        opened(eth_accounts=listed)


def test_sign_transaction__what_was_asked__is_returned_else_it_is_fatal(opened):
    key, signer = opened(eth_signTransaction=HOLDER.sign_transaction(ASKED).raw)
    assert key.sign_transaction(ASKED) == HOLDER.sign_transaction(ASKED)
    assert signer.asked[-1] == ("eth_signTransaction", [ASKED.as_request(HOLDER.address)])
    with pytest.raises(FatalError, match=r"Web3Signer at signer\.example:9000"):
        opened(eth_signTransaction=THIEF.sign_transaction(ASKED).raw)[0].sign_transaction(ASKED)


def test_sign_transaction__clef__takes_the_raw_one_of_its_answer(opened):
    answer = {"raw": HOLDER.sign_transaction(ASKED).raw, "tx": {}}
    key, _ = opened(protocol=PROTOCOLS["clef"], account_list=[HOLDER.address], account_signTransaction=answer)
    assert key.sign_transaction(ASKED) == HOLDER.sign_transaction(ASKED)


@pytest.mark.parametrize("name", ["web3signer", "node", "clef"])
def test_sign_typed__message__is_the_document_of_what_was_asked(opened, name):
    """Signed as the signer's own reader of documents understands it, big numbers as text."""
    protocol = PROTOCOLS[name]
    answers = {protocol.accounts: [HOLDER.address], protocol.sign_typed: lambda _, doc: signature_of(HOLDER, doc)}
    key, signer = opened(protocol=protocol, **answers)
    assert key.sign_typed(TYPED) == HOLDER.sign_typed(TYPED)
    address, document = signer.asked[-1][1]
    assert address == HOLDER.address
    assert document["primaryType"] == "Rebalance"
    assert document["message"]["legs"][0] == {"sizeDelta": str(-(10**30)), "isLast": False}
    assert [one["name"] for one in document["types"]["EIP712Domain"]] == [
        "name",
        "version",
        "chainId",
        "verifyingContract",
    ]


@pytest.mark.parametrize("forge", ["another key", "upper s", "no hexadecimal", "too short"])
def test_sign_typed__no_signature_of_ours__is_fatal(opened, forge):
    def answer(_: str, document: dict[str, Any]) -> str:
        ours = bytes.fromhex(signature_of(HOLDER, document)[2:])
        r, s, v = ours[:32], int.from_bytes(ours[32:64], "big"), ours[64]
        return {
            "another key": "0x" + THIEF.sign_typed(TYPED).hex(),
            "upper s": "0x" + (r + (CURVE_ORDER - s).to_bytes(32, "big") + bytes([55 - v])).hex(),
            "no hexadecimal": "0xnothing",
            "too short": "0x1234",
        }[forge]

    with pytest.raises(FatalError, match=f"gave no signature of {HOLDER.address}; look after the signer"):
        opened(eth_signTypedData=answer)[0].sign_typed(TYPED)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (NoWireError("connection refused"), r"does not answer \(connection refused\); start it, or correct EVENKEEL"),
        (SilentWireError(), r"does not answer \(no answer within 20 s\)"),
        (BrokenWireError("IncompleteRead"), r"does not answer \(IncompleteRead\)"),
        (b"no JSON", r"does not answer \(no JSON\)"),
        (b"[" * 100_000, r"does not answer \(no JSON\)"),
        (Whole(id=1), "answered eth_accounts with {'id': 1}"),
        (Whole(error={"code": -32_000, "message": "denied"}), "refuses eth_accounts: denied"),
        (Whole(error="denied"), "refuses eth_accounts: denied"),
        (Whole(error="\ud800\0\x1b[2J"), r"refuses eth_accounts: \\ud800\\x00\\x1b\[2J"),
    ],
)
def test_open__signer_silent_or_refusing__can_be_tried_again(opened, answer, words):
    with pytest.raises(TransientError, match=words):
        opened(eth_accounts=answer)


def test_open__error_of_nothing_beside_a_result__is_an_answer(opened):
    assert opened(eth_accounts=Whole(result=[HOLDER.address], error=None))[0].address == HOLDER.address


@pytest.mark.parametrize("url", ["http://", "signer:9000", "http://signer:99999/SECRET", "http://[::1/SECRET"])
def test_load_signer__no_url__is_refused_and_not_repeated(url):
    with pytest.raises(DataError, match="EVENKEEL_KEEPER_SIGNER_URL is no URL") as refusal:
        load_signer({"EVENKEEL_KEEPER_SIGNER_URL": url}, 1)
    assert "SECRET" not in str(refusal.value)


def test_load_signer__url_and_address__is_that_key_of_a_web3signer(monkeypatch):
    signer = FakeSigner(eth_accounts=[THIEF.address, HOLDER.address])
    monkeypatch.setattr(remote_key, "Wire", lambda url: {URL: signer}[url])
    named = {"EVENKEEL_KEEPER_SIGNER_URL": URL, "EVENKEEL_KEEPER_ADDRESS": HOLDER.address}
    assert load_signer(named, 1).address == HOLDER.address


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://signer/SECRET", "signer cannot be asked: .*bundle.*/none; correct it, or REQ"),
        ("http://./SECRET", "no URL"),
    ],
)
def test_load_signer__url_cannot_be_prepared__is_one_line(monkeypatch, url, words):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/none")
    with pytest.raises(DataError, match=words) as caught:
        load_signer({"EVENKEEL_KEEPER_SIGNER_URL": url}, 1)
    assert "SECRET" not in str(caught.value)
