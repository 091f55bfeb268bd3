"""A key of AWS KMS: what is asked of it, and what is told where it does not answer."""

from __future__ import annotations

from typing import Any

import pytest

from agent.errors import DataError, TransientError
from agent.execution.fees import Fees
from agent.execution.kms_key import AwsKms
from agent.execution.signer import load_signer
from agent.ledger.records import Purpose
from agent.units import Address, IntentId, Wei
from tests.support.kms_double import KmsDouble

boto3 = pytest.importorskip("boto3")
exceptions = pytest.importorskip("botocore.exceptions")

SECRET = b"\x11" * 32
NAME = "alias/keeper"


class Client:
    """AWS's client of a key store's double; ``trouble`` is what it meets instead of answering."""

    def __init__(self) -> None:
        self.double = KmsDouble(SECRET)
        self.asked: list[dict[str, Any]] = []
        self.trouble: Exception | None = None

    def get_public_key(self, **asked: Any) -> dict[str, Any]:
        self._ask(asked)
        return {"PublicKey": self.double.public_key()}

    def sign(self, **asked: Any) -> dict[str, Any]:
        self._ask(asked)
        return {"Signature": self.double.sign(asked["Message"])}

    def _ask(self, asked: dict[str, Any]) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.asked.append(asked)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client()
    monkeypatch.setattr(boto3, "client", lambda name, **_: {"kms": made}[name])
    return made


def test_sign__digest__is_signed_as_it_is_with_the_named_key(client):
    store = AwsKms(NAME)
    assert store.public_key() == client.double.public_key()
    assert store.sign(b"\x22" * 32)[0] == 0x30
    assert client.asked == [
        {"KeyId": NAME},
        {"KeyId": NAME, "Message": b"\x22" * 32, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"},
    ]


def refusal() -> Exception:
    return exceptions.ClientError({"Error": {"Code": "Throttling", "Message": "slow down " * 99}}, "Sign")


@pytest.mark.parametrize("trouble", [refusal(), exceptions.EndpointConnectionError(endpoint_url="https://kms")])
@pytest.mark.parametrize("act", [AwsKms.public_key, lambda store: store.sign(b"\x22" * 32)], ids=["key", "sign"])
def test_kms__does_not_answer__is_of_the_moment_and_in_few_words(client, trouble, act):
    store, client.trouble = AwsKms(NAME), trouble
    with pytest.raises(TransientError, match=f"AWS KMS does not sign with {NAME}: ") as caught:
        act(store)
    assert len(str(caught.value)) <= len(f"AWS KMS does not sign with {NAME}: ") + 200


REFUSED = [
    "AccessDeniedException",
    "DisabledException",
    "ExpiredTokenException",
    "KMSInvalidStateException",
    "NotFoundException",
    "UnrecognizedClientException",
]


@pytest.mark.parametrize(
    "trouble",
    [
        *(exceptions.ClientError({"Error": {"Code": code, "Message": "no " * 99}}, "Sign") for code in REFUSED),
        exceptions.NoCredentialsError(),
        ValueError("Port out of range 0-65535"),
        FileNotFoundError(2, "No such file or directory", "token"),
    ],
    ids=lambda trouble: getattr(trouble, "response", {}).get("Error", {}).get("Code", type(trouble).__name__),
)
@pytest.mark.parametrize("act", [AwsKms.public_key, lambda store: store.sign(b"\x22" * 32)], ids=["key", "sign"])
def test_kms__refuses_until_somebody_mends_it__is_no_fault_of_the_moment(client, trouble, act):
    """Was one: a keeper that nobody had let use its key was started again for ever, and nobody was told."""
    store, client.trouble = AwsKms(NAME), trouble
    with pytest.raises(DataError, match=f"{NAME}: .*; correct EVENKEEL_KEEPER_KMS_KEY, the key's policy or the cred"):
        act(store)


def test_kms__answer_without_its_field__is_of_the_moment(client):
    store, client.trouble = AwsKms(NAME), KeyError("Signature")
    with pytest.raises(TransientError, match="no Signature in its answer"):
        store.sign(b"\x22" * 32)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"AWS_REGION": "eu-central-1"}, "set AWS_DEFAULT_REGION"),
        ({"AWS_DEFAULT_REGION": "eu-central-1", "AWS_ENDPOINT_URL_KMS": "kms"}, "Invalid endpoint: kms"),
        ({"AWS_DEFAULT_REGION": "eu-central-1", "AWS_PROFILE": "nobody"}, r"profile \(nobody\) could not be found"),
    ],
)
def test_kms__variables_of_aws_are_wrong__one_line_names_what_aws_reads(monkeypatch, variables, words):
    """AWS's client for Python has never read AWS_REGION, which the line named."""
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    common = {"AWS_CONFIG_FILE": "/dev/null", "AWS_ACCESS_KEY_ID": "double", "AWS_SECRET_ACCESS_KEY": "double"}
    for name, value in {**common, **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(DataError, match=words):
        AwsKms(NAME)


def test_kms__a_defect_of_ours__is_not_taken_for_the_stores(client):
    store, client.trouble = AwsKms(NAME), ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        store.sign(b"\x22" * 32)


def test_kms__store_is_silent__holds_a_cycle_up_for_half_a_minute_at_most(monkeypatch):
    """Was five minutes, after which the process takes itself for hung."""
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "eu-central-1")
    limits = AwsKms(NAME)._client.meta.config
    assert (limits.connect_timeout + limits.read_timeout) * limits.retries["total_max_attempts"] <= 30.0


def test_kms__no_region__says_what_to_set(monkeypatch):
    def nowhere(_: str, **__: object) -> Any:
        raise exceptions.NoRegionError

    monkeypatch.setattr(boto3, "client", nowhere)
    with pytest.raises(DataError, match=r"AWS KMS cannot be used: .*; set AWS_DEFAULT_REGION and credentials"):
        AwsKms(NAME)


def test_load_signer__kms_key__signs_with_the_store(client):
    signer = load_signer({"EVENKEEL_KEEPER_KMS_KEY": f" {NAME} "}, 31_337)
    local = load_signer({"EVENKEEL_KEEPER_KEY": "0x" + SECRET.hex()}, 31_337)
    assert signer.address == local.address
    signed = signer.sign(IntentId("0x01"), Purpose.REBALANCE, TO, "0x", 3, 21_000, Fees(Wei(2), Wei(1)))
    assert signed.nonce == 3
    assert {asked["KeyId"] for asked in client.asked} == {NAME}


TO = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
