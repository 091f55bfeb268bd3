"""Whether bounds and book fit at all, in a line each: what is told before a vault is hedged, not after it was not.

Beside what no hedge can do within the bounds (`infeasible_bounds`): a loss budget smaller than what the first hedge is
charged, a band as wide as all of the book or narrower than what its IV intervals leave uncertain at a price near by,
and gas that takes more of every trade than a hedge is worth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from agent.decision.feasible_hedge import delta_interval, infeasible_bounds
from agent.decision.part_worth import GAS_SHARE
from agent.domain import Book, Bounds
from agent.guard import MAX_BAND_NAV_BPS
from agent.units import BPS, Seconds, from_wad

NEAR_PRICES = np.geomspace(2.0 / 3.0, 1.5, 41)
"""Of today's: as far as a crash week goes."""
USUAL_COST_BPS = 35
"""Fee and slippage that a first hedge is reckoned with, beside the oracle's deviation."""

_IN_PARTS = ": it goes in parts, and the worst case stays outside the band until the last of them"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Where a book is to be hedged."""

    at_unix: Seconds
    price_usd: float
    nav_usd: float
    deviation_bps: int
    idle_reserve_bps: int
    gas_usd: float
    """Of one rebalance."""


def misfits(book: Book, bounds: Bounds, here: Circumstances) -> tuple[str, ...]:
    """Return a line for each way in which bounds and book do not fit, with how to mend it; none where they do."""
    held = Book(book.underlying, (*book.options, *book.holdings))
    at, price = np.array([float(here.at_unix)]), np.array([here.price_usd])
    found = infeasible_bounds(held, at, price, bounds, here.nav_usd, here.idle_reserve_bps)
    low, high = (float(end[0]) for end in delta_interval(held, at, price))
    largest = max(abs(low), abs(high))
    return (
        *(f"{one.problem}{_IN_PARTS if one.is_slow else ''}; {one.mend}" for one in found),
        *_band_beside_reach(held, bounds, here),
        *_loss_budget(bounds, here, largest),
        *_gas(bounds, here),
    )


def _band_beside_reach(book: Book, bounds: Bounds, here: Circumstances) -> Iterator[str]:
    """Tell where nothing that the price may do forces a hedge, or where it leaves no hedge that reaches the band."""
    prices = here.price_usd * NEAR_PRICES
    low, high = delta_interval(book, np.full(len(prices), here.at_unix), prices)
    reach, band = np.maximum(np.abs(low), np.abs(high)), from_wad(bounds.band)
    in_force = np.minimum(band, here.nav_usd * MAX_BAND_NAV_BPS / BPS / prices)
    near = f"from {prices[0]:,.6g} to {prices[-1]:,.6g} USD"
    if reach.max() > 0.0 and np.all(reach <= in_force):
        yield (
            f"today the book's delta is at most {reach.max():.4g} {near}, all inside "
            f"[bounds] band_underlying {band:g}: the chain never asks for a hedge of it; lower band_underlying, as "
            "evenkeel bounds suggest proposes"
        )
    half_width = (high - low) / 2.0
    today, most = float(half_width[len(prices) // 2]), float(half_width.max())
    if today <= band < most:
        yield (
            f"the book's IV intervals leave its delta uncertain by ±{today:.4g} today but by up to ±{most:.4g} {near}, "
            f"so that the worst case would not come inside [bounds] band_underlying {band:g}; narrow iv_low_annual to "
            "iv_high_annual, or raise band_underlying"
        )


def _loss_budget(bounds: Bounds, here: Circumstances, largest: float) -> Iterator[str]:
    charged_usd = largest * here.price_usd * (here.deviation_bps + USUAL_COST_BPS) / BPS
    own_usd = here.nav_usd * bounds.loss_capacity_bps / BPS * bounds.keeper_share_bps / BPS
    if here.nav_usd > 0.0 and charged_usd > own_usd:
        yield (
            f"a hedge of {largest:.4g} at once is charged about ${charged_usd:,.0f} of the loss budget, of which one "
            f"keeper has ${own_usd:,.0f}: it is built, and closed at an expiry, in parts; raise [bounds] "
            "loss_capacity_bps, or deposit more"
        )


def _gas(bounds: Bounds, here: Circumstances) -> Iterator[str]:
    band_usd = from_wad(bounds.band) * here.price_usd
    if here.gas_usd > GAS_SHARE * band_usd:
        yield (
            f"a rebalance's gas of ${here.gas_usd:,.2f} is {here.gas_usd / band_usd:.1%} of what the band of "
            f"{from_wad(bounds.band):g} is worth: gas will be most of the cost of hedging; widen band_underlying, "
            "hedge a larger book, or choose a chain with cheaper gas"
        )
