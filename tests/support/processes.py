"""Commands of this checkout as processes of their own, none of which outlives its test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.ledger.config import LEDGER_URL_VARIABLE
from tests.support.keeper_world import REPOSITORY, KeeperWorld

TIMEOUT_SECONDS = 120
MAIN = [sys.executable, "-c", "from agent.cli.main import main; main()"]


def environment_of(world: KeeperWorld) -> dict[str, str]:
    """What a command needs to find a world's chain, vault and ledger."""
    return {
        RPC_URLS_VARIABLE: world.localnet.rpc_url,
        LEDGER_URL_VARIABLE: world.ledger_url(),
        MANIFEST_PATH_VARIABLE: str(world.directory / "deployment.json"),
    }


class Processes:
    """Commands that were started, in this process's environment and ``environment``."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*MAIN, *arguments],
            cwd=REPOSITORY,
            env={**self._environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def run(self, *arguments: str, **environment: str) -> str:
        """Run a command to its good end and return what it printed."""
        process = self.start(*arguments, **environment)
        printed, trouble = process.communicate(timeout=TIMEOUT_SECONDS)
        assert process.returncode == 0, trouble
        return printed

    def kill(self) -> None:
        while self._started:
            process = self._started.pop()
            process.kill()
            process.communicate()


@contextmanager
def processes(environment: Mapping[str, str]) -> Iterator[Processes]:
    """Give what starts commands; a test that fails midway leaves none running."""
    started = Processes(environment)
    try:
        yield started
    finally:
        started.kill()


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Ask a process to end; return its status and what it wrote to standard error."""
    process.send_signal(signal.SIGTERM)
    _, trouble = process.communicate(timeout=TIMEOUT_SECONDS)
    return process.returncode, trouble


def line_with(process: subprocess.Popen[str], words: str) -> str:
    """The next line of standard output that holds ``words``."""
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"ended without {words!r}: {process.communicate()}")
