"""Build the wheel: ``python -m scripts.wheel [--out-dir DIR]``.

It is built from a copy of the package, in which the contracts' artifacts and the networks' configurations stand as
package data: a keeper's host needs neither Node nor a compiler nor a checkout.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from agent.chain.artifacts import BUILD, BUNDLE, load_artifacts
from agent.errors import AgentError, DataError
from agent.localnet.artifacts import PROJECT_ROOT
from agent.settings.file import CONFIG_DIRECTORY, PACKAGED_CONFIG_DIRECTORY

PROJECT_FILES = ("pyproject.toml", "README.md", "LICENSE")
DOUBLES = "contracts/test/"
"""Contracts that stand in for others on the local chain: nothing of theirs is deployed elsewhere."""


def main() -> int:
    """Build and print the wheel's path; what is missing is one line and exit status 2."""
    parser = argparse.ArgumentParser(prog="python -m scripts.wheel")
    parser.add_argument("--out-dir", type=Path, default=PROJECT_ROOT / "dist")
    try:
        sys.stdout.write(f"{build(parser.parse_args().out_dir)}\n")
    except AgentError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def build(out_dir: Path) -> Path:
    """Return the path of a new wheel in ``out_dir``."""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "source"
        stage(source)
        made = Path(scratch) / "wheel"
        command = [
            sys.executable,
            "-m",
            "uv",
            "build",
            "--quiet",
            "--wheel",
            "--no-build-isolation",
            "--python",
            sys.executable,
        ]
        subprocess.run([*command, "--out-dir", str(made), str(source)], check=True)
        [wheel] = made.glob("*.whl")
        out_dir.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(wheel, out_dir))


def stage(source: Path) -> None:
    """Lay out in ``source`` what the wheel is built from."""
    shutil.copytree(PROJECT_ROOT / "agent", source / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    for name in PROJECT_FILES:
        shutil.copy(PROJECT_ROOT / name, source)
    configurations = source / PACKAGED_CONFIG_DIRECTORY.relative_to(PROJECT_ROOT)
    shutil.copytree(PROJECT_ROOT / CONFIG_DIRECTORY, configurations)
    bundle = source / BUNDLE.relative_to(PROJECT_ROOT)
    bundle.mkdir()
    for artifact in load_artifacts(BUILD):
        slim = json.dumps(slimmed(artifact), separators=(",", ":"), sort_keys=True)
        (bundle / f"{artifact['contractName']}.json").write_text(slim, encoding="utf-8")


def slimmed(artifact: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a keeper, a deployer and a verifier need of Brownie's artifact: no source, no maps.

    A contract that is deployed brings its code; of all others the ABI is kept, for their functions and errors.

    Raises
    ------
    DataError
        The code has a library to be linked, which nothing here would do.

    """
    slim: dict[str, Any] = {"abi": artifact["abi"]}
    if not _is_deployed(artifact):
        return slim
    try:
        runtime = bytes.fromhex(artifact["deployedBytecode"].removeprefix("0x"))
        creation = bytes.fromhex(artifact["bytecode"].removeprefix("0x"))
    except ValueError:
        raise DataError(f"{artifact['contractName']} has a library to be linked; make its functions internal") from None
    return slim | {"bytecode": "0x" + creation.hex(), "runtime_code_hash": "0x" + keccak(runtime).hex()}


def _is_deployed(artifact: Mapping[str, Any]) -> bool:
    path = artifact["sourcePath"]
    is_ours = path.startswith("contracts/") and not path.startswith(DOUBLES)
    return is_ours and artifact["type"] == "contract" and bool(artifact["bytecode"])


if __name__ == "__main__":
    sys.exit(main())
