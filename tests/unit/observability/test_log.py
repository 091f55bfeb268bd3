"""One log for structlog and the standard library: the cycle's id on each line, and critical lines page."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from agent.keeper.alerts import AlertEvent, AlertLog
from agent.observability.alerts import Severity
from agent.observability.log import LogFormat, configure_logging, name_cycle
from agent.observability.pager import Pager
from agent.units import Seconds


@pytest.fixture(autouse=True)
def _as_it_was():
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


class PagerDouble:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, Severity]] = []

    def tell(self, alert) -> bool:
        self.told.append((alert.name, alert.text, alert.severity))
        return True

    def resolve(self, name: str, text: str) -> None:
        self.told.append((name, text, Severity.RESOLVED))


def lines(log_format: LogFormat | None, pager: PagerDouble | None = None) -> list[str]:
    stream = io.StringIO()
    configure_logging(log_format, pager, stream)
    name_cycle("run-7")
    structlog.stdlib.get_logger("agent.keeper").info("cycle_done", outcome="held")
    logging.getLogger("agent.chain").warning("slow %s", "endpoint", extra={"endpoint": "http://a"})
    structlog.stdlib.get_logger("agent.keeper").critical("book_disagrees", delta=3.5)
    logging.getLogger("agent.ledger").critical("disk is full")
    structlog.stdlib.get_logger("agent.observability.board").critical("outside_band", text="told already")
    logging.getLogger("urllib3.connectionpool").error("https://host/secret-token refused")
    return stream.getvalue().splitlines()


def test_configure_logging__json__every_line_has_the_cycle_and_its_fields():
    told = [json.loads(line) for line in lines(LogFormat.JSON)]
    assert [line["event"] for line in told] == [
        "cycle_done",
        "slow endpoint",
        "book_disagrees",
        "disk is full",
        "outside_band",
    ]
    assert {line["cycle"] for line in told} == {"run-7"}
    assert [line["level"] for line in told] == ["info", "warning", "critical", "critical", "critical"]
    assert (told[0]["outcome"], told[1]["endpoint"], told[2]["delta"]) == ("held", "http://a", 3.5)
    assert all(line["timestamp"].endswith("Z") for line in told)


def test_configure_logging__no_format__shows_warnings_and_worse_for_people():
    told = lines(None)
    assert len(told) == 4
    assert "slow endpoint" in told[0]
    assert "cycle=run-7" in told[0]
    assert not any("secret-token" in line for line in told)


def test_configure_logging__critical_line__is_told_by_its_event():
    pager = PagerDouble()
    lines(LogFormat.CONSOLE, pager)
    assert pager.told == [
        ("book_disagrees", "delta 3.5, cycle run-7", Severity.CRITICAL),
        ("agent.ledger", "disk is full", Severity.CRITICAL),
    ]


def test_configure_logging__alert_that_is_over__is_resolved_by_its_name():
    pager = PagerDouble()
    configure_logging(LogFormat.CONSOLE, pager, io.StringIO())
    alerts = AlertLog()
    alerts.raise_alert(AlertEvent.NAV_BREAK, "9 bps apart", Seconds(1))
    alerts.clear(AlertEvent.NAV_BREAK)
    assert pager.told == [
        ("nav_break", "9 bps apart", Severity.CRITICAL),
        ("nav_break", "it is over", Severity.RESOLVED),
    ]


def test_configure_logging__states_and_events__reach_a_person_as_they_should():
    """A state is told once and its end; an event each time, but for what a stranger makes for a cent."""
    titles: list[str] = []

    class Channel:
        name = "memory"

        def send(self, title: str, text: str, severity: Severity) -> bool:
            titles.append(f"{title.rpartition(' ')[2]}: {text}")
            return True

    pager = Pager([Channel()], "keeper", 3_600.0, lambda: 0.0, lambda seconds: None)
    configure_logging(LogFormat.CONSOLE, pager, io.StringIO())
    alerts = AlertLog()
    alerts.raise_alert(AlertEvent.NAV_BREAK, "9 bps apart", Seconds(1))
    for text in ("half of it", "the rest", "the rest"):
        alerts.tell(AlertEvent.ACCOUNT_LIQUIDATED, text)
    for text in ("1 wei came", "1 wei came again"):
        alerts.tell(AlertEvent.ACCOUNT_CHANGED, text)
    alerts.clear(AlertEvent.NAV_BREAK)
    pager.drain(30.0)
    assert titles == [
        "nav_break: 9 bps apart",
        "account_liquidated: half of it",
        "account_liquidated: the rest",
        "account_changed: 1 wei came",
        "nav_break: it is over",
    ]
