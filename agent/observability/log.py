"""The log: structlog over the standard library's, with the cycle's id on every line, for people or for machines.

Keys never reach it: what logs holds addresses, hashes and figures; URLs are shown without user, path and query.
"""

from __future__ import annotations

import logging
import sys
from enum import Enum
from typing import TextIO

import structlog
from structlog.types import Processor

from agent.observability.alerts import Alert
from agent.observability.pager import Pager

CYCLE_KEY = "cycle"
_QUIET = ("urllib3", "web3", "apprise", "botocore", "boto3", "numba", "requests_oauthlib", "asyncio")
"""Libraries whose own lines are of no use to an operator, or repeat URLs with their tokens."""


class LogFormat(Enum):
    """How a line looks."""

    CONSOLE = "console"
    JSON = "json"


class _PagingHandler(logging.Handler):
    """Tells a person each critical line of the log, by the name of the alert that it carries, and when it is over."""

    def __init__(self, pager: Pager) -> None:
        super().__init__(logging.WARNING)
        self._pager = pager

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it, once while it lasts; what this package logs it has told by itself."""
        if record.name.startswith("agent.observability"):
            return
        if getattr(record, "is_over", False):
            self._pager.resolve(str(getattr(record, "alert", record.name)), "it is over")
        elif record.levelno >= logging.CRITICAL:
            self._tell(record)

    def _tell(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, dict):
            shown = {key: value for key, value in record.msg.items() if not key.startswith("_")}
            name = str(shown.pop("event", record.name))
            text = ", ".join(f"{key} {value}" for key, value in shown.items() if key not in ("level", "timestamp"))
        else:
            name = str(getattr(record, "alert", record.name))
            text = record.getMessage().removeprefix(f"{name}: ")  # which the title says
        self._pager.tell(Alert(name, text or name, key=str(getattr(record, "alert_key", ""))))


def configure_logging(log_format: LogFormat | None, pager: Pager | None = None, stream: TextIO | None = None) -> None:
    """Send every line of the process to ``stream``, standard error unless given.

    With a format, from INFO on; without, only warnings and worse, as a command that people read should.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    is_json = log_format is LogFormat.JSON
    renderer: Processor = (
        structlog.processors.JSONRenderer() if is_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler] if pager is None else [handler, _PagingHandler(pager)]
    root.setLevel(logging.WARNING if log_format is None else logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    structlog.configure(
        processors=[*shared[:2], *shared[3:], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def name_cycle(cycle_id: str) -> None:
    """Put a cycle's id on every line from here on."""
    structlog.contextvars.bind_contextvars(**{CYCLE_KEY: cycle_id})
