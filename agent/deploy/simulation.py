"""Transactions tried one after the other on top of the head, without sending any (``eth_simulateV1``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from agent.chain import shapes
from agent.chain.failures import ServerError
from agent.deploy.state import ChainState
from agent.deploy.steps import Transaction
from agent.errors import AgentError, TransientError
from agent.units import Address

_PLENTY_WEI = 10**24


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one transaction would do."""

    succeeded: bool
    gas_used: int
    output: str


def simulate(
    state: ChainState,
    sender: Address,
    transactions: Sequence[Transaction],
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Outcome] | None:
    """Return the outcome of each transaction, a block each; None where the node cannot tell.

    ``overrides`` changes accounts beforehand, as ``eth_call`` takes it; the sender has ether in plenty.
    """
    changed = {sender: {"balance": hex(_PLENTY_WEI)}, **(overrides or {})}
    blocks = [
        {"calls": [{"from": sender, "to": one.to, "input": one.data, "value": hex(one.value)}]} for one in transactions
    ]
    if not blocks:
        return []
    blocks[0]["stateOverrides"] = changed  # type: ignore[assignment]  # the one block that has them
    request = {"blockStateCalls": blocks, "validation": False}
    try:
        return state.client.told(partial(_outcomes, len(blocks)), "eth_simulateV1", request, "latest")
    except TransientError:
        state.head()  # says whether it is the node that is gone
        return None
    except AgentError:
        return None


def _outcomes(count: int, answered: Any) -> list[Outcome]:
    """Return what became of the one call of each block."""
    try:
        calls = [block["calls"][0] for block in answered]
        outcomes = [_outcome(call) for call in calls]
    except (TypeError, KeyError, IndexError, AttributeError):
        outcomes = []
    if len(outcomes) != count:
        raise ServerError("a server answers eth_simulateV1 with what is no outcome of each call")
    return outcomes


def _outcome(call: Mapping[str, Any]) -> Outcome:
    status, used = (shapes.count(call[name], f"{name} of a simulated call") for name in ("status", "gasUsed"))
    told = (call.get("error") or {}).get("data") or call.get("returnData") or "0x"
    return Outcome(status == 1, used, shapes.data(told, "the output of a simulated call"))
