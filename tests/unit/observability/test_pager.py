"""An alert is told once, again while it lasts, and when it is over; a channel that fails is tried again."""

from __future__ import annotations

import threading

import pytest

from agent.errors import DataError
from agent.observability.alerts import Alert, AlertName, Severity
from agent.observability.pager import ALERT_URLS_VARIABLE, ATTEMPTS, Pager, load_pager

OUTSIDE = Alert.of(AlertName.OUTSIDE_BAND, "W is 7, the band 5")
WAIT_SECONDS = 30


class Recorder:
    """A channel that takes what it is given, after refusing the first ``refusals`` attempts."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.attempts = 0
        self.taken: list[tuple[str, str, Severity]] = []

    def send(self, title: str, text: str, severity: Severity) -> bool:
        self.attempts += 1
        if self.attempts <= self.refusals:
            return False
        self.taken.append((title, text, severity))
        return True


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def pager(*channels: Recorder, clock: Clock | None = None) -> Pager:
    return Pager(channels, "keeper", 3_600.0, clock or Clock(), lambda seconds: None)


def test_tell__same_alert_soon_again__is_told_once():
    channel, clock = Recorder(), Clock()
    teller = pager(channel, clock=clock)
    assert teller.tell(OUTSIDE)
    clock.seconds = 3_599.0
    assert not teller.tell(OUTSIDE)
    clock.seconds = 3_600.0
    assert teller.tell(OUTSIDE)
    teller.drain(WAIT_SECONDS)
    assert channel.taken == [("[critical] keeper: outside_band", "W is 7, the band 5", Severity.CRITICAL)] * 2


def test_tell__events_of_one_name__are_told_each_once():
    """Was one an hour: a second liquidation within the hour paged nobody."""
    channel, clock = Recorder(), Clock()
    teller = pager(channel, clock=clock)
    first, second = (Alert("account_liquidated", text, key=text) for text in ("half of it", "the rest"))
    assert [teller.tell(one) for one in (first, first, second)] == [True, False, True]
    clock.seconds = 3_600.0
    assert teller.tell(Alert("account_liquidated", "a third", key="a third"))
    assert teller._events_at.keys() == {"a third"}, "what is old is forgotten"
    teller.drain(WAIT_SECONDS)
    assert [title for title, _, _ in channel.taken] == ["[critical] keeper: account_liquidated"] * 3


def test_tell__two_alerts__do_not_hide_one_another():
    channel = Recorder()
    teller = pager(channel)
    assert teller.tell(OUTSIDE)
    assert teller.tell(Alert.of(AlertName.GAS_MONEY_LOW, "for 3 rebalances"))
    teller.drain(WAIT_SECONDS)
    assert [severity for _, _, severity in channel.taken] == [Severity.CRITICAL, Severity.WARNING]


def test_resolve__alert_that_was_told__is_told_once_and_may_come_back():
    channel = Recorder()
    teller = pager(channel)
    teller.resolve(OUTSIDE.name, "inside again")
    teller.tell(OUTSIDE)
    teller.resolve(OUTSIDE.name, "inside again")
    teller.resolve(OUTSIDE.name, "inside again")
    teller.tell(OUTSIDE)
    teller.drain(WAIT_SECONDS)
    assert [severity for _, _, severity in channel.taken] == [
        Severity.CRITICAL,
        Severity.RESOLVED,
        Severity.CRITICAL,
    ]


def test_tell__channel_fails_at_first__takes_it_in_the_end():
    channel = Recorder(refusals=ATTEMPTS - 1)
    teller = pager(channel)
    teller.tell(OUTSIDE)
    teller.drain(WAIT_SECONDS)
    assert (channel.attempts, len(channel.taken), teller.undelivered_count) == (ATTEMPTS, 1, 0)


def test_tell__no_channel_takes_it__counts_as_never_told():
    dead = Recorder(refusals=ATTEMPTS)
    teller = pager(dead)
    teller.tell(OUTSIDE)
    teller.drain(WAIT_SECONDS)
    assert teller.undelivered_count == 1
    assert teller.tell(OUTSIDE)


def test_tell__one_of_two_channels_takes_it__is_not_repeated():
    dead, live = Recorder(refusals=ATTEMPTS), Recorder()
    teller = pager(dead, live)
    teller.tell(OUTSIDE)
    teller.drain(WAIT_SECONDS)
    assert (teller.undelivered_count, len(live.taken)) == (1, 1)
    assert not teller.tell(OUTSIDE)


def test_tell__one_channel_hangs__the_other_is_served():
    served, release = threading.Event(), threading.Event()

    class Hanging:
        def send(self, title, text, severity) -> bool:
            return release.wait(WAIT_SECONDS)

    class Live:
        def send(self, title, text, severity) -> bool:
            served.set()
            return True

    teller = Pager([Hanging(), Live()])
    teller.tell(OUTSIDE)
    assert served.wait(WAIT_SECONDS)
    release.set()
    teller.drain(WAIT_SECONDS)


def test_load_pager__no_url__is_nobody():
    assert load_pager({}) is None
    assert load_pager({ALERT_URLS_VARIABLE: " "}) is None


def test_load_pager__several_urls__are_channels():
    teller = load_pager({ALERT_URLS_VARIABLE: "json://127.0.0.1:9/a  jsons://example.org/b"})
    assert teller is not None
    assert teller.channel_count == 2
    teller.drain(WAIT_SECONDS)


def test_load_pager__unknown_url__is_named_by_its_place_alone():
    with pytest.raises(DataError, match="URL 2 of 2 is none that apprise knows") as caught:
        load_pager({ALERT_URLS_VARIABLE: "json://127.0.0.1:9/a carrier-pigeon://sesame"})
    assert "sesame" not in str(caught.value)
