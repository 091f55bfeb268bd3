"""What is left of a deployment costs: tried on top of the head where the node can, else by the size of the code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from agent.chain import shapes
from agent.chain.abi import Function
from agent.chain.reverts import decode_revert
from agent.deploy.artifact import load_artifact
from agent.deploy.blueprint import Blueprint
from agent.deploy.simulation import simulate
from agent.deploy.state import ChainState
from agent.deploy.steps import Create, Step, Transaction
from agent.units import Address, Wei

_TRANSACTION_GAS = 21_000
_BYTE_GAS = 16
"""Of a byte of call data that is not 0 (EIP-2028)."""
_CREATION_GAS = 32_000
_CODE_BYTE_GAS = 200
"""Of a byte of code that is stored (yellow paper, appendix G)."""
_CONSTRUCTOR_GAS = 800_000
_CALL_GAS = 250_000
"""Generous guesses of what constructors and calls do beside."""
ROLLUP_GAS_ORACLE = Address("0x420000000000000000000000000000000000000F")
"""``GasPriceOracle`` of the OP stack; other chains have no code there."""
_ROLLUP_FEE = Function.from_abi(
    {
        "name": "getL1Fee",
        "inputs": [{"type": "bytes", "name": ""}],
        "outputs": [{"type": "uint256", "name": ""}],
    }
)


@dataclass(frozen=True, slots=True)
class StepCost:
    """``gas`` is 0 and ``is_done`` true where the chain has it already."""

    title: str
    is_done: bool
    gas: int
    value_wei: Wei


@dataclass(frozen=True, slots=True)
class Costs:
    """``is_simulated``: the transactions were tried, not guessed at; ``refusals``: those that would revert."""

    steps: tuple[StepCost, ...]
    gas_price_wei: Wei
    data_fee_wei: Wei
    """What a rollup charges for the data beside the gas."""
    is_simulated: bool
    refusals: tuple[str, ...]

    @property
    def gas(self) -> int:
        """Gas of all that is left."""
        return sum(step.gas for step in self.steps)

    @property
    def gas_wei(self) -> Wei:
        """What that costs at the present price, with the rollup's data."""
        return Wei(self.gas * self.gas_price_wei + self.data_fee_wei)

    @property
    def value_wei(self) -> Wei:
        """What is paid in beside."""
        return Wei(sum(step.value_wei for step in self.steps))


def estimate(blueprint: Blueprint, state: ChainState, left: Sequence[tuple[Step, Transaction | None]]) -> Costs:
    """Return what each step costs; a transaction that would revert is named with its reason."""
    pending = [(step, wanted) for step, wanted in left if wanted is not None]
    transactions = [wanted for _, wanted in pending]
    outcomes = simulate(state, Address(blueprint.inputs.deployer), transactions)
    refusals: list[str] = []
    if outcomes is None:
        gas = [_guess(step, wanted) for step, wanted in pending]
    else:
        gas = [outcome.gas_used for outcome in outcomes]
        for (step, _), outcome in zip(pending, outcomes, strict=True):
            if not outcome.succeeded:
                mend = "; check the addresses that it is given" if isinstance(step, Create) else ""
                refusals = [f"{step.title} would revert: {decode_revert(outcome.output)}{mend}"]
                break
    by_title = {step.title: (used, wanted.value) for (step, wanted), used in zip(pending, gas, strict=True)}
    steps = tuple(StepCost(step.title, wanted is None, *by_title.get(step.title, (0, Wei(0)))) for step, wanted in left)
    price = Wei(state.client.told(partial(shapes.quantity, what="eth_gasPrice"), "eth_gasPrice"))
    return Costs(steps, price, _data_fee(state, transactions), outcomes is not None, tuple(refusals))


def _guess(step: Step, transaction: Transaction) -> int:
    size = (len(transaction.data) - 2) // 2
    gas = _TRANSACTION_GAS + _BYTE_GAS * size
    if not isinstance(step, Create):
        return gas + _CALL_GAS
    stored = len(load_artifact(step.creation.contract).runtime_code)
    return gas + _CREATION_GAS + _CODE_BYTE_GAS * stored + _CONSTRUCTOR_GAS


def _data_fee(state: ChainState, transactions: Sequence[Transaction]) -> Wei:
    if not transactions or not state.code(ROLLUP_GAS_ORACLE):
        return Wei(0)
    return Wei(
        sum(
            state.ask(_ROLLUP_FEE, ROLLUP_GAS_ORACLE, bytes.fromhex(one.data.removeprefix("0x")))
            for one in transactions
        )
    )
