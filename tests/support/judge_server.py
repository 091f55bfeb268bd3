"""Runs test files, each order in a fork of a process that has loaded what the tests need from others.

``python -m tests.support.judge_server`` in the tree to test. Orders come as JSON lines on standard input: ``tests``,
files in their order, and ``seconds``. An answer is a JSON line: pytest's ``exit``, None where time ran out, ``output``.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from typing import IO, Any

import pytest

LOADED = (
    "alembic.command",
    "coincurve",
    "eth_abi",
    "eth_account",
    "hypothesis",
    "numba",
    "numpy",
    "prometheus_client",
    "psycopg",
    "pydantic",
    "requests",
    "rich.table",
    "scipy.optimize",
    "scipy.special",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
    "structlog",
    "typer.testing",
    "web3",
)
"""What takes its time to import; nothing of ours, for that is what changes."""
PYTEST = (
    "-q",
    "-x",
    "-n",
    "0",
    "--tb=line",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)
"""Plugins were loaded before pytest could look into their assertions; our tests are not."""
POLL_SECONDS = 0.02


def judge(order: dict[str, Any]) -> dict[str, Any]:
    """Run the tests of an order in a fork with a process group of its own, until one fails."""
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            _run(order["tests"], output)
        status = _wait(child, order["seconds"])
        _end_group(child)
        output.seek(0)
        return {"exit": status, "output": output.read().decode(errors="replace")[-20_000:]}


def _run(tests: list[str], output: IO[bytes]) -> None:
    status = 3
    try:
        os.setsid()
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        status = int(pytest.main([*PYTEST, *tests]))
        sys.stdout.flush()
    except BaseException:  # whatever a mutant does, the verdict must be told
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _wait(child: int, seconds: float) -> int | None:
    """Return the exit status of the child; None where it had to be killed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(POLL_SECONDS)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _end_group(child: int) -> None:
    """End what the tests left running, chains among it."""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        return


def main() -> None:
    """Answer orders until there are no more."""
    for name in LOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(judge(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
