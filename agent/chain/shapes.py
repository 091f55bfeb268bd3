"""Checks the shape of what servers answer: what does not fit is that server's fault, never a crash or a zero."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from eth_utils.address import is_address

from agent.chain.abi import Log
from agent.chain.failures import ServerError, StateMissingError
from agent.domain import BlockRef
from agent.plain_text import plain
from agent.units import BlockHash, Seconds, Wei

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
TRANSFER_GAS = 21_000
"""Go-ethereum's ``params.TxGas``; rollups take as much or more."""
_COUNTED = 2**63
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")


def quantity(written: Any, what: str) -> int:
    """Return a 0x-prefixed whole number."""
    if not isinstance(written, str) or not _QUANTITY.fullmatch(written):
        raise _misshapen(what, written)
    return int(written, 16)


def count(written: Any, what: str) -> int:
    """Return a nonce, or a number of blocks, seconds, gas or logs: fewer than 2^63, as they are kept.

    Source: EIP-2681 for nonces; EIP-4803 for gas.
    """
    number = quantity(written, what)
    if number >= _COUNTED:
        raise _misshapen(what, written)
    return number


def gas(written: Any) -> int:
    """Return an estimate of gas: no transaction takes less than a plain transfer."""
    units = count(written, "eth_estimateGas")
    if units < TRANSFER_GAS:
        raise _misshapen("eth_estimateGas", written)
    return units


def data(written: Any, what: str) -> str:
    """Return 0x-prefixed bytes."""
    if not isinstance(written, str) or not _DATA.fullmatch(written):
        raise _misshapen(what, written)
    return written


def code(written: Any) -> bytes:
    """Return the code of an account; empty where there is no contract."""
    return bytes.fromhex(data(written, "eth_getCode")[2:])


def hash_of(written: Any, what: str) -> BlockHash:
    """Return a 0x-prefixed hash of 32 bytes."""
    if not isinstance(written, str) or not _HASH.fullmatch(written):
        raise _misshapen(what, written)
    return BlockHash(written.lower())


def block(entry: Any) -> BlockRef:
    """Return a block; raises `StateMissingError` for null, which says that the server does not have it yet."""
    if entry is None:
        raise StateMissingError("the server does not have the block yet")
    fields = _object(entry, "a block")
    return BlockRef(
        number=count(fields.get("number"), "number of a block"),
        hash=hash_of(fields.get("hash"), "hash of a block"),
        timestamp=Seconds(count(fields.get("timestamp"), "timestamp of a block")),
        base_fee_wei=Wei(quantity(fields.get("baseFeePerGas"), "baseFeePerGas")),
        parent_hash=hash_of(fields.get("parentHash"), "parentHash"),
    )


def block_or_none(entry: Any) -> BlockRef | None:
    """Return a block, None beyond the server's head."""
    return None if entry is None else block(entry)


def log(entry: Any) -> Log:
    """Return a log of a mined block."""
    fields = _object(entry, "a log")
    topics = fields.get("topics")
    if not isinstance(topics, list) or not is_address(str(fields.get("address"))):
        raise _misshapen("a log", entry)
    for topic in topics:
        hash_of(topic, "topic of a log")
    data(fields.get("data"), "data of a log")
    hash_of(fields.get("blockHash"), "blockHash of a log")
    hash_of(fields.get("transactionHash"), "transactionHash of a log")
    count(fields.get("blockNumber"), "blockNumber of a log")
    count(fields.get("logIndex"), "logIndex of a log")
    if fields.get("removed"):
        raise ServerError(f"a server answers with a log of a block that it has replaced: {entry!s:.200}")
    return Log.from_rpc(fields)


def logs(entries: Any) -> list[Log]:
    """Return the logs of one answer."""
    if not isinstance(entries, list):
        raise _misshapen("eth_getLogs", entries)
    return [log(entry) for entry in entries]


def receipt(entry: Any) -> dict[str, Any] | None:
    """Return a receipt whose fields are there, None where the transaction is not mined."""
    if entry is None:
        return None
    fields = _object(entry, "a receipt")
    hash_of(fields.get("transactionHash"), "transactionHash of a receipt")
    hash_of(fields.get("blockHash"), "blockHash of a receipt")
    for name in ("blockNumber", "status"):
        count(fields.get(name), f"{name} of a receipt")
    quantity(fields.get("effectiveGasPrice"), "effectiveGasPrice of a receipt")
    if count(fields.get("gasUsed"), "gasUsed of a receipt") == 0:
        raise _misshapen("gasUsed of a receipt", fields["gasUsed"])
    logs(fields.get("logs"))
    return dict(fields)


def median_reward(history: Any) -> Wei | None:
    """Return the median of the first reward of each block of an ``eth_feeHistory``, None where no block has one."""
    rows = _object(history, "eth_feeHistory").get("reward") or []
    if not isinstance(rows, list) or not all(isinstance(row, list) and row for row in rows):
        raise _misshapen("eth_feeHistory", rows)
    tips = sorted(quantity(row[0], "a reward") for row in rows)
    return Wei(tips[len(tips) // 2]) if tips else None


def _object(entry: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping):
        raise _misshapen(what, entry)
    return entry


def _misshapen(what: str, written: Any) -> ServerError:
    return ServerError(f"a server answers {what} with {plain(f'{written!s:.80}')}, which is none")
