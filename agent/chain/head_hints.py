"""New heads over WebSocket, as a hint and nothing more: they end a wait early, and what is true the quorum tells.

A socket that is lost, refused or talks nonsense is tried again, each time after twice the wait. Meanwhile the loop
polls as it does without one.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from agent.chain import shapes
from agent.chain.failures import ServerError
from agent.chain.hint_gate import HintGate
from agent.chain.transport import without_secrets

RETRY_INITIAL_SECONDS = 1.0
RETRY_MAX_SECONDS = 60.0
STOP_POLL_SECONDS = 0.1
"""A wait looks so often whether it is to end for another reason."""
MOST_MESSAGE_BYTES = 1 << 16
"""A header is some 2,000 bytes."""
LEAST_MESSAGE_SECONDS = 0.02
"""Messages are taken no faster, be it a flood: the rest waits in the server's own buffers."""
_CLOSE_SECONDS = 1.0
_SUBSCRIBE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})
_LOG = logging.getLogger(__name__)
_SILENT = logging.Logger("websockets", logging.CRITICAL + 1)
"""The library would write the path of the URL, which may be a token, at level DEBUG."""


class HeadHints:
    """Several sockets that tell of heads, each in a thread of its own, and one who waits for them."""

    def __init__(
        self, urls: Sequence[str], least_seconds: float, retry_initial_seconds: float = RETRY_INITIAL_SECONDS
    ) -> None:
        self._gate = HintGate(least_seconds)
        self._sockets = [HeadSocket(url, self._gate.tell, retry_initial_seconds) for url in urls]

    def wait(self, seconds: float, newest: int, stop: threading.Event) -> None:
        """Wait until the time is over, ``stop`` is set, or a head beyond block ``newest`` is told of."""
        end = time.monotonic() + seconds
        while not stop.is_set() and (now := time.monotonic()) < end:
            due = self._gate.due_in(newest, now)
            if due == 0.0:
                self._gate.looks(now)
                return
            self._gate.told.wait(min(end - now, STOP_POLL_SECONDS if due is None else min(due, STOP_POLL_SECONDS)))

    def close(self) -> None:
        """Close all sockets."""
        for socket in self._sockets:
            socket.close()

    def __enter__(self) -> HeadHints:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class HeadSocket:
    """One server's ``newHeads``, followed until it is closed."""

    def __init__(self, url: str, tell: Callable[[int, Any], None], retry_initial_seconds: float) -> None:
        self.name = without_secrets(url)
        self._url = url
        self._tell = tell
        self._retry_initial_seconds = retry_initial_seconds
        self._closed = threading.Event()
        self._connection: Connection | None = None
        self._works = True
        self._has_told = False
        self._thread = threading.Thread(target=self._follow, daemon=True, name=f"heads {self.name}")
        self._thread.start()

    def close(self) -> None:
        """End the thread; one that hangs while it connects is left behind."""
        self._closed.set()
        connection = self._connection
        if connection is not None:
            with suppress(OSError, WebSocketException):
                connection.close()
        self._thread.join(_CLOSE_SECONDS)

    def _follow(self) -> None:
        pause = self._retry_initial_seconds
        while not self._closed.is_set():
            trouble: Exception | None = None
            self._has_told = False
            try:
                self._listen()
            except (OSError, EOFError, ValueError, RecursionError, WebSocketException, ServerError) as failure:
                trouble = failure
            if self._closed.is_set():
                return
            if self._has_told:
                pause = self._retry_initial_seconds
            self._say_lost(trouble)
            self._closed.wait(pause)
            pause = min(2 * pause, RETRY_MAX_SECONDS)

    def _listen(self) -> None:
        with connect(
            self._url, max_size=MOST_MESSAGE_BYTES, max_queue=1, compression=None, close_timeout=1, logger=_SILENT
        ) as connection:
            self._connection = connection
            connection.send(_SUBSCRIBE)
            for message in connection:
                self._hear(message)
                if self._closed.wait(LEAST_MESSAGE_SECONDS):
                    return

    def _hear(self, message: str | bytes) -> None:
        """Tell of the head in a message; raises `ServerError` or `ValueError` for what is none and no answer either."""
        parsed = json.loads(message)
        if not isinstance(parsed, dict):
            raise ServerError("what it sends is no JSON-RPC")
        if "error" in parsed:
            raise ServerError("it refuses eth_subscribe newHeads")
        if parsed.get("method") != "eth_subscription":
            return
        params = parsed.get("params")
        header = params.get("result") if isinstance(params, dict) else None
        if not isinstance(header, dict):
            raise ServerError("what it sends is no head")
        number, block_hash = shapes.quantity(header.get("number"), "number"), shapes.hash_of(header.get("hash"), "hash")
        self._has_told = True
        self._say_back()
        self._tell(number, block_hash)

    def _say_lost(self, trouble: Exception | None) -> None:
        """Log once that heads are polled for alone, however often it is tried again."""
        if self._works:
            self._works = False
            _LOG.warning("no heads from %s (%s): they are polled for until it is back", self.name, _reason(trouble))

    def _say_back(self) -> None:
        if not self._works:
            self._works = True
            _LOG.info("heads from %s again", self.name)


def _reason(trouble: Exception | None) -> str:
    """Say why a socket is lost, without its URL."""
    if trouble is None:
        return "it closed the connection"
    if isinstance(trouble, InvalidStatus):
        return f"HTTP {trouble.response.status_code}"
    return str(trouble) if isinstance(trouble, ServerError) else type(trouble).__name__
