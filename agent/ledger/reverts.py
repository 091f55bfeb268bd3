"""Rebalances that were mined and refused, one after another, as far as nobody has looked at them.

What was refused because a reorganisation had replaced the block it was decided on, or because it was mined too late,
says nothing about the next, and counts for nothing.
"""

from __future__ import annotations

from itertools import takewhile

from agent.ledger.records import ClosedIntent, IntentState, Subject
from agent.ledger.store import VaultLedger

_OF_THE_MOMENT = ("BlockHashMismatch(", "DeadlinePassed(", "IntentOutdated(")
"""How the ledger words such a revert: by the guard's error. The last is another keeper's trade that came first."""
_SEEN_FOR_EACH = 4
"""Intents looked at for each one that counts: some of them may have met bad luck."""


def reverts_in_row(ledger: VaultLedger, most: int) -> list[ClosedIntent]:
    """Return the latest intents that reverted, newest first: at most so many, and none up to the last acknowledged."""
    latest = [one for one in ledger.closed_intents(_SEEN_FOR_EACH * most) if not _met_bad_luck(one)]
    reverts = list(takewhile(lambda one: one.state is IntentState.REVERTED, latest[:most]))
    if not reverts:
        return []
    known = {word.reference for word in ledger.acknowledgements(Subject.REVERTS)}
    return list(takewhile(lambda one: one.intent_id not in known, reverts))


def _met_bad_luck(closed: ClosedIntent) -> bool:
    return closed.state is IntentState.REVERTED and closed.detail.startswith(_OF_THE_MOMENT)
