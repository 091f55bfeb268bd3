"""Carries out what was planned at an option venue, through the execution machine: an errand, recorded before it goes.

The intent has no legs: the vault is asked for nothing. A trade is bound to its block by the venue itself, which takes
an intent of a keeper once, so that an errand sent again after a crash trades once at most.
"""

from __future__ import annotations

from agent.chain.client import ChainClient
from agent.decision.option_hedge import OptionHedge
from agent.domain import BlockRef, Intent
from agent.execution.config import ExecutionSettings
from agent.execution.errand import Errand, errand_intent, errand_of
from agent.execution.option_intents import OptionTrade
from agent.execution.settlement import Settlement
from agent.execution.submit import Executor
from agent.ledger.records import IntentRecord, Purpose
from agent.ledger.store import VaultLedger
from agent.option_venue import HeldOption
from agent.units import Address
from agent.venues.option_calls import settle_call


class OptionKeeper:
    """Of one option venue and one keeper. ``max_gas_units``: no errand is sent with a higher gas limit."""

    def __init__(
        self,
        client: ChainClient,
        ledger: VaultLedger,
        executor: Executor,
        sender: Address,
        venue: Address,
        settings: ExecutionSettings,
        max_gas_units: int,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._executor = executor
        self._sender = sender
        self._venue = venue
        self._settings = settings
        self._max_gas_units = max_gas_units

    def trade(self, hedge: OptionHedge, decided_at: BlockRef, head: BlockRef) -> Settlement | None:
        """Trade what was planned on ``decided_at``; None where nothing is.

        Raises
        ------
        RejectedError
            The venue refuses the trade on top of ``head``, or gas is too dear; nothing was signed.
        DataError
            The key has not the gas money; nothing was recorded or sent.
        TransientError
            A server does not answer; what was sent is in the ledger, and the next cycle goes on with it.

        """
        if not hedge.orders:
            return None
        trade = OptionTrade.of(self._vault, self._venue, hedge.orders, decided_at, self._settings.deadline_seconds)
        errand = Errand(trade.call(), Purpose.OPTION, trade.call_on(head), self._max_gas_units)
        return self._send(trade.intent, errand, f"trade options at venue {self._venue}: {hedge.reason}", head)

    def settle(self, option: HeldOption, head: BlockRef) -> Settlement:
        """Settle an option that has expired, and bring home what it pays; raises as `trade` does."""
        call = settle_call(self._venue, option.position_id)
        intent = errand_intent(self._vault, call, head, self._settings.deadline_seconds)
        reason = f"settle {option.name} at venue {self._venue}: it has expired"
        return self._send(intent, Errand(call, Purpose.OPTION, max_gas_units=self._max_gas_units), reason, head)

    def is_wanted(self, record: IntentRecord, head: BlockRef) -> bool:
        """Return whether an errand that a crash or a time-out left open would still be taken.

        One of the head itself was simulated before it was sent, and nothing has happened since.
        """
        errand = errand_of(self._ledger.transactions_of(record.intent.intent_id))
        if errand is None or errand.call.to != self._venue or head.timestamp > record.intent.deadline:
            return False
        if head.hash == record.intent.decided_at_block.hash:
            return True
        return self._client.simulate(self._sender, errand.call, self._max_gas_units, head) is None

    @property
    def _vault(self) -> tuple[int, Address]:
        own = self._ledger.identity
        return own.chain_id, own.address

    def _send(self, intent: Intent, errand: Errand, reason: str, head: BlockRef) -> Settlement:
        refusal = self._client.simulate(self._sender, errand.probe or errand.call, self._max_gas_units, head)
        if refusal is not None:
            raise refusal
        return self._executor.execute(IntentRecord(intent, False, "0x", reason), head, errand=errand)
