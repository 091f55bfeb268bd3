"""HTTP to one URL: what is sent, and which of three ways an answer fails to come."""

from __future__ import annotations

import time
from typing import Any

import pytest
import urllib3
from urllib3.exceptions import (
    DecodeError,
    HTTPError,
    IncompleteRead,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as PoolTimeoutError

from agent.chain.wire import MOST_BYTES, BrokenWireError, NoWireError, SilentWireError, Wire

POOL = urllib3.HTTPConnectionPool("127.0.0.1")
URL = "https://anne:hunter2@node.example:8545/v1/token-9f?key=secret"


class Response:
    """An answer whose body is read part by part, and whose connection is given back."""

    status = 404

    def __init__(self, body: bytes | Exception) -> None:
        self.headers = {"Retry-After": "7"}
        self._body = body
        self.is_released = False

    def read1(self, most: int, *, decode_content: bool) -> bytes:
        assert decode_content
        if isinstance(self._body, Exception):
            raise self._body
        part, self._body = self._body[:most], self._body[most:]
        return part

    def release_conn(self) -> None:
        self.is_released = True


class Endless(Response):
    """An answer of which one part after the other comes, and no end."""

    def __init__(self, part: bytes, pause_seconds: float) -> None:
        super().__init__(b"")
        self._part = part
        self._pause_seconds = pause_seconds
        self.is_closed = False

    def read1(self, most: int, *, decode_content: bool) -> bytes:
        time.sleep(self._pause_seconds)
        return self._part

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What was asked of urllib3; ``answer`` is what comes of it."""
    seen: dict[str, Any] = {"answer": Response(b"{}")}

    def urlopen(pool: Any, method: str, target: str, **how: Any) -> Any:
        seen.update(pool=pool, method=method, target=target, how=how)
        if isinstance(seen["answer"], Exception):
            raise seen["answer"]
        return seen["answer"]

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "urlopen", urlopen)
    return seen


def post(body: bytes = b"[1]", timeout_seconds: float = 3.0) -> Any:
    wire = Wire(URL)
    try:
        return wire.post(body, timeout_seconds)
    finally:
        wire.close()


def test_post__answer__is_its_status_headers_and_body_whatever_they_say(sent):
    answer = post()
    assert (answer.status, answer.headers, answer.body) == (404, {"Retry-After": "7"}, b"{}")
    assert sent["answer"].is_released


def test_post__request__is_one_try_at_this_very_url_within_the_time(sent):
    post(b"[7]", 3.0)
    how = sent["how"]
    assert (sent["method"], sent["target"], how["body"]) == ("POST", "/v1/token-9f?key=secret", b"[7]")
    assert (sent["pool"].host, sent["pool"].port, sent["pool"].scheme) == ("node.example", 8545, "https")
    assert (how["timeout"].connect_timeout, how["timeout"].read_timeout) == (3.0, 3.0)
    assert (how["retries"], how["redirect"], how["preload_content"]) == (False, False, False)
    assert how["assert_same_host"] is False


def test_post__headers__are_json_of_its_own_length_with_the_urls_password(sent):
    post()
    headers = sent["how"]["headers"]
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"].startswith("Basic ")
    assert "Content-Length" not in headers, "it would be that of no body"


def test_post__https__is_believed_by_its_certificate_alone(sent):
    post()
    assert sent["pool"].cert_reqs == "CERT_REQUIRED"
    assert sent["pool"].ca_certs


def test_close__connections__are_closed(monkeypatch):
    wire, closed = Wire(URL), []
    monkeypatch.setattr(wire._session, "close", lambda: closed.append(True))
    wire.close()
    assert closed == [True]


def test_wire__one_server__keeps_eight_connections_alive(sent):
    """One that hangs must not hold up the next request."""
    post()
    assert sent["pool"].pool.maxsize == 8


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        (NewConnectionError(POOL, "Connection refused"), NoWireError, "connection refused"),
        (NewConnectionError(POOL, "Failed to resolve 'node.example'"), NoWireError, "its name is not known"),
        (NewConnectionError(POOL, "odd"), NoWireError, "NewConnectionError"),
        (PoolTimeoutError(), SilentWireError, ""),
        (ReadTimeoutError(POOL, "/token-9f", "late"), SilentWireError, ""),
        (ProtocolError("Remote end closed connection"), NoWireError, "connection closed"),
        (ProxyError("token-9f", OSError()), NoWireError, "ProxyError"),
        (SSLError("certificate verify failed"), NoWireError, "its certificate is not valid"),
        (OSError("Connection reset by peer"), NoWireError, "connection reset"),
        (OSError("token-9f"), NoWireError, "OSError"),
        (HTTPError("token-9f"), BrokenWireError, "HTTPError"),
        (ValueError("token-9f"), BrokenWireError, "ValueError"),
    ],
)
def test_post__no_answer_begins__is_of_its_kind_and_repeats_no_url(sent, failure, kind, words):
    sent["answer"] = failure
    with pytest.raises(kind) as caught:
        post()
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        (ReadTimeoutError(POOL, "/token-9f", "late"), SilentWireError, ""),
        (DecodeError("token-9f"), BrokenWireError, "DecodeError"),
        (IncompleteRead(3, 4), BrokenWireError, "IncompleteRead"),
        (ValueError("token-9f"), BrokenWireError, "ValueError"),
        (OSError("token-9f"), BrokenWireError, "OSError"),
    ],
)
def test_post__answer_does_not_end__is_of_its_kind_and_gives_the_connection_back(sent, failure, kind, words):
    sent["answer"] = Response(failure)
    with pytest.raises(kind) as caught:
        post()
    assert str(caught.value) == words
    assert sent["answer"].is_released


@pytest.mark.parametrize("failure", [ZeroDivisionError(), KeyboardInterrupt()])
def test_post__defect_of_ours__is_not_taken_for_the_servers(sent, monkeypatch, failure):
    def raises(*_: Any, **__: Any) -> Any:
        raise failure

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "urlopen", raises)
    with pytest.raises(type(failure)):
        post()


def test_post__answer_that_drips__ends_with_the_time_there_is(sent):
    """Every part came within the time, so that the exchange never ended."""
    sent["answer"] = Endless(b" ", 0.02)
    started = time.monotonic()
    with pytest.raises(SilentWireError):
        post(timeout_seconds=0.1)
    assert time.monotonic() - started < 10.0
    assert sent["answer"].is_closed
    assert sent["answer"].is_released


def test_post__answer_that_floods__ends_before_the_memory_does(sent):
    sent["answer"] = Endless(b" " * 2**24, 0.0)
    with pytest.raises(BrokenWireError, match=f"longer than {MOST_BYTES} bytes"):
        post(timeout_seconds=600.0)
    assert sent["answer"].is_closed
    assert sent["answer"].is_released
