"""A process that starts keepers to be killed or stopped: it loads everything once, then forks one keeper an order.

Orders come as JSON lines on standard input, answers go out as JSON lines. A keeper counts its boundary operations,
every JSON-RPC request and every commit of the ledger, and may be told to send itself a signal before or after one of
them. One that has stopped itself is woken by the next order.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from agent.chain.config import MANIFEST_PATH_VARIABLE
from agent.chain.transport import Server
from agent.errors import AgentError
from agent.files.book_file import load_book, load_kept_book
from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.risk.exposure import book_exposure
from agent.settings import Settings, load_settings
from tests.chaos.mutants import MUTANTS
from tests.support.keeper_world import CONFIG_NAME

MAX_CYCLES = 6
WAKE = "wake"


class Boundary:
    """Counts what leaves the process, and ends or stops it there."""

    def __init__(self, index: int | None, is_after: bool, number: int) -> None:
        self.names: list[str] = []
        self._index = index
        self._is_after = is_after
        self._number = number

    def install(self) -> None:
        Server.request = self._wrapped(Server.request, lambda _, request, *__: request.method)
        Server.batch = self._wrapped(Server.batch, lambda _, batch, *__: f"batch of {len(batch)}")
        DefaultDialect.do_commit = self._wrapped(DefaultDialect.do_commit, lambda *_: "commit")

    def _wrapped(self, function: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            index = len(self.names)
            self.names.append(name(*arguments))
            if index == self._index and not self._is_after:
                os.kill(os.getpid(), self._number)
            answer = function(*arguments)
            if index == self._index and self._is_after:
                os.kill(os.getpid(), self._number)
            return answer

        return counted


class AlertFile(logging.Handler):
    """Writes the name of each alert that is told, a line each, before the keeper goes on: it may be killed."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.CRITICAL)
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        if (name := getattr(record, "alert", None)) is not None:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(f"{name}\n")


def keep(order: dict[str, Any], answer: int) -> None:
    """Run a keeper until it holds, and answer with the operations it took, and with what ended it, if something did."""
    boundary = Boundary(order["kill_index"], order["kill_after"], order.get("signal", signal.SIGKILL))
    settings = _settings(order)
    book = load_kept_book(Path(order["book"]))
    boundary.install()
    if "alerts" in order:
        logging.getLogger().addHandler(AlertFile(Path(order["alerts"])))
    outcomes: list[str] = []
    ended = None
    mutant = MUTANTS[order["mutant"]]() if order.get("mutant") else nullcontext()
    try:
        with mutant, Keeper.build(settings, book, {}) as keeper:
            while len(outcomes) < MAX_CYCLES and (not outcomes or outcomes[-1] != Outcome.HELD.value):
                outcomes.append(keeper.cycle().outcome.value)
    except AgentError as trouble:
        if not order.get("may_fail"):
            raise
        ended = f"{type(trouble).__name__}: {trouble}"
    os.write(answer, json.dumps({"operations": boundary.names, "outcomes": outcomes, "ended": ended}).encode())


def _settings(order: dict[str, Any]) -> Settings:
    environment = order["environment"]
    settings = load_settings(Path(environment[MANIFEST_PATH_VARIABLE]).parent / CONFIG_NAME, environment)
    sections = {name: getattr(settings, name) for name in ("chain", "execution")}
    changed = {name: section.model_copy(update=order.get(name, {})) for name, section in sections.items()}
    return settings.model_copy(update=changed)


class Child:
    """One forked keeper."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._reader, writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            status = 1
            try:
                os.close(self._reader)
                keep(order, writer)
                status = 0
            except BaseException:  # a defect must reach the test, whatever it is
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(writer)

    def outcome(self) -> dict[str, Any]:
        """Wait until it ends, or stops itself."""
        _, status = os.waitpid(self._pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            return {"stopped": True}
        with os.fdopen(self._reader, "rb") as stream:
            told = stream.read()
        return {"stopped": False, "exit": os.waitstatus_to_exitcode(status), **(json.loads(told) if told else {})}

    def wake(self) -> dict[str, Any]:
        os.kill(self._pid, signal.SIGCONT)
        return self.outcome()

    def end(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        self.outcome()


def main() -> None:
    warm_up = json.loads(sys.stdin.readline())
    book_exposure(load_book(Path(warm_up["book"]), warm_up["now_unix"]), 3_200.0, warm_up["now_unix"], 0.0)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    stopped: Child | None = None
    for line in sys.stdin:
        order = json.loads(line)
        if order.get(WAKE) and stopped is not None:
            child, told = stopped, stopped.wake()
        else:
            child = Child(order)
            told = child.outcome()
        stopped = child if told["stopped"] else None
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
    if stopped is not None:
        stopped.end()


if __name__ == "__main__":
    main()
