"""Which alerts are up now: what comes up is told and logged, what goes is resolved, what stays is repeated."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import structlog

from agent.observability.alerts import Alert, AlertName, Severity
from agent.observability.pager import Pager

_LOG = structlog.stdlib.get_logger(__name__)


class AlertBoard:
    """Remembers what is up; tells nobody where there is no pager."""

    def __init__(self, pager: Pager | None) -> None:
        self._pager = pager
        self._up: dict[AlertName, str] = {}

    @property
    def up(self) -> frozenset[AlertName]:
        """The alerts that are up."""
        return frozenset(self._up)

    def show(self, active: Mapping[AlertName, str], among: Collection[AlertName]) -> None:
        """Put up those of ``among`` that are active, each with its text, and take down the others of them."""
        for name in among:
            if name in active:
                self.raise_alert(name, active[name])
            elif name in self._up:
                del self._up[name]
                _LOG.info("alert_resolved", alert=name.value)
                if self._pager is not None:
                    self._pager.resolve(name.value, "it is over")

    def raise_alert(self, name: AlertName, text: str) -> None:
        """Put one alert up."""
        alert = Alert.of(name, text)
        if name not in self._up:
            log = _LOG.critical if alert.severity is Severity.CRITICAL else _LOG.warning
            log(name.value, text=text)
        self._up[name] = text
        if self._pager is not None:
            self._pager.tell(alert)
