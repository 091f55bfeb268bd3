"""A transaction that asks the vault for nothing: it has a venue care for an order, or trade or settle options.

It is signed, recorded, sent, replaced and taken up again as a rebalance is; its intent has no legs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.abi import Call, Function
from agent.domain import BlockRef, Intent
from agent.execution.transaction import call_in
from agent.ledger.records import Purpose, SignedTransaction
from agent.units import Address, IntentId, Seconds

ERRANDS = frozenset({Purpose.ORDER, Purpose.OPTION})
"""Purposes of transactions that errands are sent in."""
_TYPES = ("uint256", "address", "bytes32", "address", "bytes")
_FUNCTION = Function("errand", b"", (), ())


@dataclass(frozen=True, slots=True)
class Errand:
    """What is called, and for what. ``probe`` is the same call as gas is estimated for it, where that differs.

    ``max_gas_units`` replaces the settings' cap on the gas limit; None leaves it.
    """

    call: Call
    purpose: Purpose = Purpose.ORDER
    probe: Call | None = None
    max_gas_units: int | None = None


def errand_intent(vault: tuple[int, Address], call: Call, head: BlockRef, deadline_seconds: int) -> Intent:
    """Return an intent without legs, named by what it calls and the block it was decided on.

    ``vault`` is its chain id and address.
    """
    block_hash, data = (bytes.fromhex(text.removeprefix("0x")) for text in (head.hash, call.data))
    content = encode(_TYPES, (*vault, block_hash, call.to, data))
    deadline = Seconds(head.timestamp + deadline_seconds)
    return Intent(IntentId("0x" + keccak(content).hex()), vault[1], (), deadline, head)


def errand_of(signed: Sequence[SignedTransaction]) -> Errand | None:
    """Return the errand that was last signed; None where none ever was."""
    for one in reversed(signed):
        if one.purpose in ERRANDS:
            to, value, data = call_in(one.raw)
            return Errand(Call(to, data, _FUNCTION, value), one.purpose)
    return None
