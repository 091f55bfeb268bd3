"""What has been deployed on one chain, so that a run that stopped half-way can be run again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import brownie
from eth_utils import keccak

from agent.errors import DataError

_NO_CODE_HASH = "0x" + keccak(b"").hex()


class DeploymentRecord:
    """Deploy each contract once: a second run finds it again by its creation code and constructor arguments.

    It must be that contract still: on a new chain another one may stand at an address of an old record.
    Progress is kept in ``<chain_id>.partial.json``; the agent reads ``<chain_id>.json`` alone, which appears whole or
    not at all.
    """

    def __init__(self, project: Any, deployer: Any, manifest_path: Path) -> None:
        self._project = project
        self._deployer = deployer
        self._manifest_path = manifest_path
        self.partial_path = manifest_path.with_suffix(".partial.json")
        self._known: dict[str, dict[str, Any]] = {}
        self.deployed: list[str] = []
        """Names deployed by this run, in order; the others were found on the chain."""
        self._blocks: list[int] = []
        self.is_sealed = False
        """Nothing but an addition is deployed any more: the vault is handed over, and what it stands on is fixed."""
        for path in (manifest_path, self.partial_path):
            if path.exists():
                self._known |= json.loads(path.read_text(encoding="utf-8")).get("creations", {})

    def ensure(self, name: str, *arguments: object, key: str | None = None, is_addition: bool = False) -> Any:
        """Return the contract, deploying it unless this very code with these arguments is there already.

        ``key`` tells several contracts of one name apart; by default it is the name.

        Raises
        ------
        DataError
            It would have to be deployed, is no addition, and the record is sealed.

        """
        key = key or name
        container = self._project[name]
        digest = "0x" + keccak(hexstr=container.deploy.encode_input(*arguments)).hex()
        known = self._known.get(key)
        if known is not None and known["creation_hash"] == digest and _stands(known):
            self._blocks.append(known.get("block", 0))
            return container.at(known["address"])
        if self.is_sealed and not is_addition:
            raise DataError(
                f"the vault is handed over, and it has no {key} as configuration, inputs and contracts make it now; "
                "put back what it was deployed with: what may change, the governor changes on the chain"
            )
        instance = container.deploy(*arguments, {"from": self._deployer}, silent=True)
        self._blocks.append(instance.tx.block_number)
        self._known[key] = {
            "address": instance.address,
            "creation_hash": digest,
            "code_hash": _code_hash(instance.address),
            "block": instance.tx.block_number,
        }
        self.deployed.append(key)
        _write_whole(self.partial_path, {"creations": self._known})
        return instance

    @property
    def first_block(self) -> int:
        """Block of the first contract, whichever run deployed it."""
        return min(self._blocks)

    def finish(self, manifest: dict[str, Any]) -> None:
        """Write the manifest in one step and drop the record of progress."""
        _write_whole(self._manifest_path, manifest | {"creations": self._known})
        self.partial_path.unlink(missing_ok=True)


def _stands(known: dict[str, Any]) -> bool:
    code_hash = _code_hash(known["address"])
    return code_hash != _NO_CODE_HASH and known.get("code_hash", code_hash) == code_hash


def _code_hash(address: str) -> str:
    return "0x" + keccak(bytes(brownie.web3.eth.get_code(address))).hex()


def _write_whole(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
