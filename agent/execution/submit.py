"""Carries intents out: decided -> signed -> sent -> mined -> executed, each step in the ledger before the next.

One whose block a reorganisation has removed is refused in simulation and taken back like any decision that is not
wanted any more. What became of an intent, `Settler` reads from the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.chain.abi import Call, Function
from agent.chain.block_id import BlockId
from agent.chain.client import ChainClient
from agent.chain.rollup import Rollup
from agent.chain.send_outcomes import SendOutcome
from agent.domain import BlockRef, Intent
from agent.errors import DataError, FatalError, RejectedError, TransientError
from agent.execution.config import ExecutionSettings
from agent.execution.errand import ERRANDS, Errand, errand_of
from agent.execution.fees import Fees, Market, first_bid, freeing_bid, gas_limit_of, replacement_bid
from agent.execution.intents import rebalance_call
from agent.execution.revert_breaker import require_no_revert_loop
from agent.execution.settlement import Settlement, Settler, Timer
from agent.execution.signer import Signer
from agent.execution.survey import Survey, market_tip
from agent.formatting import figure
from agent.ledger.records import IntentRecord, IntentState, Purpose, SignedTransaction, Transition
from agent.ledger.scan import EventScanner
from agent.ledger.store import VaultLedger
from agent.units import Address, Wei, wei_to_eth

GAS_LIMIT_EXCEEDED = "GasLimitExceeded"
"""Name of the rejection when a transaction needs more gas than the cap."""
_NO_FUNCTION = Function("transfer", b"", (), ())


@dataclass(frozen=True, slots=True)
class Terms:
    """What a hedge may cost as things stand now: judged anew at each bump.

    ``is_urgent`` asks a block; ``worth_wei`` is what a unit of gas is worth at most while the hedge is not urgent.
    """

    is_urgent: Callable[[BlockRef], bool]
    worth_wei: Wei | None = None

    @classmethod
    def as_decided(cls, record: IntentRecord) -> Terms:
        """Return the terms of the decision itself."""
        return cls(lambda _: record.is_urgent)


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
        rollup: Rollup,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._signer = signer
        self._settings = settings
        self._timer = timer
        self._rollup = rollup
        self._vault = ledger.identity.address
        self._settler = Settler(
            client,
            ledger,
            scanner,
            rollup,
            signer.address,
            settings.settling_seconds,
            settings.receipt_poll_seconds,
            timer,
        )

    def survey(self, intent: Intent, head: BlockRef, *, is_urgent: bool) -> Survey:
        """Begin to ask what a transaction for ``intent`` depends on, so that it is known when `execute` wants it."""
        return self._survey(intent, head, is_urgent=is_urgent)

    def _survey(self, intent: Intent, head: BlockRef, *, is_urgent: bool, errand: Errand | None = None) -> Survey:
        asked = self._client, self._rollup, self._settings, self._signer.address, intent, head
        return Survey(*asked, is_urgent=is_urgent, errand=errand)

    def execute(
        self,
        record: IntentRecord,
        head: BlockRef,
        terms: Terms | None = None,
        survey: Survey | None = None,
        errand: Errand | None = None,
    ) -> Settlement:
        """Carry out a new intent and wait for it; ``survey`` is of this very intent and head, where there is one.

        ``errand`` is what a record without legs is sent for.

        Raises
        ------
        RejectedError
            The chain, the gas caps or too many reverts in a row refuse it; nothing was recorded or sent.
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
        if errand is None:
            require_no_revert_loop(self._ledger, self._settings, head)
        agreed = terms or Terms.as_decided(record)
        purpose = Purpose.REBALANCE if errand is None else errand.purpose
        signed = self._sign(record, purpose, self._plan(record, head, agreed, survey, errand), errand)
        self._ledger.add_signed_intent(record, signed, BlockId.of(head))
        self._send(signed, head)
        return self._wait(record, agreed)

    def resume(self, record: IntentRecord, is_wanted: Callable[[], bool], terms: Terms | None = None) -> Settlement:
        """Go on with an intent that a crash or a time-out left open.

        What the chain has decided is recorded. What it has not is sent again as signed, byte for byte, or, when
        ``is_wanted`` answers no, cancelled by taking its nonce. Raises as `execute` does.
        """
        settlement = self._settler.look(record)
        if settlement.state is not None:
            return settlement
        agreed = terms or Terms.as_decided(record)
        signed = self._ledger.transactions_of(record.intent.intent_id)
        head = self._settler.head()
        if not signed:
            if not record.is_errand and is_wanted():
                return self._begin(record, head, agreed)
            return self._settler.close(record, IntentState.ABANDONED, head, "never signed, and not wanted any more")
        if signed[-1].sender != self._signer.address:
            return self._leave_to_its_key(signed[-1], head, is_wanted)
        if signed[-1].purpose is Purpose.CANCEL or is_wanted():
            self._send(signed[-1], head)
        else:
            self._bid_again(record, Purpose.CANCEL, signed, head, agreed)
        return self._wait(record, agreed)

    def _leave_to_its_key(self, signed: SignedTransaction, head: BlockRef, is_wanted: Callable[[], bool]) -> Settlement:
        """Send what a keeper with another key has signed, while it is wanted; its nonce is out of our reach.

        Until the chain has said what becomes of it, nothing else may be decided: it might still be mined.
        """
        if signed.purpose is Purpose.CANCEL or is_wanted():
            self._send(signed, head)
        return Settlement(None, detail=f"intent {signed.intent_id} of key {signed.sender} may still be mined")

    # --- sending --------------------------------------------------------------------------------------------------

    def _begin(self, record: IntentRecord, head: BlockRef, terms: Terms) -> Settlement:
        """Sign an intent that was recorded and never signed, or give it up when the chain would refuse it now."""
        try:
            plan = self._plan(record, head, terms)
        except RejectedError as rejection:
            words = f"never signed, and refused now: {rejection}"
            return self._settler.close(record, IntentState.ABANDONED, head, words)
        self._sign_and_send(record, Purpose.REBALANCE, plan, head)
        return self._wait(record, terms)

    def _plan(
        self,
        record: IntentRecord,
        head: BlockRef,
        terms: Terms,
        survey: Survey | None = None,
        errand: Errand | None = None,
    ) -> _Plan:
        """Choose nonce, gas limit and fees from chain and ledger; raises before anything is signed."""
        asked = survey or self._survey(record.intent, head, is_urgent=terms.is_urgent(head), errand=errand)
        mined, waiting, balance = asked.account()
        rivals = self._ledger.transactions_at(self._signer.address, mined) if waiting > mined else []
        if waiting > mined + len(rivals[:1]):
            raise TransientError(
                f"key {self._signer.address} has a transaction waiting that this ledger does not know (nonces {mined} "
                f"to {waiting - 1}); is another keeper using it?"
            )
        gas_limit = gas_limit_of(asked.gas_needed(), self._settings)
        own_cap = None if errand is None else errand.max_gas_units
        most = self._settings.max_gas_units if own_cap is None else own_cap
        if gas_limit > most:
            limits = {"gasLimit": gas_limit, "maxGasLimit": most}
            raise RejectedError(GAS_LIMIT_EXCEEDED, dict(limits))
        market = Market(head.base_fee_wei, gas_limit, asked.tip(), terms.worth_wei)
        if rivals:
            fees = freeing_bid(market, asked.is_urgent, self._settings, rivals)
        else:
            fees = first_bid(market, asked.is_urgent, self._settings)
        needed = Wei(gas_limit * fees.max_fee_wei + asked.data_fee(gas_limit))
        require_gas_money(self._signer.address, balance, needed)
        return _Plan(mined, gas_limit, fees)

    def _sign(
        self, record: IntentRecord, purpose: Purpose, plan: _Plan, errand: Errand | None = None
    ) -> SignedTransaction:
        if purpose is Purpose.REBALANCE:
            call = rebalance_call(record.intent)
        elif purpose in ERRANDS and errand is not None:
            call = errand.call
        else:
            call = Call(self._signer.address, "0x", _NO_FUNCTION)
        fees = plan.nonce, plan.gas_limit, plan.fees
        return self._signer.sign(record.intent.intent_id, purpose, call.to, call.data, *fees, call.value_wei)

    def _sign_and_send(
        self, record: IntentRecord, purpose: Purpose, plan: _Plan, head: BlockRef, errand: Errand | None = None
    ) -> None:
        signed = self._sign(record, purpose, plan, errand)
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
        self,
        record: IntentRecord,
        purpose: Purpose,
        signed: Sequence[SignedTransaction],
        head: BlockRef,
        terms: Terms,
    ) -> None:
        """Replace what waits by a better-paid transaction of the same nonce, unless the cap forbids it.

        Taking back what is not wanted any more is always urgent, and has a cap of its own.
        """
        is_cancel = purpose is Purpose.CANCEL
        is_urgent = is_cancel or terms.is_urgent(head)
        gas_limit = self._cancel_gas() if is_cancel else signed[-1].gas_limit
        tip = market_tip(self._client, self._settings, is_urgent=is_urgent)
        market = Market(head.base_fee_wei, gas_limit, tip, terms.worth_wei)
        try:
            if is_cancel:
                fees = freeing_bid(market, is_urgent, self._settings, signed)
            else:
                fees = replacement_bid(market, is_urgent, self._settings, signed)
        except RejectedError:
            return
        errand = errand_of(signed) if record.is_errand else None
        self._sign_and_send(record, purpose, _Plan(signed[-1].nonce, gas_limit, fees), head, errand)

    def _cancel_gas(self) -> int:
        """Return gas for a plain transfer to oneself: 21,000 on Ethereum, several times as much on Arbitrum."""
        own = Call(self._signer.address, "0x", _NO_FUNCTION)
        return gas_limit_of(self._client.estimate_gas(self._signer.address, own), self._settings)

    # --- waiting --------------------------------------------------------------------------------------------------

    def _wait(self, record: IntentRecord, terms: Terms) -> Settlement:
        """Poll the chain, bump the fee by policy, and give up waiting, not the intent, after the time-out.

        Servers that do not answer meanwhile are asked again: what was sent is on its way.
        """
        patience, started = self._settings.receipt_timeout_seconds, self._timer.monotonic_seconds()
        bid_at: BlockRef | None = None
        with self._client.within(patience + self._settings.settling_seconds):
            while True:
                try:
                    settlement = self._settler.look(record)
                    bid_at = self._bump_when_due(record, settlement, bid_at or settlement.block, terms)
                except TransientError as trouble:
                    settlement = Settlement(None, detail=f"intent {record.intent.intent_id} is on its way; {trouble}")
                waited = self._timer.monotonic_seconds() - started
                if settlement.state is not None or waited >= patience:
                    return settlement
                self._timer.sleep(self._settings.receipt_poll_seconds)

    def _bump_when_due(
        self, record: IntentRecord, settlement: Settlement, bid_at: BlockRef | None, terms: Terms
    ) -> BlockRef | None:
        """Bid again for what still waits, if its time has come; return the block of the latest bid."""
        head = settlement.block
        if settlement.state is not None or head is None or bid_at is None:
            return bid_at
        if not self._is_bump_due(record, head, bid_at):
            return bid_at
        signed = self._ledger.transactions_of(record.intent.intent_id)
        self._bid_again(record, signed[-1].purpose, signed, head, terms)
        return head

    def _is_bump_due(self, record: IntentRecord, head: BlockRef, bid_at: BlockRef) -> bool:
        """Return whether the bid has had its blocks, or the base fee has left it behind; once a block at most."""
        signed = self._ledger.transactions_of(record.intent.intent_id)
        last = signed[-1]
        if sum(1 for one in signed if one.purpose is last.purpose) > self._settings.max_replacements:
            return False
        blocks = head.number - bid_at.number
        is_left_behind = head.base_fee_wei > last.max_fee_wei
        return blocks >= self._settings.replace_after_blocks or (blocks > 0 and is_left_behind)


def require_gas_money(address: Address, balance: Wei, needed: Wei) -> None:
    """Raise `DataError` when an account cannot pay for a transaction."""
    if balance < needed:
        raise DataError(
            f"keeper {address} holds {figure(wei_to_eth(balance), 6)} ETH and a rebalance may cost "
            f"{figure(wei_to_eth(needed), 6)} ETH of gas: send it gas money"
        )
