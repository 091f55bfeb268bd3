"""Stops a loop of reverts: after several rebalances in a row that were mined and refused, none is sent for a while.

It remembers nothing of its own: the ledger holds how intents ended, and what an operator has looked at, so a restart
does not begin the loop anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.domain import BlockRef
from agent.errors import RejectedError
from agent.execution.config import ExecutionSettings
from agent.formatting import iso_utc
from agent.ledger.records import ClosedIntent
from agent.ledger.reverts import reverts_in_row
from agent.ledger.store import VaultLedger
from agent.units import Seconds

REVERTS_IN_ROW = "RevertsInRow"
"""Name of the rejection while the breaker is open."""


def next_try_unix(reverts: Sequence[ClosedIntent], settings: ExecutionSettings) -> Seconds | None:
    """Return when the rest after reverts in a row, newest first, is over; None while they are fewer than the limit."""
    if len(reverts) < settings.max_reverts_in_row:
        return None
    return Seconds(reverts[0].deadline + settings.revert_rest_seconds)


def require_no_revert_loop(ledger: VaultLedger, settings: ExecutionSettings, head: BlockRef) -> None:
    """Refuse to send while the last rebalances all reverted and the rest after them is not over.

    Raises
    ------
    RejectedError
        ``RevertsInRow`` with their number, the limit, when the next may try, and why the newest failed.

    """
    limit = settings.max_reverts_in_row
    reverts = reverts_in_row(ledger, limit)
    next_try = next_try_unix(reverts, settings)
    if next_try is None or head.timestamp >= next_try:
        return
    detail = {"reverts": limit, "maxReverts": limit, "nextTry": iso_utc(next_try), "newest": reverts[0].detail}
    raise RejectedError(REVERTS_IN_ROW, detail)
