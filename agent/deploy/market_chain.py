"""A public chain as the actors of a market use it: one account plays them all, and each transaction is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from eth_abi.exceptions import DecodingError
from eth_account import Account

from agent.chain import shapes
from agent.chain.client import NONCE_METHOD, ChainClient
from agent.chain.failures import RevertedError
from agent.chain.waiting import wait_for_receipt
from agent.errors import DataError, FatalError, TransientError
from agent.localnet.codec import decode, encode_call, revert_reason
from agent.localnet.evm import ACCOUNT_ROLES, LocalChain, MinedTransaction, Transaction
from agent.units import Address, Seconds, Wei

_RECEIPT_TIMEOUT_SECONDS = 600.0
_GAS_BUFFER_PERCENT = 120
_TIP_METHOD = "eth_maxPriorityFeePerGas"
_returned = partial(shapes.data, what="eth_call")
_sent_hash = partial(shapes.hash_of, what="eth_sendTransaction")


class MarketChain(LocalChain):
    """Blocks are nobody's to choose here: transactions are sent in order, and signed where there is a key."""

    def __init__(self, client: ChainClient, account: Address, key: str | None) -> None:
        self._client = client
        self._account = account
        self._key = key

    def accounts(self) -> dict[str, Address]:
        """Return the one account in every part."""
        return dict.fromkeys(ACCOUNT_ROLES, self._account)

    def nonce(self, account: Address) -> int:
        """Return the number of the next transaction of ``account``."""
        return self._client.told(partial(shapes.count, what=NONCE_METHOD), NONCE_METHOD, account, "latest")

    def call(self, to: Address, signature: str, *arguments: object, returns: str) -> tuple[Any, ...]:
        """Call a view function at the head."""
        request = {"to": to, "data": encode_call(signature, *arguments)}
        try:
            return decode(returns, self._client.told(_returned, "eth_call", request, "latest"))
        except RevertedError as reverted:
            raise FatalError(f"{signature} of {to} reverted: {revert_reason(reverted.data)}") from None
        except DecodingError:
            raise DataError(f"{to} does not answer {signature} as expected; check the address") from None

    def mine(
        self,
        transactions: Sequence[Transaction],
        timestamp: Seconds | None = None,  # noqa: ARG002  (a public chain has its own time and fees)
        base_fee_wei: Wei | None = None,  # noqa: ARG002
    ) -> list[MinedTransaction]:
        """Send one after the other and wait for each.

        Raises: `FatalError` that names the first that would revert for a reason it must not, `TransientError` when one
        is not mined.
        """
        return [self._send_one(transaction) for transaction in transactions]

    def _send_one(self, transaction: Transaction) -> MinedTransaction:
        fields: dict[str, Any] = {"from": transaction.sender, "data": transaction.data}
        if transaction.to is not None:
            fields["to"] = transaction.to
        try:
            gas = self._client.told(shapes.gas, "eth_estimateGas", fields) * _GAS_BUFFER_PERCENT // 100
        except RevertedError as reverted:
            reason = revert_reason(reverted.data)
            if reason in transaction.accepted_reverts:
                return MinedTransaction(transaction.label, succeeded=False, gas_used=0)
            raise FatalError(f"{transaction.label} would revert: {reason}") from None
        receipt = self._receipt(self._submit(fields, gas), transaction.label)
        succeeded, gas_used = int(receipt["status"], 16) == 1, int(receipt["gasUsed"], 16)
        if not succeeded and not transaction.accepted_reverts:
            raise FatalError(f"{transaction.label} reverted in transaction {receipt['transactionHash']}")
        return MinedTransaction(transaction.label, succeeded, gas_used)

    def _submit(self, fields: dict[str, Any], gas: int) -> str:
        if self._key is None:
            return self._client.told(_sent_hash, "eth_sendTransaction", fields | {"gas": hex(gas)})
        base_fee = self._client.told(shapes.block, "eth_getBlockByNumber", "latest", False).base_fee_wei
        tip = self._client.told(partial(shapes.quantity, what=_TIP_METHOD), _TIP_METHOD)
        signed = Account.from_key(self._key).sign_transaction(
            {
                **{name: content for name, content in fields.items() if name != "from"},
                "value": 0,
                "gas": gas,
                "nonce": self.nonce(self._account),
                "chainId": self._client.told(partial(shapes.quantity, what="eth_chainId"), "eth_chainId"),
                "maxFeePerGas": 2 * base_fee + tip,
                "maxPriorityFeePerGas": tip,
            }
        )
        self._client.send_raw("0x" + bytes(signed.raw_transaction).hex())
        return "0x" + bytes(signed.hash).hex()

    def _receipt(self, hash_: str, label: str) -> dict[str, Any]:
        receipt = wait_for_receipt(self._client, hash_, _RECEIPT_TIMEOUT_SECONDS)
        if receipt is None:
            raise TransientError(f"{label} is not mined after {_RECEIPT_TIMEOUT_SECONDS:.0f} s ({hash_})")
        return receipt
