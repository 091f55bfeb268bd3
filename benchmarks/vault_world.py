"""Weeks of prices to live through under the local chain's bounds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from agent.backtest.pool_market import History
from agent.backtest.price_series import PriceSeries, realised_vol_annual
from agent.demo.scenario import default_book, deposit_usd
from agent.domain import Book
from agent.settings import Settings
from agent.settings.file import config_path, load_settings
from agent.study.case import Case, Names
from agent.units import Seconds
from benchmarks.frontier_cases import PERP_1H, SPOT_5M

WEEK_SECONDS, MONTH_SECONDS = 7 * 86_400, 30 * 86_400
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

    def case(self, settings: Settings, base_fee_gwei: float) -> Case:
        """Return the week as one replay, with the demonstration's deposit."""
        return Case(
            names=Names(self.name, "short calls", settings.policy.name, "as configured"),
            prices=self.prices,
            book=self.book,
            settings=settings,
            deposit_usd=deposit_usd(self.book, float(self.prices.prices_usd[0])),
            history=History(np.full(len(self.prices), base_fee_gwei)),
        )


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
