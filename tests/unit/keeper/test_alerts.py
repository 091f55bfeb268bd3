"""Alerts: one line at CRITICAL under a name of its own, told when it begins and again as long as it stands."""

from __future__ import annotations

import logging
import re

import pytest

from agent.keeper.alerts import AlertEvent, AlertLog
from agent.units import Seconds

EVENT = AlertEvent.BOOK_MISMATCH


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.WARNING, logger="evenkeel.keeper")
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


def test_raise_alert__stands__is_told_at_once_and_every_hour(told):
    alerts = AlertLog()
    for seconds in (0, 12, 3_599, 3_600, 3_612, 7_199):
        alerts.raise_alert(EVENT, f"after\n{seconds}", Seconds(1_000 + seconds))
    assert told() == [("CRITICAL", "book_mismatch: after 0"), ("CRITICAL", "book_mismatch: after 3600")]


def test_raise_alert__over_and_begins_again__is_told_again(told):
    alerts = AlertLog()
    alerts.raise_alert(EVENT, "first", Seconds(0))
    alerts.clear(EVENT)
    alerts.clear(EVENT)
    alerts.raise_alert(EVENT, "second", Seconds(1))
    levels = [level for level, _ in told()]
    assert levels == ["CRITICAL", "WARNING", "CRITICAL"]


def test_tell__events__have_keys_but_for_what_costs_a_stranger_nothing(told, caplog):
    log = AlertLog()
    log.tell(AlertEvent.ACCOUNT_LIQUIDATED, "half of it")
    log.tell(AlertEvent.ACCOUNT_CHANGED, "1 wei came")
    assert [record.alert_key for record in caplog.records] == ["account_liquidated: half of it", "account_changed"]


def test_clear__alert_that_does_not_stand__says_nothing(told):
    alerts = AlertLog()
    alerts.clear(EVENT)
    assert told() == []
    alerts.raise_alert(EVENT, "first", Seconds(0))
    alerts.clear(EVENT)
    assert told()[1:] == [("WARNING", "book_mismatch is over")]


def test_alert_events__names__never_change():
    """Operators' rules match them."""
    assert {event.value for event in AlertEvent} >= {"book_mismatch", "book_reload_refused", "margin_strained"}


def test_runbook__every_alert_of_the_keeper__has_its_line(repository):
    page = (repository / "docs" / "runbook.md").read_text(encoding="utf-8")
    table = page.partition("## What the keeper pages for")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == sorted(
        (event.value for event in AlertEvent), key=table.index
    )
    assert len(set(AlertEvent)) == table.count("\n| `")
