"""One URL of apprise, which knows some hundred services: mail, Slack, PagerDuty, Telegram, a web hook."""

from __future__ import annotations

from apprise import Apprise, NotifyFormat, NotifyType

from agent.observability.alerts import Severity

_KINDS = {
    Severity.CRITICAL: NotifyType.FAILURE,
    Severity.WARNING: NotifyType.WARNING,
    Severity.RESOLVED: NotifyType.SUCCESS,
    Severity.TEST: NotifyType.INFO,
}


class AppriseChannel:
    """Sends to one service."""

    def __init__(self, service: Apprise) -> None:
        self._service = service

    @classmethod
    def open(cls, url: str) -> AppriseChannel | None:
        """Return the channel of a URL, None when apprise does not know its kind."""
        service = Apprise()
        return cls(service) if service.add(url) else None

    def send(self, title: str, text: str, severity: Severity) -> bool:
        """Return whether the service took the message; apprise itself swallows what goes wrong on the way."""
        return bool(
            self._service.notify(body=text, title=title, notify_type=_KINDS[severity], body_format=NotifyFormat.TEXT)
        )
