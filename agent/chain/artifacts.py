"""What was compiled of a contract: from the wheel, which brings a bundle, or from the build of a checkout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.errors import DataError

_PACKAGE = Path(__file__).resolve().parents[1]
BUNDLE = _PACKAGE / "_artifacts"
"""In an installed wheel, by contract: ``abi``, and of what is deployed ``bytecode`` and ``runtime_code_hash``.

``bytecode`` is the creation code, ``runtime_code_hash`` the keccak-256 of the runtime code with its immutables at 0.
"""
BUILD = _PACKAGE.parent / "build" / "contracts"
"""In a checkout: Brownie's build, with ``abi`` and ``bytecode`` and much else."""


def artifact_directory() -> Path:
    """Return where the artifacts of this installation are; there may be none."""
    return BUNDLE if BUNDLE.is_dir() else BUILD


def load_artifact(name: str, directory: Path | None = None) -> Mapping[str, Any]:
    """Return the artifact of a contract.

    Raises
    ------
    DataError
        Not compiled, or the artifact is damaged; one line says how to mend it.

    """
    return _read((directory or artifact_directory()) / f"{name}.json")


def load_artifacts(directory: Path | None = None) -> list[Mapping[str, Any]]:
    """Return every artifact there is, by name; `DataError` as `load_artifact`, or when there is none."""
    chosen = directory or artifact_directory()
    paths = sorted(chosen.glob("*.json"))
    if not paths:
        raise DataError(f"{chosen} holds no compiled contract: {_mend(chosen)}")
    return [_read(path) for path in paths]


def creation_code(name: str, directory: Path | None = None) -> str:
    """Return the code that creates a contract, 0x-prefixed; raises as `load_artifact` does."""
    code = str(load_artifact(name, directory).get("bytecode", ""))
    if not code:
        raise DataError(
            f"{name} has no creation code: it is an interface or a base, name the contract that is deployed"
        )
    return code if code.startswith("0x") else "0x" + code


def _read(path: Path) -> Mapping[str, Any]:
    try:
        artifact = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path} is missing: {_mend(path.parent)}") from None
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}): {_mend(path.parent)}") from None
    if not isinstance(artifact, dict) or "abi" not in artifact:
        raise DataError(f"{path} is damaged (it has no 'abi'): {_mend(path.parent)}")
    return artifact


def _mend(directory: Path) -> str:
    if directory == BUNDLE:
        return "install the wheel anew"
    return "install a wheel (`make wheel` builds it), or run `make setup` in a checkout, which compiles the contracts"
