"""Stops a loop of reverts: after several rebalances in a row that were mined and refused, none is sent for a while.

It remembers nothing of its own: the ledger holds how intents ended, so a restart does not begin the loop anew. What was
refused because a reorganisation had replaced the block it was decided on says nothing about the next, and counts for
nothing.
"""

from __future__ import annotations

import logging
from itertools import takewhile

from agent.domain import BlockRef
from agent.errors import RejectedError
from agent.execution.config import ExecutionSettings
from agent.ledger.records import ClosedIntent, IntentState
from agent.ledger.store import VaultLedger

REVERTS_IN_ROW = "RevertsInRow"
"""Name of the rejection while the breaker is open."""
_BLOCK_REPLACED = "BlockHashMismatch("
"""How the ledger words a revert whose block was replaced: by the error of ``IHedgeVault``."""
_SEEN_FOR_EACH = 4
"""Intents looked at for each one that counts: some of them may have met a reorganisation."""
_ALERT = "reverts_in_a_row"
"""Under which docs/runbook.md has it."""
_LOG = logging.getLogger(__name__)


def require_no_revert_loop(ledger: VaultLedger, settings: ExecutionSettings, head: BlockRef) -> None:
    """Refuse to send while the last rebalances all reverted and the rest after them is not over.

    Raises
    ------
    RejectedError
        ``RevertsInRow`` with their number, the limit, and when the next may try, Unix seconds.

    """
    limit = settings.max_reverts_in_row
    latest = [one for one in ledger.closed_intents(_SEEN_FOR_EACH * limit) if not _met_a_reorganisation(one)]
    reverts = list(takewhile(lambda one: one.state is IntentState.REVERTED, latest[:limit]))
    if len(reverts) < limit:
        return
    next_try = reverts[0].deadline + settings.revert_rest_seconds
    if head.timestamp >= next_try:
        return
    _LOG.critical(
        "the last %d rebalances were mined and reverted, the newest with: %s; nothing is sent before %d (Unix seconds)",
        limit,
        reverts[0].detail,
        next_try,
        extra={"alert": _ALERT},
    )
    raise RejectedError(REVERTS_IN_ROW, {"reverts": limit, "maxReverts": limit, "nextTryUnix": next_try})


def _met_a_reorganisation(closed: ClosedIntent) -> bool:
    return closed.state is IntentState.REVERTED and closed.detail.startswith(_BLOCK_REPLACED)
