"""What became of an intent, read from the chain and recorded, never inferred from an answer that did not come.

An intent counts as executed when the vault has used its id, and as impossible only when the chain says so: its nonce is
taken, or its deadline has passed in a block that is there, or the block it is bound to is too old for the vault.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from agent.chain.abi import Log, load_abi
from agent.chain.block_id import BlockId
from agent.chain.client import ChainClient
from agent.chain.rollup import Rollup
from agent.domain import BlockRef, Intent
from agent.errors import AgentError, TransientError
from agent.execution.errand import errand_of
from agent.execution.intents import LAST_BLOCKS, call_on
from agent.ledger.records import IntentRecord, IntentState, Purpose, Receipt, SignedTransaction, Transition
from agent.ledger.scan import EventScanner
from agent.ledger.store import VaultLedger
from agent.units import Address, Wei


@dataclass(frozen=True, slots=True)
class Timer:
    """The machine's clocks, so that tests can do without."""

    unix_seconds: Callable[[], float] = time.time
    monotonic_seconds: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an intent; ``state`` is None while the chain has not said. ``block`` is where that was seen."""

    state: IntentState | None
    block: BlockRef | None = None
    receipt: Receipt | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class IntentStatus:
    """What the chain shows of an intent at one moment; ``mined`` is one of its transactions with the raw receipt."""

    head: BlockRef
    mined: tuple[SignedTransaction, dict[str, Any]] | None
    is_used: bool
    is_nonce_taken: bool

    @property
    def is_strange(self) -> bool:
        """True when the intent or its nonce was used, and by none of our transactions."""
        return self.mined is None and (self.is_used or self.is_nonce_taken)


class Settler:
    """Finds out what became of the intents of one vault and one sender, and records it."""

    def __init__(
        self,
        client: ChainClient,
        ledger: VaultLedger,
        scanner: EventScanner,
        rollup: Rollup,
        sender: Address,
        settling_seconds: float,
        poll_seconds: float,
        timer: Timer,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._scanner = scanner
        self._rollup = rollup
        self._sender = sender
        self._settling_seconds = settling_seconds
        self._poll_seconds = min(poll_seconds, settling_seconds)
        self._timer = timer
        self._vault = ledger.identity.address
        self._last_intent = load_abi("HedgeVault").function("lastIntent")

    def head(self) -> BlockRef:
        """Return the newest block."""
        return self._client.head(self._timer.unix_seconds())

    def look(self, record: IntentRecord) -> Settlement:
        """Ask the chain what became of an intent, and record the answer when it is final.

        A node that is just taking in a block may answer from the new state before it has the receipts, even when asked
        at the old block's hash. That looks like the work of a stranger, so it is believed only when it stays so.
        """
        settled_at = self._timer.monotonic_seconds() + self._settling_seconds
        while True:
            status = self._see(record)
            if not status.is_strange or self._timer.monotonic_seconds() >= settled_at:
                return self._judge(record, status)
            self._timer.sleep(self._poll_seconds)

    def close(
        self, record: IntentRecord, state: IntentState, block: BlockRef, detail: str, receipt: Receipt | None = None
    ) -> Settlement:
        """Record the end of an intent that changed nothing."""
        transaction_hash = None if receipt is None else receipt.transaction_hash
        transition = Transition(
            record.intent.intent_id, state, BlockId.of(block), transaction_hash, detail, block.timestamp
        )
        if receipt is None:
            self._ledger.add_transition(transition)
        else:
            self._ledger.add_receipt(receipt, transition)
        return Settlement(state, block, receipt, detail)

    # --- what the chain shows -------------------------------------------------------------------------------------

    def _see(self, record: IntentRecord) -> IntentStatus:
        intent_id = record.intent.intent_id
        signed = self._ledger.transactions_of(intent_id)
        head = self.head()
        sender = signed[-1].sender if signed else self._sender
        last_call = self._last_intent.at(self._vault, sender)
        id_prefix, accepted_in = self._client.read([last_call], head)[0]
        is_of_later_block = accepted_in > record.intent.decided_at_block.number  # 0 before the first
        is_used = is_of_later_block and bytes.fromhex(intent_id.removeprefix("0x")).startswith(id_prefix)
        nonce = self._client.nonce_at(sender, head)
        # Read last: a receipt may be newer than the head, never older than what the head already knows.
        receipts = self._client.receipts([transaction.transaction_hash for transaction in signed])
        mined = [(one, receipt) for one, receipt in zip(signed, receipts, strict=True) if receipt is not None]
        is_taken = bool(signed) and nonce > signed[-1].nonce
        return IntentStatus(head, mined[0] if mined else None, is_used, is_taken)

    def _judge(self, record: IntentRecord, status: IntentStatus) -> Settlement:
        intent, head = record.intent, status.head
        if status.mined is not None:
            return self._mined(record, *status.mined)
        if status.is_used:
            return self._executed(record, head, None, [], "by a transaction this ledger does not know")
        if status.is_nonce_taken:
            return self.close(record, IntentState.SUPERSEDED, head, "its nonce was taken by an unknown transaction")
        expiry = None if record.is_errand else _expiry(intent, head)  # a venue knows no deadline
        if expiry is not None:
            return self.close(record, IntentState.EXPIRED, head, expiry)
        return Settlement(None, head, detail=f"intent {intent.intent_id} waits to be mined")

    # --- mined ----------------------------------------------------------------------------------------------------

    def _mined(self, record: IntentRecord, transaction: SignedTransaction, raw: dict[str, Any]) -> Settlement:
        block = self._client.block(int(raw["blockNumber"], 16))
        if block.hash != raw["blockHash"].lower():
            raise TransientError(f"block {block.number} was replaced while its receipt was read")
        receipt = self._receipt(transaction, raw, block)
        if transaction.purpose is Purpose.CANCEL:
            return self.close(record, IntentState.CANCELLED, block, "its nonce was taken by our cancellation", receipt)
        if not receipt.is_success:
            detail = self._why_reverted(record, transaction, receipt, block)
            return self.close(record, IntentState.REVERTED, block, detail, receipt)
        return self._executed(record, block, receipt, [Log.from_rpc(entry) for entry in raw["logs"]], "")

    def _receipt(self, transaction: SignedTransaction, raw: dict[str, Any], block: BlockRef) -> Receipt:
        """Spread what a rollup charged for data over the gas: what was paid is gas times price, rounded up."""
        gas_used, price = int(raw["gasUsed"], 16), int(raw["effectiveGasPrice"], 16)
        data_fee = self._rollup.charged(raw, block)
        return Receipt(
            transaction_hash=transaction.transaction_hash,
            block_id=BlockId.of(block),
            is_success=int(raw["status"], 16) == 1,
            gas_used=gas_used,
            gas_price_wei=Wei(price - (-data_fee // gas_used)),
        )

    def _why_reverted(
        self, record: IntentRecord, transaction: SignedTransaction, receipt: Receipt, block: BlockRef
    ) -> str:
        """Explain a revert at best effort: a pruned server has no state to explain it with, and the intent is over."""
        try:
            parent = self._client.parent(block)
            errand = errand_of([transaction])
            call = call_on(record.intent, parent) if errand is None else errand.call
            simulate = partial(self._client.simulate, self._sender, call, transaction.gas_limit, parent)
            # What asks for ether by the price of gas is refused at a price alone, which may not be below the base fee.
            rejection = simulate() or simulate(Wei(max(receipt.gas_price_wei, parent.base_fee_wei)))
        except AgentError as trouble:
            return f"reverted; why, no server tells any more ({trouble})"
        if rejection is None and receipt.gas_used >= transaction.gas_limit:
            return f"ran out of its gas of {transaction.gas_limit}"
        return str(rejection or "reverted for a reason that does not show on its parent block")

    def _executed(
        self, record: IntentRecord, block: BlockRef, receipt: Receipt | None, logs: list[Log], detail: str
    ) -> Settlement:
        """Book the fills first, from the receipt where the scan missed them: only then is the intent done."""
        intent_id, block_id = record.intent.intent_id, BlockId.of(block)
        if receipt is not None:
            mined = Transition(
                intent_id, IntentState.MINED, block_id, receipt.transaction_hash, block_unix=block.timestamp
            )
            self._ledger.add_receipt(receipt, mined)
        self._scanner.reach(block)
        if logs and not self._is_booked(record, receipt):
            self._scanner.book(block_id, logs)
        executed = Transition(intent_id, IntentState.EXECUTED, block_id, detail=detail, block_unix=block.timestamp)
        self._ledger.add_transition(executed)
        return Settlement(IntentState.EXECUTED, block, receipt, detail)

    def _is_booked(self, record: IntentRecord, receipt: Receipt | None) -> bool:
        """Return whether the scan has found what a mined intent led to."""
        if not record.is_errand:
            return self._ledger.rebalance_of(record.intent.intent_id) is not None
        return receipt is not None and self._ledger.has_errand_events(receipt.transaction_hash)


def _expiry(intent: Intent, head: BlockRef) -> str | None:
    """Return why the chain will never take an intent any more, in words; None while it may."""
    if head.timestamp > intent.deadline:
        return f"deadline {intent.deadline} passed unmined"
    if head.number - intent.decided_at_block.number >= LAST_BLOCKS:
        return f"block {intent.decided_at_block.number} left the last {LAST_BLOCKS} unmined"
    return None
