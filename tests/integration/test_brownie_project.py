"""Loading the Brownie project: it rewrites build files, so processes take turns."""

from __future__ import annotations

import subprocess
import sys

from agent.localnet.artifacts import PROJECT_ROOT

_TRY_TO_LOAD_MEANWHILE = """
import fcntl
import brownie
from scripts import project

def load(*_):
    with project.LOCK_FILE.open("w") as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waits")
        else:
            print("enters")

brownie.project.load = load
project.load_project()
with project.LOCK_FILE.open("w") as other:
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    print("enters afterwards")
"""


def test_load_project__second_process_meanwhile__waits_for_the_first() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", _TRY_TO_LOAD_MEANWHILE],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert finished.stdout.splitlines() == ["waits", "enters afterwards"]
