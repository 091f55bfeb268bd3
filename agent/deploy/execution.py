"""Carry a deployment out: from wherever the chain stands, step by step, to the hand-over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.deploy.blueprint import Blueprint
from agent.deploy.state import ChainState
from agent.deploy.steps import ZERO_ADDRESS, Create, Step, Transaction
from agent.errors import DataError, FatalError


@dataclass(frozen=True, slots=True)
class StepDone:
    """One step, and what it took; ``gas_used`` None where the chain had it already."""

    number: int
    count: int
    title: str
    gas_used: int | None = None
    transaction_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction that was mined and stands."""

    hash: str
    gas_used: int
    block_number: int


Send = Callable[[Step, Transaction], Sent]
"""Send a transaction from the deployer and wait until it is mined; raises where it fails."""


def carry_out(blueprint: Blueprint, state: ChainState, send: Send, show: Callable[[StepDone], None]) -> int:
    """Send what is missing and return how many transactions that took.

    Raises
    ------
    DataError
        The chain holds something else for good, or the vault is handed over and a step is not done.
    FatalError
        A transaction was mined and did not do what it is for.
    TransientError
        A server lags for too long.

    """
    is_sealed = is_handed_over(blueprint, state)
    _require_no_other_fees(blueprint, state)
    sent_count, count = 0, len(blueprint.steps)
    for number, step in enumerate(blueprint.steps, start=1):
        wanted = step.pending(state)
        if wanted is None:
            show(StepDone(number, count, step.title))
            continue
        if is_sealed and not step.is_addition:
            raise DataError(_sealed(step, wanted))
        sent = send(step, wanted)
        state.wait_for(sent.block_number)
        if step.pending(state) is not None:
            raise FatalError(f"{step.title} was mined ({sent.hash}) without effect; look at the transaction")
        show(StepDone(number, count, step.title, sent.gas_used, sent.hash))
        sent_count += 1
    return sent_count


def remaining(blueprint: Blueprint, state: ChainState) -> list[tuple[Step, Transaction | None]]:
    """Return every step with what it would send from where the chain stands; a step of what is missing is not done."""
    missing = {one.address for one in blueprint.creations.values() if not state.code(one.address)}

    def wanted(step: Step) -> Transaction | None:
        planned = step.planned()
        if isinstance(step, Create):
            return planned if step.creation.address in missing else None
        return planned if planned.to in missing else step.pending(state)

    return [(step, wanted(step)) for step in blueprint.steps]


def is_handed_over(blueprint: Blueprint, state: ChainState) -> bool:
    """Return whether the deployer has given its power up already."""
    access = blueprint.address("VaultAccess")
    return bool(state.code(access)) and bool(state.read("VaultAccess", access, "handedOver"))


def _require_no_other_fees(blueprint: Blueprint, state: ChainState) -> None:
    """Refuse a configuration without ``[fees]`` for a vault that has them for good."""
    vault = blueprint.address("HedgeVault")
    if blueprint.network.fees is not None or not state.code(vault):
        return
    fees = state.read("HedgeVault", vault, "shareFees")
    if fees != ZERO_ADDRESS:
        raise DataError(
            f"the vault pays fees by ShareFees {fees}, named for good; put [fees] back into the configuration"
        )


def _sealed(step: Step, wanted: Transaction) -> str:
    if isinstance(step, Create):
        return (
            f"the vault is handed over, and it has no {step.creation.key} as configuration, inputs and contracts make "
            "it now; put back what it was deployed with: what may change, the governor changes on the chain"
        )
    return f"the vault is handed over; let the governor schedule {step.title} on {wanted.to} by VaultAccess"
