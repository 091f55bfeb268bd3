"""A book, venues of different kinds and a moving market for timing decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.costs.curves.base import CostCurve, ladder
from agent.costs.curves.constant_product import ConstantProduct
from agent.costs.curves.fixed_spread import FixedSpread
from agent.costs.curves.order_book import BookLevel, OrderBook
from agent.costs.curves.skew_priced import SkewPriced
from agent.domain import (
    LADDER_RUNGS,
    BlockRef,
    Book,
    Bounds,
    Budget,
    Measurement,
    OptionLeg,
    OptionType,
    Snapshot,
    Track,
    Usage,
    VenueMeasurement,
    VenueSnapshot,
)
from agent.products.european import black76_delta
from agent.units import BPS, SECONDS_PER_YEAR, Address, AssetUnits, BlockHash, Rounding, Seconds, Wad, Wei, to_wad

SEED = 20_240_805
START = Seconds(1_722_500_000)
START_USD = 3_200.0
BLOCK_SECONDS = 12
MOVE_RATIO = 2e-4
"""Standard deviation of the price from one block to the next."""
BOOK_DELTA = -60.0
EXPIRY_DAYS = (2, 3, 9, 16, 23, 30, 58, 86, 121, 149, 240, 331)
"""Days to the expiries of a Deribit chain."""
IV_SPREAD = 0.01
MAX_SIZE = 80.0
NAV_IDLE_USD = 400_000.0


class OptionColumns(NamedTuple):
    """The book's legs as one array a field."""

    is_call: NDArray[np.bool_]
    strike_usd: NDArray[np.float64]
    expiry_unix: NDArray[np.int64]
    iv_annual: NDArray[np.float64]
    quantity: NDArray[np.float64]

    @classmethod
    def drawn(cls, legs: int) -> OptionColumns:
        """Draw strikes, expiries, rights and volatilities; a book net short of options whose delta is `BOOK_DELTA`."""
        rng = np.random.default_rng(SEED)
        strike = np.round(START_USD * np.exp(rng.normal(0.0, 0.2, legs)), -1)
        expiry = START + 86_400 * rng.choice(EXPIRY_DAYS, legs)
        iv = 0.55 + 0.6 * np.log(strike / START_USD) ** 2 + rng.uniform(0.0, 0.1, legs)
        is_call = rng.random(legs) < 0.6
        quantity = np.where(is_call, -1.0, rng.choice([-0.3, 0.5], legs)) * rng.uniform(0.5, 1.5, legs)
        columns = cls(is_call, strike, expiry, iv, quantity)
        scale = BOOK_DELTA / float(quantity @ columns.deltas(START_USD, START, 0.0))
        return columns._replace(quantity=np.round(quantity * scale, 6))

    def deltas(self, price_usd: float, at_unix: int, iv_shift: float) -> NDArray[np.float64]:
        """Return the delta of one contract of each leg."""
        tau_years = (self.expiry_unix - at_unix) / SECONDS_PER_YEAR
        return black76_delta(self.is_call, price_usd, self.strike_usd, tau_years, self.iv_annual + iv_shift)

    def book(self) -> Book:
        """Return the legs as a keeper holds them."""
        rows = zip(*(column.tolist() for column in self), strict=True)
        return Book(
            "ETH",
            tuple(
                OptionLeg(
                    OptionType.CALL if is_call else OptionType.PUT,
                    strike,
                    Seconds(expiry),
                    quantity,
                    iv,
                    iv - IV_SPREAD,
                    iv + IV_SPREAD,
                    f"leg {row}",
                )
                for row, (is_call, strike, expiry, iv, quantity) in enumerate(rows)
            ),
        )


def curve(kind: int, price_usd: float) -> CostCurve:
    """Return one of four kinds of venue around a price; further ones repeat them."""
    match kind % 4:
        case 0:
            return ConstantProduct.of_range(price_usd, 0.6 * price_usd, 1.6 * price_usd, 1.2e6, 0.001)
        case 1:
            return SkewPriced(price_usd, 30.0, 100_000.0, 0.0002, 0.0006, 1_000.0, 1_000.0)
        case 2:
            steps = [(1.0 + 0.0002 * row, 2.0 + 3.0 * row) for row in range(1, 16)]
            asks = tuple(BookLevel(price_usd * step, size) for step, size in steps)
            bids = tuple(BookLevel(price_usd / step, size) for step, size in steps)
            return OrderBook(bids, asks, 0.0004)
        case _:
            return FixedSpread(price_usd, 0.0003, 0.0006, 60.0, 60.0)


BOUNDS = Bounds(
    band=to_wad(5, Rounding.DOWN),
    min_improvement=to_wad("0.1", Rounding.DOWN),
    urgent_delta=to_wad(25, Rounding.DOWN),
    max_size_delta=to_wad(MAX_SIZE, Rounding.DOWN),
    min_notional=to_wad(500, Rounding.UP),
    max_notional=to_wad(600_000, Rounding.DOWN),
    max_gross_notional=to_wad(10**9, Rounding.DOWN),
    turnover_capacity=to_wad(700_000, Rounding.DOWN),
    turnover_refill_per_day=to_wad(360_000, Rounding.DOWN),
    max_venue_leverage=to_wad(4, Rounding.DOWN),
    max_leverage=to_wad(2, Rounding.DOWN),
    max_slippage_bps=60,
    max_fee_bps=15,
    max_nav_loss_bps=100,
    loss_capacity_bps=100,
    loss_refill_bps_per_day=100,
    max_drawdown_bps=1_000,
    idle_floor_bps=500,
    urgent_reserve_bps=0,
    keeper_share_bps=BPS,
    cooldown_seconds=Seconds(240),
)


@dataclass(frozen=True, slots=True)
class World:
    """What stays as it is: the book, how many venues, and how the hedge stands to the book."""

    columns: OptionColumns
    venues: int
    gap: float
    """Net delta of book and hedge together."""
    max_leverage: float = 2.0

    def snapshots(self, count: int) -> Iterator[Snapshot]:
        """Yield the market block by block: price, quotes, time and delta move, the hedge keeps its distance."""
        rng = np.random.default_rng(SEED)
        bounds = replace(BOUNDS, max_leverage=_wad(self.max_leverage))
        price_usd = START_USD
        for block in range(count):
            price_usd *= float(np.exp(MOVE_RATIO * rng.standard_normal()))
            yield self._snapshot(round(price_usd, 8), block, bounds)

    def _snapshot(self, price_usd: float, block: int, bounds: Bounds) -> Snapshot:
        at = Seconds(START + BLOCK_SECONDS * block)
        ends = [self.columns.deltas(price_usd, at, shift) * self.columns.quantity for shift in (-IV_SPREAD, IV_SPREAD)]
        low, high = float(np.minimum(*ends).sum()), float(np.maximum(*ends).sum())
        size, price = _wad((self.gap - 0.5 * (low + high)) / self.venues), _wad(price_usd)
        notional = Wad(-(-abs(size) * price // 10**18))
        equity = Wad(notional * 2 // 3)
        uncapped, zero = Wad(10**36), Wad(0)
        measured = VenueMeasurement(
            False, False, price, price, price, size, size, notional, equity, equity, equity, uncapped
        )
        unused, track = Budget(zero, zero, at, Seconds(0)), Track(zero, zero, zero, 0, zero, (0, 0, 0, 0))
        nav = Wad(_wad(NAV_IDLE_USD) + self.venues * equity)
        magnitudes = [MAX_SIZE / 2**halvings for halvings in reversed(range(LADDER_RUNGS))]
        return Snapshot(
            chain_id=31_337,
            block=BlockRef(block, BlockHash(f"0x{block:064x}"), at, Wei(10**9 + block)),
            vault=Address("0x" + "00" * 20),
            asset_decimals=6,
            idle_assets=AssetUnits(int(NAV_IDLE_USD) * 10**6),
            measurement=Measurement(
                price=price,
                is_reduce_only=False,
                book_delta_low=_wad(low),
                book_delta_high=_wad(high),
                idle=_wad(NAV_IDLE_USD),
                nav=nav,
                firm_nav=nav,
                net_flows=nav,
                venues=(measured,) * self.venues,
            ),
            bounds=bounds,
            usage=Usage(unused, unused, track),
            deviation_bps=0,
            venues=tuple(
                VenueSnapshot(
                    address=Address(f"0x{kind + 1:040x}"),
                    name=f"venue {kind}",
                    size=size,
                    mark_price=price,
                    index_price=price,
                    funding_rate_per_day=_wad(0.0002 * (kind % 3 - 1)),
                    free_collateral=AssetUnits(0),
                    quotes=ladder(curve(kind, price_usd), magnitudes),
                )
                for kind in range(self.venues)
            ),
            paused=False,
        )


def _wad(number: float) -> Wad:
    return to_wad(number, Rounding.DOWN)
