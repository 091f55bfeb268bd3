"""What there is for an operator to acknowledge, so that a keeper that stopped by itself goes on."""

from __future__ import annotations

from dataclasses import dataclass

from agent.errors import DataError
from agent.ledger.accounting import NavCheck
from agent.ledger.orders import by_venue, failed_in_a_row, order_reference
from agent.ledger.records import Subject
from agent.ledger.reverts import reverts_in_row
from agent.ledger.store import VaultLedger
from agent.units import from_wad
from agent.venues.protocol import AccountEventKind


@dataclass(frozen=True, slots=True)
class Finding:
    """What a keeper stopped at: the references of an acknowledgement, and the same in words."""

    references: tuple[str, ...]
    words: str


def is_correction_due(ledger: VaultLedger) -> bool:
    """Return whether an operator has answered for a difference of NAV that the ledger still holds.

    A correction that a reorganisation took back with its block is due again.
    """
    answered = len(ledger.acknowledgements(Subject.NAV))
    events = ledger.account_events() if answered else []
    return answered > len({event.at.block for event in events if event.kind is AccountEventKind.CORRECTION})


def acknowledged_orders(ledger: VaultLedger) -> frozenset[str]:
    """Return the references of the failed orders that operators have looked at."""
    return frozenset(word.reference for word in ledger.acknowledgements(Subject.ORDERS))


def find(ledger: VaultLedger, subject: Subject, max_nav_error_bps: float) -> Finding:
    """Return what there is to acknowledge of a subject.

    Raises
    ------
    DataError
        There is nothing.

    """
    finding = {Subject.REVERTS: _reverts, Subject.ORDERS: _orders}.get(subject)
    found = _nav(ledger, max_nav_error_bps) if finding is None else finding(ledger)
    if found is None:
        raise DataError(f"there is nothing to acknowledge of {subject.value}: {_NOTHING[subject]}")
    return found


_NOTHING = {
    Subject.REVERTS: "the newest rebalance did not revert, or was acknowledged already",
    Subject.NAV: "in the newest cycle the ledger's NAV is the chain's, or what they differ by was acknowledged already",
    Subject.ORDERS: "the newest order of each venue did not fail, or was acknowledged already",
}


WHAT_FOLLOWS = {
    Subject.REVERTS: "The keeper sends again with its next cycle",
    Subject.NAV: "In its next cycle the keeper brings its ledger's accounts to the chain's and goes on",
    Subject.ORDERS: "The keeper uses the venue again with its next cycle",
}
"""After an acknowledgement."""


def _reverts(ledger: VaultLedger) -> Finding | None:
    newest = next(iter(reverts_in_row(ledger, 1)), None)
    if newest is None:
        return None
    return Finding((newest.intent_id,), f"rebalance {newest.intent_id} and those before it, reverted: {newest.detail}")


def _nav(ledger: VaultLedger, max_error_bps: float) -> Finding | None:
    cycle = ledger.last_cycle()
    if cycle is None:
        return None
    nav = NavCheck(cycle.ledger_nav_low, cycle.ledger_nav_high, cycle.chain_nav_low, cycle.chain_nav_high)
    if nav.error_bps <= max_error_bps or is_correction_due(ledger):
        return None
    distance = f"${abs(from_wad(nav.excess)):,.2f} {'more' if nav.excess >= 0 else 'less'}"
    words = (
        f"at block {cycle.block_id.number} the ledger's NAV is {distance} than the chain's "
        f"${from_wad(nav.chain_low):,.2f}, {nav.error_bps:.2f} bps where {max_error_bps:g} are allowed"
    )
    return Finding((str(nav.excess),), words)


def _orders(ledger: VaultLedger) -> Finding | None:
    known = acknowledged_orders(ledger)
    failed = [found for orders in by_venue(ledger.orders()).values() if (found := failed_in_a_row(orders, known))]
    if not failed:
        return None
    words = [f"{len(orders)} on venue {orders[0].venue}, {orders[0].state.value}" for orders in failed]
    return Finding(tuple(order_reference(orders[0]) for orders in failed), f"failed orders: {'; '.join(words)}")
