"""A socket that tells of heads: what of a message is a head, and how a lost socket is come back to."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.http11 import Response

from agent.chain import head_hints
from agent.chain.failures import ServerError
from agent.chain.head_hints import RETRY_MAX_SECONDS, HeadHints, HeadSocket
from agent.units import BlockHash

HASH = BlockHash("0x" + "0a" * 32)
URL = "ws://anne:hunter2@127.0.0.1:8546/token-9f"


def told(**header: object) -> str:
    return json.dumps({"method": "eth_subscription", "params": {"result": header}})


HEAD = told(number="0x7", hash=HASH)


class Pauses(threading.Event):
    """A socket's ``closed`` that passes at once, remembers each pause, and is set after so many of them."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.seconds: list[float | None] = []
        self._most = most

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        if len(self.seconds) >= self._most:
            self.set()
        return self.is_set()


class Followed(HeadSocket):
    """A socket whose connections are written down: messages that are heard, or what ends it."""

    def __init__(self, script: list[Any], pauses: int) -> None:
        self.name, self._retry_initial_seconds = "ws://127.0.0.1:8546", 0.5
        self._closed, self._works, self._has_told = Pauses(pauses), True, False
        self.heads: list[tuple[int, Any]] = []
        self._tell = lambda number, block_hash: self.heads.append((number, block_hash))
        self._script = script

    def _listen(self) -> None:
        for step in self._script.pop(0) if self._script else []:
            if isinstance(step, Exception):
                raise step
            self._hear(step)

    @property
    def pauses(self) -> list[float | None]:
        return self._closed.seconds


def followed(script: list[Any], pauses: int) -> Followed:
    socket = Followed(script, pauses)
    socket._follow()
    return socket


def test_follow__lost_again_and_again__waits_twice_as_long_up_to_a_minute() -> None:
    assert followed([[OSError()]] * 9, 9).pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert RETRY_MAX_SECONDS == 60.0


def test_follow__told_of_a_head_before_it_was_lost__waits_as_at_first() -> None:
    script = [[OSError()], [OSError()], [HEAD, OSError()], [], [HEAD]]
    assert followed(script, 5).pauses == [0.5, 1.0, 0.5, 1.0, 0.5]


@pytest.mark.parametrize(
    "trouble",
    [
        OSError("refused"), EOFError("end"), ValueError("no JSON"), RecursionError("deep"),
        WebSocketException("odd"), ServerError("refuses"),
    ],
    ids=lambda trouble: type(trouble).__name__,
)  # fmt: skip
def test_follow__each_way_a_socket_is_lost__comes_back(trouble: Exception) -> None:
    assert followed([[trouble], [HEAD]], 2).heads == [(7, HASH)]


def test_follow__a_defect_of_ours__is_not_taken_for_a_lost_socket() -> None:
    with pytest.raises(ZeroDivisionError):
        followed([[ZeroDivisionError()]], 2)


def test_follow__closed_while_it_listens__ends_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    socket = Followed([], 1)
    socket._listen = socket._closed.set
    socket._follow()
    assert socket.pauses == []
    assert caplog.records == []


def test_follow__lost_and_back__is_said_once_each(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, head_hints.__name__):
        followed([[OSError()], [ServerError("it refuses")], [HEAD, HEAD], [HEAD, HEAD]], 2)
    assert [record.getMessage() for record in caplog.records] == [
        "no heads from ws://127.0.0.1:8546 (OSError): they are polled for until it is back",
    ]
    caplog.clear()
    with caplog.at_level(logging.INFO, head_hints.__name__):
        followed([[OSError()], [OSError()], [HEAD, HEAD], []], 4)
    assert [record.getMessage().split(" ws")[0] for record in caplog.records] == [
        "no heads from", "heads from", "no heads from"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (None, "it closed the connection"),
        (InvalidStatus(Response(403, "no", SimpleNamespace())), "HTTP 403"),
        (ServerError("it refuses"), "it refuses"),
        (OSError(URL), "OSError"),
    ],
    ids=["closed", "status", "server", "other"],
)
def test_follow__lost__says_why_without_the_url(
    trouble: Exception | None, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    followed([[] if trouble is None else [trouble]], 1)
    assert f"({reason})" in caplog.text
    assert "token-9f" not in caplog.text


# --- what is heard ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [json.dumps({"id": 1, "result": "0x1"}), json.dumps({"method": "eth_syncing", "params": 3}), "{}"],
    ids=["answer", "other", "empty"],
)
def test_hear__no_head_and_no_nonsense__is_let_pass(message: str) -> None:
    socket = Followed([], 1)
    socket._hear(message)
    assert (socket.heads, socket._has_told) == ([], False)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("[7]", "no JSON-RPC"),
        (json.dumps({"error": {}, "method": "eth_subscription"}), "refuses eth_subscribe newHeads"),
        (json.dumps({"method": "eth_subscription"}), "no head"),
        (json.dumps({"method": "eth_subscription", "params": [1]}), "no head"),
        (json.dumps({"method": "eth_subscription", "params": {"result": "0x"}}), "no head"),
        (told(hash=HASH), "number"),
        (told(number="0x7"), "hash"),
    ],
)
def test_hear__nonsense__is_the_servers_fault_and_no_hint(message: str, words: str) -> None:
    socket = Followed([], 1)
    with pytest.raises(ServerError, match=words):
        socket._hear(message)
    assert (socket.heads, socket._has_told) == ([], False)


# --- the connection ---------------------------------------------------------------------------------------------------


class Line:
    """A connection that says what it is given, then waits until it is closed."""

    def __init__(self, *messages: str, trouble: Exception | None = None) -> None:
        self.messages, self.sent, self.trouble = messages, [], trouble
        self.closed = threading.Event()

    def send(self, message: str) -> None:
        self.sent.append(json.loads(message))

    def __iter__(self) -> Iterator[str]:
        yield from self.messages
        self.closed.wait(60)

    def close(self) -> None:
        self.closed.set()
        if self.trouble is not None:
            raise self.trouble


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The connection that is given to whoever connects, and how it was asked for."""
    seen: dict[str, Any] = {"line": Line(HEAD)}

    def connect(url: str, **how: Any) -> contextlib.AbstractContextManager[Line]:
        seen.update(url=url, how=how)
        return contextlib.nullcontext(seen["line"])

    monkeypatch.setattr(head_hints, "connect", connect)
    return seen


def wait_for(hints: HeadHints, newest: int) -> bool:
    """Return whether the hints end a wait of an hour within the patience of a test."""
    waits = threading.Thread(target=lambda: hints.wait(3_600.0, newest, threading.Event()), daemon=True)
    waits.start()
    waits.join(60.0)
    return not waits.is_alive()


def test_wait__a_head_beyond_the_newest__ends_it_and_the_url_stays_secret(dialled: dict[str, Any]) -> None:
    with HeadHints([URL], least_seconds=0.001) as hints:
        assert wait_for(hints, 6)
        [socket] = hints._sockets
        assert socket.name == "ws://127.0.0.1:8546"
    assert dialled["url"] == URL
    assert dialled["line"].sent == [{"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}]
    assert not socket._thread.is_alive()


def test_connect__any_server__may_send_no_flood_and_no_archive(dialled: dict[str, Any]) -> None:
    """64 KiB a message, one waiting, none compressed; the library's own log, which would hold the URL, is silent."""
    with HeadHints([URL], least_seconds=0.001) as hints:
        wait_for(hints, 6)
    logger = dialled["how"].pop("logger")
    assert dialled["how"] == {"max_size": 65_536, "max_queue": 1, "compression": None, "close_timeout": 1}
    assert not logger.isEnabledFor(logging.CRITICAL)


@pytest.mark.parametrize("trouble", [OSError("gone"), WebSocketException("odd")])
def test_close__connection_that_cannot_be_closed__is_harmless(dialled: dict[str, Any], trouble: Exception) -> None:
    dialled["line"] = Line(HEAD, trouble=trouble)
    hints = HeadHints([URL], least_seconds=0.001)
    wait_for(hints, 6)
    hints.close()
    assert dialled["line"].closed.is_set()


def test_listen__a_flood__is_heard_one_message_at_a_time(dialled: dict[str, Any]) -> None:
    """Fifty a second: the pause is between messages, and one in which it is closed ends it."""
    dialled["line"] = Line(*[HEAD] * 9)
    socket = Followed([], 3)
    socket._url = URL
    HeadSocket._listen(socket)
    assert socket.pauses == [0.02] * 3
    assert len(socket.heads) == 3


def test_wait__nothing_is_told__lasts_as_long_as_it_was_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that only the wait itself moves: 0.25 s in steps of a tenth, and the rest."""
    now, waits = [100.0], []
    hints = HeadHints([], least_seconds=5.0)

    def passes(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(head_hints.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(hints._gate, "told", SimpleNamespace(wait=passes, clear=lambda: None))
    hints.wait(0.25, 6, threading.Event())
    assert waits == pytest.approx([0.1, 0.1, 0.05])


def test_wait__hint_too_soon_after_the_last__waits_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at 100, and hints worth one each 0.13 s: the next look is at 100.13."""
    now, waits = [100.0], []
    hints = HeadHints([], least_seconds=0.13)

    def passes(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(head_hints.time, "monotonic", lambda: now[0])
    hints._gate.tell(7, HASH)
    hints.wait(60.0, 6, threading.Event())
    assert waits == []
    hints._gate.tell(8, BlockHash("0x" + "0b" * 32))
    monkeypatch.setattr(hints._gate, "told", SimpleNamespace(wait=passes, clear=lambda: None))
    hints.wait(60.0, 7, threading.Event())
    assert waits == pytest.approx([0.1, 0.03])
    assert now[0] == pytest.approx(100.13)
