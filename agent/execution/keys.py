"""A key behind one interface: here in memory, or elsewhere behind a URL or in a cloud's key store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from coincurve import PrivateKey
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from agent.execution.transaction import DynamicFeeTransaction, Signature, SignedCall, address_of
from agent.units import Address


@dataclass(frozen=True, slots=True)
class TypedData:
    """A message of EIP-712; ``types`` without the domain's own."""

    domain: dict[str, Any]
    types: dict[str, list[dict[str, str]]]
    message: dict[str, Any]

    @property
    def digest(self) -> bytes:
        """The 32 bytes that are signed."""
        encoded = encode_typed_data(self.domain, self.types, self.message)
        return keccak(b"\x19" + encoded.version + encoded.header + encoded.body)


class Key(Protocol):
    """Signs for one address; shows its secret to nobody."""

    @property
    def kind(self) -> str:
        """What it is, in words."""
        ...

    @property
    def address(self) -> Address:
        """Whose key it is."""
        ...

    def sign_transaction(self, transaction: DynamicFeeTransaction) -> SignedCall:
        """Return the signed transaction.

        Raises
        ------
        TransientError
            Who holds the key does not answer, or not now.
        FatalError
            What came back is not what was asked.

        """
        ...

    def sign_typed(self, data: TypedData) -> bytes:
        """Return the 65 bytes of a signature that contracts take; raises as `sign_transaction` does."""
        ...


class LocalKey:
    """A key in this process's memory, used through libsecp256k1; same inputs, same bytes (RFC 6979)."""

    def __init__(self, secret: bytes, kind: str) -> None:
        self._private = PrivateKey(secret)
        self.kind = kind
        self.address = address_of(self._private.public_key)

    def sign_transaction(self, transaction: DynamicFeeTransaction) -> SignedCall:
        """Return the signed transaction."""
        return transaction.signed(self._signature(transaction.digest))

    def sign_typed(self, data: TypedData) -> bytes:
        """Return the 65 bytes of a signature that contracts take."""
        return self._signature(data.digest).to_bytes()

    def _signature(self, digest: bytes) -> Signature:
        return Signature.from_bytes(self._private.sign_recoverable(digest, hasher=None))
