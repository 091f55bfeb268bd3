"""Batches for Safe's Transaction Builder, with the checksum that it works out itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from agent.errors import DataError
from agent.governance.calls import GovernedCall, parse_address, parse_hex, parse_uint
from agent.governance.governors import Step
from agent.input_file import read_input

_FORMAT_VERSION = "1.0"
_BUILDER_VERSION = "1.18.0"
"""Version of the Transaction Builder whose format this is."""


def safe_batch(
    steps: Sequence[Step], chain_id: int, safe: str, name: str, description: str, created_at_unix: int
) -> dict[str, Any]:
    """Return the file's content. ``safe`` is the account that will send, or empty."""
    batch = {
        "version": _FORMAT_VERSION,
        "chainId": str(chain_id),
        "createdAt": created_at_unix * 1_000,
        "meta": {
            "name": name,
            "description": description,
            "txBuilderVersion": _BUILDER_VERSION,
            "createdFromSafeAddress": safe,
            "createdFromOwnerAddress": "",
        },
        "transactions": [
            {
                "to": step.call.target,
                "value": str(step.call.wei),
                "data": step.call.data_hex,
                "contractMethod": None,
                "contractInputsValues": None,
            }
            for step in steps
        ],
    }
    return {**batch, "meta": {**batch["meta"], "checksum": batch_checksum(batch)}}  # type: ignore[dict-item]


def batch_checksum(batch: Mapping[str, Any]) -> str:
    """Return the checksum of a batch: keccak256 of its keys and values in order, its name and old checksum left out.

    Source: ``calculateChecksum`` and ``validateChecksum`` of Safe's Transaction Builder (``src/lib/checksum.ts``).
    """
    meta = {key: value for key, value in batch["meta"].items() if key != "checksum"}
    return "0x" + keccak(text=_serialised({**batch, "meta": {**meta, "name": None}})).hex()


def read_batch(document: Mapping[str, Any], path: Path) -> tuple[GovernedCall, ...]:
    """Return the calls of a batch; `DataError` where it is damaged or its checksum does not fit."""
    try:
        written = document["meta"].get("checksum")
        rows = [(str(one["to"]), str(one["value"]), one["data"]) for one in document["transactions"]]
        if written and written != batch_checksum(document):
            raise DataError(f"{path}: its checksum is {written}, its content has {batch_checksum(document)}")
    except (KeyError, TypeError, AttributeError, RecursionError, UnicodeEncodeError):
        raise DataError(f"{path}: is no batch of Safe's Transaction Builder; export it anew") from None
    where = f"{path}: transaction"
    return tuple(
        GovernedCall(parse_address(to, where), parse_hex(str(data), where), parse_uint(wei, f"{where}'s value"))
        for to, wei, data in rows
    )


def read_document(path: Path) -> dict[str, Any]:
    """Return a JSON object from a file; `DataError` where it is none."""
    try:
        document = json.loads(read_input(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is not JSON ({type(error).__name__}); export it anew") from None
    if not isinstance(document, dict):
        raise DataError(f"{path}: is no JSON object; export it anew")
    return document


def _serialised(value: Any) -> str:
    """Serialise as Safe does: sorted keys first, then the values without them."""
    if isinstance(value, list):
        return "[" + ",".join(_serialised(one) for one in value) + "]"
    if isinstance(value, dict):
        keys = sorted(value)
        return "{" + _json(keys) + "".join(_serialised(value[key]) + "," for key in keys) + "}"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
