"""Creation code of the real protocols, from the npm packages that publish them, and of our own contracts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent.chain.artifacts import creation_code
from agent.errors import DataError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = PROJECT_ROOT / "node_modules"

_WETH = NODE_MODULES / "canonical-weth" / "build" / "contracts"


def hardhat(name: str, folder: tuple[str, ...]) -> str:
    """Creation code of a contract that a package publishes as Hardhat left it; ``folder`` within ``node_modules``."""
    return _hex(hardhat_artifact(name, folder)["bytecode"])


def hardhat_artifact(name: str, folder: tuple[str, ...]) -> Any:
    """All that Hardhat wrote of a contract: ABI, creation code, and the libraries to link into it."""
    return _read(NODE_MODULES.joinpath(*folder, f"{name}.sol", f"{name}.json"))


def canonical_weth() -> str:
    """Creation code of WETH9, the wrapped ether every venue uses."""
    return _hex(_read(_WETH / "WETH9.json")["bytecode"])


def project(name: str) -> str:
    """Creation code of one of this project's contracts."""
    return creation_code(name)


def _hex(code: str) -> str:
    return code if code.startswith("0x") else "0x" + code


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"{path} is missing: run `make setup`, which installs packages and compiles contracts"
        ) from None
    except ValueError as error:
        raise DataError(f"{path} is not JSON ({error}): remove it and run `make setup`") from None
