"""``deployments/<chain_id>.json``: what stands where, made how, written in one step when all stands."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.abi import Event, load_abi, type_of
from agent.chain.endpoint import FIRST_LOG_RANGE_BLOCKS
from agent.deploy.artifact import load_artifact
from agent.deploy.blueprint import Blueprint
from agent.deploy.state import ChainState
from agent.deploy.steps import Creation
from agent.deploy.views import DECIMALS, SYMBOL
from agent.errors import DataError
from agent.localnet.artifacts import PROJECT_ROOT
from agent.units import Address

UNKNOWN_COMMIT = "unknown"


def write_manifest(blueprint: Blueprint, state: ChainState, digest: str) -> dict[str, Any]:
    """Write and return the manifest of a deployment that is whole; one of the very same contracts is left as it is."""
    path = blueprint.network.chain.manifest_file
    creations = {key: _creation(one, state) for key, one in blueprint.creations.items()}
    known = _known(path)
    if known.get("creations") == creations and known.get("plan") == digest:
        return known
    asset, chain = Address(blueprint.inputs.asset), blueprint.network.chain
    adapters = set(blueprint.venues.values())
    manifest = {
        "chain_id": chain.chain_id,
        "network": blueprint.network.network,
        "block": _first_block(blueprint, state),
        "commit": _commit(),
        "plan": digest,
        "salt": blueprint.network.deploy.salt,
        "asset": {
            "address": asset,
            "decimals": state.ask(DECIMALS, asset),
            "symbol": state.ask(SYMBOL, asset),
        },
        "contracts": {key: one.address for key, one in blueprint.creations.items() if key not in adapters},
        "venues": [
            {"name": venue.name, "kind": venue.kind, "address": blueprint.address(blueprint.venues[venue.name])}
            for venue in blueprint.inputs.venues
        ],
        "governor_delay_seconds": state.read(
            "VaultAccess", blueprint.address("VaultAccess"), "delayOf", blueprint.inputs.governor
        ),
        "roles": {name: getattr(blueprint.inputs, name) for name in ("governor", "guardian", "keeper")},
        "creations": creations,
    }
    write_whole(path, manifest)
    return manifest


def encoded_arguments(creation: Creation) -> str:
    """Return the constructor's arguments as an explorer asks for them, without 0x."""
    types = [type_of(one) for one in load_artifact(creation.contract).constructor()]
    return encode(types, list(creation.arguments)).hex()


def write_whole(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON in one step: readers see the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def _creation(creation: Creation, state: ChainState) -> dict[str, Any]:
    return {
        "contract": creation.contract,
        "address": creation.address,
        "constructor_arguments": encoded_arguments(creation),
        "salt": "0x" + creation.salt.hex(),
        "creation_hash": "0x" + keccak(creation.init_code).hex(),
        "code_hash": "0x" + keccak(state.code(creation.address)).hex(),
    }


def _known(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _first_block(blueprint: Blueprint, state: ChainState) -> int:
    """Return the block of the first contract, by the event of its constructor, looked for from the head backwards."""
    event: Event = load_abi("VaultAccess").event("RoleGranted")
    last = state.head().number
    while last >= 0:
        first = max(last - FIRST_LOG_RANGE_BLOCKS + 1, 0)
        logs = state.logs(blueprint.address("VaultAccess"), event.topic, first, last)
        created = [log for log in logs if event.decode(log)["account"] == blueprint.inputs.deployer]
        if created:
            return min(log.block_number for log in created)
        last = first - 1
    raise DataError(f"the node has no logs of VaultAccess {blueprint.address('VaultAccess')}; ask one that keeps them")


def _commit() -> str:
    """Return the commit of the checkout, with a plus sign where files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(  # noqa: S603  (a fixed command in our own directory)
            ["git", *arguments],  # noqa: S607  (wherever git is)
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN_COMMIT
