"""A web server that takes alerts as apprise posts them to a JSON hook, and keeps them."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_SECONDS = 120


class AlertReceiver:
    """What has been received; ``url`` is for ``EVENKEEL_ALERT_URLS``, ``pinged`` the paths asked for."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.url = self.http_url = ""
        self.pinged: list[str] = []
        self.raw: list[bytes] = []
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()

    def take(self, content: bytes) -> None:
        self.raw.append(content)
        self._messages.put(json.loads(content))

    def next_title(self) -> str:
        """Title of the next message; waits for it."""
        return str(self._messages.get(timeout=WAIT_SECONDS)["title"])

    def wait_for(self, title: str) -> str:
        """Return the text of a message, whatever comes before it; fails when it does not come."""
        while (message := self._messages.get(timeout=WAIT_SECONDS))["title"] != title:
            pass
        return str(message["message"])

    def titles(self) -> list[str]:
        """Titles of all that has come and was not waited for."""
        found = []
        while not self._messages.empty():
            found.append(str(self._messages.get_nowait()["title"]))
        return found


@contextmanager
def alert_receiver(status: int = 200) -> Iterator[AlertReceiver]:
    """Serve a receiver that answers ``status``."""
    receiver = AlertReceiver(status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            receiver.pinged.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.http_url = f"http://127.0.0.1:{server.server_port}"
    receiver.url = f"json://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
