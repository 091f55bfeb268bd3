"""An independent pair of eyes: reads the vault by itself, believes no keeper, and pages when W stays outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests
import structlog
from prometheus_client import CollectorRegistry
from urllib3.exceptions import HTTPError

from agent.config import require_http_url
from agent.errors import AgentError
from agent.observability.alerts import AlertName
from agent.observability.board import AlertBoard
from agent.observability.figures import VaultFigures, figures_of_status
from agent.observability.log import name_cycle
from agent.observability.metrics import VaultMetrics
from agent.observability.observation import Observation
from agent.observability.rules import VAULT_ALERTS, OutsideTimer, vault_alerts
from agent.observability.server import Condition
from agent.status.records import VaultStatus

WATCH_RPC_URLS_VARIABLE = "EVENKEEL_WATCH_RPC_URLS"
"""Endpoints of the watcher's own, so that it does not share the keeper's blind spot; comma-separated."""
HEARTBEAT_URL_VARIABLE = "EVENKEEL_HEARTBEAT_URL"
"""Asked after each good look: whoever serves it tells when the watcher itself has stopped."""
PROBE_SECONDS = 10.0
"""Of silence. No answer is read to its end: one that comes byte by byte would hold the watcher up."""
_SHOWN_BYTES = 200
_LOG = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """One look: the figures, or why there are none."""

    figures: VaultFigures | None
    outside_seconds: int
    failure: str | None
    up: frozenset[AlertName]


class Watcher:
    """Looks at one vault; ``read`` returns its status now. Raises `DataError` for a URL to be asked that is none."""

    def __init__(
        self,
        read: Callable[[], VaultStatus],
        observation: Observation,
        environment: Mapping[str, str],
        keeper_url: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._settings = observation.settings
        self._pager = observation.pager
        self._run_id = observation.run_id
        self._keeper_url = keeper_url
        if keeper_url is not None:
            require_http_url("--keeper-url", keeper_url, "http://127.0.0.1:9464")
        self._heartbeat_url = environment.get(HEARTBEAT_URL_VARIABLE, "").strip()
        if self._heartbeat_url:
            require_http_url(HEARTBEAT_URL_VARIABLE, self._heartbeat_url, "https://watcher.example/ping")
        self._clock = clock
        self._board = AlertBoard(observation.pager)
        registry: CollectorRegistry = observation.registry
        self._metrics = VaultMetrics(registry, [name.value for name in AlertName])
        self._outside = OutsideTimer()
        self._failing_since: dict[AlertName, float] = {}
        self._number = 0
        self._readiness = Condition(False, "nothing has been seen yet")

    def look(self) -> Look:
        """Read the vault once, and tell what is worth telling; never raises for what the chain or a keeper does."""
        self._number += 1
        name_cycle(f"{self._run_id}-{self._number}")
        figures, outside, failure = self._figures()
        if self._keeper_url is not None:
            self._judge(AlertName.KEEPER_UNHEALTHY, self._keepers_complaint(self._keeper_url))
        undelivered = 0 if self._pager is None else self._pager.undelivered_count
        self._metrics.show_alerts([name.value for name in self._board.up], undelivered)
        self._readiness = Condition(failure is None, failure or "the last look saw the vault")
        if failure is None:
            self._tell_alive()
        return Look(figures, outside, failure, self._board.up)

    def readiness(self) -> Condition:
        """Return whether the last look saw the vault."""
        return self._readiness

    def _figures(self) -> tuple[VaultFigures | None, int, str | None]:
        try:
            figures = figures_of_status(self._read())
        except AgentError as failure:
            words = " ".join(str(failure).split())
            _LOG.info("look_failed", reason=words)
            self._judge(AlertName.CHAIN_UNREACHABLE, words)
            return None, 0, words
        self._judge(AlertName.CHAIN_UNREACHABLE, None)
        outside = self._outside.seconds(figures)
        self._metrics.show(figures, outside)
        self._board.show(dict(vault_alerts(figures, outside, self._settings)), VAULT_ALERTS)
        _LOG.info("looked", block=figures.block.number, over_band=figures.worst_over_band_ratio, outside_s=outside)
        return figures, outside, None

    def _judge(self, name: AlertName, complaint: str | None) -> None:
        """Put an alert up when a complaint has lasted, down when there is none."""
        if complaint is None:
            self._failing_since.pop(name, None)
            self._board.show({}, [name])
            return
        now = self._clock()
        lasted = now - self._failing_since.setdefault(name, now)
        if lasted >= self._settings.max_failing_seconds:
            self._board.raise_alert(name, f"for {lasted:.0f} s: {complaint}")

    def _keepers_complaint(self, url: str) -> str | None:
        try:
            with requests.get(f"{url.rstrip('/')}/readyz", timeout=PROBE_SECONDS, stream=True) as answer:
                words = "" if answer.ok else answer.raw.read1(_SHOWN_BYTES).decode(errors="replace").strip()
        except (requests.RequestException, HTTPError, OSError) as error:
            return f"the keeper does not answer ({type(error).__name__})"
        return None if answer.ok else f"the keeper says: {words}"

    def _tell_alive(self) -> None:
        if not self._heartbeat_url:
            return
        try:
            with requests.get(self._heartbeat_url, timeout=PROBE_SECONDS, stream=True) as answer:
                answer.raise_for_status()
        except (requests.RequestException, OSError) as error:
            _LOG.warning("heartbeat_not_taken", kind=type(error).__name__)
