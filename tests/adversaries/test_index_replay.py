"""Updates of an ETH feed of 0.5 % and 1 h over 2024-08-01 .. 08, and what trading shares around each of them earns."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime

import polars as pl
import pytest

from agent.units import BPS
from tests.support.adversary import attack_yields_at_most
from tests.support.figures import show_figures
from tests.support.price_feed_replay import Candle, closes, gain_usd, paths, updates

pytestmark = pytest.mark.market_data

START = datetime(2024, 8, 1, tzinfo=UTC)
END = datetime(2024, 8, 9, tzinfo=UTC)
DAYS = 8
SIZE = 52.9
NAV_USD = 400_000.0
DEPOSIT_USD = 10_000_000.0
LEFT = {0.0025: 0.24, 0.005: 0.026, 0.0075: 0.011, 0.01: 0.0055, 0.02: 0.0}
"""Share of the gain that a NAV of this half-width leaves at most, with a feed up to 30 s late."""


@pytest.fixture(scope="module")
def candles(market_data):
    rows = (
        pl.scan_parquet(market_data / "binance_spot_5m_2024.parquet")
        .filter((pl.col("symbol") == "ETHUSDT") & pl.col("open_ts").is_between(START, END, closed="left"))
        .sort("open_ts")
        .collect()
    )
    assert len(rows) == DAYS * 288
    prices = ("open", "high", "low", "close")
    return [
        Candle(int(row["open_ts"].timestamp()), *(row[one] for one in prices)) for row in rows.iter_rows(named=True)
    ]


def jumps(found):
    return pl.Series([abs(update.jump_ratio) for update in found])


@pytest.mark.parametrize(
    ("prices", "delay_seconds", "updates_a_day", "p99", "largest"),
    [
        (closes, 0.0, 60.0, 0.0268, 0.0751),
        (paths, 0.0, 148.6, 0.0057, 0.0060),
        (paths, 15.0, 134.25, 0.0129, 0.0164),
        (paths, 30.0, 131.75, 0.0179, 0.0272),
    ],
)
def test_updates__crash_of_august__jumps_of_this_size(candles, prices, delay_seconds, updates_a_day, p99, largest):
    found = list(updates(prices(candles), delay_seconds))
    sizes = jumps(found)
    figures = (len(found) / DAYS, sizes.quantile(0.99), sizes.max())
    show_figures(f"{figures}")
    assert figures == pytest.approx((updates_a_day, p99, largest), rel=0.02)


@pytest.fixture
def width_ratio(repository):
    """Half-width of NAV as deployed on the local chain."""
    configured = tomllib.loads((repository / "config" / "localnet.toml").read_text(encoding="utf-8"))
    return configured["oracle"]["deviation_bps"] / BPS


@pytest.mark.parametrize(("delay_seconds", "limit_usd"), [(0.0, 0.0), (15.0, 0.0), (30.0, 2_100.0)])
def test_shares__nav_of_the_configured_width__leave_nothing(candles, width_ratio, delay_seconds, limit_usd):
    """A feed 30 s late leaves what its few jumps of more than twice the width exceed it by, in a week of a crash."""
    found = list(updates(paths(candles), delay_seconds))
    attack_yields_at_most(gain_usd(found, SIZE, NAV_USD, DEPOSIT_USD, width_ratio), limit_usd)


@pytest.mark.parametrize("delay_seconds", [15.0, 30.0])
@pytest.mark.parametrize("width_ratio", [0.0025, 0.005, 0.0075, 0.01, 0.02])
def test_shares__nav_of_this_width__leave_the_excess_of_jumps(candles, width_ratio, delay_seconds):
    """NAV at the price -/+ the width: only what a jump exceeds twice the width by is left."""
    found = list(updates(paths(candles), delay_seconds))
    left, all_of_it = (gain_usd(found, SIZE, NAV_USD, DEPOSIT_USD, width) for width in (width_ratio, 0.0))
    show_figures(f"width {width_ratio}, {delay_seconds} s late: {left:,.2f} left of {all_of_it:,.2f}")
    attack_yields_at_most(left, all_of_it * LEFT[width_ratio])
