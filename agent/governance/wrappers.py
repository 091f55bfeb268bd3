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
    doubts: Callable[[Sequence[Any]], list[str]] = lambda _: []
    """What its arguments hold that its calls do not show."""

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


def _unlike_lists(arguments: Sequence[Any]) -> list[str]:
    lengths = [len(own) for own in arguments[:3]]
    if len(set(lengths)) == 1:
        return []
    shown = ", ".join(map(str, lengths))
    return [f"its targets, values and call data are {shown}: it reverts, and those without a match are not shown"]


def _on_itself(target: Address, arguments: Sequence[Any]) -> list[GovernedCall]:
    return [GovernedCall(target, data) for data in arguments[0]]


def _packed(_: Address, arguments: Sequence[Any]) -> list[GovernedCall]:
    packed, found = arguments[0], []
    while len(packed) >= _MULTI_SEND_HEAD:
        length = int.from_bytes(packed[53:85], "big")
        if len(packed) < _MULTI_SEND_HEAD + length:
            break
        data = packed[_MULTI_SEND_HEAD : _MULTI_SEND_HEAD + length]
        found.append(GovernedCall(_address("0x" + packed[1:21].hex()), data, int.from_bytes(packed[21:53], "big")))
        packed = packed[_MULTI_SEND_HEAD + length :]
    return found


def _packed_doubts(arguments: Sequence[Any]) -> list[str]:
    packed, found = arguments[0], list[str]()
    while packed:
        length = int.from_bytes(packed[53:85], "big")
        if len(packed) < _MULTI_SEND_HEAD + length:
            return [*found, f"its last {len(packed)} bytes are no whole call and are not shown"]
        found += _operation_doubts(packed[0])
        packed = packed[_MULTI_SEND_HEAD + length :]
    return list(dict.fromkeys(found))


def _transaction_doubts(arguments: Sequence[Any]) -> list[str]:
    return _operation_doubts(arguments[3])


def _operation_doubts(operation: int) -> list[str]:
    """Name what Safe's operation does besides a call."""
    if operation == 0:
        return []
    if operation == 1:
        return ["it holds a delegatecall: the code called acts as the Safe itself, with all that the Safe may do"]
    return [f"operation {operation} is none of Safe's: it reverts"]


def _address(written: str) -> Address:
    return Address(to_checksum_address(written))


_ALL = (
    Wrapper("schedule(address,bytes,uint48)", _one(0, 1)),
    Wrapper("execute(address,bytes)", _one(0, 1)),
    Wrapper("cancel(address,address,bytes)", _one(1, 2), runs=False),
    Wrapper("multicall(bytes[])", _on_itself),
    Wrapper("propose(address[],uint256[],bytes[],string)", _lists, doubts=_unlike_lists),
    Wrapper("queue(address[],uint256[],bytes[],bytes32)", _lists, doubts=_unlike_lists),
    Wrapper("execute(address[],uint256[],bytes[],bytes32)", _lists, doubts=_unlike_lists),
    Wrapper("cancel(address[],uint256[],bytes[],bytes32)", _lists, runs=False, doubts=_unlike_lists),
    Wrapper("relay(address,uint256,bytes)", _one(0, 2, 1)),
    Wrapper("schedule(address,uint256,bytes,bytes32,bytes32,uint256)", _one(0, 2, 1)),
    Wrapper("scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)", _lists, doubts=_unlike_lists),
    Wrapper("execute(address,uint256,bytes,bytes32,bytes32)", _one(0, 2, 1)),
    Wrapper("executeBatch(address[],uint256[],bytes[],bytes32,bytes32)", _lists, doubts=_unlike_lists),
    Wrapper(
        "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
        _one(0, 2, 1),
        doubts=_transaction_doubts,
    ),
    Wrapper("multiSend(bytes)", _packed, doubts=_packed_doubts),
)
"""`AccessManager`, OpenZeppelin's `Governor` and `TimelockController`, and Safe."""

WRAPPERS: dict[bytes, Wrapper] = {keccak(text=wrapper.signature)[:4]: wrapper for wrapper in _ALL}
