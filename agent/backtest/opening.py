"""A vault as it stands before its first hedge: all collateral idle, one flat venue, budgets unused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.decision.feasible_hedge import delta_interval
from agent.domain import (
    BlockRef,
    Book,
    Bounds,
    Budget,
    Measurement,
    QuotePoint,
    Snapshot,
    Track,
    Usage,
    VenueMeasurement,
    VenueSnapshot,
)
from agent.rounding import mul_div_up
from agent.units import (
    BPS,
    Address,
    AssetUnits,
    BlockHash,
    Rounding,
    Seconds,
    Wad,
    Wei,
    to_wad,
    wad_to_asset_units,
)

UNCAPPED = Wad(10**36)
_NOWHERE = Address("0x" + "00" * 20)


@dataclass(frozen=True, slots=True)
class Opening:
    """What a vault opens with."""

    chain_id: int
    book: Book
    """Options and holdings that the chain measures."""
    bounds: Bounds
    deposit_usd: float
    asset_decimals: int
    deviation_bps: int
    """What the oracle may lag, within NAV."""
    venue: str
    cap_usd: float | None = None
    """Of the venue; None is no cap."""


def opening_snapshot(
    opening: Opening, price_usd: float, at_unix: Seconds, base_fee_wei: Wei, quotes: Sequence[QuotePoint]
) -> Snapshot:
    """Return the snapshot of a vault that has taken its deposit and not traded yet."""
    at, zero = np.array([float(at_unix)]), Wad(0)
    low, high = (float(end[0]) for end in delta_interval(opening.book, at, np.array([price_usd])))
    price, idle = to_wad(price_usd, Rounding.DOWN), to_wad(opening.deposit_usd, Rounding.DOWN)
    cap = UNCAPPED if opening.cap_usd is None else to_wad(opening.cap_usd, Rounding.DOWN)
    unused = Budget(zero, zero, at_unix, Seconds(0))
    width = mul_div_up(price, opening.deviation_bps, BPS)
    price_range = Wad(price - width), Wad(price + width)
    flat = VenueMeasurement(False, False, price, *price_range, zero, zero, zero, zero, zero, zero, cap)
    ends = to_wad(low, Rounding.DOWN), to_wad(high, Rounding.UP)
    return Snapshot(
        chain_id=opening.chain_id,
        block=BlockRef(1, BlockHash("0x" + "11" * 32), at_unix, base_fee_wei),
        vault=_NOWHERE,
        asset_decimals=opening.asset_decimals,
        idle_assets=wad_to_asset_units(idle, opening.asset_decimals, Rounding.DOWN),
        measurement=Measurement(price, False, *ends, idle, idle, idle, idle, (flat,)),
        bounds=opening.bounds,
        usage=Usage(unused, unused, Track(zero, zero, zero, 0, zero, (0, 0, 0, 0))),
        deviation_bps=opening.deviation_bps,
        venues=(VenueSnapshot(_NOWHERE, opening.venue, zero, price, price, zero, AssetUnits(0), tuple(quotes)),),
        paused=False,
    )
