"""Tells of a venue account without the ether that its orders are executed with, and where to send some."""

from __future__ import annotations

from collections.abc import Sequence

from agent.chain.deployment import Deployment
from agent.domain import Leg
from agent.errors import RejectedError
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.units import Address, Seconds
from agent.venues.execution_ether import ether_accounts


class EtherWatch:
    """Of the venues of one vault; most need no ether."""

    def __init__(self, deployment: Deployment, alerts: AlertLog) -> None:
        self._accounts = ether_accounts(deployment)
        self._names = {Address(entry.address): entry.name for entry in deployment.venues}
        self._alerts = alerts

    def look(self, legs: Sequence[Leg], rejection: RejectedError | None, now: Seconds) -> str:
        """Return what a person has to do about a refusal for want of ether, which is told; empty where it is not one.

        Legs that are not refused for it end the alert.
        """
        name = None if rejection is None else rejection.name
        asked = [leg.venue for leg in legs if leg.size_delta and leg.venue in self._accounts]
        lacking = [venue for venue in asked if self._accounts[venue].too_low == name]
        if not lacking:
            if asked:
                self._alerts.clear(AlertEvent.ACCOUNT_NEEDS_ETHER)
            return ""
        where = ", ".join(f"{venue}, the account on venue {self._names[venue]}" for venue in lacking)
        words = f"orders are executed with the account's own ether ({rejection}): send some to {where}"
        self._alerts.raise_alert(AlertEvent.ACCOUNT_NEEDS_ETHER, words, now)
        return words
