"""Hedge effectiveness: closed forms, statsmodels, verdicts at their edges, real basis, bad input."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from agent.errors import DataError
from agent.risk.effectiveness import judge_hedge, variance_reduction

RNG = np.random.default_rng(6)
UNHEDGED = RNG.normal(1.0, 100.0, 400)
NOISE = RNG.normal(0.0, 20.0, 400)


@pytest.mark.parametrize(("scale", "expected"), [(0.0, 1.0), (0.5, 0.75), (1.0, 0.0), (2.0, -3.0)])
def test_variance_reduction__hedged_is_a_multiple__closed_form(scale, expected):
    assert variance_reduction(scale * UNHEDGED, UNHEDGED) == pytest.approx(expected, abs=1e-12)


def test_judge_hedge__perfect__passes_everything():
    found = judge_hedge(UNHEDGED, -UNHEDGED)
    verdicts = (found.variance_reduction, found.r_squared, found.slope, found.dollar_offset)
    assert [verdict.figure for verdict in verdicts] == pytest.approx([1.0] * 4)
    assert all(verdict.is_effective for verdict in verdicts)
    assert found.slope_interval == pytest.approx((1.0, 1.0))
    assert found.changes == 400


def test_judge_hedge__noisy__agrees_with_statsmodels():
    hedge = -0.9 * UNHEDGED + NOISE
    found = judge_hedge(UNHEDGED, hedge, 0.9)
    fitted = sm.OLS(UNHEDGED, sm.add_constant(hedge)).fit()
    low, high = fitted.conf_int(0.1)[1]
    assert found.slope.figure == pytest.approx(-fitted.params[1], rel=1e-10)
    assert found.slope_interval == pytest.approx((-high, -low), rel=1e-10)
    assert found.r_squared.figure == pytest.approx(fitted.rsquared, rel=1e-10)
    assert found.variance_reduction.figure == pytest.approx(1 - np.var(UNHEDGED + hedge) / np.var(UNHEDGED), rel=1e-12)


def test_judge_hedge__interval__covers_the_true_slope_as_often_as_it_says():
    rng, hits = np.random.default_rng(8), 0
    for _ in range(500):
        hedge = rng.normal(0.0, 1.0, 50)
        low, high = judge_hedge(-0.95 * hedge + rng.normal(0.0, 0.3, 50), hedge).slope_interval
        hits += low <= 0.95 <= high
    assert 0.92 <= hits / 500 <= 0.98


def test_judge_hedge__half_the_size__right_kind_but_wrong_amount():
    found = judge_hedge(UNHEDGED, -0.5 * UNHEDGED)
    assert found.r_squared.is_effective
    assert not found.slope.is_effective
    assert not found.dollar_offset.is_effective
    assert not found.variance_reduction.is_effective
    assert "dollar offset 0.500 is not within 0.8 to 1.25" in found.dollar_offset.reason


@pytest.mark.parametrize(("size", "is_effective"), [(0.79, False), (0.81, True), (1.24, True), (1.26, False)])
def test_judge_hedge__dollar_offset__is_judged_80_to_125(size, is_effective):
    assert judge_hedge(UNHEDGED, -size * UNHEDGED).dollar_offset.is_effective is is_effective


def test_judge_hedge__unrelated__slope_cannot_be_told_from_nothing():
    found = judge_hedge(UNHEDGED, NOISE)
    assert not found.slope.is_effective
    assert "cannot be told from 0" in found.slope.reason
    assert not found.r_squared.is_effective


def test_judge_hedge__nothing_gained_or_lost__has_no_dollar_offset():
    found = judge_hedge([1.0, -1.0, 2.0, -2.0], [-1.0, 1.0, -2.0, 2.0])
    assert (found.dollar_offset.figure, found.dollar_offset.is_effective) == (None, False)


@pytest.mark.market_data
def test_judge_hedge__bybit_perp_against_binance_perp__is_effective_on_real_hours(market_data):
    frame = pl.read_parquet(market_data / "perp_ohlcv_1h_multivenue_2025_2026.parquet").filter(pl.col("coin") == "ETH")
    closes = [
        frame.filter(pl.col("venue") == venue).sort("open_ts")["close"].to_numpy() for venue in ("binance", "bybit")
    ]
    found = judge_hedge(np.diff(closes[0]), -np.diff(closes[1]))
    assert found.variance_reduction.figure > 0.99
    assert found.slope_interval[0] > 0.99
    assert found.dollar_offset.is_effective


@pytest.mark.parametrize(
    ("unhedged", "hedge", "message"),
    [
        ([1.0, math.nan, 2.0], [1.0, 2.0, 3.0], "row 1: unhedged_changes_usd is nan"),
        ([1.0, 3.0, 2.0], [1.0, 2.0, math.inf], "row 2: hedge_changes_usd is inf"),
        ([1.0, 2.0], [1.0, 2.0], "unhedged_changes_usd has 2 rows; expected at least 3"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0], "has 3 rows and hedge_changes_usd 4"),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], "unhedged_changes_usd do not vary"),
        ([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], r"hedge_changes_usd is 1\.0 in every row"),
    ],
)
def test_judge_hedge__bad_changes__are_refused(unhedged, hedge, message):
    with pytest.raises(DataError, match=message):
        judge_hedge(unhedged, hedge)


@pytest.mark.parametrize("confidence", [0.0, 1.0, math.nan])
def test_judge_hedge__confidence_outside__is_refused(confidence):
    with pytest.raises(DataError, match="confidence is"):
        judge_hedge(UNHEDGED, NOISE, confidence)
