"""An HTTP server between a client and a real node, which alters what passes: an endpoint with a provider's limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import requests

from tests.support.local_server import serving

Forward = Callable[[Any], Any]
"""Asks the real node."""
Alter = Callable[[Any, Forward], Any]
"""Answers a request, or a batch of them, with the real node at hand."""


def refusal(request: Any, message: str, code: int = -32_000) -> Any:
    """Answer that a node gives to what it does not do; to a batch, one for all of it."""
    asked = request[0] if isinstance(request, list) else request
    return {"jsonrpc": "2.0", "id": asked.get("id"), "error": {"code": code, "message": message}}


@contextmanager
def altered_endpoint(url: str, alter: Alter, date: str | None = None) -> Iterator[str]:
    """Serve ``alter`` in front of the node at ``url``, with another ``Date`` header where one is given."""

    def forward(request: Any) -> Any:
        return requests.post(url, json=request, timeout=30).json()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(alter(asked, forward)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return date or super().date_time_string(timestamp)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with serving(Handler) as served:
        yield served
