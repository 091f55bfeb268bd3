"""Realised estimators: values by hand, unbiasedness on simulated paths, independence of drift, bad bars."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.errors import DataError
from agent.vol.realised import (
    close_to_close_vol_annual,
    garman_klass_vol_annual,
    parkinson_vol_annual,
    rogers_satchell_vol_annual,
    yang_zhang_vol_annual,
)

BARS_PER_YEAR = 365.0
STEPS_PER_BAR = 100
SAMPLES, ROWS = 400, 21


def simulate_bars(vol_annual, drift_annual, jump_vol_annual=0.0, seed=7):
    """Bars of geometric Brownian motion whose highs and lows are those of the continuous path.

    Within a step the extreme of the Brownian bridge is drawn from its exact law; the two extremes of one step are drawn
    apart, which only matters for the rare bar whose high and low fall into the same hundredth of it.
    """
    rng = np.random.default_rng(seed)
    step_variance = vol_annual**2 / BARS_PER_YEAR / STEPS_PER_BAR
    drift = (drift_annual - 0.5 * vol_annual**2) / BARS_PER_YEAR / STEPS_PER_BAR
    moves = drift + math.sqrt(step_variance) * rng.standard_normal((SAMPLES, ROWS, STEPS_PER_BAR))
    after = np.cumsum(moves, axis=-1)
    before = after - moves

    def beyond(sign):
        reach = np.sqrt(moves**2 - 2.0 * step_variance * np.log(rng.random(moves.shape)))
        return (
            (before + 0.5 * (moves + sign * reach)).max(axis=-1)
            if sign > 0
            else (before + 0.5 * (moves - reach)).min(axis=-1)
        )

    high, low, close = beyond(1.0), beyond(-1.0), after[..., -1]
    jumps = jump_vol_annual / math.sqrt(BARS_PER_YEAR) * rng.standard_normal((SAMPLES, ROWS))
    start = np.cumsum(jumps + close, axis=-1) - close
    return tuple(1000.0 * np.exp(start + part) for part in (np.zeros_like(close), high, low, close))


def assert_unbiased(vols_annual, true_variance):
    """The mean variance over samples lies within four standard errors of the truth."""
    variances = vols_annual**2
    error = variances.std(ddof=1) / math.sqrt(variances.size)
    assert abs(variances.mean() - true_variance) < 4.0 * error
    assert error < 0.02 * true_variance


def test_close_to_close__two_returns__by_hand():
    closes = [100.0, 110.0, 99.0]
    up, down = math.log(1.1), math.log(0.9)
    raw = math.sqrt((up**2 + down**2) / 2.0 * 252.0)
    mean = (up + down) / 2.0
    centred = math.sqrt(((up - mean) ** 2 + (down - mean) ** 2) * 252.0)
    assert close_to_close_vol_annual(closes, 252.0, remove_mean=False) == pytest.approx(raw, rel=1e-14)
    assert close_to_close_vol_annual(closes, 252.0, remove_mean=True) == pytest.approx(centred, rel=1e-14)


def test_range_estimators__one_bar__by_hand():
    bar = ([100.0], [104.0], [97.0], [101.0])
    span, body = math.log(104 / 97), math.log(101 / 100)
    assert parkinson_vol_annual(bar[1], bar[2], 1.0) == pytest.approx(span / math.sqrt(4 * math.log(2)), rel=1e-14)
    garman_klass = math.sqrt(0.5 * span**2 - (2 * math.log(2) - 1) * body**2)
    assert garman_klass_vol_annual(*bar, 1.0) == pytest.approx(garman_klass, rel=1e-14)
    satchell = math.log(104 / 101) * math.log(104 / 100) + math.log(97 / 101) * math.log(97 / 100)
    assert rogers_satchell_vol_annual(*bar, 1.0) == pytest.approx(math.sqrt(satchell), rel=1e-14)


def test_yang_zhang__three_bars__by_hand():
    opened, high = np.array([100.0, 103.0, 99.0]), np.array([102.0, 105.0, 101.0])
    low, close = np.array([99.0, 100.0, 97.0]), np.array([101.0, 100.5, 100.0])
    jumps = np.log([103 / 101, 99 / 100.5])
    bodies = np.log([100.5 / 103, 100 / 99])
    satchell = np.mean(
        [
            math.log(105 / 100.5) * math.log(105 / 103) + math.log(100 / 100.5) * math.log(100 / 103),
            math.log(101 / 100) * math.log(101 / 99) + math.log(97 / 100) * math.log(97 / 99),
        ]
    )
    k = 0.34 / (1.34 + 3.0)
    variance = np.var(jumps, ddof=1) + k * np.var(bodies, ddof=1) + (1 - k) * satchell
    answer = yang_zhang_vol_annual(opened, high, low, close, 252.0)
    assert answer == pytest.approx(math.sqrt(variance * 252.0), rel=1e-13)


def test_all__driftless_paths__unbiased():
    # Log returns without drift: the zero-drift estimators assume no drift of the logarithm.
    opened, high, low, close = simulate_bars(0.8, 0.5 * 0.8**2)
    truth = 0.8**2
    assert_unbiased(close_to_close_vol_annual(close, BARS_PER_YEAR, remove_mean=False), truth)
    assert_unbiased(close_to_close_vol_annual(close, BARS_PER_YEAR, remove_mean=True), truth)
    assert_unbiased(parkinson_vol_annual(high, low, BARS_PER_YEAR), truth)
    assert_unbiased(garman_klass_vol_annual(opened, high, low, close, BARS_PER_YEAR), truth)
    assert_unbiased(rogers_satchell_vol_annual(opened, high, low, close, BARS_PER_YEAR), truth)
    assert_unbiased(yang_zhang_vol_annual(opened, high, low, close, BARS_PER_YEAR), truth)


def test_drift_independent__strong_drift__unbiased_where_parkinson_is_not():
    bars = simulate_bars(0.5, 15.0, seed=11)
    truth = 0.5**2
    assert_unbiased(rogers_satchell_vol_annual(*bars, BARS_PER_YEAR), truth)
    assert_unbiased(yang_zhang_vol_annual(*bars, BARS_PER_YEAR), truth)
    assert_unbiased(close_to_close_vol_annual(bars[3], BARS_PER_YEAR, remove_mean=True), truth)
    assert np.mean(parkinson_vol_annual(bars[1], bars[2], BARS_PER_YEAR) ** 2) > 1.5 * truth


def test_yang_zhang__jumps_between_bars__counted_where_rogers_satchell_misses_them():
    bars = simulate_bars(0.5, 0.0, jump_vol_annual=0.4, seed=13)
    assert_unbiased(yang_zhang_vol_annual(*bars, BARS_PER_YEAR), 0.5**2 + 0.4**2)
    assert_unbiased(rogers_satchell_vol_annual(*bars, BARS_PER_YEAR), 0.5**2)


def test_range_estimators__same_bars__less_noise_than_closes():
    opened, high, low, close = simulate_bars(0.8, 0.5 * 0.8**2, seed=17)
    closes = np.var(close_to_close_vol_annual(close, BARS_PER_YEAR, remove_mean=False) ** 2)
    assert closes / np.var(parkinson_vol_annual(high, low, BARS_PER_YEAR) ** 2) > 4.0
    assert closes / np.var(garman_klass_vol_annual(opened, high, low, close, BARS_PER_YEAR) ** 2) > 5.5
    assert closes / np.var(yang_zhang_vol_annual(opened, high, low, close, BARS_PER_YEAR) ** 2) > 4.5


def test_all__leading_axes__one_answer_a_series():
    bars = simulate_bars(0.8, 0.0)
    many = yang_zhang_vol_annual(*bars, BARS_PER_YEAR)
    one = yang_zhang_vol_annual(*(part[3] for part in bars), BARS_PER_YEAR)
    assert many.shape == (SAMPLES,)
    assert many[3] == one


@pytest.mark.parametrize(
    ("bar", "message"),
    [
        (([100, 100], [101, 99], [98, 98], [99, 99]), "row 1: open_usd is 100.0, above high_usd 99.0"),
        (([100, 100], [101, 101], [98, 98], [99, 97]), "row 1: low_usd is 98.0, above close_usd 97.0"),
        (([100, -1], [101, 101], [98, 98], [99, 99]), "row 1: open_usd is -1.0"),
        (([100, 100], [101, math.nan], [98, 98], [99, 99]), "row 1: high_usd is nan"),
        (([], [], [], []), "open_usd has 0 rows"),
        (([100], [101, 101], [98, 98], [99, 99]), "open_usd has shape"),
    ],
)
def test_garman_klass__bad_bar__names_row_field_and_value(bar, message):
    with pytest.raises(DataError, match=message):
        garman_klass_vol_annual(*bar, BARS_PER_YEAR)


def test_parkinson__low_above_high__names_row_field_and_value():
    with pytest.raises(DataError, match=r"row 0: low_usd is 102.0, above high_usd 101.0"):
        parkinson_vol_annual([101.0], [102.0], BARS_PER_YEAR)


@pytest.mark.parametrize("bars_per_year", [0.0, -1.0, math.nan, math.inf])
def test_all__bars_per_year_out_of_range__refused(bars_per_year):
    with pytest.raises(DataError, match="bars_per_year is"):
        close_to_close_vol_annual([1.0, 2.0, 3.0], bars_per_year, remove_mean=True)


def test_yang_zhang__two_bars__too_few():
    with pytest.raises(DataError, match="has 2 rows; expected at least 3"):
        yang_zhang_vol_annual([1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0], BARS_PER_YEAR)
