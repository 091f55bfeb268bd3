"""A process that starts keepers to be killed: it loads everything once, then forks one keeper an order.

Orders come as JSON lines on standard input, answers go out as JSON lines. A keeper counts its boundary operations,
every JSON-RPC request and every commit of the ledger, and may be told to kill itself before or after one of them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from agent.chain.transport import Server
from agent.files.book_file import load_book
from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.risk.exposure import book_exposure
from agent.settings import load_settings
from tests.support.keeper_world import REPOSITORY

MAX_CYCLES = 6


class Boundary:
    """Counts what leaves the process, and ends it there."""

    def __init__(self, kill_index: int | None, kill_after: bool) -> None:
        self.names: list[str] = []
        self._kill_index = kill_index
        self._kill_after = kill_after

    def install(self) -> None:
        Server.request = self._wrapped(Server.request, lambda _, request, *__: request.method)
        Server.batch = self._wrapped(Server.batch, lambda _, batch, *__: f"batch of {len(batch)}")
        DefaultDialect.do_commit = self._wrapped(DefaultDialect.do_commit, lambda *_: "commit")

    def _wrapped(self, function: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            index = len(self.names)
            self.names.append(name(*arguments))
            if index == self._kill_index and not self._kill_after:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = function(*arguments)
            if index == self._kill_index:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return counted


def keep(order: dict[str, Any], answer: int) -> None:
    """Run a keeper until it holds, and answer with the operations it took."""
    boundary = Boundary(order["kill_index"], order["kill_after"])
    settings = load_settings(REPOSITORY / "config" / "localnet.toml", order["environment"])
    book = load_book(Path(order["book"]), order["now_unix"])
    boundary.install()
    outcomes = []
    with Keeper.build(settings, book, {}) as keeper:
        while len(outcomes) < MAX_CYCLES and (not outcomes or outcomes[-1] != Outcome.HELD.value):
            outcomes.append(keeper.cycle().outcome.value)
    os.write(answer, json.dumps({"operations": boundary.names, "outcomes": outcomes}).encode())


def fork_keeper(order: dict[str, Any]) -> dict[str, Any]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            keep(order, writer)
            status = 0
        except BaseException:  # a defect must reach the test, whatever it is
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        told = stream.read()
    _, status = os.waitpid(child, 0)
    return {"exit": os.waitstatus_to_exitcode(status), **(json.loads(told) if told else {})}


def main() -> None:
    warm_up = json.loads(sys.stdin.readline())
    book_exposure(load_book(Path(warm_up["book"]), warm_up["now_unix"]), 3_200.0, warm_up["now_unix"], 0.0)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(fork_keeper(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
