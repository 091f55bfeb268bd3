"""Run the deployment script in a process of its own, and pass on each step as it is done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable

from agent.deploy.execution import StepDone
from agent.deploy.session import Sources
from agent.localnet.artifacts import PROJECT_ROOT
from agent.localnet.deployment import require_script, script_failure
from agent.settings import config_path


def run_script(sources: Sources, digest: str, show: Callable[[StepDone], None]) -> None:
    """Apply the plan of a digest; ``show`` gets every step when it is done.

    Raises
    ------
    DataError
        The script refuses: its own line.
    FatalError
        It failed otherwise. Run it again: it goes on where the chain stands.

    """
    require_script()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as stderr:
        child = subprocess.Popen(  # noqa: S603  (our own interpreter, script and arguments)
            _command(sources, digest),
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        with child:
            for line in child.stdout or ():
                done = json.loads(line)
                if "title" in done:
                    show(StepDone(**done))
        stderr.seek(0)
        if child.returncode != 0:
            raise script_failure(child.returncode, stderr.read())


def _command(sources: Sources, digest: str) -> list[str]:
    config = sources.config or config_path(sources.network)
    command = [sys.executable, "-m", "scripts.deploy", "--network", config.stem, "--plan", digest]
    for name, path in (("config", config), ("inputs", sources.inputs), ("book", sources.book)):
        if path is not None:
            command += [f"--{name}", str(path)]
    return command


def _environment() -> dict[str, str]:
    """Let the script be found from any directory: paths in a network's file are taken from the one that we are in."""
    paths = (str(PROJECT_ROOT), os.environ.get("PYTHONPATH"))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
