"""A compiled contract as Brownie leaves it: what creates it, and what then stands on the chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError

from agent.chain import artifacts
from agent.chain.abi import type_of
from agent.chain.artifacts import BUILD
from agent.errors import DataError


@dataclass(frozen=True, slots=True)
class Artifact:
    """``creation_code`` is without constructor arguments; immutables are zero in ``runtime_code``."""

    name: str
    abi: Sequence[Mapping[str, Any]]
    creation_code: bytes
    runtime_code: bytes
    source_paths: tuple[str, ...]
    source_path: str
    compiler: Mapping[str, Any]

    def init_code(self, arguments: Sequence[object]) -> bytes:
        """Return the creation code with its constructor arguments.

        Raises
        ------
        DataError
            The arguments do not fit the constructor: the build is of another version.

        """
        try:
            return self.creation_code + encode([type_of(one) for one in self.constructor()], list(arguments))
        except (EncodingError, ValueError) as error:
            raise DataError(
                f"{self.name}: its constructor does not take {arguments} ({error}); run `make setup`"
            ) from None

    def constructor(self) -> Sequence[Mapping[str, Any]]:
        """Return the parameters of the constructor."""
        return next((list(entry["inputs"]) for entry in self.abi if entry["type"] == "constructor"), [])


@lru_cache(maxsize=64)
def load_artifact(name: str, directory: Path = BUILD) -> Artifact:
    """Return a contract that the checkout compiled: a vault is deployed from its sources.

    Raises
    ------
    DataError
        Not compiled, or damaged.

    """
    content = artifacts.load_artifact(name, directory)
    try:
        return Artifact(
            name=name,
            abi=content["abi"],
            creation_code=bytes.fromhex(content["bytecode"].removeprefix("0x")),
            runtime_code=bytes.fromhex(content["deployedBytecode"].removeprefix("0x")),
            source_paths=tuple(content["allSourcePaths"].values()),
            source_path=content["sourcePath"],
            compiler=content["compiler"],
        )
    except (ValueError, KeyError) as error:
        path = directory / f"{name}.json"
        raise DataError(f"{path} is damaged ({error}): remove it and run `make setup`") from None
