"""The local chain's vault and market as frozen records: its bounds, its pool, and weeks of prices to live through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from agent.backtest.price_series import PriceSeries, realised_vol_annual
from agent.chain.snapshot import LADDER_RUNGS
from agent.costs.curves.base import ladder
from agent.costs.curves.constant_product import ConstantProduct
from agent.decision.feasible_hedge import delta_interval
from agent.demo.scenario import default_book, deposit_usd
from agent.domain import BlockRef, Book, Budget, Measurement, Snapshot, Track, Usage, VenueMeasurement, VenueSnapshot
from agent.localnet.world import LocalnetSettings
from agent.settings import Settings
from agent.settings.file import config_path, load_settings
from agent.units import (
    BPS,
    Address,
    AssetUnits,
    BlockHash,
    Rounding,
    Seconds,
    Wad,
    from_wad,
    gwei_to_wei,
    to_wad,
    wad_to_asset_units,
)
from benchmarks.frontier_cases import PERP_1H, SPOT_5M

WEEK_SECONDS, MONTH_SECONDS = 7 * 86_400, 30 * 86_400
MARKET = LocalnetSettings()
UNCAPPED = Wad(10**36)
ASSET_DECIMALS = 6
WEEKS_5M = ("2024-03-04", "2024-04-08", "2024-05-20", "2024-07-01", "2024-08-01")
"""Quiet and stormy ones; the last is the crash of 2024-08-05."""
WEEKS_1H = ("2025-04-03", "2025-07-10", "2025-10-06", "2025-11-17")
"""The third holds the crash of 2025-10-10."""


@dataclass(frozen=True, slots=True)
class VaultWeek:
    """A week of prices, and the book that is hedged through it: short 100 calls at the money, 30 days left."""

    name: str
    prices: PriceSeries
    book: Book


def local_settings() -> Settings:
    """Return the local chain's configuration, without the environment's changes."""
    return load_settings(config_path("localnet"), {})


def real_weeks() -> list[VaultWeek]:
    """Return the weeks whose data is here; volatility is that of the month before."""
    weeks = []
    if SPOT_5M.is_file():
        spot = pl.read_parquet(SPOT_5M).filter(pl.col("symbol") == "ETHUSDT")
        weeks += [_week(spot, start, 300) for start in WEEKS_5M]
    if PERP_1H.is_file():
        perp = pl.read_parquet(PERP_1H).filter((pl.col("coin") == "ETH") & (pl.col("venue") == "binance"))
        weeks += [_week(perp, start, 3_600) for start in WEEKS_1H]
    return weeks


def vault_at(settings: Settings, week: VaultWeek, base_fee_gwei: float) -> Snapshot:
    """Return an unhedged vault with the demonstration's deposit, at the first price, under the local chain's bounds."""
    at, spot_usd = week.prices.start_unix, float(week.prices.prices_usd[0])
    low, high = (float(end[0]) for end in delta_interval(week.book, np.array([float(at)]), np.array([spot_usd])))
    bounds, price, zero = settings.bounds.to_bounds(), to_wad(spot_usd, Rounding.DOWN), Wad(0)
    idle = to_wad(deposit_usd(week.book, spot_usd), Rounding.DOWN)
    unused = Budget(zero, zero, at, Seconds(0))
    flat = VenueMeasurement(False, False, price, price, price, zero, zero, zero, zero, zero, zero, UNCAPPED)
    largest = from_wad(bounds.max_size_delta)
    quotes = ladder(_pool(spot_usd), [largest / 2**halvings for halvings in reversed(range(LADDER_RUNGS))])
    venue = VenueSnapshot(Address("0x" + "01" * 20), "curie", zero, price, price, zero, AssetUnits(0), quotes)
    ends = to_wad(low, Rounding.DOWN), to_wad(high, Rounding.UP)
    return Snapshot(
        chain_id=settings.chain.chain_id,
        block=BlockRef(1, BlockHash("0x" + "11" * 32), at, gwei_to_wei(base_fee_gwei, Rounding.UP)),
        vault=Address("0x" + "00" * 20),
        asset_decimals=ASSET_DECIMALS,
        idle_assets=wad_to_asset_units(idle, ASSET_DECIMALS, Rounding.DOWN),
        measurement=Measurement(price, False, *ends, idle, idle, idle, idle, (flat,)),
        bounds=bounds,
        usage=Usage(unused, unused, Track(zero, zero, zero, 0, (0, 0, 0, 0))),
        deviation_bps=0,
        venues=(venue,),
        paused=False,
    )


def _pool(spot_usd: float) -> ConstantProduct:
    """Return the local market's curve: as deep as its settings say, in a range that no week leaves."""
    slippage = MARKET.depth_slippage_bps / BPS
    base_reserve = MARKET.depth_size_underlying * (1.0 - slippage) / slippage
    fee_ratio = MARKET.exchange_fee_bps / BPS
    return ConstantProduct(base_reserve, base_reserve * spot_usd, fee_ratio, 0.5 * base_reserve, base_reserve)


def _week(bars: pl.DataFrame, start: str, seconds: int) -> VaultWeek:
    first = datetime.fromisoformat(start).replace(tzinfo=UTC)
    before = _series(bars, first - timedelta(seconds=MONTH_SECONDS), first, seconds)
    prices = _series(bars, first, first + timedelta(seconds=WEEK_SECONDS), seconds)
    return VaultWeek(start, prices, default_book(prices, realised_vol_annual(before)))


def _series(bars: pl.DataFrame, start: datetime, end: datetime, seconds: int) -> PriceSeries:
    span = bars.filter((pl.col("open_ts") >= start) & (pl.col("open_ts") < end)).sort("open_ts")
    opens = np.ascontiguousarray(span["open"].to_numpy(), dtype=np.float64)
    times = Seconds(int(start.timestamp())) + seconds * np.arange(opens.size, dtype=np.int64)
    return PriceSeries("ETHUSDT", times, opens, Seconds(seconds), "shared data", None)
