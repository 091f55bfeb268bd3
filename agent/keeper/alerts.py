"""What pages a person: one line in the log at level CRITICAL, under a name that never changes.

The names are what an operator's rules match, and docs/runbook.md says of each what it means and what to do.
"""

from __future__ import annotations

import logging
from enum import StrEnum

from agent.units import Seconds

REPEAT_SECONDS = 3_600
"""An alert that stands is told again after so long."""
_LOGGER = logging.getLogger("evenkeel.keeper")


class AlertEvent(StrEnum):
    """Names of the alerts."""

    ACCOUNT_LIQUIDATED = "account_liquidated"
    """A liquidator took over part or all of a venue account's position."""
    ACCOUNT_BAD_DEBT = "account_bad_debt"
    """A venue wrote off what an account owed."""
    ACCOUNT_NEEDS_ETHER = "account_needs_ether"
    """A venue account has too little of the ether that its orders are executed with: none is asked for meanwhile."""
    ACCOUNT_CHANGED = "account_changed"
    """Somebody else changed a venue account: a deposit, a trade, a market that closed."""
    BOOK_MISMATCH = "book_mismatch"
    """Book and chain disagree: the keeper goes by the chain alone, and only where the worst case is urgent."""
    BOOK_RELOAD_REFUSED = "book_reload_refused"
    """The book's file was written anew and is not taken over; the book as it was stands."""
    BOOK_RELOADED = "book_reloaded"
    """The book as written anew is in force."""
    POLICY_REFUSES = "policy_refuses"
    """The policy was not made for these costs: the keeper trades only what the chain's band calls for."""
    NAV_BREAK = "nav_break"
    """The ledger's NAV and the chain's differ by more than the threshold: positions may only shrink until they meet."""
    REVERTS_IN_A_ROW = "reverts_in_a_row"
    """Rebalances were mined and refused one after another: none is sent for a while."""
    ORDER_STUCK = "order_stuck"
    """An order is frozen, or open for longer than allowed."""
    ORDERS_FAILING = "orders_failing"
    """Orders on a venue end without a fill, one after another: it gets none until a person has looked."""
    ORDER_ERRANDS_REVERT = "order_errands_revert"
    OPTION_ERRANDS_REVERT = "option_errands_revert"
    """What was sent to settle, reconcile or cancel orders reverted, one after another: none is sent for a while."""
    NAV_CORRECTED = "nav_corrected"
    """An operator answered for the difference, and the ledger was brought to the chain's accounts."""
    MARGIN_TOPPED_UP = "margin_topped_up"
    """An account stood above its high watermark and was brought back."""
    MARGIN_STRAINED = "margin_strained"
    """An account stands above its high watermark, and what was done does not suffice."""


class AlertLog:
    """Tells each alert when it begins, and again as long as it stands, by the chain's clock."""

    def __init__(self) -> None:
        self._told_at: dict[AlertEvent, Seconds] = {}

    @property
    def up(self) -> frozenset[AlertEvent]:
        """What stands now; not what only happened."""
        return frozenset(self._told_at)

    def raise_alert(self, event: AlertEvent, message: str, now_unix: Seconds) -> None:
        """Tell that something is so, unless it was told a short time ago."""
        told_at = self._told_at.get(event)
        if told_at is None or now_unix - told_at >= REPEAT_SECONDS:
            self._told_at[event] = now_unix
            self._log(event, message)

    def tell(self, event: AlertEvent, message: str) -> None:
        """Tell something that happened; what anybody can bring about for a cent pages once an hour, however often."""
        key = event.value if event is AlertEvent.ACCOUNT_CHANGED else f"{event.value}: {message}"
        self._log(event, message, alert_key=key)

    def _log(self, event: AlertEvent, message: str, **extra: str) -> None:
        _LOGGER.critical("%s: %s", event.value, " ".join(message.split()), extra={"alert": event.value, **extra})

    def clear(self, event: AlertEvent) -> None:
        """Note that it is so no more: the next time it is told at once."""
        if self._told_at.pop(event, None) is not None:
            _LOGGER.warning("%s is over", event.value, extra={"alert": event.value, "is_over": True})
