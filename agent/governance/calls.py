"""Calls that governance makes, and the words by which two people compare them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from agent.chain.abi import functions_of, type_of
from agent.chain.deployment import Deployment
from agent.chain.operations import Operation
from agent.errors import DataError
from agent.governance.words import WORDS
from agent.units import Address

CHECKSUM_WORDS = 8
"""Eight words of 8 bits: 64 bits."""
_MOST_DIGITS = 78
"""Of a number of 256 bits."""
_HEX = re.compile(r"0x([0-9a-fA-F]{2})*")
_DOMAIN = b"evenkeel governance 1"
_SCRYPT = {"n": 2**15, "r": 8, "p": 1, "maxmem": 2**26}
"""32 MiB and about 0.1 s for each try (RFC 7914): who wants two proposals with the same words needs 2^32 of them."""


@dataclass(frozen=True, slots=True)
class GovernedCall:
    """One call that the governor makes once its delay has passed. ``wei`` is ether sent along, nearly always 0."""

    target: Address
    data: bytes
    wei: int = 0

    @classmethod
    def of(cls, operation: Operation) -> GovernedCall:
        """Return the call of a scheduled operation."""
        return cls(operation.target, operation.data)

    @property
    def data_hex(self) -> str:
        """Call data, 0x-prefixed."""
        return "0x" + self.data.hex()


def checksum(deployment: Deployment, calls: Sequence[GovernedCall]) -> str:
    """Return the words that name these calls, in this order, on this chain and this vault.

    Formula: the first 8 bytes of scrypt(keccak256(abi.encode(chain id, vault, (target, wei, data)[])), domain), a word
    a byte. They stand for what is executed: a proposal, a Safe's file and a scheduled operation of the same calls have
    the same words. A second set of calls with given words costs 2^64 tries; a pair with the same words 2^32 tries of
    0.1 s each, about ten years of one processor.
    """
    rows = [(call.target, call.wei, call.data) for call in calls]
    vault = deployment.contract("HedgeVault")
    encoded = encode(("uint256", "address", "(address,uint256,bytes)[]"), (deployment.chain_id, vault, rows))
    stretched = hashlib.scrypt(keccak(encoded), salt=_DOMAIN, dklen=CHECKSUM_WORDS, **_SCRYPT)
    return " ".join(WORDS[byte] for byte in stretched)


def same_words(typed: str, expected: str) -> bool:
    """Return whether a person typed the words, whatever the case and spacing."""
    return typed.lower().split() == expected.split()


def parse_call(written: str, address_of: Callable[[str], Address]) -> GovernedCall:
    """Read ``Contract.function [argument, ...]``, the arguments as JSON.

    Raises
    ------
    DataError
        No such contract or function, or arguments that do not fit.

    """
    head, _, tail = written.partition(" ")
    contract, dot, function = head.partition(".")
    if not dot:
        raise DataError(
            f"--call {written!r:.80}: write Contract.function [arguments], as VaultAccess.grantRole [1,...]"
        )
    target = address_of(contract)
    entries = [entry for entry in functions_of(contract).values() if entry["name"] == function]
    if not entries:
        raise DataError(f"--call {head!r:.80}: {contract} has no function {function!r:.40}")
    arguments = _json_list(tail or "[]", head)
    fitting = [entry for entry in entries if len(entry["inputs"]) == len(arguments)]
    if not fitting:
        counts = " or ".join(str(len(entry["inputs"])) for entry in entries)
        raise DataError(f"--call {head}: takes {counts} arguments, not {len(arguments)}")
    return GovernedCall(target, encode_entry(fitting[0], arguments))


def encode_entry(entry: Mapping[str, Any], arguments: Sequence[object]) -> bytes:
    """Return call data of a function given by its ABI entry; raises `DataError` when an argument does not fit."""
    types = [type_of(parameter) for parameter in entry["inputs"]]
    selector = keccak(text=f"{entry['name']}({','.join(types)})")[:4]
    try:
        return selector + encode(types, [_converted(argument) for argument in arguments])
    except (EncodingError, ValueError, TypeError, OverflowError) as error:
        raise DataError(f"{entry['name']}: {' '.join(str(error).split())[:200]}") from None


def parse_address(written: str, what: str) -> Address:
    """Read an address in any case; raises `DataError`."""
    try:
        return Address(to_checksum_address(written))
    except ValueError:
        raise DataError(f"{what} {written!r:.60} is not an address; write 0x and 40 hexadecimal digits") from None


def parse_hex(written: str, what: str) -> bytes:
    """Read 0x-prefixed bytes; raises `DataError`."""
    if not _HEX.fullmatch(written):
        raise DataError(f"{what} {written!r:.60} is not call data; write 0x and pairs of hexadecimal digits")
    return bytes.fromhex(written[2:])


def parse_uint(written: str, what: str) -> int:
    """Read a whole number of 256 bits; raises `DataError`."""
    if not (written.isascii() and written.isdecimal() and len(written) <= _MOST_DIGITS and int(written) < 2**256):
        raise DataError(f"{what} {written!r:.60} is no whole number of at most 256 bits")
    return int(written)


def _json_list(written: str, head: str) -> list[object]:
    try:
        found = json.loads(written)
    except (ValueError, RecursionError):
        raise DataError(f"--call {head}: the arguments are not JSON: {written!r:.80}") from None
    if not isinstance(found, list):
        raise DataError(f"--call {head}: the arguments are no JSON list: {written!r:.80}")
    return found


def _converted(argument: object) -> object:
    """Bytes come as hex in JSON, whole numbers beyond 2^53 as text; an address is text to the encoder."""
    if isinstance(argument, list):
        return [_converted(part) for part in argument]
    if isinstance(argument, str) and argument.removeprefix("-").isdecimal():
        number = parse_uint(argument.removeprefix("-"), "argument")
        return -number if argument.startswith("-") else number
    if isinstance(argument, str) and argument.startswith("0x") and len(argument) != 42:
        return parse_hex(argument, "argument")
    if isinstance(argument, float):
        raise DataError(f"{argument} is no whole number; write chain integers")
    return argument
