"""What a revert means: the custom error's name and its arguments by parameter name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from agent.chain.abi import all_errors, decode, signature_of, type_of
from agent.errors import RejectedError
from agent.plain_text import plain

UNKNOWN_REVERT = "UnknownRevert"
"""Name given to revert data of no error we know; its argument ``data`` is the raw hex."""
_BUILT_IN: tuple[Mapping[str, Any], ...] = (
    {"name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


@lru_cache(maxsize=1)
def _errors_by_selector() -> dict[bytes, Mapping[str, Any]]:
    return {keccak(text=signature_of(entry))[:4]: entry for entry in (*_BUILT_IN, *all_errors())}


_REASON = re.compile(
    r"(?:execution reverted|revert(?:ed)?)(?: with reason string)?:? *[\"']?(.*?)[\"']?$", re.IGNORECASE
)
"""A reason that a node has decoded itself, behind its own words."""


def decode_revert(data: str | None, message: str = "") -> RejectedError:
    """Return the rejection a revert's data stands for.

    Without data, the reason in the node's ``message`` counts, as ``Error`` with that message. ``Error(string)`` is
    named ``Error`` with argument ``message``, ``Panic(uint256)`` is ``Panic`` with ``code``. Bytes come as 0x-prefixed
    hex, addresses checksummed, ``bytes32`` names of bounds as text; what cannot be seen in a text is escaped.
    """
    text = data or "0x"
    if text == "0x" and (reason := _reason_in(message)):
        return RejectedError("Error", {"message": reason})
    raw = _bytes_of(text)
    entry = _errors_by_selector().get(raw[:4])
    if entry is None:
        return RejectedError(UNKNOWN_REVERT, {"data": text})
    types = tuple(type_of(parameter) for parameter in entry["inputs"])
    try:
        values = decode(types, raw[4:])
    except DecodingError:
        return RejectedError(UNKNOWN_REVERT, {"data": text})
    arguments = {
        parameter["name"]: _readable(parameter["name"], kind, value)
        for parameter, kind, value in zip(entry["inputs"], types, values, strict=True)
    }
    return RejectedError(str(entry["name"]), arguments)


def _reason_in(message: str) -> str:
    found = _REASON.search(message.strip())
    reason = "" if found is None else found.group(1).strip()
    return "" if reason.startswith("0x") else reason


def _bytes_of(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        return b""


def _readable(name: str, kind: str, value: Any) -> object:
    if kind == "address":
        return to_checksum_address(value)
    if kind == "bytes32" and name == "boundName":
        return plain(value.rstrip(b"\0").decode("ascii", errors="replace"))
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return plain(value) if isinstance(value, str) else value
