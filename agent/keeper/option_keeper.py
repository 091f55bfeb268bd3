"""Carries out what was planned at an option venue, through the execution machine: an errand, recorded before it goes.

The intent has no legs: the vault is asked for nothing. It is bound to its block by the venue itself, which takes an
intent of a keeper once, so that an errand sent again after a crash trades once at most.
"""

from __future__ import annotations

from collections.abc import Sequence

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.client import ChainClient
from agent.decision.option_hedge import OptionHedge
from agent.domain import BlockRef, Intent
from agent.execution.config import ExecutionSettings
from agent.execution.settlement import Settlement
from agent.execution.submit import Executor, errand_of
from agent.ledger.records import IntentRecord
from agent.ledger.store import VaultLedger
from agent.option_venue import OptionOrder
from agent.units import Address, IntentId, Seconds
from agent.venues.option_calls import trade_call

_TYPES = ("uint256", "address", "bytes32", "address", "(uint256,bool,int256,uint256)[]")


class OptionKeeper:
    """Of one option venue and one keeper."""

    def __init__(
        self,
        client: ChainClient,
        ledger: VaultLedger,
        executor: Executor,
        sender: Address,
        venue: Address,
        settings: ExecutionSettings,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._executor = executor
        self._sender = sender
        self._venue = venue
        self._settings = settings

    def trade(self, hedge: OptionHedge, decided_at: BlockRef, head: BlockRef) -> Settlement | None:
        """Trade what was planned on ``decided_at``; None where nothing is.

        Raises
        ------
        RejectedError
            The venue refuses the trade on top of ``head``, or gas is too dear; nothing was signed.
        TransientError
            A server does not answer; what was sent is in the ledger, and the next cycle goes on with it.

        """
        if not hedge.orders:
            return None
        deadline = Seconds(decided_at.timestamp + self._settings.deadline_seconds)
        identity = self._identity(hedge.orders, decided_at)
        call = trade_call(self._venue, identity, decided_at, deadline, hedge.orders)
        refusal = self._client.simulate(self._sender, call, self._settings.max_gas_units, head)
        if refusal is not None:
            raise refusal
        intent = Intent(identity, self._ledger.identity.address, (), deadline, decided_at)
        record = IntentRecord(intent, False, "0x", f"trade options at venue {self._venue}: {hedge.reason}")
        return self._executor.execute(record, head, errand=call)

    def is_wanted(self, record: IntentRecord, head: BlockRef) -> bool:
        """Return whether an errand that a crash or a time-out left open would still be taken."""
        call = errand_of(self._ledger.transactions_of(record.intent.intent_id))
        if call is None or call.to != self._venue or head.timestamp > record.intent.deadline:
            return False
        return self._client.simulate(self._sender, call, self._settings.max_gas_units, head) is None

    def _identity(self, orders: Sequence[OptionOrder], block: BlockRef) -> IntentId:
        """Return a name by content: the same orders on the same block are the same intent."""
        encoded = [(one.strike_id, one.is_call, one.size_delta, one.limit_cost) for one in orders]
        block_hash = bytes.fromhex(block.hash.removeprefix("0x"))
        own = self._ledger.identity
        content = encode(_TYPES, (own.chain_id, own.address, block_hash, self._venue, encoded))
        return IntentId("0x" + keccak(content).hex())
