"""Calls that carry calls: what is scheduled, proposed, batched or relayed is taken out, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from agent.governance.calls import GovernedCall
from agent.units import Address

_MULTI_SEND_HEAD = 1 + 20 + 32 + 32
"""Operation, address, ether and length before each call of Safe's ``multiSend``, bytes."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A function whose arguments hold calls. ``runs`` is false where it takes them back instead."""

    signature: str
    calls: Callable[[Address, Sequence[Any]], list[GovernedCall]]
    runs: bool = True

    @property
    def types(self) -> str:
        """Types of the arguments, ``(type,...)``."""
        return self.signature[self.signature.index("(") :]

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.signature.partition("(")[0]


def _one(target: int, data: int, wei: int | None = None) -> Callable[[Address, Sequence[Any]], list[GovernedCall]]:
    def calls(_: Address, arguments: Sequence[Any]) -> list[GovernedCall]:
        sent = 0 if wei is None else arguments[wei]
        return [GovernedCall(_address(arguments[target]), arguments[data], sent)]

    return calls


def _lists(_: Address, arguments: Sequence[Any]) -> list[GovernedCall]:
    """Targets, values and call data as three lists, which a hostile proposal may have of different lengths."""
    targets, values, datas = arguments[:3]
    return [
        GovernedCall(_address(target), data, wei) for target, wei, data in zip(targets, values, datas, strict=False)
    ]


def _on_itself(target: Address, arguments: Sequence[Any]) -> list[GovernedCall]:
    return [GovernedCall(target, data) for data in arguments[0]]


def _packed(_: Address, arguments: Sequence[Any]) -> list[GovernedCall]:
    packed, found = arguments[0], []
    while len(packed) >= _MULTI_SEND_HEAD:
        length = int.from_bytes(packed[53:85], "big")
        data = packed[_MULTI_SEND_HEAD : _MULTI_SEND_HEAD + length]
        found.append(GovernedCall(_address("0x" + packed[1:21].hex()), data, int.from_bytes(packed[21:53], "big")))
        packed = packed[_MULTI_SEND_HEAD + length :]
    return found


def _address(written: str) -> Address:
    return Address(to_checksum_address(written))


_ALL = (
    Wrapper("schedule(address,bytes,uint48)", _one(0, 1)),
    Wrapper("execute(address,bytes)", _one(0, 1)),
    Wrapper("cancel(address,address,bytes)", _one(1, 2), runs=False),
    Wrapper("multicall(bytes[])", _on_itself),
    Wrapper("propose(address[],uint256[],bytes[],string)", _lists),
    Wrapper("queue(address[],uint256[],bytes[],bytes32)", _lists),
    Wrapper("execute(address[],uint256[],bytes[],bytes32)", _lists),
    Wrapper("cancel(address[],uint256[],bytes[],bytes32)", _lists, runs=False),
    Wrapper("relay(address,uint256,bytes)", _one(0, 2, 1)),
    Wrapper("schedule(address,uint256,bytes,bytes32,bytes32,uint256)", _one(0, 2, 1)),
    Wrapper("scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)", _lists),
    Wrapper("execute(address,uint256,bytes,bytes32,bytes32)", _one(0, 2, 1)),
    Wrapper("executeBatch(address[],uint256[],bytes[],bytes32,bytes32)", _lists),
    Wrapper(
        "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)", _one(0, 2, 1)
    ),
    Wrapper("multiSend(bytes)", _packed),
)
"""`AccessManager`, OpenZeppelin's `Governor` and `TimelockController`, and Safe."""

WRAPPERS: dict[bytes, Wrapper] = {keccak(text=wrapper.signature)[:4]: wrapper for wrapper in _ALL}
