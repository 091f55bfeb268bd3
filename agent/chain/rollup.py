"""What a rollup charges beside gas for its data on Ethereum, and how much of a transaction's gas stands for it.

Source: OP stack, predeploy GasPriceOracle (``getL1FeeUpperBound`` since Fjord, ``getOperatorFee`` since Isthmus);
Arbitrum Nitro, NodeInterface (``gasEstimateL1Component``), which folds the data into the gas a transaction burns.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from agent.chain import shapes
from agent.chain.abi import Call, Function
from agent.chain.client import ChainClient
from agent.domain import BlockRef
from agent.errors import AgentError
from agent.units import Address, Wei

GAS_PRICE_ORACLE = Address("0x420000000000000000000000000000000000000F")
NODE_INTERFACE = Address("0x00000000000000000000000000000000000000C8")
ENVELOPE_BYTES = 120
"""Of a signed type-2 transaction beside its call data: nonce, fees, address, signature."""
USUAL_REBALANCE_BYTES = 900
"""Of a rebalance of two legs, signed."""
_TYPICAL_DATA = "0x" + (bytes(range(1, 256)) * 4)[: USUAL_REBALANCE_BYTES - ENVELOPE_BYTES].hex()
"""Does not compress, so that what it costs is an upper bound."""


class RollupKind(Enum):
    """Who charges for data, and how."""

    NONE = "none"
    OP_STACK = "op-stack"
    ARBITRUM = "arbitrum"


def _function(name: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Function:
    return Function.from_abi(
        {
            "name": name,
            "inputs": [{"name": "", "type": kind} for kind in inputs],
            "outputs": [{"name": "", "type": kind} for kind in outputs],
        }
    )


_L1_FEE = _function("getL1FeeUpperBound", ("uint256",), ("uint256",))
_OPERATOR_FEE = _function("getOperatorFee", ("uint256",), ("uint256",))
_L1_GAS = _function("gasEstimateL1Component", ("address", "bool", "bytes"), ("uint64", "uint256", "uint256"))


class Rollup:
    """Reads what one chain charges for data."""

    def __init__(self, client: ChainClient, kind: RollupKind) -> None:
        self._client = client
        self._kind = kind

    @property
    def is_silent(self) -> bool:
        """Whether the chain charges nothing for data, and so is asked for nothing."""
        return self._kind is RollupKind.NONE

    def data_fee(self, call: Call, gas_units: int, block: BlockRef) -> Wei:
        """Return what is charged beside gas for a transaction, at most; 0 where data is part of the gas.

        Raises
        ------
        TransientError
            The servers do not answer.

        """
        if self._kind is not RollupKind.OP_STACK:
            return Wei(0)
        return self._op_stack_fee(ENVELOPE_BYTES + len(call.data) // 2, gas_units, block) or Wei(0)

    def data_gas(self, call: Call, block: BlockRef) -> int:
        """Return the gas that a transaction burns for its data; 0 where that is charged beside gas, or not at all."""
        if self._kind is not RollupKind.ARBITRUM:
            return 0
        return self._nitro_gas(call.to, call.data, block) or 0

    def usual_fee(self, vault: Address, gas_units: int, block: BlockRef) -> Wei | None:
        """Return what the data of a usual rebalance costs in all, None where the chain does not tell."""
        if self._kind is RollupKind.OP_STACK:
            return self._op_stack_fee(USUAL_REBALANCE_BYTES, gas_units, block)
        if self._kind is RollupKind.ARBITRUM:
            gas = self._nitro_gas(vault, _TYPICAL_DATA, block)
            return None if gas is None else Wei(gas * block.base_fee_wei)
        return None

    def charged(self, receipt: Mapping[str, Any], block: BlockRef) -> Wei:
        """Return what a mined transaction was charged beside its gas: the L1 fee, and the operator's if there is one.

        At best effort: an operator fee that no server tells any more counts as 0.
        """
        if self._kind is not RollupKind.OP_STACK:
            return Wei(0)
        l1_fee = shapes.quantity(receipt.get("l1Fee") or "0x0", "l1Fee of a receipt")
        gas_used = shapes.quantity(receipt["gasUsed"], "gasUsed of a receipt")
        try:
            [operator] = self._client.read_or_none([_OPERATOR_FEE.at(GAS_PRICE_ORACLE, gas_used)], block)
        except AgentError:
            operator = None
        return Wei(l1_fee + (0 if operator is None else int(operator[0])))

    def _op_stack_fee(self, size_bytes: int, gas_units: int, block: BlockRef) -> Wei | None:
        calls = [_L1_FEE.at(GAS_PRICE_ORACLE, size_bytes), _OPERATOR_FEE.at(GAS_PRICE_ORACLE, gas_units)]
        l1_fee, operator = self._client.read_or_none(calls, block)
        if l1_fee is None:
            return None
        return Wei(int(l1_fee[0]) + (0 if operator is None else int(operator[0])))

    def _nitro_gas(self, to: Address, data: str, block: BlockRef) -> int | None:
        call = _L1_GAS.at(NODE_INTERFACE, to, False, bytes.fromhex(data.removeprefix("0x")))
        [estimate] = self._client.read_or_none([call], block)
        return None if estimate is None else int(estimate[0])
