"""The keeper's signer: which key it is, by the environment, and what it signs; its secret is shown to nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys.constants import SECPK1_N
from eth_utils.address import is_checksum_address

from agent.config import require_http_url
from agent.domain import Intent
from agent.errors import DataError
from agent.execution.config import (
    KEEPER_ADDRESS_VARIABLE,
    KEEPER_KEY_VARIABLE,
    KEEPER_KEYSTORE_VARIABLE,
    KEEPER_KMS_KEY_VARIABLE,
    KEEPER_PASSWORD_FILE_VARIABLE,
    KEEPER_PASSWORD_VARIABLE,
    KEEPER_SIGNER_PROTOCOL_VARIABLE,
    KEEPER_SIGNER_URL_VARIABLE,
)
from agent.execution.fees import Fees
from agent.execution.keys import Key, LocalKey
from agent.execution.keystore import read_keystore, read_password
from agent.execution.kms_key import AwsKms, KmsKey
from agent.execution.remote_key import PROTOCOLS, RemoteKey
from agent.execution.signed_rebalances import typed_rebalance
from agent.execution.transaction import DynamicFeeTransaction, SignedCall
from agent.ledger.records import Purpose, SignedTransaction
from agent.units import Address, IntentId, Wei

_KEY_FORM = re.compile(r"(0x)?[0-9a-fA-F]{64}")
LOCAL_CHAIN_ID = 31_337
_ANVIL_KEEPER_KEY = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"
"""Account 2 of Anvil's default mnemonic, printed by Anvil itself: worthless anywhere but on a local chain."""


def sign_call(
    account: LocalAccount, chain_id: int, to: Address, value: Wei, data: str, nonce: int, gas_limit: int, fees: Fees
) -> SignedCall:
    """Sign a type-2 transaction (EIP-1559); same inputs, same bytes."""
    transaction = DynamicFeeTransaction(chain_id, nonce, to, value, data, gas_limit, fees)
    return LocalKey(bytes(account.key), "account").sign_transaction(transaction)


class Signer:
    """Signs transactions of one key on one chain."""

    def __init__(self, key: Key, chain_id: int) -> None:
        self._key = key
        self._chain_id = chain_id
        self.address = key.address
        self.kind = key.kind

    def sign(
        self,
        intent_id: IntentId,
        purpose: Purpose,
        to: Address,
        data: str,
        nonce: int,
        gas_limit: int,
        fees: Fees,
        value: Wei = Wei(0),  # noqa: B008 - a plain integer
    ) -> SignedTransaction:
        """Return the signed transaction that calls ``to`` with ``data``; raises as the key does."""
        transaction = DynamicFeeTransaction(self._chain_id, nonce, to, value, data, gas_limit, fees)
        signed = self._key.sign_transaction(transaction)
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
        """Return the signature with which anyone may bring the intent to ``relay``; raises as the key does."""
        return self._key.sign_typed(typed_rebalance(intent, self.address, self._chain_id, relay))


def load_signer(environment: Mapping[str, str], chain_id: int) -> Signer:
    """Return the signer of the one key that the environment names; on the local chain Anvil's keeper account serves.

    Raises
    ------
    DataError
        No key, several, or nothing that is one; the message repeats no secret.
    TransientError
        Who holds the key does not answer.

    """
    return Signer(_open_key(environment, chain_id), chain_id)


def has_key(environment: Mapping[str, str], chain_id: int) -> bool:
    """Return whether `load_signer` would find a key's name."""
    return bool(_named(environment)) or chain_id == LOCAL_CHAIN_ID


def _named(environment: Mapping[str, str]) -> list[str]:
    return [variable for variable in _SOURCES if environment.get(variable, "").strip()]


def _open_key(environment: Mapping[str, str], chain_id: int) -> Key:
    named = _named(environment)
    if len(named) > 1:
        raise DataError(f"{' and '.join(named)} are set, and a keeper has one key; unset all but one")
    if not named:
        if chain_id != LOCAL_CHAIN_ID:
            others = ", ".join(variable for variable in _SOURCES if variable != KEEPER_KEY_VARIABLE)
            raise DataError(f"{KEEPER_KEY_VARIABLE} is not set; put the keeper's private key into it, or set {others}")
        return LocalKey(bytes.fromhex(_ANVIL_KEEPER_KEY[2:]), "Anvil's keeper account")
    return _SOURCES[named[0]](environment)


def _from_environment(environment: Mapping[str, str]) -> Key:
    account = load_account(environment, KEEPER_KEY_VARIABLE, "the keeper's private key")
    return LocalKey(bytes(account.key), f"the key in {KEEPER_KEY_VARIABLE}")


def _from_keystore(environment: Mapping[str, str]) -> Key:
    path, password = Path(environment[KEEPER_KEYSTORE_VARIABLE].strip()), environment.get(KEEPER_PASSWORD_VARIABLE, "")
    file = environment.get(KEEPER_PASSWORD_FILE_VARIABLE, "").strip()
    if bool(password) == bool(file):
        raise DataError(
            f"{KEEPER_KEYSTORE_VARIABLE} needs its password: set {KEEPER_PASSWORD_FILE_VARIABLE} or "
            f"{KEEPER_PASSWORD_VARIABLE}, one of the two"
        )
    return LocalKey(read_keystore(path, password or read_password(Path(file))), f"keystore {path}")


def _from_url(environment: Mapping[str, str]) -> Key:
    url, written = environment[KEEPER_SIGNER_URL_VARIABLE].strip(), environment.get(KEEPER_ADDRESS_VARIABLE, "").strip()
    name = environment.get(KEEPER_SIGNER_PROTOCOL_VARIABLE, "web3signer").strip()
    require_http_url(KEEPER_SIGNER_URL_VARIABLE, url, "http://127.0.0.1:9000")
    if name not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise DataError(f"{KEEPER_SIGNER_PROTOCOL_VARIABLE} is {name!r:.40}; choose one of {known}")
    if written and not is_checksum_address(written):
        raise DataError(f"{KEEPER_ADDRESS_VARIABLE} is {written!r:.60}, no checksummed address")
    return RemoteKey.open(url, PROTOCOLS[name], Address(written) if written else None)


def _from_kms(environment: Mapping[str, str]) -> Key:
    key_id = environment[KEEPER_KMS_KEY_VARIABLE].strip()
    return KmsKey(AwsKms(key_id), key_id)


_SOURCES: dict[str, Callable[[Mapping[str, str]], Key]] = {
    KEEPER_KEY_VARIABLE: _from_environment,
    KEEPER_KEYSTORE_VARIABLE: _from_keystore,
    KEEPER_SIGNER_URL_VARIABLE: _from_url,
    KEEPER_KMS_KEY_VARIABLE: _from_kms,
}
"""Where a key may be, by the variable that names it."""


def load_account(environment: Mapping[str, str], variable: str, whose: str, fallback: str = "") -> LocalAccount:
    """Return the account whose key a variable of the environment holds.

    Raises
    ------
    DataError
        No key, or not a key; the message does not repeat it.

    """
    key = environment.get(variable, "").strip() or fallback
    if not key:
        raise DataError(f"{variable} is not set; put {whose} into it")
    if not _KEY_FORM.fullmatch(key) or not 0 < int(key, 16) < SECPK1_N:
        raise DataError(f"{variable} is not a private key; write 0x and 64 hexadecimal digits")
    return Account.from_key(key)  # type: ignore[no-any-return]
