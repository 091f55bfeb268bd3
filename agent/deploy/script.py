"""Run the deployment script in a process of its own, and pass on each step as it is done."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable

from agent.deploy.execution import StepDone
from agent.deploy.session import Sources
from agent.localnet.artifacts import PROJECT_ROOT
from agent.localnet.deployment import require_script, script_failure


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
            cwd=PROJECT_ROOT,
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
    command = [sys.executable, "-m", "scripts.deploy", "--network", sources.network, "--plan", digest]
    for name in ("config", "inputs", "book"):
        path = getattr(sources, name)
        if path is not None:
            command += [f"--{name}", str(path.resolve())]
    return command
