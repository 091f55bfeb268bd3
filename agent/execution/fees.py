"""What to bid for a place in a block (EIP-1559), under caps that depend on how urgent the hedge is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.errors import RejectedError
from agent.execution.config import ExecutionSettings
from agent.ledger.records import SignedTransaction
from agent.units import Rounding, Wei, gwei_to_wei

BASE_FEE_HEADROOM = 2
"""The base fee grows by at most 1/8 a block: twice of it lasts for five full blocks."""
GAS_PRICE_EXCEEDED = "GasPriceExceeded"
"""Name of the rejection when gas is dearer than the cap."""


@dataclass(frozen=True, slots=True)
class Fees:
    """Most paid for one unit of gas, and the part of it that goes to the block's builder at most."""

    max_fee_wei: Wei
    priority_fee_wei: Wei


def quote_fees(
    base_fee_wei: Wei, is_urgent: bool, settings: ExecutionSettings, replaced: Sequence[SignedTransaction] = ()
) -> Fees:
    """Return the bid for a new transaction, or for one that takes the place of ``replaced`` ones of the same nonce.

    Formula: min(cap, 2 x base fee + tip); at least ``fee_bump_ratio`` times what each replaced one bid, both parts, or
    nodes refuse it.

    Raises
    ------
    RejectedError
        ``GasPriceExceeded``: base fee and tip, or the bid a replacement needs, exceed the cap.

    """
    cap_gwei = settings.urgent_max_fee_gwei if is_urgent else settings.max_fee_gwei
    tip_gwei = settings.urgent_priority_fee_gwei if is_urgent else settings.priority_fee_gwei
    cap = gwei_to_wei(cap_gwei, Rounding.DOWN)
    least_tip = _bumped(max((other.priority_fee_wei for other in replaced), default=0), settings)
    least_max_fee = _bumped(max((other.max_fee_wei for other in replaced), default=0), settings)
    tip = max(gwei_to_wei(tip_gwei, Rounding.UP), least_tip)
    needed = max(base_fee_wei + tip, least_max_fee)
    if needed > cap:
        raise RejectedError(GAS_PRICE_EXCEEDED, {"gasPriceWei": needed, "maxGasPriceWei": cap})
    return Fees(Wei(min(cap, max(BASE_FEE_HEADROOM * base_fee_wei + tip, least_max_fee))), Wei(tip))


def _bumped(fee_wei: int, settings: ExecutionSettings) -> int:
    return math.ceil(fee_wei * settings.fee_bump_ratio)
