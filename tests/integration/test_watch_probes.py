"""A watcher asks the keeper and its own heartbeat's service: no answer of theirs may hold a look up."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agent.observability.heartbeat import ServiceManager
from agent.observability.observation import Observation, ObservationOptions
from agent.observability.watcher import HEARTBEAT_URL_VARIABLE, PROBE_SECONDS, Watcher
from agent.settings.observability import ObservabilitySettings

ENDED = threading.Event()
"""Lets the answers go."""


class Endless(BaseHTTPRequestHandler):
    """Sends the head of an answer and the first bytes of its text, and then no end."""

    def do_GET(self) -> None:
        self.send_response(503 if "readyz" in self.path else 200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"cycles fail")
        self.wfile.flush()
        ENDED.wait(60)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_watch__answers_without_an_end__hold_no_look_up():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    began = time.monotonic()
    try:
        observation = Observation(ObservationOptions("watch"), ObservabilitySettings(), ServiceManager({}), None)
        watcher = Watcher(lambda: None, observation, {HEARTBEAT_URL_VARIABLE: url}, url)
        assert watcher._keepers_complaint(url) == "the keeper says: cycles fail"
        watcher._tell_alive()
    finally:
        ENDED.set()
        server.shutdown()
        server.server_close()
    assert time.monotonic() - began < PROBE_SECONDS / 2
