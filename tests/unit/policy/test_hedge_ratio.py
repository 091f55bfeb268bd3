"""Hedge ratios: planted ones are found again, NumPy and statsmodels agree, and error correction does what it claims."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from statsmodels.tsa.stattools import coint

from agent.errors import DataError
from agent.policy.hedge_ratio import error_correction_hedge_ratio, ewma_hedge_ratio, ols_hedge_ratio

BARS = 8_000
PLANTED = 0.8


def walk(seed: int, bars: int = BARS) -> np.ndarray:
    return 3_000.0 + np.cumsum(np.random.default_rng(seed).standard_normal(bars))


def noise(seed: int, persistence: float, size: float = 0.7) -> np.ndarray:
    shocks = size * np.random.default_rng(seed).standard_normal(BARS)
    gap = np.zeros(BARS)
    for bar in range(1, BARS):
        gap[bar] = persistence * gap[bar - 1] + shocks[bar]
    return gap


def closes(market_data, coin: str) -> tuple[np.ndarray, np.ndarray]:
    """Hourly closes of two venues' perpetuals on one coin at the same hours."""
    frame = pl.read_parquet(market_data / "perp_ohlcv_1h_multivenue_2025_2026.parquet").filter(pl.col("coin") == coin)
    first, second = (
        frame.filter(pl.col("venue") == venue).select("open_ts", "close") for venue in ("bybit", "binance")
    )
    both = first.join(second, on="open_ts").sort("open_ts")
    return both["close"].to_numpy(), both["close_right"].to_numpy()


# --- planted ratios -----------------------------------------------------------------------------------------------


def test_ols_hedge_ratio__planted_ratio__is_found_within_its_standard_error():
    hedge = walk(1)
    hedged = PLANTED * hedge + 700.0 + np.cumsum(0.5 * np.random.default_rng(2).standard_normal(BARS))
    found = ols_hedge_ratio(hedged, hedge)
    assert abs(found.ratio - PLANTED) < 4.0 * found.standard_error
    assert found.standard_error == pytest.approx(0.5 / math.sqrt(BARS), rel=0.05)
    assert found.effectiveness == pytest.approx(PLANTED**2 / (PLANTED**2 + 0.25), abs=0.02)


def test_ewma_hedge_ratio__ratio_that_changed__follows_the_later_one():
    moves = np.diff(walk(3))
    ratios = np.where(np.arange(BARS - 1) < BARS - 1_500, 0.4, 1.2)
    hedged = 3_000.0 + np.concatenate([[0.0], np.cumsum(ratios * moves)])
    assert ewma_hedge_ratio(hedged, walk(3), 150.0).ratio == pytest.approx(1.2, abs=0.01)
    assert ols_hedge_ratio(hedged, walk(3)).ratio < 0.7


def test_error_correction__planted_tie__finds_ratio_and_speed_of_return():
    hedge = walk(5)
    gap = noise(6, persistence=0.75)
    found = error_correction_hedge_ratio(PLANTED * hedge + gap, hedge, 1)
    assert found.hedge_ratio.ratio == pytest.approx(PLANTED, abs=4.0 * found.hedge_ratio.standard_error)
    assert found.adjustment == pytest.approx(-0.25, abs=0.03)
    assert found.long_run_ratio == pytest.approx(PLANTED, abs=0.005)
    assert found.cointegration_p_value < 1e-4


def test_error_correction__prices_that_have_nothing_to_do_with_each_other__says_so():
    found = error_correction_hedge_ratio(walk(7), walk(8), 2)
    assert found.cointegration_p_value > 0.05
    assert abs(found.hedge_ratio.ratio) < 4.0 * found.hedge_ratio.standard_error


# --- what error correction is for ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("persistence", "ols", "corrected"), [(0.0, 0.402, 0.537), (0.5, 0.484, 0.537)])
def test_error_correction__noise_of_the_hedges_price__is_biased_less_than_ols(persistence, ols, corrected):
    """Noise of size s on H: OLS tends to h / (1 + 2 s^2 / (1 + persistence)), error correction to h / (1 + s^2)."""
    hedge = walk(9)
    hedged, noisy = PLANTED * hedge + 700.0, hedge + noise(10, persistence)
    assert ols == pytest.approx(PLANTED / (1.0 + 2.0 * 0.49 / (1.0 + persistence)), abs=0.004)
    assert corrected == pytest.approx(PLANTED / 1.49, abs=0.001)
    found = error_correction_hedge_ratio(hedged, noisy, 4)
    assert ols_hedge_ratio(hedged, noisy).ratio == pytest.approx(ols, abs=0.03)
    assert found.hedge_ratio.ratio == pytest.approx(corrected, abs=0.03)
    assert found.long_run_ratio == pytest.approx(PLANTED, abs=0.01)


def test_long_run_ratio__hedged_price_read_late__alone_is_right():
    price = walk(11, BARS + 1)
    hedged, hedge = 0.7 * price[1:] + 0.3 * price[:-1] + noise(12, 0.0, 0.05), price[1:]
    found = error_correction_hedge_ratio(hedged, hedge, 2)
    assert ols_hedge_ratio(hedged, hedge).ratio == pytest.approx(0.7, abs=0.03)
    assert found.hedge_ratio.ratio == pytest.approx(0.7, abs=0.03)
    assert found.long_run_ratio == pytest.approx(1.0, abs=0.005)


def test_ols_hedge_ratio__one_bar_ahead__no_other_ratio_leaves_less_variance():
    hedge = walk(13)
    hedged, noisy = PLANTED * hedge + 700.0, hedge + noise(14, 0.3)
    best = ols_hedge_ratio(hedged, noisy)
    moves, hedges = np.diff(hedged), np.diff(noisy)
    for ratio in (0.9 * best.ratio, 1.1 * best.ratio, error_correction_hedge_ratio(hedged, noisy, 1).hedge_ratio.ratio):
        assert 1.0 - np.var(moves - ratio * hedges) / np.var(moves) < best.effectiveness


# --- independent references ---------------------------------------------------------------------------------------


def test_ols_hedge_ratio__covariance_over_variance__agrees():
    hedged, hedge = walk(15) + noise(16, 0.5), walk(15)
    found = ols_hedge_ratio(hedged, hedge)
    covariance = np.cov(np.diff(hedged), np.diff(hedge))
    assert found.ratio == pytest.approx(covariance[0, 1] / covariance[1, 1], rel=1e-10)
    assert found.effectiveness == pytest.approx(np.corrcoef(np.diff(hedged), np.diff(hedge))[0, 1] ** 2, rel=1e-10)


def test_ewma_hedge_ratio__recursion_bar_by_bar__agrees():
    hedged, hedge = walk(17) + noise(18, 0.5), walk(17)
    keep = 0.5 ** (1.0 / 60.0)
    covariance = variance = 0.0
    for move, hedge_move in zip(np.diff(hedged), np.diff(hedge), strict=True):
        covariance, variance = keep * covariance + move * hedge_move, keep * variance + hedge_move**2
    found = ewma_hedge_ratio(hedged, hedge, 60.0)
    assert found.ratio == pytest.approx(covariance / variance, rel=1e-10)
    assert math.isnan(found.standard_error)


def test_error_correction__regression_written_out__agrees():
    hedged, hedge = walk(19) + noise(20, 0.6), walk(19)
    level = sm.OLS(hedged, sm.add_constant(hedge)).fit()
    rows = [
        [1.0, hedge[t] - hedge[t - 1], hedged[t - 1] - level.params[0] - level.params[1] * hedge[t - 1]]
        + [series[t - lag] - series[t - lag - 1] for lag in (1, 2) for series in (hedged, hedge)]
        for t in range(3, BARS)
    ]
    expected = np.linalg.lstsq(np.array(rows), np.diff(hedged)[2:], rcond=None)[0]
    found = error_correction_hedge_ratio(hedged, hedge, 2)
    assert found.hedge_ratio.ratio == pytest.approx(expected[1], rel=1e-8)
    assert found.adjustment == pytest.approx(expected[2], rel=1e-8)


@pytest.mark.parametrize("persistence", [0.5, 0.99, 0.9999])
def test_error_correction__engle_and_granger_of_statsmodels__agrees(persistence):
    hedged, hedge = walk(33) + noise(34, persistence), walk(33)
    expected = coint(hedged, hedge, trend="c", maxlag=3, autolag=None)[1]
    assert error_correction_hedge_ratio(hedged, hedge, 3).cointegration_p_value == pytest.approx(expected, rel=1e-9)


# --- real prices --------------------------------------------------------------------------------------------------


@pytest.mark.market_data
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_hedge_ratios__perpetuals_of_two_venues__are_close_to_one_and_tied(market_data, coin):
    hedged, hedge = closes(market_data, coin)
    assert hedged.size > 8_000
    ols, ewma = ols_hedge_ratio(hedged, hedge), ewma_hedge_ratio(hedged, hedge, 168.0)
    tied = error_correction_hedge_ratio(hedged, hedge, 6)
    for ratio in (ols.ratio, ewma.ratio, tied.hedge_ratio.ratio, tied.long_run_ratio):
        assert ratio == pytest.approx(1.0, abs=0.01)
    assert ols.effectiveness > 0.999
    assert tied.adjustment < -0.1
    assert tied.cointegration_p_value < 1e-4


@pytest.mark.market_data
def test_ols_hedge_ratio__ether_hedged_with_bitcoin__leaves_much_unhedged(market_data):
    ether, bitcoin = closes(market_data, "ETH")[1], closes(market_data, "BTC")[1]
    found = ols_hedge_ratio(ether, bitcoin)
    reference = sm.OLS(np.diff(ether), sm.add_constant(np.diff(bitcoin))).fit()
    assert found.ratio == pytest.approx(reference.params[1], rel=1e-10)
    assert found.standard_error == pytest.approx(reference.bse[1], rel=1e-10)
    assert found.effectiveness == pytest.approx(reference.rsquared, rel=1e-10)
    assert 0.5 < found.effectiveness < 0.9


@pytest.mark.market_data
def test_ols_hedge_ratio__perpetual_against_spot__is_close_to_one(market_data):
    spot = pl.read_parquet(market_data / "binance_spot_5m_2024.parquet").filter(pl.col("symbol") == "ETHUSDT")
    pool = pl.read_parquet(market_data / "uniswap_v3_usdc_weth_hourly_202311_202401.parquet")
    hourly = spot.with_columns(pl.col("open_ts").dt.truncate("1h").alias("hour")).sort("open_ts")
    hourly = hourly.group_by("hour", maintain_order=True).agg(pl.col("close").last())
    both = pool.join(hourly, left_on="period_start", right_on="hour").sort("period_start")
    pooled, centralised = both["close_usdc_per_weth"].to_numpy(), both["close"].to_numpy()
    assert pooled.size > 150
    found = error_correction_hedge_ratio(pooled, centralised, 2)
    assert found.long_run_ratio == pytest.approx(1.0, abs=0.01)
    assert ols_hedge_ratio(pooled, centralised).effectiveness > 0.95


# --- bad input ----------------------------------------------------------------------------------------------------


def estimators():
    return [
        ols_hedge_ratio,
        lambda hedged, hedge: ewma_hedge_ratio(hedged, hedge, 20.0),
        lambda hedged, hedge: error_correction_hedge_ratio(hedged, hedge, 1),
    ]


each = pytest.mark.parametrize("estimate", estimators(), ids=["ols", "ewma", "error_correction"])


@each
@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -3.0])
@pytest.mark.parametrize("column", [0, 1])
def test_hedge_ratio__bad_price__is_refused_by_row_field_and_value(estimate, bad, column):
    prices = [walk(21, 60), walk(22, 60)]
    prices[column][17] = bad
    name = ("hedged_usd", "hedge_usd")[column]
    with pytest.raises(DataError, match=f"row 17: {name} is {bad}"):
        estimate(*prices)


@each
def test_hedge_ratio__prices_at_other_times__are_refused(estimate):
    with pytest.raises(DataError, match="hedged_usd has 60 rows and hedge_usd 59"):
        estimate(walk(23, 60), walk(24, 59))


@each
@pytest.mark.parametrize("flat", [np.full(60, 3_000.0), 3_000.0 + np.arange(60.0)], ids=["still", "steady"])
def test_hedge_ratio__price_without_variance__is_refused_by_name(estimate, flat):
    with pytest.raises(DataError, match=r"hedge_usd changes by .* in every row"):
        estimate(walk(25, 60), flat)
    with pytest.raises(DataError, match=r"hedged_usd changes by .* in every row"):
        estimate(flat, walk(25, 60))


@each
def test_hedge_ratio__too_few_prices__are_refused(estimate):
    with pytest.raises(DataError, match="hedged_usd has 29 rows; expected at least 30"):
        estimate(walk(26, 29), walk(27, 29))


def test_ewma_hedge_ratio__half_life_out_of_domain__is_refused_by_value():
    for bad in (0.0, -1.0, math.nan):
        with pytest.raises(DataError, match=f"half_life_bars is {bad}"):
            ewma_hedge_ratio(walk(28, 60), walk(29, 60), bad)


def test_error_correction__too_many_lags__are_refused():
    with pytest.raises(DataError, match="lags is 30, which leaves fewer than 30 of 60 rows"):
        error_correction_hedge_ratio(walk(30, 60), walk(31, 60), 30)
    with pytest.raises(DataError, match="lags is -1"):
        error_correction_hedge_ratio(walk(30, 60), walk(31, 60), -1)


def test_error_correction__two_prices_that_are_one__are_refused():
    with pytest.raises(DataError, match="move as one"):
        error_correction_hedge_ratio(walk(32, 60), 2.0 * walk(32, 60), 1)
