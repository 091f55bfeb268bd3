"""While the ledger's NAV is not the chain's positions only shrink; what an operator answers for is corrected once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from agent.errors import TransientError
from agent.keeper import nav_watch
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.nav_watch import NavWatch
from agent.keeper.planner import Sight
from agent.ledger.accounting import Correction, NavCheck
from agent.units import Address
from agent.venues.protocol import AccountEventKind
from tests.support.decision_builders import held, snapshot_of, wad

SIGHT = Sight(snapshot_of(held(1.0)), None)
LIMIT_BPS = 5.0
VENUE = Address("0x00000000000000000000000000000000000000B2")


def nav_apart(error_bps: float) -> NavCheck:
    chain = wad(10_000)
    ledger = chain + wad(error_bps)
    return NavCheck(ledger, ledger, chain, chain)


class LedgerDouble:
    """Books corrections; ``nav`` is what comparing it says until one is booked."""

    def __init__(self) -> None:
        self.accounts = None
        self.nav = nav_apart(0.0)
        self.is_answered_for = False
        self.is_ours = True
        self.booked: list = []

    def require_lease(self) -> None:
        if not self.is_ours:
            raise TransientError("another keeper has taken over")

    def add_scan(self, scan) -> None:
        self.booked.append(scan)
        self.is_answered_for, self.nav = False, nav_apart(0.0)


@pytest.fixture
def ledger(monkeypatch):
    double = LedgerDouble()
    monkeypatch.setattr(nav_watch, "check_nav", lambda *_: double.nav)
    monkeypatch.setattr(nav_watch, "is_correction_due", lambda ledger: ledger.is_answered_for)
    monkeypatch.setattr(nav_watch, "corrections", lambda *_: {VENUE: Correction(wad(-2), wad(50))})
    return double


@pytest.fixture
def alerts():
    return AlertLog()


@pytest.fixture
def watch(ledger, alerts):
    return NavWatch(ledger, alerts, SimpleNamespace(max_nav_error_bps=LIMIT_BPS), 6)


def test_look__within_the_limit__changes_nothing(watch, ledger, alerts):
    ledger.nav, ledger.is_answered_for = nav_apart(5.0), True
    assert watch.look(SIGHT) == (ledger.nav, SIGHT)
    assert ledger.booked == []
    assert alerts.up == frozenset()


def test_look__beyond_the_limit__positions_only_shrink_until_they_meet(watch, ledger, alerts, caplog):
    ledger.nav = nav_apart(5.1)
    nav, seen = watch.look(SIGHT)
    assert nav is ledger.nav
    assert seen.snapshot.measurement.is_reduce_only
    assert seen.restraint == "NAV is 5.1 bps apart, so positions may only shrink"
    assert "nav_break: the ledger has 10,005.10 USD, the chain 10,000.00: 5.1 bps, above 5" in caplog.text
    assert alerts.up == {AlertEvent.NAV_BREAK}
    ledger.nav = nav_apart(0.1)
    assert watch.look(SIGHT)[1] is SIGHT
    assert alerts.up == frozenset()


def test_look__something_held_back_already__both_are_said(watch, ledger):
    ledger.nav = nav_apart(9.0)
    assert watch.look(Sight(SIGHT.snapshot, None, restraint="an order is open"))[1].restraint == (
        "an order is open; NAV is 9.0 bps apart, so positions may only shrink"
    )


def test_look__answered_for__is_booked_at_this_block_once_and_told(watch, ledger, caplog):
    ledger.nav, ledger.is_answered_for = nav_apart(300.0), True
    nav, seen = watch.look(SIGHT)
    assert (nav.error_bps, seen) == (0.0, SIGHT)
    [scan] = ledger.booked
    [event] = scan.account_events
    assert (scan.to.number, scan.to.hash) == (SIGHT.block.number, SIGHT.block.hash)
    assert (event.kind, event.venue, event.size_delta, event.cash) == (
        AccountEventKind.CORRECTION,
        VENUE,
        wad(-2),
        wad(50),
    )
    assert event.at.block == scan.to
    assert event.at.transaction_hash == "0x" + 64 * "0"
    assert event.at.log_index >= 10**9, "no log of the chain's has its place"
    assert "nav_corrected" in caplog.text
    watch.look(SIGHT)
    assert len(ledger.booked) == 1


def test_look__another_keeper_has_taken_over__tells_and_books_nothing(watch, ledger, alerts):
    ledger.nav, ledger.is_answered_for, ledger.is_ours = nav_apart(300.0), True, False
    with pytest.raises(TransientError, match="taken over"):
        watch.look(SIGHT)
    assert ledger.booked == []
    assert alerts.up == frozenset()
