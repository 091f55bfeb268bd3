"""What explorers ask for to show a contract's sources: the compiler's own input, and the constructor's arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.deploy.artifact import Artifact, load_artifact
from agent.deploy.blueprint import Blueprint
from agent.deploy.manifest import encoded_arguments, write_whole
from agent.errors import DataError
from agent.localnet.artifacts import PROJECT_ROOT

REMAPPINGS = ("@openzeppelin/=node_modules/@openzeppelin/", "solady/=node_modules/solady/")
"""As in brownie-config.yaml."""
COMPILER_BUILDS = {"0.8.37": "0.8.37+commit.f401782d"}
"""What explorers call a release of the compiler; Brownie's artifacts do not hold its commit."""


def standard_input(artifact: Artifact) -> dict[str, Any]:
    """Return the compiler's standard JSON input that gives this very contract, with its own sources alone.

    Raises
    ------
    DataError
        A source is not there any more.

    """
    optimizer = artifact.compiler["optimizer"]
    return {
        "language": "Solidity",
        "sources": {path: {"content": _source(path)} for path in sorted(artifact.source_paths)},
        "settings": {
            "evmVersion": artifact.compiler["evm_version"],
            "optimizer": {"enabled": optimizer["enabled"], "runs": optimizer["runs"]},
            "remappings": list(REMAPPINGS),
            "outputSelection": {"*": {"*": ["abi", "evm.bytecode", "evm.deployedBytecode", "metadata"]}},
        },
    }


def write_explorer_files(blueprint: Blueprint) -> Path:
    """Write for each contract what Etherscan and Sourcify take, and return the directory."""
    chain = blueprint.network.chain
    directory = chain.manifest_file.parent / str(chain.chain_id) / "verification"
    for key, creation in blueprint.creations.items():
        artifact = load_artifact(creation.contract)
        compiled, name = standard_input(artifact), key.replace(" ", "-")
        identifier = f"{artifact.source_path}:{artifact.name}"
        write_whole(directory / "standard-json" / f"{name}.json", compiled)
        write_whole(
            directory / "etherscan" / f"{name}.json",
            _etherscan(chain.chain_id, creation.address, identifier, artifact, compiled, encoded_arguments(creation)),
        )
        sourcify = {
            "stdJsonInput": compiled,
            "compilerVersion": compiler_version(artifact),
            "contractIdentifier": identifier,
        }
        write_whole(directory / "sourcify" / f"{creation.address}.json", sourcify)
    return directory


def compiler_version(artifact: Artifact) -> str:
    """Return the compiler's version with its commit, as explorers list it; `DataError` where it is not known."""
    release = str(artifact.compiler["version"]).partition("+")[0]
    if release not in COMPILER_BUILDS:
        raise DataError(f"the commit of solc {release} is not known; add it to COMPILER_BUILDS")
    return COMPILER_BUILDS[release]


def _etherscan(
    chain_id: int, address: str, identifier: str, artifact: Artifact, compiled: Mapping[str, Any], arguments: str
) -> dict[str, Any]:
    """Return the form of ``module=contract&action=verifysourcecode``; the key is not part of it."""
    return {
        "chainid": chain_id,
        "contractaddress": address,
        "contractname": identifier,
        "codeformat": "solidity-standard-json-input",
        "compilerversion": f"v{compiler_version(artifact)}",
        "constructorArguements": arguments,  # as Etherscan spells it
        "sourceCode": json.dumps(compiled),
    }


def _source(path: str) -> str:
    try:
        return (PROJECT_ROOT / path).read_text(encoding="utf-8")
    except OSError:
        raise DataError(f"{path} is missing: run `make setup`") from None
