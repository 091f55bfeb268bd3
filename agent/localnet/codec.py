"""Calls named by their full signature, and addresses that are known before anything is deployed to them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import rlp
from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from agent.plain_text import plain
from agent.units import Address

_ERROR_STRING_SELECTOR = keccak(text="Error(string)")[:4]


@lru_cache(maxsize=512)
def _parsed(signature: str) -> tuple[bytes, tuple[str, ...]]:
    arguments = signature[signature.index("(") :]
    return keccak(text=signature)[:4], split_types(arguments)


@lru_cache(maxsize=512)
def split_types(types: str) -> tuple[str, ...]:
    """Split ``(uint256,(address,bool))`` into its top-level types."""
    depth, start, found = 0, 1, []
    for index, character in enumerate(types):
        depth += {"(": 1, ")": -1}.get(character, 0)
        at_end = depth == 0 and index == len(types) - 1
        if (character == "," and depth == 1) or at_end:
            found.append(types[start:index])
            start = index + 1
    return tuple(name for name in found if name)


def encode_call(signature: str, *arguments: object) -> str:
    """Encode a call of ``name(type,...)`` as 0x-prefixed hex."""
    selector, types = _parsed(signature)
    return "0x" + (selector + abi_encode(types, arguments)).hex()


def encode_constructor(bytecode: str, types: str, arguments: Sequence[object]) -> str:
    """Append encoded constructor arguments of types ``(type,...)`` to 0x-prefixed creation code."""
    return bytecode + abi_encode(split_types(types), list(arguments)).hex()


def decode(types: str, data: str) -> tuple[Any, ...]:
    """Decode return data of types ``(type,...)``; addresses come back checksummed."""
    names = split_types(types)
    values = abi_decode(names, bytes.fromhex(data.removeprefix("0x")))
    return tuple(
        to_checksum_address(value) if name == "address" else value for name, value in zip(names, values, strict=True)
    )


def revert_reason(data: str | None) -> str:
    """Readable form of revert data: the string of ``Error(string)``, else the raw hex."""
    raw = bytes.fromhex((data or "").removeprefix("0x"))
    if raw[:4] == _ERROR_STRING_SELECTOR:
        with suppress(DecodingError, UnicodeDecodeError, OverflowError):
            return plain(str(abi_decode(("string",), raw[4:])[0]))
    return "0x" + raw.hex()


def create_address(sender: Address, nonce: int) -> Address:
    """Address of a contract that ``sender`` creates with transaction number ``nonce`` (yellow paper, section 7)."""
    packed = rlp.encode([bytes.fromhex(sender[2:]), nonce])
    return Address(to_checksum_address(keccak(packed)[12:]))


def create2_address(factory: Address, salt: int, init_code_hash: bytes) -> Address:
    """Address of a contract that ``factory`` creates with CREATE2 (EIP-1014)."""
    packed = b"\xff" + bytes.fromhex(factory[2:]) + salt.to_bytes(32, "big") + init_code_hash
    return Address(to_checksum_address(keccak(packed)[12:]))
