"""A key in AWS KMS, which never leaves it: it signs digests, and gives DER (SEC 1, section C.5) without a parity.

An ECDSA signature (r, s) is as good as (r, n - s). Nodes take the lower s alone (EIP-2), and want the parity of the
point's y, which KMS does not tell: it is the one whose recovered key is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from coincurve import PublicKey

from agent.errors import AgentError, DataError, FatalError, TransientError
from agent.execution.config import KEEPER_KMS_KEY_VARIABLE
from agent.execution.keys import TypedData
from agent.execution.transaction import CURVE_ORDER, DynamicFeeTransaction, Signature, SignedCall, address_of
from agent.extras import extra

_SPKI_PREFIX = bytes.fromhex("3056301006072a8648ce3d020106052b8104000a034200")
"""DER of a public key on secp256k1 (RFC 5480) up to its 65 bytes."""
_SEQUENCE, _INTEGER = 0x30, 0x02


CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
ATTEMPTS = 2
"""A store that is silent holds a cycle up for half a minute; AWS's own values are 60 s, 60 s and 5."""


REFUSALS = frozenset(
    {
        "AccessDeniedException",
        "DisabledException",
        "ExpiredTokenException",
        "InvalidArnException",
        "InvalidKeyUsageException",
        "InvalidSignatureException",
        "KMSInvalidStateException",
        "NotFoundException",
        "UnrecognizedClientException",
        "UnsupportedOperationException",
        "ValidationException",
    }
)
"""AWS's codes for what a person has to mend: the key's name, its state or policy, or the credentials."""


class DigestSigner(Protocol):
    """The two calls of a key store; bytes are DER."""

    def public_key(self) -> bytes:
        """Return the public key as SubjectPublicKeyInfo."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """Return the signature of 32 bytes."""
        ...


class KmsKey:
    """One key of a key store. Raises `DataError` when it is not on secp256k1."""

    def __init__(self, store: DigestSigner, name: str) -> None:
        self._store = store
        self.kind = f"AWS KMS key {name}"
        self.address = address_of(_public_key(store.public_key(), self.kind))

    def sign_transaction(self, transaction: DynamicFeeTransaction) -> SignedCall:
        """Return the signed transaction."""
        return transaction.signed(self._signature(transaction.digest))

    def sign_typed(self, data: TypedData) -> bytes:
        """Return the 65 bytes of a signature that contracts take."""
        return self._signature(data.digest).to_bytes()

    def _signature(self, digest: bytes) -> Signature:
        r, s = integers_of(self._store.sign(digest), self.kind)
        low = min(s, CURVE_ORDER - s)
        for y_parity in (0, 1):
            signature = Signature(y_parity, r, low)
            with suppress(ValueError):
                if signature.is_canonical and signature.signer_of(digest) == self.address:
                    return signature
        raise FatalError(f"{self.kind} signed with another key than {self.address}'s; nothing was sent")


def integers_of(der: bytes, who: str) -> tuple[int, int]:
    """Return r and s of a DER signature; `FatalError` when it is none."""
    try:
        r, rest = _integer_of(der[2:])
        s, rest = _integer_of(rest)
    except (ValueError, IndexError):
        r, s, rest = 0, 0, b"?"
    if rest or der[0] != _SEQUENCE or der[1] != len(der) - 2:
        raise FatalError(f"{who} gave no DER signature: {der[:20].hex()}; nothing was sent")
    return r, s


def _integer_of(der: bytes) -> tuple[int, bytes]:
    tag, length, content = der[0], der[1], der[2 : 2 + der[1]]
    if tag != _INTEGER or length != len(content) or not 0 < length < 0x80 or content[0] & 0x80:
        raise ValueError(der)
    return int.from_bytes(content, "big"), der[2 + length :]


def _public_key(der: bytes, who: str) -> PublicKey:
    if not der.startswith(_SPKI_PREFIX):
        raise DataError(f"{who} is no key on secp256k1; make one with KeySpec ECC_SECG_P256K1 and SIGN_VERIFY")
    try:
        return PublicKey(der[len(_SPKI_PREFIX) :])
    except ValueError:
        raise DataError(f"{who} gave no public key") from None


class AwsKms:
    """A key of AWS KMS by id, ARN or alias; region and credentials as AWS's own tools find them.

    Raises `DataError` where asking again cannot help before somebody mends it, `TransientError` where it may.
    """

    def __init__(self, key_id: str) -> None:
        with extra("aws", "A key in AWS KMS"):
            import boto3  # noqa: PLC0415 - an extra
            from botocore import exceptions  # noqa: PLC0415 - of the same extra
            from botocore.config import Config  # noqa: PLC0415
        self._wrong = (
            exceptions.NoCredentialsError,
            exceptions.PartialCredentialsError,
            exceptions.ParamValidationError,
            ValueError,  # of a URL in AWS's own variables
            OSError,  # of a token's file
        )
        self._failures = (exceptions.BotoCoreError, exceptions.ClientError, KeyError, ValueError, OSError)
        self._key_id = key_id
        limits = Config(
            connect_timeout=CONNECT_SECONDS, read_timeout=ANSWER_SECONDS, retries={"total_max_attempts": ATTEMPTS}
        )
        try:
            self._client = boto3.client("kms", config=limits)
        except (exceptions.BotoCoreError, ValueError, OSError) as error:
            raise DataError(f"AWS KMS cannot be used: {error}; set AWS_DEFAULT_REGION and credentials") from None

    def public_key(self) -> bytes:
        """Return the public key as SubjectPublicKeyInfo."""
        return self._ask(self._client.get_public_key, "PublicKey")

    def sign(self, digest: bytes) -> bytes:
        """Return the signature of 32 bytes."""
        asked = {"Message": digest, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
        return self._ask(self._client.sign, "Signature", **asked)

    def _ask(self, call: Callable[..., Mapping[str, Any]], field: str, **asked: object) -> bytes:
        try:
            return bytes(call(KeyId=self._key_id, **asked)[field])
        except self._failures as error:
            raise self._failure(error, field) from None

    def _failure(self, error: Exception, field: str) -> AgentError:
        words = f"no {field} in its answer" if isinstance(error, KeyError) else f"{str(error)[:200]}"
        told = f"AWS KMS does not sign with {self._key_id:.80}: {words}"
        code = getattr(error, "response", {}).get("Error", {}).get("Code")
        if code in REFUSALS or isinstance(error, self._wrong):
            return DataError(f"{told}; correct {KEEPER_KMS_KEY_VARIABLE}, the key's policy or the credentials")
        return TransientError(told)
