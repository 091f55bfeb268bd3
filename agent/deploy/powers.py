"""Who can do what, asked of every contract: each function that changes state, called by each account, none sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.abi import signature_of, type_of
from agent.chain.failures import RevertedError
from agent.chain.transport import Answer, Request
from agent.deploy.artifact import load_artifact
from agent.deploy.blueprint import Blueprint
from agent.deploy.state import ChainState
from agent.localnet.codec import split_types
from agent.units import Address

STRANGER = Address("0x5715A4E500000000000000000000000000005715")
"""An account that has no role anywhere."""
SPENT = "reverted 0x" + keccak(text="AlreadyHandedOver()")[:4].hex()
"""What the deployer meets for ever once it has handed over; nobody else gets as far."""
_CALL_GAS = 8_000_000
_BATCH = 50
"""Calls in one request; public servers refuse more than a hundred."""


@dataclass(frozen=True, slots=True)
class Power:
    """A function that answers an account otherwise than a stranger: the account has power over it."""

    contract: str
    function: str


def matrix(blueprint: Blueprint, state: ChainState, accounts: Mapping[str, Address]) -> dict[str, list[Power]]:
    """Return for each account the functions on which it can do what a stranger cannot.

    Every function of every contract is called with empty arguments. Who has a role gets past the check of the role, to
    success or to a later complaint; who has none meets exactly what a stranger meets. The hand-over can be made once.
    """
    asked = list(calls(blueprint))
    expected = _answers(state, STRANGER, asked)
    return {
        name: [
            Power(call[0], call[1])
            for call, answer, strangers in zip(asked, _answers(state, account, asked), expected, strict=True)
            if answer not in (strangers, SPENT)
        ]
        for name, account in accounts.items()
    }


def calls(blueprint: Blueprint) -> Iterator[tuple[str, str, Address, str]]:
    """Yield contract, signature, address and call data of every function that changes state."""
    for key, creation in blueprint.creations.items():
        for entry in load_artifact(creation.contract).abi:
            if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure"):
                yield key, signature_of(entry), creation.address, empty_call(entry)


def empty_call(entry: Mapping[str, Any]) -> str:
    """Return the call of a function with 0, nothing and nobody for every argument."""
    types = [type_of(parameter) for parameter in entry["inputs"]]
    empty = encode(types, [_empty(kind) for kind in types])
    return "0x" + (keccak(text=signature_of(entry))[:4] + empty).hex()


def _empty(kind: str) -> Any:
    if kind.endswith("]"):
        size = kind[kind.rindex("[") + 1 : -1]
        return [_empty(kind[: kind.rindex("[")])] * int(size or 0)
    if kind.startswith("("):
        return tuple(_empty(inner) for inner in split_types(kind))
    if kind.startswith("bytes"):
        return bytes(int(kind[5:] or 0))
    return {"string": "", "bool": False, "address": "0x" + "00" * 20}.get(kind, 0)


def _answers(state: ChainState, account: Address, asked: Sequence[tuple[str, str, Address, str]]) -> list[str]:
    """Return what each call meets, with the caller's own address taken out of it."""
    requests = [
        Request("eth_call", ({"from": account, "to": to, "data": data, "gas": hex(_CALL_GAS)}, "latest"))
        for _, _, to, data in asked
    ]
    answers: list[Answer] = []
    for start in range(0, len(requests), _BATCH):
        answers += state.client.outcomes(requests[start : start + _BATCH])
    own = account[2:].lower()
    return [_met(answer).lower().replace(own, "") for answer in answers]


def _met(answer: Answer) -> str:
    if isinstance(answer.failure, RevertedError):
        return f"reverted {answer.failure.data or answer.failure}"
    return f"answered {answer.unwrap()}"
