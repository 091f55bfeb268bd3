"""An account without the ether that its orders are executed with: told once, with the place to send some to."""

from __future__ import annotations

import pytest

from agent.domain import Leg
from agent.errors import RejectedError
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.ether_watch import EtherWatch
from agent.units import AssetUnits, Seconds, Wad
from tests.unit.ledger.test_scan import VENUE, deployment

NOW = Seconds(1_000)
TOO_LOW = RejectedError("EtherTooLow", {"held": 1, "needed": 2})


def legs(size: int = 1) -> list[Leg]:
    return [Leg(VENUE, AssetUnits(5), Wad(size), Wad(9))]


@pytest.fixture
def alerts() -> AlertLog:
    return AlertLog()


def test_look__too_little_ether__says_where_to_send_some_until_a_trade_passes(alerts):
    watch = EtherWatch(deployment("gmx"), alerts)
    words = watch.look(legs(), TOO_LOW, NOW)
    assert words == (
        "orders are executed with the account's own ether (EtherTooLow(held=1, needed=2)): send some to "
        f"{VENUE}, the account on venue {deployment('gmx').venues[0].name}"
    )
    assert alerts.up == {AlertEvent.ACCOUNT_NEEDS_ETHER}
    assert watch.look(legs(size=0), None, NOW) == ""
    assert alerts.up == {AlertEvent.ACCOUNT_NEEDS_ETHER}, "margin alone needs no ether"
    assert watch.look(legs(), None, NOW) == ""
    assert alerts.up == frozenset()


@pytest.mark.parametrize(("kind", "name"), [("gmx", "NetDeltaExceeded"), ("curie", "EtherTooLow")])
def test_look__another_reason_or_a_venue_without_ether__says_nothing(alerts, kind, name):
    assert EtherWatch(deployment(kind), alerts).look(legs(), RejectedError(name), NOW) == ""
    assert alerts.up == frozenset()
