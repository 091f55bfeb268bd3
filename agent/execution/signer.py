"""The keeper's key: read from the environment, shown to nobody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys.constants import SECPK1_N

from agent.domain import Intent
from agent.errors import DataError
from agent.execution.config import KEEPER_KEY_VARIABLE
from agent.execution.fees import Fees
from agent.execution.signed_rebalances import typed_rebalance
from agent.ledger.records import Purpose, SignedTransaction
from agent.units import Address, IntentId, Wei

_KEY_FORM = re.compile(r"(0x)?[0-9a-fA-F]{64}")
LOCAL_CHAIN_ID = 31_337
_ANVIL_KEEPER_KEY = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"
"""Account 2 of Anvil's default mnemonic, printed by Anvil itself: worthless anywhere but on a local chain."""


class SignedCall(NamedTuple):
    """A transaction as the node takes it, and its hash; both 0x-prefixed."""

    hash: str
    raw: str


def sign_call(
    account: LocalAccount, chain_id: int, to: Address, value: Wei, data: str, nonce: int, gas_limit: int, fees: Fees
) -> SignedCall:
    """Sign a type-2 transaction (EIP-1559); same inputs, same bytes."""
    fields: dict[str, Any] = {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "to": to,
        "value": value,
        "data": data,
        "gas": gas_limit,
        "maxFeePerGas": fees.max_fee_wei,
        "maxPriorityFeePerGas": fees.priority_fee_wei,
    }
    signed = account.sign_transaction(fields)
    return SignedCall(
        hash="0x" + signed.hash.hex().removeprefix("0x"),
        raw="0x" + signed.raw_transaction.hex().removeprefix("0x"),
    )


class Signer:
    """Signs transactions of one account on one chain."""

    def __init__(self, account: LocalAccount, chain_id: int) -> None:
        self._account = account
        self._chain_id = chain_id
        self.address = Address(account.address)

    def sign(
        self, intent_id: IntentId, purpose: Purpose, to: Address, data: str, nonce: int, gas_limit: int, fees: Fees
    ) -> SignedTransaction:
        """Return the signed transaction that calls ``to`` with ``data``; same inputs, same bytes."""
        signed = sign_call(self._account, self._chain_id, to, Wei(0), data, nonce, gas_limit, fees)
        return SignedTransaction(
            transaction_hash=signed.hash,
            intent_id=intent_id,
            purpose=purpose,
            sender=self.address,
            nonce=nonce,
            gas_limit=gas_limit,
            max_fee_wei=Wei(fees.max_fee_wei),
            priority_fee_wei=Wei(fees.priority_fee_wei),
            raw=signed.raw,
        )

    def sign_rebalance(self, intent: Intent, relay: Address) -> bytes:
        """Return the signature with which anyone may bring the intent to ``relay``; same inputs, same bytes."""
        message = typed_rebalance(intent, self.address, self._chain_id, relay)
        return bytes(self._account.sign_message(message).signature)


def load_signer(environment: Mapping[str, str], chain_id: int) -> Signer:
    """Return the signer of ``EVENKEEL_KEEPER_KEY``; on the local chain Anvil's keeper account serves without one.

    Raises
    ------
    DataError
        No key, or not a key; the message does not repeat it.

    """
    local = _ANVIL_KEEPER_KEY if chain_id == LOCAL_CHAIN_ID else ""
    return Signer(load_account(environment, KEEPER_KEY_VARIABLE, "the keeper's private key", local), chain_id)


def load_account(environment: Mapping[str, str], variable: str, whose: str, fallback: str = "") -> LocalAccount:
    """Return the account whose key a variable of the environment holds; raises as `load_signer` does."""
    key = environment.get(variable, "").strip() or fallback
    if not key:
        raise DataError(f"{variable} is not set; put {whose} into it")
    if not _KEY_FORM.fullmatch(key) or not 0 < int(key, 16) < SECPK1_N:
        raise DataError(f"{variable} is not a private key; write 0x and 64 hexadecimal digits")
    return Account.from_key(key)  # type: ignore[no-any-return]
