"""What to bid for a place in a block (EIP-1559), under caps that depend on what the transaction is for.

A first bid leaves room below its cap for as many least bumps as there may be replacements: a bid that cannot be raised
any more would block its nonce. What frees a nonce has a cap of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from agent.errors import RejectedError
from agent.execution.config import ExecutionSettings
from agent.ledger.records import SignedTransaction
from agent.units import Rounding, Wei, eth_to_wei, gwei_to_wei

BASE_FEE_HEADROOM = 2
"""The base fee grows by at most 1/8 a block: twice of it lasts for five full blocks."""
LEAST_BUMP = Decimal("1.125")
"""Every node takes a replacement that pays so many times as much, in both parts: go-ethereum, Erigon and reth ask for
1.1, and 1/8 is what the base fee may have risen in the block meanwhile."""
LEAST_TIP_SHARE = Decimal("0.1")
"""Of the configured tip, below which none is bid however quiet the market: builders leave out who pays nothing."""
GAS_PRICE_EXCEEDED = "GasPriceExceeded"
"""Name of the rejection when gas is dearer than the cap."""


@dataclass(frozen=True, slots=True)
class Fees:
    """Most paid for one unit of gas, and the part of it that goes to the block's builder at most."""

    max_fee_wei: Wei
    priority_fee_wei: Wei


@dataclass(frozen=True, slots=True)
class Market:
    """What a bid depends on beside the settings.

    ``tip_wei`` is what others have paid lately, None where nobody says; ``worth_wei`` what a unit of gas is worth at
    most to the hedge, None without limit; ``gas_limit`` of the transaction.
    """

    base_fee_wei: Wei
    gas_limit: int
    tip_wei: Wei | None = None
    worth_wei: Wei | None = None


def gas_limit_of(gas_units: int, settings: ExecutionSettings) -> int:
    """Return the gas limit of a transaction that needs ``gas_units``."""
    return math.ceil(gas_units * settings.gas_limit_ratio)


def first_bid(market: Market, is_urgent: bool, settings: ExecutionSettings) -> Fees:
    """Return the bid of a new transaction.

    Formula: min(cap / 1.125^k, 2 x base fee + tip), at least base fee + tip, with k the replacements there may be.

    Raises
    ------
    RejectedError
        ``GasPriceExceeded``: base fee and tip exceed the cap.

    """
    cap = _cap(market, is_urgent, settings)
    tip = _tip(market, is_urgent, settings)
    needed = market.base_fee_wei + tip
    _require_within(needed, cap)
    bumpable = _bumpable(cap, settings.max_replacements)
    return Fees(Wei(max(min(bumpable, BASE_FEE_HEADROOM * market.base_fee_wei + tip), needed)), Wei(tip))


def replacement_bid(
    market: Market, is_urgent: bool, settings: ExecutionSettings, replaced: Sequence[SignedTransaction]
) -> Fees:
    """Return the bid that takes the place of ``replaced`` ones of the same intent and nonce.

    Formula: as a first bid, and ``fee_bump_ratio`` times what each of them bid where the cap allows, else the least
    that nodes take. Raises as `first_bid` does.
    """
    return _outbid(market, _cap(market, is_urgent, settings), is_urgent, settings, replaced)


def freeing_bid(
    market: Market, is_urgent: bool, settings: ExecutionSettings, replaced: Sequence[SignedTransaction]
) -> Fees:
    """As `replacement_bid`, under the cap of what frees a nonce: a cancellation, or a hedge in a dead one's place."""
    cap = min(gwei_to_wei(settings.cancel_cap_gwei, Rounding.DOWN), _node_cap(market, settings))
    return _outbid(market, cap, is_urgent, settings, replaced)


def _outbid(
    market: Market, cap: int, is_urgent: bool, settings: ExecutionSettings, replaced: Sequence[SignedTransaction]
) -> Fees:
    least_bid, wanted_bid = _raised_all([other.max_fee_wei for other in replaced], settings)
    least_tip, wanted_tip = _raised_all([other.priority_fee_wei for other in replaced], settings)
    market_tip = _tip(market, is_urgent, settings)
    tip = min(max(market_tip, wanted_tip), max(cap - market.base_fee_wei, least_tip))
    needed = max(market.base_fee_wei + min(tip, market_tip), least_bid, tip)
    _require_within(needed, cap)
    wanted = max(BASE_FEE_HEADROOM * market.base_fee_wei + tip, wanted_bid)
    bumpable = _bumpable(cap, max(settings.max_replacements - len(replaced), 0))
    return Fees(Wei(max(min(bumpable, wanted), needed)), Wei(tip))


def _bumpable(cap: int, replacements: int) -> int:
    """Return the highest bid that so many least bumps still lead to below the cap."""
    for _ in range(replacements):
        cap = min(math.floor(cap / LEAST_BUMP), cap - 1)
    return cap


def _raised_all(fees_wei: Sequence[int], settings: ExecutionSettings) -> tuple[int, int]:
    """Return the least that outbids every fee, and what the settings would bid; by one wei at least, be the fee 0."""
    least, wanted = (
        max((max(math.ceil(fee * ratio), fee + 1) for fee in fees_wei), default=0)
        for ratio in (LEAST_BUMP, settings.fee_bump_ratio)
    )
    return least, wanted


def _cap(market: Market, is_urgent: bool, settings: ExecutionSettings) -> int:
    """Return the most paid for a unit of gas: by the settings, by what nodes pass on, by what hedging now is worth."""
    configured = settings.urgent_max_fee_gwei if is_urgent else settings.max_fee_gwei
    cap = min(gwei_to_wei(configured, Rounding.DOWN), _node_cap(market, settings))
    return cap if is_urgent or market.worth_wei is None else min(cap, market.worth_wei)


def _node_cap(market: Market, settings: ExecutionSettings) -> int:
    """Return the most that a node passes on: go-ethereum refuses a transaction that may cost more than one ether."""
    return eth_to_wei(settings.max_transaction_eth, Rounding.DOWN) // market.gas_limit


def _tip(market: Market, is_urgent: bool, settings: ExecutionSettings) -> int:
    """Return what others pay, up to the configured tip, which stands where the market is not known."""
    configured = settings.urgent_priority_fee_gwei if is_urgent else settings.priority_fee_gwei
    most = gwei_to_wei(configured, Rounding.UP)
    if market.tip_wei is None:
        return most
    return min(most, max(market.tip_wei, gwei_to_wei(configured * LEAST_TIP_SHARE, Rounding.UP)))


def _require_within(needed: int, cap: int) -> None:
    if needed > cap:
        raise RejectedError(GAS_PRICE_EXCEEDED, {"gasPriceWei": needed, "maxGasPriceWei": cap})
