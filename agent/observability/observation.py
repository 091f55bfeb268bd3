"""All of a process's observation in one place: opened before the work begins, closed when it has ended."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import structlog
from prometheus_client import CollectorRegistry

from agent.errors import AgentError, TransientError
from agent.observability.alerts import Alert, AlertName
from agent.observability.heartbeat import Heartbeat, ServiceManager, Watchdog, end_process
from agent.observability.log import LogFormat, configure_logging
from agent.observability.metrics import process_metrics
from agent.observability.pager import Pager, load_pager
from agent.observability.server import HOST, Condition, ObservationServer
from agent.settings.observability import ObservabilitySettings

EXIT_HUNG = 70
"""Of a process that ended itself because its loop hung; systemd starts it again."""
DRAIN_SECONDS = 10.0
"""What the last alert may take; within systemd's TimeoutStopSec."""
_LOG = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ObservationOptions:
    """How a process shows itself; ``port`` None serves no metrics."""

    source: str
    """Who speaks: command and network."""
    log_format: LogFormat | None = None
    host: str = HOST
    port: int | None = None


@dataclass(slots=True)
class Observation:
    """One process under observation."""

    options: ObservationOptions
    settings: ObservabilitySettings
    manager: ServiceManager
    pager: Pager | None
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def heartbeat(self, pause_seconds: float) -> Heartbeat:
        """Return the heartbeat of a loop that waits so long between two cycles at most."""
        return Heartbeat(pause_seconds + self.settings.max_cycle_seconds)

    @contextmanager
    def serving(
        self, heartbeat: Heartbeat, health: Callable[[], Condition], readiness: Callable[[], Condition]
    ) -> Iterator[int | None]:
        """Serve metrics and health, and watch the heartbeat, while the loop runs; gives the port."""
        with ExitStack() as opened:
            port = None
            if self.options.port is not None:
                server = ObservationServer(self.options.host, self.options.port, self.registry, health, readiness)
                port = opened.enter_context(server).port
            opened.enter_context(Watchdog(heartbeat, self.manager, self._end_hung))
            yield port

    def _end_hung(self, late_seconds: float) -> None:
        """Tell it and end at once: what hangs cannot be stopped in order, and nothing is lost by a kill."""
        words = f"the loop is {late_seconds:.0f} s late and was ended; it goes on where chain and ledger stand"
        _LOG.critical(AlertName.CYCLE_HUNG.value, text=words)
        if self.pager is not None:
            self.pager.tell(Alert.of(AlertName.CYCLE_HUNG, words))
            self.pager.drain(DRAIN_SECONDS)
        end_process(EXIT_HUNG)


@contextmanager
def observed(
    options: ObservationOptions, settings: ObservabilitySettings, environment: Mapping[str, str]
) -> Iterator[Observation]:
    """Set up log and alerts for a process; whatever ends it unasked is told.

    Raises
    ------
    DataError
        An alert URL is none.

    """
    pager = load_pager(environment, settings.repeat_seconds)
    if pager is not None:
        pager.named(options.source)
    configure_logging(options.log_format, pager)
    observation = Observation(options, settings, ServiceManager(environment), pager)
    process_metrics(observation.registry)
    try:
        yield observation
    except TransientError as failure:  # of the start, which is tried again
        _LOG.info("not_started", reason=" ".join(str(failure).split()))
        raise
    except Exception as failure:
        _tell_halt(pager, failure)
        raise
    finally:
        if pager is not None:
            pager.drain(DRAIN_SECONDS)


def _tell_halt(pager: Pager | None, failure: Exception) -> None:
    """Say that the process ends, and why; an unexpected failure is a defect, and its text may hold anything."""
    is_expected = isinstance(failure, AgentError)
    words = " ".join(str(failure).split()) if is_expected else f"a defect, {type(failure).__name__}: see the traceback"
    _LOG.info("halted", reason=words)
    if pager is not None:
        pager.tell(Alert.of(AlertName.PROCESS_HALTED, words))
