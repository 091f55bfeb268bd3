"""Sends a step, from a key of the environment or an account that the local chain's node holds, and waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from eth_account.signers.local import LocalAccount

from agent.chain import shapes
from agent.chain.abi import Call, Function
from agent.chain.client import ChainClient
from agent.chain.waiting import wait_for_receipt
from agent.domain import BlockRef
from agent.errors import DataError, FatalError, TransientError
from agent.execution.config import GOVERNANCE_KEY_VARIABLE, ExecutionSettings
from agent.execution.fees import Fees, Market, first_bid
from agent.execution.signer import LOCAL_CHAIN_ID, load_account, sign_call
from agent.governance.calls import GovernedCall
from agent.units import Address, Wei

RECEIPT_TIMEOUT_SECONDS = 300.0
"""A vote may wait some blocks longer than a hedge."""
_UNKNOWN = Function("governance", b"", (), ())
_sent_hash = partial(shapes.hash_of, what="eth_sendTransaction")


class Sender(Protocol):
    """Who sends."""

    @property
    def address(self) -> Address:
        """Account that pays and is asked for its role."""

    def send(self, client: ChainClient, call: GovernedCall, gas: int, fees: Fees) -> str:
        """Hand the transaction to the node and return its hash."""


@dataclass(frozen=True, slots=True)
class UnlockedSender:
    """An account of the local chain, whose key the node has."""

    address: Address

    def send(self, client: ChainClient, call: GovernedCall, gas: int, fees: Fees) -> str:
        """Let the node sign."""
        fields = {"from": self.address, "to": call.target, "data": call.data_hex, "value": hex(call.wei)}
        prices = {"gas": hex(gas), "maxFeePerGas": hex(fees.max_fee_wei)}
        tip = {"maxPriorityFeePerGas": hex(fees.priority_fee_wei)}
        return client.told(_sent_hash, "eth_sendTransaction", {**fields, **prices, **tip})


class KeySender:
    """The account whose key the environment holds."""

    def __init__(self, account: LocalAccount, chain_id: int) -> None:
        self.address = Address(account.address)
        self._account = account
        self._chain_id = chain_id

    def send(self, client: ChainClient, call: GovernedCall, gas: int, fees: Fees) -> str:
        """Sign here (EIP-1559)."""
        nonce = client.waiting_nonce(self.address)
        signed = sign_call(self._account, self._chain_id, call.target, Wei(call.wei), call.data_hex, nonce, gas, fees)
        client.send_raw(signed.raw)
        return signed.hash


def find_sender(environment: Mapping[str, str], chain_id: int, unlocked: Address | None) -> Sender:
    """Return who sends; `DataError` where there is no key, or an unlocked account is asked for elsewhere."""
    if unlocked is None:
        account = load_account(environment, GOVERNANCE_KEY_VARIABLE, "the private key of who sends")
        return KeySender(account, chain_id)
    if chain_id != LOCAL_CHAIN_ID:
        raise DataError(f"--from serves on the local chain alone; put the key into {GOVERNANCE_KEY_VARIABLE}")
    return UnlockedSender(unlocked)


def send_and_wait(
    client: ChainClient,
    sender: Sender,
    call: GovernedCall,
    head: BlockRef,
    settings: ExecutionSettings,
    is_urgent: bool,
) -> str:
    """Send one call and return its transaction's hash once it is mined and has succeeded.

    Raises
    ------
    RejectedError
        It would revert: nothing is sent. Decoded.
    FatalError
        It was mined and reverted.
    TransientError
        It was sent and is not mined yet.

    """
    needed = client.estimate_gas(sender.address, Call(call.target, call.data_hex, _UNKNOWN))
    gas = int(needed * settings.gas_limit_ratio)
    sent = sender.send(client, call, gas, first_bid(Market(head.base_fee_wei, gas), is_urgent, settings))
    receipt = wait_for_receipt(client, sent, RECEIPT_TIMEOUT_SECONDS)
    if receipt is not None and int(receipt["status"], 16) == 1:
        return sent
    if receipt is not None:
        raise FatalError(f"transaction {sent} reverted in block {int(receipt['blockNumber'], 16)}")
    raise TransientError(f"transaction {sent} is not mined after {RECEIPT_TIMEOUT_SECONDS:.0f} s; look for it before")
