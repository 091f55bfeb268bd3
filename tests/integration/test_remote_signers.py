"""Keys in other processes: a real node that signs, one that lies, and AWS's own client before a local double of KMS."""

from __future__ import annotations

import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

import pytest
from eth_account import Account

from agent.errors import DataError, FatalError, TransientError
from agent.execution.config import KEEPER_KEY_VARIABLE
from agent.execution.fees import Fees
from agent.execution.signer import load_signer
from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.ledger.records import Purpose
from agent.units import Address, IntentId, Wei
from tests.support.altered_endpoint import altered_endpoint, refusal
from tests.support.keeper_world import KeeperWorld
from tests.support.kms_double import KmsDouble, kms_server
from tests.support.local_server import serving

pytestmark = pytest.mark.chain

SECRET = b"\x11" * 32
ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
CHAIN_ID = 31_337


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield fresh


def by_url(url: str, address: str | None = None, protocol: str = "node") -> dict[str, str]:
    named = {} if address is None else {"EVENKEEL_KEEPER_ADDRESS": address}
    return {"EVENKEEL_KEEPER_SIGNER_URL": url, "EVENKEEL_KEEPER_SIGNER_PROTOCOL": protocol, **named}


def sign(environment: dict[str, str]) -> str:
    signer = load_signer(environment, CHAIN_ID)
    fees = Fees(Wei(41 * 10**9), Wei(10**9))
    to = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
    return signer.sign(IntentId("0x" + "22" * 32), Purpose.REBALANCE, to, "0x1234", 7, 1_000_000, fees).raw


def test_run__key_of_a_node__hedges_as_the_key_in_memory_does(world):
    keeper = world.localnet.manifest.accounts["keeper"]
    environment = by_url(world.localnet.rpc_url, keeper)
    assert sign(environment) == sign({})
    with Keeper.build(world.settings(), world.book(), environment) as hedger:
        assert hedger.cycle().outcome is Outcome.EXECUTED
    assert world.size() != 0


def test_load_signer__account_that_the_signer_has_not__is_refused(world):
    with pytest.raises(DataError, match="name one of them in EVENKEEL_KEEPER_ADDRESS"):
        load_signer(by_url(world.localnet.rpc_url, ADDRESS), CHAIN_ID)
    with pytest.raises(DataError, match="name one of them"):
        load_signer(by_url(world.localnet.rpc_url), CHAIN_ID)


@pytest.mark.parametrize(
    ("field", "lie"),
    [
        ("nonce", "0x8"),
        ("gas", "0xf4241"),
        ("to", "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
        ("value", "0x1"),
        ("data", "0x12"),
        ("maxFeePerGas", "0xffffffffff"),
        ("maxPriorityFeePerGas", "0x1"),
        ("from", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
    ],
)
def test_sign__signer_that_lies__is_never_believed(world, field, lie):
    def alter(request, forward):
        if request["method"] == "eth_signTransaction":
            request["params"][0][field] = lie
        return forward(request)

    with altered_endpoint(world.localnet.rpc_url, alter) as url:
        environment = by_url(url, world.localnet.manifest.accounts["keeper"])
        with pytest.raises(FatalError, match="nothing was sent"):
            sign(environment)


def test_sign__clef__answers_raw_and_decoded(world):
    names = {"account_list": "eth_accounts", "account_signTransaction": "eth_signTransaction"}

    def as_clef(request, forward):
        answer = forward({**request, "method": names[request["method"]]})
        if request["method"] == "account_signTransaction":
            answer["result"] = {"raw": answer["result"], "tx": {}}
        return answer

    with altered_endpoint(world.localnet.rpc_url, as_clef) as url:
        assert sign(by_url(url, world.localnet.manifest.accounts["keeper"], "clef")) == sign({})


def test_run__signer_refuses__nothing_is_sent_and_the_intent_is_signed_later(world):
    is_denied = True

    def alter(request, forward):
        if is_denied and request["method"] == "eth_signTransaction":
            return refusal(request, "request denied")
        return forward(request)

    with altered_endpoint(world.localnet.rpc_url, alter) as url:
        environment = by_url(url, world.localnet.manifest.accounts["keeper"])
        with Keeper.build(world.settings(), world.book(), environment) as keeper:
            with pytest.raises(TransientError, match="refuses eth_signTransaction: request denied"):
                keeper.cycle()
            assert world.events("Rebalanced") == []
            is_denied = False
            keeper.cycle()
    assert len(world.events("Rebalanced")) == 1


def test_load_signer__signer_drips__has_its_time_for_the_whole_answer(monkeypatch):
    """A time-out of the socket is of one part: such a signer held a cycle up until the process took itself for hung."""

    class Drip(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "200")
            self.end_headers()
            with suppress(OSError):
                for _ in range(200):
                    self.wfile.write(b" ")
                    time.sleep(0.02)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    monkeypatch.setattr("agent.execution.remote_key.TIMEOUT_SECONDS", 0.2)
    started = time.monotonic()
    with serving(Drip) as url, pytest.raises(TransientError, match=r"no answer within 0\.2 s"):
        load_signer(by_url(url), CHAIN_ID)
    assert time.monotonic() - started < 2.0


def test_load_signer__signer_is_down__can_be_tried_again(world):
    with pytest.raises(TransientError, match="start it, or correct EVENKEEL_KEEPER_SIGNER_URL"):
        load_signer(by_url("http://127.0.0.1:9"), CHAIN_ID)


@pytest.fixture
def aws(monkeypatch):
    """AWS's client, pointed at the double by AWS's own variables."""
    double = KmsDouble(SECRET)
    with kms_server(double) as url:
        for name, value in {
            "AWS_ENDPOINT_URL_KMS": url,
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "double",
            "AWS_SECRET_ACCESS_KEY": "double",
        }.items():
            monkeypatch.setenv(name, value)
        yield double


def test_kms__key__signs_what_the_key_in_memory_signs(aws):
    raw = sign({"EVENKEEL_KEEPER_KMS_KEY": "alias/keeper"})
    assert raw == sign({KEEPER_KEY_VARIABLE: "0x" + SECRET.hex()})
    assert Account.recover_transaction(raw) == ADDRESS
    assert sign({"EVENKEEL_KEEPER_KMS_KEY": "alias/keeper"}) == raw  # this time from the other s
    assert not aws.is_upper


def test_kms__no_such_key__is_told(aws):
    with pytest.raises(DataError, match="alias/other is not found; correct EVENKEEL_KEEPER_KMS_KEY"):
        load_signer({"EVENKEEL_KEEPER_KMS_KEY": "alias/other"}, CHAIN_ID)
