"""Rebalances that a keeper signs and anyone brings to the chain: the EIP-712 data of `IntentRelay`.

Source: EIP-712; the types are those of ``contracts/relay/IntentRelay.sol``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.chain.abi import Call, load_abi
from agent.domain import Intent
from agent.execution.intents import bound_intent
from agent.execution.keys import TypedData
from agent.units import Address

_DOMAIN_NAME, _DOMAIN_VERSION = "Evenkeel IntentRelay", "1"


def _fields(**types: str) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in types.items()]


_TYPES = {
    "Rebalance": _fields(vault="address", keeper="address", intent="Intent", legs="Leg[]"),
    "Intent": _fields(id="bytes32", blockNumber="uint256", blockHash="bytes32", deadline="uint256"),
    "Leg": _fields(venue="address", marginDelta="int256", sizeDelta="int256", limitPrice="uint256"),
}


def typed_rebalance(intent: Intent, keeper: Address, chain_id: int, relay: Address) -> TypedData:
    """Return what the keeper signs so that anyone may bring the intent to ``relay``."""
    bound, legs = bound_intent(intent)
    message = {
        "vault": intent.vault,
        "keeper": keeper,
        "intent": _named("Intent", bound),
        "legs": [_named("Leg", leg) for leg in legs],
    }
    domain = {"name": _DOMAIN_NAME, "version": _DOMAIN_VERSION, "chainId": chain_id, "verifyingContract": relay}
    return TypedData(domain, _TYPES, message)


def relay_call(
    intent: Intent, keeper: Address, relay: Address, signature: bytes, price_update: Sequence[bytes] = ()
) -> Call:
    """Return the call that brings a signed intent; ``price_update`` is for the relay's price updater."""
    bound, legs = bound_intent(intent)
    return load_abi("IntentRelay").function("relay").at(relay, keeper, bound, legs, signature, list(price_update))


def _named(kind: str, fields: Sequence[object]) -> dict[str, Any]:
    return {entry["name"]: field for entry, field in zip(_TYPES[kind], fields, strict=True)}
