"""Run the deployment script of Evenkeel's own contracts, in a process of its own: the agent never imports Brownie."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.chain.deployment_inputs import DeploymentInputs, VenueInputs
from agent.errors import AgentError, DataError, FatalError
from agent.localnet.artifacts import PROJECT_ROOT
from agent.localnet.manifest import LocalnetManifest
from agent.localnet.world import dollar_of_chain
from agent.venues.registry import venue_protocol

NETWORK = "localnet"
INPUTS_NAME = "deployment-inputs.json"
_TIMEOUT_SECONDS = 300
_BAD_INPUT_STATUS = 2
_STOPPED_STATUS = 3


def deployment_inputs(manifest: LocalnetManifest) -> DeploymentInputs:
    """Return what a deployment on the local chain stands on: one venue of each protocol."""
    venues = tuple(
        VenueInputs(
            name=kind,
            kind=kind,
            addresses={name: addresses[name] for name in venue_protocol(kind, "the local chain").adapter_addresses},
        )
        for kind, addresses in manifest.venues.items()
    )
    dollar = dollar_of_chain(manifest)
    return DeploymentInputs(
        asset=dollar.address,
        asset_decimals=dollar.decimals,
        price_feed=manifest.chainlink_aggregator,
        underlying_token=manifest.weth,
        underlying_holder=manifest.accounts["depositor"],
        deployer=manifest.accounts["deployer"],
        governor=manifest.accounts["governor"],
        guardian=manifest.accounts["guardian"],
        keeper=manifest.accounts["keeper"],
        members=(manifest.accounts["depositor"],),
        venues=venues,
        fee_recipient=manifest.accounts["spare"],
    )


def run_deployment(
    inputs_path: Path,
    rpc_url: str,
    book_path: Path | None,
    manifest_path: Path | None = None,
    config_path: Path | None = None,
) -> None:
    """Deploy the vault, and put a book on the chain, on top of the contracts that a file of inputs names.

    The script reads ``config/localnet.toml`` too, and writes ``deployments/31337.json``, both in the checkout, unless
    ``config_path`` and ``manifest_path`` name other files.

    Raises: `DataError` with the script's own line when it refuses its input; `FatalError` when it fails otherwise.
    """
    require_script()
    command = [sys.executable, "-m", "scripts.deploy", "--network", NETWORK]
    command += ["--inputs", str(inputs_path.resolve())]
    if book_path is not None:
        command += ["--book", str(book_path.resolve())]
    if config_path is not None:
        command += ["--config", str(config_path.resolve())]
    environment = {**os.environ, RPC_URLS_VARIABLE: rpc_url}
    if manifest_path is not None:
        environment[MANIFEST_PATH_VARIABLE] = str(manifest_path.resolve())
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
    if finished.returncode != 0:
        raise script_failure(finished.returncode, finished.stderr)


def require_script() -> None:
    """Raise `DataError` where the script is not there: an installed package has none."""
    script = PROJECT_ROOT / "scripts" / "deploy.py"
    if not script.is_file():
        raise DataError(f"{script} is missing: the vault can be deployed only from a checkout of the repository")


def script_failure(status: int, stderr: str) -> AgentError:
    """Return what the script's end means: its own line for bad input and for what stopped it on the way."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()] or ["it said nothing"]
    if status == _BAD_INPUT_STATUS:
        return DataError(lines[-1])
    if status == _STOPPED_STATUS:
        return FatalError(lines[-1])
    return FatalError(f"the deployment failed with status {status}: {lines[-1]}")
