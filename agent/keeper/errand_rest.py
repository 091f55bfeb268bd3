"""Errands that revert one after another rest, as rebalances do, and a person is told."""

from __future__ import annotations

from itertools import takewhile

from agent.domain import BlockRef
from agent.execution.config import ExecutionSettings
from agent.execution.revert_breaker import next_try_unix
from agent.formatting import iso_utc
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.ledger.records import IntentState, Purpose
from agent.ledger.store import VaultLedger

_TOLD = {
    Purpose.ORDER: (AlertEvent.ORDER_ERRANDS_REVERT, "errands for orders"),
    Purpose.OPTION: (AlertEvent.OPTION_ERRANDS_REVERT, "trades of options"),
}


def is_resting(
    ledger: VaultLedger, settings: ExecutionSettings, alerts: AlertLog, purpose: Purpose, head: BlockRef
) -> bool:
    """Return whether errands of one purpose rest after reverts in a row, and tell it."""
    event, what = _TOLD[purpose]
    limit = settings.max_reverts_in_row
    ended = ledger.closed_errands(limit, purpose)
    reverts = list(takewhile(lambda one: one.state is IntentState.REVERTED, ended))
    next_try = next_try_unix(reverts, settings)
    if next_try is None:
        alerts.clear(event)
        return False
    if head.timestamp >= next_try:
        return False
    words = f"the last {limit} {what} reverted, the newest: {reverts[0].detail}; none is sent until {iso_utc(next_try)}"
    alerts.raise_alert(event, words, head.timestamp)
    return True
