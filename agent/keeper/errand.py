"""Errands at venues: transactions beside the vault, recorded before they are sent as rebalances are."""

from __future__ import annotations

from itertools import takewhile

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.abi import Call
from agent.domain import BlockRef, Intent
from agent.execution.config import ExecutionSettings
from agent.execution.revert_breaker import next_try_unix
from agent.formatting import iso_utc
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.ledger.records import IntentState, VaultIdentity
from agent.ledger.store import VaultLedger
from agent.units import IntentId, Seconds

_TYPES = ("uint256", "address", "bytes32", "address", "bytes")


def errand_intent(identity: VaultIdentity, call: Call, head: BlockRef, settings: ExecutionSettings) -> Intent:
    """Return an intent without legs, named by what it calls and the block it was decided on."""
    snapshot_hash = bytes.fromhex(head.hash.removeprefix("0x"))
    data = bytes.fromhex(call.data.removeprefix("0x"))
    content = encode(_TYPES, (identity.chain_id, identity.address, snapshot_hash, call.to, data))
    deadline = head.timestamp + settings.deadline_seconds
    return Intent(IntentId("0x" + keccak(content).hex()), identity.address, (), Seconds(deadline), head)


class ErrandRest:
    """Lets errands rest that have reverted one after another, as rebalances do, and has a person told."""

    def __init__(self, ledger: VaultLedger, alerts: AlertLog, settings: ExecutionSettings) -> None:
        self._ledger = ledger
        self._alerts = alerts
        self._settings = settings

    def is_on(self, head: BlockRef) -> bool:
        """Return whether none is to be sent now."""
        limit = self._settings.max_reverts_in_row
        ended = self._ledger.closed_errands(limit)
        reverts = list(takewhile(lambda one: one.state is IntentState.REVERTED, ended))
        next_try = next_try_unix(reverts, self._settings)
        if next_try is None:
            self._alerts.clear(AlertEvent.ORDER_ERRANDS_REVERT)
            return False
        if head.timestamp >= next_try:
            return False
        words = (
            f"the last {limit} errands for orders reverted, the newest: {reverts[0].detail}; none is sent until "
            f"{iso_utc(next_try)}"
        )
        self._alerts.raise_alert(AlertEvent.ORDER_ERRANDS_REVERT, words, head.timestamp)
        return True
