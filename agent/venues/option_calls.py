"""The calls that trade and settle at a vault's venue of options, the same at every `IOptionVenue`."""

from __future__ import annotations

from collections.abc import Sequence

from agent.chain.abi import Call, load_abi
from agent.domain import BlockRef
from agent.option_venue import OptionOrder
from agent.units import Address, IntentId, Seconds


def trade_call(
    venue: Address, intent_id: IntentId, decided_at: BlockRef, deadline: Seconds, orders: Sequence[OptionOrder]
) -> Call:
    """Return the call that trades, bound to the block it was decided on as a rebalance is."""
    bound = (_bytes(intent_id), decided_at.number, _bytes(decided_at.hash), deadline)
    encoded = [(one.strike_id, one.is_call, one.size_delta, one.limit_cost) for one in orders]
    return load_abi("IOptionVenue").function("trade").at(venue, bound, encoded)


def settle_call(venue: Address, position_id: int) -> Call:
    """Return the call that settles an expired option and brings home what it pays."""
    return load_abi("IOptionVenue").function("settleExpired").at(venue, position_id)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
