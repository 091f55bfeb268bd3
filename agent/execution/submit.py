"""Carries intents out: decided -> signed -> sent -> mined -> executed, each step in the ledger before the next.

What became of an intent is read from the chain, never inferred from an answer that did not come. An intent counts as
executed when the vault has used its id, and as impossible only when the chain says so: its nonce is taken, or its
deadline has passed in a block that is there, or the block it is bound to is too old for the vault. One whose block a
reorganisation has removed is refused in simulation and taken back like any decision that is not wanted any more.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agent.chain.abi import load_abi
from agent.chain.block_id import BlockId
from agent.chain.client import ChainClient, SendOutcome
from agent.domain import BlockRef, Intent
from agent.errors import DataError, FatalError, RejectedError, TransientError
from agent.execution.config import ExecutionSettings
from agent.execution.fees import Fees, quote_fees
from agent.execution.intents import LAST_BLOCKS, call_on, rebalance_call
from agent.execution.signer import Signer
from agent.formatting import figure
from agent.ledger.records import IntentRecord, IntentState, Purpose, Receipt, SignedTransaction, Transition
from agent.ledger.scan import EventScanner
from agent.ledger.store import VaultLedger
from agent.units import Address, Wei, wei_to_eth

CANCEL_GAS = 21_000
"""Gas of a plain transfer (yellow paper, appendix G)."""
SETTLING_SECONDS = 0.25
"""Wall-clock time in which a node has certainly finished taking in a block whose state it shows already."""
GAS_LIMIT_EXCEEDED = "GasLimitExceeded"
"""Name of the rejection when a transaction needs more gas than the cap."""


@dataclass(frozen=True, slots=True)
class Timer:
    """The machine's clocks, so that tests can do without."""

    unix_seconds: Callable[[], float] = time.time
    monotonic_seconds: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an intent; ``state`` is None while the chain has not said."""

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


@dataclass(frozen=True, slots=True)
class _Plan:
    nonce: int
    gas_limit: int
    fees: Fees


class Executor:
    """Carries out one intent at a time for one vault."""

    def __init__(
        self,
        client: ChainClient,
        ledger: VaultLedger,
        scanner: EventScanner,
        signer: Signer,
        settings: ExecutionSettings,
        timer: Timer,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._scanner = scanner
        self._signer = signer
        self._settings = settings
        self._timer = timer
        self._vault = ledger.identity.address
        self._last_intent = load_abi("HedgeVault").function("lastIntent")

    def execute(self, record: IntentRecord, head: BlockRef) -> Settlement:
        """Carry out a new intent and wait for it.

        Raises
        ------
        RejectedError
            The chain or the gas caps refuse it; nothing was recorded or sent.
        TransientError
            It is unknown whether it was sent; the intent stays open for `resume`.
        DataError
            The key has not the gas money; nothing was recorded or sent.
        FatalError
            Another intent is open.

        """
        open_intents = self._ledger.open_intents()
        if open_intents:
            raise FatalError(
                f"intent {open_intents[0].intent.intent_id} is open: two intents of one vault must not live"
            )
        signed = self._sign(record, Purpose.REBALANCE, self._plan(record, head))
        self._ledger.add_signed_intent(record, signed, BlockId.of(head))
        self._send(signed, head)
        return self._wait(record)

    def resume(self, record: IntentRecord, is_wanted: Callable[[], bool]) -> Settlement:
        """Go on with an intent that a crash or a time-out left open.

        What the chain has decided is recorded. What it has not is sent again as signed, byte for byte, or, when
        ``is_wanted`` answers no, cancelled by taking its nonce. Raises as `execute` does.
        """
        settlement = self._look(record)
        if settlement.state is not None:
            return settlement
        signed = self._ledger.transactions_of(record.intent.intent_id)
        head = self._head()
        if not signed:
            if is_wanted():
                return self._begin(record, head)
            return self._close(record, IntentState.ABANDONED, head, "never signed, and not wanted any more")
        if signed[-1].sender != self._signer.address:
            return self._leave_to_its_key(signed[-1], head, is_wanted)
        if signed[-1].purpose is Purpose.CANCEL or is_wanted():
            self._send(signed[-1], head)
        else:
            self._bid_again(record, Purpose.CANCEL, signed, head)
        return self._wait(record)

    def _leave_to_its_key(self, signed: SignedTransaction, head: BlockRef, is_wanted: Callable[[], bool]) -> Settlement:
        """Send what a keeper with another key has signed, while it is wanted; its nonce is out of our reach.

        Until the chain has said what becomes of it, nothing else may be decided: it might still be mined.
        """
        if signed.purpose is Purpose.CANCEL or is_wanted():
            self._send(signed, head)
        return Settlement(None, detail=f"intent {signed.intent_id} of key {signed.sender} may still be mined")

    # --- sending --------------------------------------------------------------------------------------------------

    def _begin(self, record: IntentRecord, head: BlockRef) -> Settlement:
        """Sign an intent that was recorded and never signed, or give it up when the chain would refuse it now."""
        try:
            plan = self._plan(record, head)
        except RejectedError as rejection:
            return self._close(record, IntentState.ABANDONED, head, f"never signed, and refused now: {rejection}")
        self._sign_and_send(record, Purpose.REBALANCE, plan, head)
        return self._wait(record)

    def _plan(self, record: IntentRecord, head: BlockRef) -> _Plan:
        """Choose nonce, gas limit and fees from chain and ledger; raises before anything is signed."""
        mined, waiting, balance = self._client.account(self._signer.address)
        rivals = self._ledger.transactions_at(self._signer.address, mined) if waiting > mined else []
        if waiting > mined + len(rivals[:1]):
            raise TransientError(
                f"key {self._signer.address} has a transaction waiting that this ledger does not know (nonces {mined} "
                f"to {waiting - 1}); is another keeper using it?"
            )
        gas_limit = math.ceil(self._gas_needed(record.intent, head) * self._settings.gas_limit_ratio)
        if gas_limit > self._settings.max_gas_units:
            limits = {"gasLimit": gas_limit, "maxGasLimit": self._settings.max_gas_units}
            raise RejectedError(GAS_LIMIT_EXCEEDED, dict(limits))
        fees = quote_fees(head.base_fee_wei, record.is_urgent, self._settings, rivals)
        require_gas_money(self._signer.address, balance, Wei(gas_limit * fees.max_fee_wei))
        return _Plan(mined, gas_limit, fees)

    def _gas_needed(self, intent: Intent, head: BlockRef) -> int:
        """Return gas that carries the intent on top of ``head``: the usual amount if it suffices, else an estimate."""
        call, usual = call_on(intent, head), self._settings.usual_gas_units
        if self._client.simulate(self._signer.address, call, usual, head) is None:
            return usual
        return self._client.estimate_gas(self._signer.address, call)

    def _sign(self, record: IntentRecord, purpose: Purpose, plan: _Plan) -> SignedTransaction:
        intent = record.intent
        to, data = (
            (self._vault, rebalance_call(intent).data) if purpose is Purpose.REBALANCE else (self._signer.address, "0x")
        )
        return self._signer.sign(intent.intent_id, purpose, to, data, plan.nonce, plan.gas_limit, plan.fees)

    def _sign_and_send(self, record: IntentRecord, purpose: Purpose, plan: _Plan, head: BlockRef) -> None:
        signed = self._sign(record, purpose, plan)
        self._ledger.add_transaction(signed, BlockId.of(head))
        self._send(signed, head)

    def _send(self, signed: SignedTransaction, head: BlockRef) -> None:
        """Hand over the signed bytes while the lease is ours; whether they arrived, the chain will tell."""
        self._ledger.require_lease()
        outcome = self._client.send_raw(signed.raw)
        if outcome is not SendOutcome.NONCE_USED:
            self._ledger.add_transition(
                Transition(signed.intent_id, IntentState.SENT, BlockId.of(head), signed.transaction_hash, outcome.value)
            )

    def _bid_again(
        self, record: IntentRecord, purpose: Purpose, signed: Sequence[SignedTransaction], head: BlockRef
    ) -> None:
        """Replace what waits by a better-paid transaction of the same nonce, unless the cap forbids it.

        Taking back what is not wanted any more is always urgent.
        """
        is_urgent = record.is_urgent or purpose is Purpose.CANCEL
        try:
            fees = quote_fees(head.base_fee_wei, is_urgent, self._settings, signed)
        except RejectedError:
            return
        gas_limit = CANCEL_GAS if purpose is Purpose.CANCEL else signed[-1].gas_limit
        self._sign_and_send(record, purpose, _Plan(signed[-1].nonce, gas_limit, fees), head)

    # --- waiting --------------------------------------------------------------------------------------------------

    def _wait(self, record: IntentRecord) -> Settlement:
        """Poll the chain, bump the fee by policy, and give up waiting, not the intent, after the time-out."""
        settings, started = self._settings, self._timer.monotonic_seconds()
        replacements = 0
        while True:
            settlement = self._look(record)
            waited = self._timer.monotonic_seconds() - started
            if settlement.state is not None or waited >= settings.receipt_timeout_seconds:
                return settlement
            if (
                waited >= settings.replace_after_seconds * (replacements + 1)
                and replacements < settings.max_replacements
            ):
                replacements += 1
                signed = self._ledger.transactions_of(record.intent.intent_id)
                self._bid_again(record, signed[-1].purpose, signed, self._head())
            self._timer.sleep(settings.receipt_poll_seconds)

    def _look(self, record: IntentRecord) -> Settlement:
        """Ask the chain what became of an intent, and record the answer when it is final.

        A node that is just taking in a block may answer from the new state before it has the receipts, even when asked
        at the old block's hash. That looks like the work of a stranger, so it is believed only when it stays so.
        """
        settled_at = self._timer.monotonic_seconds() + SETTLING_SECONDS
        while True:
            status = self._see(record)
            if not status.is_strange or self._timer.monotonic_seconds() >= settled_at:
                return self._judge(record, status)
            self._timer.sleep(min(self._settings.receipt_poll_seconds, SETTLING_SECONDS))

    def _see(self, record: IntentRecord) -> IntentStatus:
        intent_id = record.intent.intent_id
        signed = self._ledger.transactions_of(intent_id)
        head = self._head()
        sender = signed[-1].sender if signed else self._signer.address
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
            return self._executed(record, head, None, "by a transaction this ledger does not know")
        if status.is_nonce_taken:
            return self._close(record, IntentState.SUPERSEDED, head, "its nonce was taken by an unknown transaction")
        if head.timestamp > intent.deadline:
            return self._close(record, IntentState.EXPIRED, head, f"deadline {intent.deadline} passed unmined")
        if head.number - intent.decided_at_block.number >= LAST_BLOCKS:
            words = f"block {intent.decided_at_block.number} left the last {LAST_BLOCKS} unmined"
            return self._close(record, IntentState.EXPIRED, head, words)
        return Settlement(None, detail=f"intent {intent.intent_id} waits to be mined")

    # --- outcomes -------------------------------------------------------------------------------------------------

    def _mined(self, record: IntentRecord, transaction: SignedTransaction, raw: dict[str, Any]) -> Settlement:
        block = self._client.block(int(raw["blockNumber"], 16))
        if block.hash != raw["blockHash"]:
            raise TransientError(f"block {block.number} was replaced while its receipt was read")
        receipt = Receipt(
            transaction_hash=transaction.transaction_hash,
            block_id=BlockId.of(block),
            is_success=int(raw["status"], 16) == 1,
            gas_used=int(raw["gasUsed"], 16),
            gas_price_wei=Wei(int(raw["effectiveGasPrice"], 16)),
        )
        if transaction.purpose is Purpose.CANCEL:
            return self._close(record, IntentState.CANCELLED, block, "its nonce was taken by our cancellation", receipt)
        if not receipt.is_success:
            parent, gas = self._client.parent(block), transaction.gas_limit
            rejection = self._client.simulate(self._signer.address, call_on(record.intent, parent), gas, parent)
            detail = str(rejection or "reverted for a reason that does not show on its parent block")
            return self._close(record, IntentState.REVERTED, block, detail, receipt)
        return self._executed(record, block, receipt, "")

    def _executed(self, record: IntentRecord, block: BlockRef, receipt: Receipt | None, detail: str) -> Settlement:
        """Book the fills first: only then is the intent done."""
        intent_id, block_id = record.intent.intent_id, BlockId.of(block)
        if receipt is not None:
            mined = Transition(
                intent_id, IntentState.MINED, block_id, receipt.transaction_hash, block_unix=block.timestamp
            )
            self._ledger.add_receipt(receipt, mined)
        self._scanner.scan(block)
        executed = Transition(intent_id, IntentState.EXECUTED, block_id, detail=detail, block_unix=block.timestamp)
        self._ledger.add_transition(executed)
        return Settlement(IntentState.EXECUTED, block, receipt, detail)

    def _close(
        self, record: IntentRecord, state: IntentState, block: BlockRef, detail: str, receipt: Receipt | None = None
    ) -> Settlement:
        transaction_hash = None if receipt is None else receipt.transaction_hash
        transition = Transition(
            record.intent.intent_id, state, BlockId.of(block), transaction_hash, detail, block.timestamp
        )
        if receipt is None:
            self._ledger.add_transition(transition)
        else:
            self._ledger.add_receipt(receipt, transition)
        return Settlement(state, block, receipt, detail)

    # --- parts ----------------------------------------------------------------------------------------------------

    def _head(self) -> BlockRef:
        return self._client.head(self._timer.unix_seconds())


def require_gas_money(address: Address, balance: Wei, needed: Wei) -> None:
    """Raise `DataError` when an account cannot pay for a transaction."""
    if balance < needed:
        raise DataError(
            f"keeper {address} holds {figure(wei_to_eth(balance), 6)} ETH and a rebalance may cost "
            f"{figure(wei_to_eth(needed), 6)} ETH of gas: send it gas money"
        )
