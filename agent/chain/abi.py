"""Functions and events of the project's contracts, with their encoders made once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_abi.decoding import ContextFramesBytesIO, TupleDecoder
from eth_abi.exceptions import DecodingError
from eth_abi.registry import registry
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from agent.chain.artifacts import load_artifact, load_artifacts
from agent.errors import DataError
from agent.units import Address, BlockHash, Wei

_WORD_BYTES = 32
_ADDRESS_PADDING = bytes(12)
_INTEGER = re.compile(r"(u?)int(\d+)")
_COMPILED_EARLIER = "it was compiled before this agent was written; compile with `make setup`, or install one wheel"


def type_of(parameter: Mapping[str, Any]) -> str:
    """Return the canonical type of an ABI parameter, tuples written out: ``(uint256,int256)[]``."""
    if not parameter["type"].startswith("tuple"):
        return str(parameter["type"])
    inner = ",".join(type_of(component) for component in parameter["components"])
    return f"({inner}){parameter['type'].removeprefix('tuple')}"


def signature_of(entry: Mapping[str, Any]) -> str:
    """Return ``name(type,...)`` of a function, event or error."""
    return f"{entry['name']}({','.join(type_of(parameter) for parameter in entry['inputs'])})"


def decode(types: tuple[str, ...], data: bytes) -> tuple[Any, ...]:
    """Return the values of ABI types; raises `DecodingError` for bytes that they cannot have been made of."""
    readers = _word_readers(types)
    if readers is not None and len(data) >= _WORD_BYTES * len(readers):
        try:
            return tuple(
                read(data[_WORD_BYTES * index : _WORD_BYTES * (index + 1)]) for index, read in enumerate(readers)
            )
        except _NoValueError:
            pass  # what is wrong with it, the library says
    try:
        return tuple(_decoder(types)(ContextFramesBytesIO(data)))  # type: ignore[no-untyped-call]
    except (OverflowError, UnicodeDecodeError) as error:  # lengths beyond memory, text that is no UTF-8
        raise DecodingError(f"{len(data)} bytes for {types}: {error}") from None


# --- words: values that fill 32 bytes, at a tenth of what the library takes for each -------------------------------


class _NoValueError(Exception):
    """The 32 bytes are no value of their type."""


@lru_cache(maxsize=1_024)
def _word_readers(types: tuple[str, ...]) -> tuple[Callable[[bytes], Any], ...] | None:
    """Return what reads each of the types from its word; None where one does not fill a word."""
    readers = [_word_reader(kind) for kind in types]
    return None if None in readers else tuple(reader for reader in readers if reader is not None)


def _word_reader(kind: str) -> Callable[[bytes], Any] | None:
    integer = _INTEGER.fullmatch(kind)
    return _PLAIN.get(kind) if integer is None else _integer_reader(int(integer[2]), is_signed=not integer[1])


def _integer_reader(bits: int, *, is_signed: bool) -> Callable[[bytes], int]:
    least, end = (-(1 << bits - 1), 1 << bits - 1) if is_signed else (0, 1 << bits)

    def read(word: bytes) -> int:
        value = int.from_bytes(word, "big", signed=is_signed)
        if not least <= value < end:
            raise _NoValueError
        return value

    return read


def _address(word: bytes) -> str:
    if not word.startswith(_ADDRESS_PADDING):
        raise _NoValueError
    return f"0x{word[len(_ADDRESS_PADDING) :].hex()}"


def _bool(word: bytes) -> bool:
    value = int.from_bytes(word, "big")
    if value > 1:
        raise _NoValueError
    return value == 1


_PLAIN: dict[str, Callable[[bytes], Any]] = {"address": _address, "bool": _bool, "bytes32": bytes}


# --- everything else, by the library --------------------------------------------------------------------------------


@lru_cache(maxsize=1_024)
def _decoder(types: tuple[str, ...]) -> TupleDecoder:
    """Return what `eth_abi.decode` would make anew at each call."""
    return TupleDecoder(decoders=[registry.get_decoder(kind) for kind in types])  # type: ignore[no-untyped-call]


@lru_cache(maxsize=4_096)
def checksummed(address: str) -> Address:
    """Return an address with the case of its digits that EIP-55 wants."""
    return Address(to_checksum_address(address))


@dataclass(frozen=True, slots=True)
class Call:
    """One encoded call of one contract; ``value_wei`` goes with it."""

    to: Address
    data: str
    function: Function
    value_wei: Wei = Wei(0)  # noqa: RUF009 - a plain integer


@dataclass(frozen=True, slots=True)
class Function:
    """One function: selector and types."""

    name: str
    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @classmethod
    def from_abi(cls, entry: Mapping[str, Any]) -> Function:
        """Build it from its ABI entry."""
        return cls(
            name=entry["name"],
            selector=keccak(text=signature_of(entry))[:4],
            inputs=tuple(type_of(parameter) for parameter in entry["inputs"]),
            outputs=tuple(type_of(parameter) for parameter in entry["outputs"]),
        )

    def encode(self, *arguments: object) -> str:
        """Return the call data, 0x-prefixed."""
        return "0x" + (self.selector + encode(self.inputs, arguments)).hex()

    def at(self, contract: Address, *arguments: object) -> Call:
        """Return the call of this function on ``contract``."""
        return Call(contract, self.encode(*arguments), self)

    def decode(self, data: str) -> tuple[Any, ...]:
        """Return the outputs; addresses come lower-case, structs as tuples."""
        return decode(self.outputs, _bytes_of(data))


@dataclass(frozen=True, slots=True)
class Log:
    """One event as the node reports it."""

    emitter: Address
    topics: tuple[str, ...]
    data: str
    block_number: int
    block_hash: BlockHash
    transaction_hash: str
    log_index: int

    @classmethod
    def from_rpc(cls, entry: Mapping[str, Any]) -> Log:
        """Build it from an entry of ``eth_getLogs`` or of a receipt."""
        return cls(
            emitter=checksummed(entry["address"]),
            topics=tuple(topic.lower() for topic in entry["topics"]),
            data=entry["data"].lower(),
            block_number=int(entry["blockNumber"], 16),
            block_hash=BlockHash(entry["blockHash"].lower()),
            transaction_hash=entry["transactionHash"].lower(),
            log_index=int(entry["logIndex"], 16),
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One event: topic, and its parameters in order as (name, type, indexed)."""

    name: str
    topic: str
    parameters: tuple[tuple[str, str, bool], ...]

    @classmethod
    def from_abi(cls, entry: Mapping[str, Any]) -> Event:
        """Build it from its ABI entry."""
        return cls(
            name=entry["name"],
            topic="0x" + keccak(text=signature_of(entry)).hex(),
            parameters=tuple(
                (parameter["name"], type_of(parameter), bool(parameter["indexed"])) for parameter in entry["inputs"]
            ),
        )

    def decode(self, log: Log) -> dict[str, Any]:
        """Return the parameters by name; indexed ones must be value types, addresses come checksummed.

        Text may be a stranger's: bytes that are no UTF-8 come as lone surrogates (PEP 383), so that none is lost.

        Raises
        ------
        DataError
            The log is none of this event: a server cut it, or the contract is not the one that was compiled.

        """
        in_topics = tuple(kind for _, kind, indexed in self.parameters if indexed)
        plain = tuple("bytes" if kind == "string" else kind for _, kind, indexed in self.parameters if not indexed)
        try:
            topics = iter(decode(in_topics, _words_of(log.topics[1:], len(in_topics))))
            data = iter(decode(plain, _bytes_of(log.data)))
        except (DecodingError, ValueError):
            raise DataError(
                f"log {log.log_index} of {log.emitter} in block {log.block_number} is no {self.name}: a server cut it, "
                "or the contract is not the one that was compiled"
            ) from None
        return {name: _readable(kind, next(topics if indexed else data)) for name, kind, indexed in self.parameters}


def _words_of(topics: Sequence[str], count: int) -> bytes:
    words = [_bytes_of(topic) for topic in topics]
    if [len(word) for word in words] != [_WORD_BYTES] * count:
        raise ValueError(f"{len(words)} topics, not {count} of a word each")
    return b"".join(words)


def _bytes_of(written: str) -> bytes:
    return bytes.fromhex(written.removeprefix("0x"))


def _readable(kind: str, value: Any) -> Any:
    if kind == "address":
        return checksummed(value)
    return value.decode("utf-8", "surrogateescape") if kind == "string" else value


class Abi:
    """Functions and events of one contract by name."""

    def __init__(self, name: str, entries: Sequence[Mapping[str, Any]]) -> None:
        self.name = name
        self._functions = {entry["name"]: Function.from_abi(entry) for entry in entries if entry["type"] == "function"}
        self._events = {entry["name"]: Event.from_abi(entry) for entry in entries if entry["type"] == "event"}

    def function(self, name: str) -> Function:
        """Return a function.

        Raises
        ------
        DataError
            The contract has none of that name: the build is older than the agent.

        """
        if name not in self._functions:
            raise DataError(f"{self.name}, as compiled, has no function {name}: {_COMPILED_EARLIER}")
        return self._functions[name]

    def event(self, name: str) -> Event:
        """Return an event; raises as `function` does."""
        if name not in self._events:
            raise DataError(f"{self.name}, as compiled, has no event {name}: {_COMPILED_EARLIER}")
        return self._events[name]


@lru_cache(maxsize=64)
def load_abi(name: str, directory: Path | None = None) -> Abi:
    """Return the ABI of a compiled contract; raises as `load_artifact` does."""
    return Abi(name, load_artifact(name, directory)["abi"])


@lru_cache(maxsize=64)
def functions_of(name: str, directory: Path | None = None) -> dict[bytes, Mapping[str, Any]]:
    """Return the ABI entries of a compiled contract's functions by selector; raises as `load_artifact` does."""
    entries = load_artifact(name, directory)["abi"]
    return {keccak(text=signature_of(entry))[:4]: entry for entry in entries if entry["type"] == "function"}


def all_errors(directory: Path | None = None) -> list[Mapping[str, Any]]:
    """Return the ABI entries of every custom error of every compiled contract; raises as `load_artifacts` does."""
    artifacts = load_artifacts(directory)
    return [entry for artifact in artifacts for entry in artifact["abi"] if entry["type"] == "error"]
