"""A key behind a URL, in another process that decides by itself what it signs: Web3Signer, Clef, or a node.

Nothing it answers is believed: a transaction is compared field by field with what was asked, and the sender recovered.

Source: Web3Signer JSON-RPC API (``eth_accounts``, ``eth_signTransaction``, ``eth_signTypedData``); Clef external API
(``account_list``, ``account_signTransaction``, ``account_signTypedData``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from eth_utils.address import is_address, to_checksum_address

from agent.chain.wire import BrokenWireError, NoWireError, SilentWireError, Wire
from agent.errors import DataError, FatalError, TransientError
from agent.execution.keys import TypedData
from agent.execution.transaction import DynamicFeeTransaction, Signature, SignedCall
from agent.plain_text import plain
from agent.units import Address

TIMEOUT_SECONDS = 20.0
"""A signer that asks a person takes longer: it is asked again in the next cycle."""
_DOMAIN_TYPES = {
    "name": "string",
    "version": "string",
    "chainId": "uint256",
    "verifyingContract": "address",
    "salt": "bytes32",
}
"""EIP-712, in its order."""


@dataclass(frozen=True, slots=True)
class SignerProtocol:
    """What a kind of signer calls its methods."""

    title: str
    accounts: str
    sign_transaction: str
    sign_typed: str


PROTOCOLS = {
    "web3signer": SignerProtocol("Web3Signer", "eth_accounts", "eth_signTransaction", "eth_signTypedData"),
    "node": SignerProtocol("node", "eth_accounts", "eth_signTransaction", "eth_signTypedData_v4"),
    "clef": SignerProtocol("Clef", "account_list", "account_signTransaction", "account_signTypedData"),
}


class RemoteKey:
    """One account of a remote signer. Not for use by several threads at once."""

    def __init__(self, url: str, protocol: SignerProtocol, address: Address) -> None:
        parts = urlsplit(url)
        self._protocol = protocol
        self._wire = Wire(url)
        self._name = f"{protocol.title} at {parts.hostname}" + ("" if parts.port is None else f":{parts.port}")
        self.kind = self._name
        self.address = address

    @classmethod
    def open(cls, url: str, protocol: SignerProtocol, address: Address | None) -> RemoteKey:
        """Return the key of ``address``, or of the only account that the signer has.

        Raises
        ------
        DataError
            The signer has not that account, or several and none is named.
        TransientError
            The signer does not answer.

        """
        key = cls(url, protocol, address or Address(""))
        listed = key._ask(protocol.accounts, [])
        if not isinstance(listed, list) or not all(is_address(one) for one in listed):
            raise DataError(f"{key.kind} answers {protocol.accounts} with {listed!r:.80}; check the protocol")
        held = [Address(to_checksum_address(one)) for one in listed]
        if address is None and len(held) == 1:
            key.address = held[0]
        elif address not in held:
            shown = ", ".join(held[:5]) or "none"
            raise DataError(f"{key.kind} signs for {shown}; name one of them in EVENKEEL_KEEPER_ADDRESS")
        return key

    def sign_transaction(self, transaction: DynamicFeeTransaction) -> SignedCall:
        """Return the signed transaction, compared with what was asked."""
        answer = self._ask(self._protocol.sign_transaction, [transaction.as_request(self.address)])
        raw = answer.get("raw") if isinstance(answer, dict) else answer
        return transaction.require_signed(str(raw), self.address, self._name)

    def sign_typed(self, data: TypedData) -> bytes:
        """Return the 65 bytes of a signature that contracts take, checked by recovery."""
        answer = self._ask(self._protocol.sign_typed, [self.address, _as_document(data)])
        try:
            signature = Signature.from_bytes(bytes.fromhex(str(answer).removeprefix("0x")))
            is_ours = signature.is_canonical and signature.signer_of(data.digest) == self.address
        except (ValueError, IndexError):
            is_ours = False
        if not is_ours:
            raise FatalError(f"{self._name} gave no signature of {self.address}; look after the signer")
        return signature.to_bytes()

    def _ask(self, method: str, params: list[Any]) -> Any:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        try:
            answer = json.loads(self._wire.post(json.dumps(question).encode(), TIMEOUT_SECONDS).body)
        except (SilentWireError, NoWireError, BrokenWireError, ValueError, RecursionError) as error:
            raise TransientError(
                f"{self._name} does not answer ({_reason(error)}); start it, or correct EVENKEEL_KEEPER_SIGNER_URL"
            ) from None
        if not isinstance(answer, dict) or not ("result" in answer or "error" in answer):
            raise TransientError(f"{self._name} answered {method} with {answer!r:.80}")
        refusal = answer.get("error")
        if refusal is not None:
            said = refusal.get("message", refusal) if isinstance(refusal, dict) else refusal
            raise TransientError(f"{self._name} refuses {method}: {plain(str(said)[:200])}")
        return answer.get("result")


def _reason(error: Exception) -> str:
    if isinstance(error, SilentWireError):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    return str(error) if isinstance(error, NoWireError | BrokenWireError) else "no JSON"


def _as_document(data: TypedData) -> dict[str, Any]:
    """Return a message as EIP-712 has it in JSON; integers as text, which no reader rounds."""
    domain_fields = [{"name": name, "type": kind} for name, kind in _DOMAIN_TYPES.items() if name in data.domain]
    return {
        "types": {"EIP712Domain": domain_fields, **data.types},
        "primaryType": next(iter(data.types)),
        "domain": data.domain,
        "message": _plain(data.message),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
