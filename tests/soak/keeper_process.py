"""``evenkeel run`` in a process of its own, followed by what it prints."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.ledger.config import LEDGER_URL_VARIABLE
from tests.support.keeper_world import REPOSITORY

PATIENCE_SECONDS = 300
"""How long the keeper may say nothing, however busy the machine is; no figure counts on it."""
MAIN = "from agent.cli.main import main; main()"


class KeeperProcess:
    """One keeper, from its start to its end."""

    def __init__(
        self, network: Path, book: Path, manifest: Path, rpc_url: str, ledger_url: str, interval_seconds: float
    ) -> None:
        self._told: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._errors = network.with_name("keeper.err")
        environment = {
            **os.environ,
            RPC_URLS_VARIABLE: rpc_url,
            LEDGER_URL_VARIABLE: ledger_url,
            MANIFEST_PATH_VARIABLE: str(manifest),
        }
        options = ["--network", str(network), "--book", str(book), "--interval-seconds", str(interval_seconds)]
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", MAIN, "run", *options, "--json"],
                cwd=REPOSITORY,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def until(self, block: int) -> list[dict[str, Any]]:
        """Return the cycles up to the first that has seen ``block``."""
        seen: list[dict[str, Any]] = []
        while not seen or seen[-1]["block"]["number"] < block:
            line = self._told.get(timeout=PATIENCE_SECONDS)
            assert line, f"the keeper ended: {self._errors.read_text()[-2_000:]}"
            seen.append(json.loads(line))
        return seen

    def stop(self, how: signal.Signals) -> None:
        """End it, and wait until it is gone."""
        self.process.send_signal(how)
        self.process.wait(PATIENCE_SECONDS)
        self._listener.join()

    def _listen(self) -> None:
        stdout = self.process.stdout
        assert stdout is not None
        with stdout:
            for line in stdout:
                self._told.put(line)
        self._told.put("")
