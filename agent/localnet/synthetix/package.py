"""What the npm package `synthetix` publishes of a deployment: code to link, ABIs, and the parameters of its markets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from agent.errors import DataError
from agent.localnet.artifacts import NODE_MODULES
from agent.units import Address

LIBRARIES = ("SafeDecimalMath", "SignedSafeDecimalMath", "SystemSettingsLib", "ExchangeSettlementLib", "Math")
"""Linked into the contracts; each is created after those that it needs itself."""

_DEPLOYED = NODE_MODULES / "synthetix" / "publish" / "deployed"
_CODE = _DEPLOYED / "sepolia-ovm" / "deployment.json"
"""The newest code that the package has of every contract."""
_LIVE_MARKETS = _DEPLOYED / "mainnet-ovm" / "perpsv2-markets.json"
_PLACEHOLDER_LENGTH = 34
_RUNTIME_CODE = "73" + "00" * 20
"""A library's code at rest begins with its own address, still to be filled in."""
_RETURN_THE_REST = "61{:04x}80600c6000396000f3"
"""Creation code that returns what follows it."""

Abi = list[dict[str, Any]]


@cache
def sources() -> dict[str, Any]:
    """Return code and ABI of every contract, by name."""
    found: dict[str, Any] = _read(_CODE)["sources"]
    return found


@cache
def live_market(key: str) -> dict[str, Any]:
    """Return the parameters that a market had on Optimism."""
    markets: list[dict[str, Any]] = _read(_LIVE_MARKETS)
    return next(market for market in markets if market["marketKey"] == key)


def abi(name: str) -> Abi:
    """Return the ABI of a contract."""
    found: Abi = sources()[name]["abi"]
    return found


def creation_code(name: str, libraries: Mapping[str, Address]) -> str:
    """Return the creation code of a contract with its libraries linked.

    Raises: `DataError` when it needs another library.
    """
    code = str(sources()[name]["bytecode"]).removeprefix("0x")
    for library, address in libraries.items():
        tag = keccak(text=f"{name}.sol:{library}").hex()[:_PLACEHOLDER_LENGTH]
        code = code.replace(f"__${tag}$__", address[2:].lower())
    if "__$" in code:
        raise DataError(f"{name} needs a library that is none of {', '.join(libraries)}")
    prefix = _RETURN_THE_REST.format(len(code) // 2) if code.startswith(_RUNTIME_CODE) else ""
    return "0x" + prefix + code


def constructor_types(name: str) -> str:
    """Return the types that a contract's constructor takes, such as ``(address,uint256)``."""
    inputs: list[Abi] = [entry["inputs"] for entry in abi(name) if entry["type"] == "constructor"]
    return types(inputs[0] if inputs else [])


def signature(name: str, function: str) -> str:
    """Return ``function(type,...)`` of a contract's function."""
    entry = next(entry for entry in abi(name) if entry.get("name") == function and entry["type"] == "function")
    return function + types(entry["inputs"])


def types(parameters: Abi) -> str:
    """Return ``(type,...)`` of parameters as an ABI lists them."""
    return "(" + ",".join(_type(parameter) for parameter in parameters) + ")"


def is_view(entry: Mapping[str, Any]) -> bool:
    """Tell whether an ABI's function changes nothing."""
    return entry["stateMutability"] in {"view", "pure"}


def _type(parameter: Mapping[str, Any]) -> str:
    kind: str = parameter["type"]
    return types(parameter["components"]) + kind.removeprefix("tuple") if kind.startswith("tuple") else kind


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path} is missing: run `make setup`, which installs packages") from None
