"""Metrics, health and readiness over HTTP, from a thread of their own: they answer while a cycle hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from agent.errors import DataError

HOST = "127.0.0.1"
"""Whoever wants them from elsewhere puts a proxy in front, or runs the container in a network of its own."""


class Condition(NamedTuple):
    """Whether all is well, and what is not."""

    is_good: bool
    words: str


class ObservationServer:
    """Serves ``/metrics``, ``/healthz`` (does the loop turn?) and ``/readyz`` (did its last cycle end well?)."""

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        health: Callable[[], Condition],
        readiness: Callable[[], Condition],
    ) -> None:
        conditions = {"/healthz": health, "/readyz": readiness}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path == "/metrics":
                    self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
                elif path in conditions:
                    condition = conditions[path]()
                    status = 200 if condition.is_good else 503
                    self._answer(status, "text/plain; charset=utf-8", f"{condition.words}\n".encode())
                else:
                    self._answer(404, "text/plain; charset=utf-8", b"/metrics, /healthz or /readyz\n")

            def _answer(self, status: int, kind: str, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing: a scrape every few seconds is no news."""

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except (OSError, OverflowError) as error:
            raise DataError(f"metrics cannot be served at {host}:{port}: {error}; choose another port") from None
        self._server.daemon_threads = True
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    def __enter__(self) -> ObservationServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
