"""A node's URL may hold an access token, and all see a child's arguments: such a URL is hidden behind a port."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import requests

from agent.localnet.anvil import HOST

_TIMEOUT_SECONDS = 60.0


@contextmanager
def relayed(node_url: str) -> Iterator[str]:
    """Yield a URL without secrets that leads to the node, for the length of the block."""
    parts = urlsplit(node_url)
    if parts.path in ("", "/") and not parts.query and parts.username is None:
        yield node_url
        return
    server = ThreadingHTTPServer((HOST, 0), _handler(node_url))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(node_url: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                answer = requests.post(
                    node_url, data=body, headers={"Content-Type": "application/json"}, timeout=_TIMEOUT_SECONDS
                )
                status, content = answer.status_code, answer.content
            except requests.RequestException:
                status, content = 502, b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Say nothing: the log would hold the node's answers."""

    return Handler
