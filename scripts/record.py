"""What has been deployed on one chain, so that a run that stopped half-way can be run again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import brownie
from eth_utils import keccak


class DeploymentRecord:
    """Deploy each contract once: a second run finds it again by its creation code and constructor arguments.

    Progress is kept in ``<chain_id>.partial.json``; the agent reads ``<chain_id>.json`` alone, which appears whole or
    not at all.
    """

    def __init__(self, project: Any, deployer: Any, manifest_path: Path) -> None:
        self._project = project
        self._deployer = deployer
        self._manifest_path = manifest_path
        self._partial_path = manifest_path.with_suffix(".partial.json")
        self._known: dict[str, dict[str, str]] = {}
        self.deployed: list[str] = []
        """Names deployed by this run, in order; the others were found on the chain."""
        for path in (manifest_path, self._partial_path):
            if path.exists():
                self._known |= json.loads(path.read_text(encoding="utf-8")).get("creations", {})

    def ensure(self, name: str, *arguments: object, key: str | None = None) -> Any:
        """Return the contract, deploying it unless this very code with these arguments is there already.

        ``key`` tells several contracts of one name apart; by default it is the name.
        """
        key = key or name
        container = self._project[name]
        digest = "0x" + keccak(hexstr=container.deploy.encode_input(*arguments)).hex()
        known = self._known.get(key)
        if known is not None and known["creation_hash"] == digest and brownie.web3.eth.get_code(known["address"]):
            return container.at(known["address"])
        instance = container.deploy(*arguments, {"from": self._deployer}, silent=True)
        self._known[key] = {"address": instance.address, "creation_hash": digest}
        self.deployed.append(key)
        _write_whole(self._partial_path, {"creations": self._known})
        return instance

    def finish(self, manifest: dict[str, Any]) -> None:
        """Write the manifest in one step and drop the record of progress."""
        _write_whole(self._manifest_path, manifest | {"creations": self._known})
        self._partial_path.unlink(missing_ok=True)


def _write_whole(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
