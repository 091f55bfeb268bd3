"""Run the deployment script of Evenkeel's own contracts, in a process of its own: the agent never imports Brownie."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from agent.errors import DataError, FatalError
from agent.localnet.artifacts import PROJECT_ROOT

NETWORK = "localnet"
_TIMEOUT_SECONDS = 300
_BAD_INPUT_STATUS = 2
_RPC_URLS_VARIABLE = "EVENKEEL_RPC_URLS"
_MANIFEST_PATH_VARIABLE = "EVENKEEL_MANIFEST_PATH"


def run_deployment(
    state_directory: Path, rpc_url: str, book_path: Path | None, manifest_path: Path | None = None
) -> None:
    """Deploy the vault, and put a book on the chain, for the local chain of a state directory.

    The script reads ``config/localnet.toml`` and writes ``deployments/31337.json``, both in the checkout, unless
    ``manifest_path`` names another place for the latter.

    Raises: `DataError` with the script's own line when it refuses its input; `FatalError` when it fails otherwise.
    """
    script = PROJECT_ROOT / "scripts" / "deploy.py"
    if not script.is_file():
        raise DataError(f"{script} is missing: the vault can be deployed only from a checkout of the repository")
    command = [sys.executable, "-m", "scripts.deploy", "--network", NETWORK, "--state-directory"]
    command.append(str(state_directory.resolve()))
    if book_path is not None:
        command += ["--book", str(book_path.resolve())]
    environment = {**os.environ, _RPC_URLS_VARIABLE: rpc_url}
    if manifest_path is not None:
        environment[_MANIFEST_PATH_VARIABLE] = str(manifest_path.resolve())
    try:
        finished = subprocess.run(  # noqa: S603  (our own interpreter, script and arguments)
            command,
            cwd=PROJECT_ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FatalError(f"the deployment did not end within {_TIMEOUT_SECONDS} s") from None
    if finished.returncode == 0:
        return
    lines = [line.strip() for line in finished.stderr.splitlines() if line.strip()] or ["it said nothing"]
    if finished.returncode == _BAD_INPUT_STATUS:
        raise DataError(lines[-1])
    raise FatalError(f"the deployment failed with status {finished.returncode}: {lines[-1]}")
