"""What a call says: target, function and arguments by name, calls inside calls, a warning for all that is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

from agent.chain.abi import functions_of, type_of
from agent.chain.deployment import Deployment
from agent.errors import DataError
from agent.governance.calls import GovernedCall
from agent.governance.wrappers import WRAPPERS, Wrapper
from agent.plain_text import plain
from agent.units import Address
from agent.venues.registry import adapter_name

MAX_DEPTH = 8
"""Layers of calls inside calls that are taken apart; deeper ones are warned of."""
VAULT_GOVERNOR = "VaultGovernor"
MAX_CALLS = 256
"""Calls inside one call that are taken apart: call data may name one part of itself thousands of times."""
MAX_ELEMENTS, MAX_BYTES = 64, 256
"""Of a list and of bytes, as far as their text goes."""
UNCOMPILED = ("TimelockController", "Safe")
"""Contracts of others that may govern: only the functions that carry calls are known here."""
_SELECTOR_BYTES = 4
_UNDECODABLE = (DecodingError, OverflowError, ValueError)
_CANNOT_DECODE = "its call data cannot be decoded"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: decoded value, and its text with known addresses named."""

    name: str
    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class DecodedCall:
    """One call taken apart. ``contract`` and ``function`` are None where they are not known."""

    call: GovernedCall
    contract: str | None
    function: str | None
    arguments: tuple[Argument, ...]
    inner: tuple[DecodedCall, ...]
    warnings: tuple[str, ...]
    is_taken_back: bool = False
    """Part of a cancellation: it will not run."""
    is_whole: bool = True
    """Whether ``inner`` is all that the call does."""

    @property
    def values(self) -> dict[str, Any]:
        """Arguments by name."""
        return {argument.name: argument.value for argument in self.arguments}

    def walk(self) -> Iterator[DecodedCall]:
        """Yield this call and all inside it."""
        yield self
        for one in self.inner:
            yield from one.walk()

    def leaves(self) -> Iterator[DecodedCall]:
        """Yield what runs in the end: calls that carry no other."""
        for one in self.walk():
            if not one.inner and not one.is_taken_back:
                yield one


class AddressBook:
    """Names of the addresses of one vault, and the ABI of each contract."""

    def __init__(self, deployment: Deployment, others: Mapping[Address, str] | None = None) -> None:
        self.deployment = deployment
        self._others = {name: address for address, name in (others or {}).items()}
        self._contracts = {address.lower(): name for name, address in deployment.contracts.items()}
        self._contracts |= {
            venue.address.lower(): adapter_name(venue.kind, venue.name) for venue in deployment.all_venues
        }
        self._contracts |= {address.lower(): name for name, address in self._others.items()}
        self._labels = {address.lower(): role for role, address in deployment.roles.items()}
        self._labels |= {venue.address.lower(): f"venue {venue.name}" for venue in deployment.all_venues}
        self._labels[deployment.asset.address.lower()] = deployment.asset.symbol

    def contract(self, address: str) -> str | None:
        """Return the contract at an address."""
        return self._contracts.get(address.lower())

    def address(self, contract: str) -> Address:
        """Return where a contract is; `DataError` where this deployment has none of that name."""
        return self._others.get(contract) or self.deployment.contract(contract)

    def label(self, address: str) -> str:
        """Return an address with the name it has in this deployment."""
        known = self._labels.get(address.lower()) or self._contracts.get(address.lower())
        checksummed = to_checksum_address(address)
        return f"{known} ({checksummed})" if known else checksummed

    def function(self, contract: str, selector: bytes) -> Mapping[str, Any] | None:
        """Return the ABI entry of a function; None where the contract has none, or is not compiled here."""
        try:
            return functions_of(contract).get(selector)
        except DataError:
            return None


def decode_call(call: GovernedCall, book: AddressBook) -> DecodedCall:
    """Take a call apart. Never raises for what it holds: what cannot be told becomes a warning."""
    return _Decoder(book).decode(call, 0, False)


class _Decoder:
    """Takes one call apart, and as many of those inside it as a person can read."""

    def __init__(self, book: AddressBook) -> None:
        self._book = book
        self._calls_left = MAX_CALLS

    def decode(self, call: GovernedCall, depth: int, is_taken_back: bool) -> DecodedCall:
        """Take a call apart that lies ``depth`` layers deep."""
        book, selector = self._book, call.data[:4]
        contract = book.contract(call.target)
        entry = None if contract is None else book.function(contract, selector)
        wrapper = WRAPPERS.get(selector)
        warnings = list(_target_warnings(call, contract, book))
        function = entry["name"] if entry is not None else wrapper.name if wrapper is not None else None
        is_layer = wrapper is not None and contract in UNCOMPILED
        if entry is None and contract is not None and not is_layer:
            words = f"{contract} has no function with selector 0x{selector.hex()}"
            warnings.append(f"{words}: what it would do is not known")
        arguments, found = _read(call, entry, book)
        inner, doubts = self._inside(wrapper, call, depth, is_taken_back)
        warnings = list(dict.fromkeys((*warnings, *found, *doubts)))
        return DecodedCall(call, contract, function, arguments, inner, tuple(warnings), is_taken_back, not doubts)

    def _inside(
        self, wrapper: Wrapper | None, call: GovernedCall, depth: int, is_taken_back: bool
    ) -> tuple[tuple[DecodedCall, ...], list[str]]:
        """Return the calls that a call carries, and what of it they do not show."""
        if wrapper is None:
            return (), []
        if depth >= MAX_DEPTH:
            return (), [f"calls inside calls, more than {MAX_DEPTH} deep, are not shown"]
        types = _split(wrapper.types)
        try:
            values = decode(types, call.data[4:])
            carried, doubts = wrapper.calls(call.target, values), wrapper.doubts(values)
            doubts += _encoding_warnings(types, values, call.data)
        except _UNDECODABLE:
            return (), [_CANNOT_DECODE]
        if len(carried) > self._calls_left:
            return (), [*doubts, f"it holds {len(carried):,} calls, more than are shown ({MAX_CALLS} in all)"]
        self._calls_left -= len(carried)
        taken_back = is_taken_back or not wrapper.runs
        return tuple(self.decode(one, depth + 1, taken_back) for one in carried), doubts


def _target_warnings(call: GovernedCall, contract: str | None, book: AddressBook) -> Iterator[str]:
    if contract is None:
        yield f"target {book.label(call.target)} is no contract of this vault: what it would do is not known"
    if len(call.data) < _SELECTOR_BYTES:
        yield "it has no function selector"
    if call.wei:
        yield f"it sends {call.wei} wei"


def _read(
    call: GovernedCall, entry: Mapping[str, Any] | None, book: AddressBook
) -> tuple[tuple[Argument, ...], list[str]]:
    """Return a function's arguments, and what is odd about their encoding."""
    if entry is None:
        return (), []
    inputs = entry["inputs"]
    types = [type_of(parameter) for parameter in inputs]
    try:
        values = decode(types, call.data[4:])
        odd = _encoding_warnings(types, values, call.data)
    except _UNDECODABLE:
        return (), [_CANNOT_DECODE]
    arguments = tuple(
        Argument(parameter["name"].rstrip("_"), value, _text(parameter, value, book))
        for parameter, value in zip(inputs, values, strict=True)
    )
    return arguments, odd


def _encoding_warnings(types: Sequence[str], values: Sequence[Any], data: bytes) -> list[str]:
    is_odd = encode(types, values) != data[4:]
    return ["its call data is not what these arguments encode to: bytes are hidden in it"] if is_odd else []


def _split(types: str) -> list[str]:
    return types[1:-1].split(",")


def _text(parameter: Mapping[str, Any], value: Any, book: AddressBook) -> str:
    kind = parameter["type"]
    if kind.endswith("]"):
        element = {**parameter, "type": kind[: kind.rindex("[")]}
        shown = [_text(element, one, book) for one in value[:MAX_ELEMENTS]]
        rest = len(value) - len(shown)
        return "[" + ", ".join([*shown, *([f"and {rest:,} more"] if rest else [])]) + "]"
    if kind == "tuple":
        pairs = zip(parameter["components"], value, strict=True)
        return "(" + ", ".join(f"{part['name']} {_text(part, one, book)}" for part, one in pairs) + ")"
    if kind == "address":
        return book.label(value)
    if isinstance(value, bytes):
        return f"0x{value[:MAX_BYTES].hex()}" + (f"... ({len(value):,} bytes)" if len(value) > MAX_BYTES else "")
    return plain(str(value))
