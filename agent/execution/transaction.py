"""A type-2 transaction (EIP-1559): its bytes before and after signing, and whether signed bytes are what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import rlp
from coincurve import PublicKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from agent.errors import FatalError
from agent.execution.fees import Fees
from agent.units import Address, Wei

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1 (SEC 2, version 2, section 2.4.1)."""
_TYPE = b"\x02"
_FIELDS = (
    "chain id",
    "nonce",
    "priority fee",
    "max fee",
    "gas limit",
    "recipient",
    "value",
    "data",
    "access list",
)  # fmt: skip
"""In the order of EIP-1559; the signature follows."""
_WORD = 32


class SignedCall(NamedTuple):
    """A transaction as the node takes it, and its hash; both 0x-prefixed."""

    hash: str
    raw: str


class Signature(NamedTuple):
    """An ECDSA signature of which the public key can be recovered; ``y_parity`` is 0 or 1."""

    y_parity: int
    r: int
    s: int

    @property
    def is_canonical(self) -> bool:
        """True when s lies in the lower half: nodes refuse the other (EIP-2)."""
        return 0 < self.r < CURVE_ORDER and 0 < self.s <= CURVE_ORDER // 2 and self.y_parity in (0, 1)

    @classmethod
    def from_bytes(cls, packed: bytes) -> Signature:
        """Read r, s and the parity of 65 bytes, the parity as 0 and 1 or as 27 and 28."""
        parity = packed[64]
        return cls(
            parity - 27 if parity >= 27 else parity,
            int.from_bytes(packed[:_WORD], "big"),
            int.from_bytes(packed[_WORD : 2 * _WORD], "big"),
        )

    def to_bytes(self) -> bytes:
        """Return r, s and 27 or 28: what contracts take."""
        return self.r.to_bytes(_WORD, "big") + self.s.to_bytes(_WORD, "big") + bytes([27 + self.y_parity])

    def signer_of(self, digest: bytes) -> Address:
        """Return the address that signed ``digest``; raises `ValueError` when nobody can have."""
        packed = self.r.to_bytes(_WORD, "big") + self.s.to_bytes(_WORD, "big") + bytes([self.y_parity])
        try:
            public = PublicKey.from_signature_and_message(packed, digest, hasher=None)
        except Exception as error:  # coincurve raises bare exceptions of libsecp256k1
            raise ValueError("no key has made this signature") from error
        return address_of(public)


def address_of(public: PublicKey) -> Address:
    """Return the address of a public key: the last 20 bytes of its hash."""
    return Address(to_checksum_address(keccak(public.format(compressed=False)[1:])[-20:]))


@dataclass(frozen=True, slots=True)
class DynamicFeeTransaction:
    """What a key is asked to sign."""

    chain_id: int
    nonce: int
    to: Address
    value: Wei
    data: str
    gas_limit: int
    fees: Fees

    @property
    def digest(self) -> bytes:
        """The 32 bytes that are signed."""
        return keccak(_TYPE + rlp.encode(self._items()))

    def signed(self, signature: Signature) -> SignedCall:
        """Return the transaction with its signature."""
        parts = [*self._items(), *map(_integer, signature)]
        raw = _TYPE + rlp.encode(parts)
        return SignedCall("0x" + keccak(raw).hex(), "0x" + raw.hex())

    def as_request(self, sender: Address) -> dict[str, str]:
        """Return the transaction as JSON-RPC has it."""
        return {
            "type": "0x2",
            "chainId": hex(self.chain_id),
            "from": sender,
            "to": self.to,
            "nonce": hex(self.nonce),
            "gas": hex(self.gas_limit),
            "maxFeePerGas": hex(self.fees.max_fee_wei),
            "maxPriorityFeePerGas": hex(self.fees.priority_fee_wei),
            "value": hex(self.value),
            "data": self.data,
        }

    def require_signed(self, raw: str, sender: Address, who: str) -> SignedCall:
        """Return the signed call that ``who`` handed back.

        Raises
        ------
        FatalError
            The bytes are no type-2 transaction, a field is not what was asked, or another key has signed.

        """
        parts = _parts(raw, who)
        for name, asked, found in zip(_FIELDS, self._items(), parts, strict=False):
            if asked != found:
                raise FatalError(
                    f"{who} signed another transaction: {name} is {_shown(found)}, asked was {_shown(asked)}; nothing "
                    "was sent, look after the signer"
                )
        signature = Signature(*(int.from_bytes(part, "big") for part in parts[len(_FIELDS) :]))
        if not signature.is_canonical:
            raise FatalError(f"{who} gave a signature that nodes refuse (EIP-2); nothing was sent")
        try:
            signer = signature.signer_of(self.digest)
        except ValueError as error:
            raise FatalError(f"{who} gave no signature: {error}; nothing was sent") from None
        if signer != sender:
            raise FatalError(f"{who} signed with {signer}, not with {sender}; nothing was sent, look after the signer")
        return self.signed(signature)

    def _items(self) -> list[bytes | list[bytes]]:
        numbers = (
            self.chain_id,
            self.nonce,
            self.fees.priority_fee_wei,
            self.fees.max_fee_wei,
            self.gas_limit,
        )
        to, data = (bytes.fromhex(text.removeprefix("0x")) for text in (self.to, self.data))
        return [*map(_integer, numbers), to, _integer(self.value), data, []]


def call_in(raw: str) -> tuple[Address, Wei, str]:
    """Return recipient, value and data of a signed type-2 transaction; raises `FatalError` when it is none."""
    fields = dict(zip(_FIELDS, _parts(raw, "this ledger"), strict=False))
    to, value, data = (bytes(fields[name]) for name in ("recipient", "value", "data"))
    return Address(to_checksum_address(to)), Wei(int.from_bytes(value, "big")), "0x" + data.hex()


def _integer(number: int) -> bytes:
    """Return an integer as RLP has it: big-endian, nothing for 0."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _parts(raw: str, who: str) -> list[bytes]:
    try:
        encoded = bytes.fromhex(raw.removeprefix("0x"))
        parts = rlp.decode(encoded[1:])
    except (ValueError, AttributeError, rlp.exceptions.DecodingError):
        parts = None
    if parts is None or encoded[:1] != _TYPE or not isinstance(parts, list) or len(parts) != len(_FIELDS) + 3:
        raise FatalError(f"{who} answered no type-2 transaction: {str(raw)[:20]}...; nothing was sent")
    return parts


def _shown(item: object) -> str:
    if isinstance(item, bytes):
        return f"0x{item.hex():.80}"
    return f"{len(item)} entries" if isinstance(item, list) else str(item)
