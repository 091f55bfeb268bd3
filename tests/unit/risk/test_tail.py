"""Value at risk and expected shortfall: closed forms, brute force, intervals that cover, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm, t

from agent.errors import DataError
from agent.risk.tail import expected_shortfall, tail_risk, value_at_risk

SEED = 11


@pytest.mark.parametrize("level", [0.95, 0.99, 0.999])
def test_tail_risk__huge_normal_sample__closed_form(level):
    pnl = np.random.default_rng(SEED).normal(5.0, 100.0, 2_000_000)
    z = norm.ppf(level)
    found = tail_risk(pnl, level, SEED, resamples=200)
    assert found.var_usd == pytest.approx(100.0 * z - 5.0, rel=0.01)
    assert found.expected_shortfall_usd == pytest.approx(100.0 * norm.pdf(z) / (1.0 - level) - 5.0, rel=0.01)


def test_tail_risk__heavy_tails__closed_form_of_student():
    degrees, level = 4.0, 0.975
    pnl = np.random.default_rng(SEED).standard_t(degrees, 2_000_000)
    q = t.ppf(level, degrees)
    shortfall = t.pdf(q, degrees) * (degrees + q * q) / ((degrees - 1.0) * (1.0 - level))
    assert value_at_risk(pnl, level) == pytest.approx(q, rel=0.01)
    assert expected_shortfall(pnl, level) == pytest.approx(shortfall, rel=0.01)


@pytest.mark.parametrize(
    ("rows", "level"), [(100, 0.95), (100, 0.99), (101, 0.95), (250, 0.99), (1_000, 0.9), (7, 0.5)]
)
def test_expected_shortfall__any_sample__is_the_mean_of_var_over_the_levels_beyond(rows, level):
    pnl = np.random.default_rng(rows).standard_t(3, rows)
    steps = 200_000
    tails = (np.arange(steps) + 0.5) / steps * (1.0 - level)
    quantiles = np.sort(pnl)[np.floor(tails * rows).astype(int)]
    assert expected_shortfall(pnl, level) == pytest.approx(-quantiles.mean(), rel=1e-4)
    assert value_at_risk(pnl, level) == pytest.approx(-np.quantile(pnl, 1.0 - level, method="higher"), rel=0.2)


def test_value_at_risk__whole_number_of_tail_rows__is_not_fooled_by_rounding():
    pnl = np.arange(-100.0, 0.0)
    assert value_at_risk(pnl, 0.99) == 99.0  # 100 x (1 - 0.99) is 1.0000000000000009 in floats
    assert value_at_risk(pnl, 0.9) == 90.0  # and 100 x (1 - 0.9) is 9.999999999999998
    assert expected_shortfall(pnl, 0.99) == 100.0
    assert expected_shortfall(pnl, 0.9) == pytest.approx(95.5, rel=1e-12)


def test_expected_shortfall__part_of_a_row__weighs_it_in_part():
    assert expected_shortfall([-10.0, -4.0, 1.0, 2.0], 0.625) == pytest.approx((10.0 + 0.5 * 4.0) / 1.5)


def test_expected_shortfall__one_rare_loss_each__is_subadditive_where_var_is_not():
    first, second = np.zeros(100), np.zeros(100)
    first[:4] = second[4:8] = -1_000.0
    assert value_at_risk(first, 0.95) == value_at_risk(second, 0.95) == 0.0
    assert value_at_risk(first + second, 0.95) == 1_000.0
    assert expected_shortfall(first + second, 0.95) <= expected_shortfall(first, 0.95) + expected_shortfall(
        second, 0.95
    )


def test_tail_risk__intervals__cover_the_truth_as_often_as_they_say():
    rng, level, samples = np.random.default_rng(SEED), 0.95, 400
    z = norm.ppf(level)
    truths = (z, norm.pdf(z) / (1.0 - level))
    found = [tail_risk(rng.standard_normal(600), level, seed, resamples=300) for seed in range(samples)]
    var_hits = [risk.var_interval.low <= truths[0] <= risk.var_interval.high for risk in found]
    shortfall_hits = [
        risk.expected_shortfall_interval.low <= truths[1] <= risk.expected_shortfall_interval.high for risk in found
    ]
    assert 0.93 <= np.mean(var_hits) <= 0.99  # order statistics cover at least 95 %
    assert 0.92 <= np.mean(shortfall_hits) <= 0.98


def test_tail_risk__heavy_tails__shortfall_interval_covers_nine_times_in_ten():
    """Percentiles of the resamples alone cover 79 % here."""
    rng, level, samples = np.random.default_rng(SEED), 0.975, 400
    cut = t.ppf(1.0 - level, 4)
    truth = t.pdf(cut, 4) / (1.0 - level) * (4.0 + cut**2) / 3.0
    found = [
        tail_risk(rng.standard_t(4, 250), level, seed, resamples=400).expected_shortfall_interval
        for seed in range(samples)
    ]
    hits = np.mean([interval.low <= truth <= interval.high for interval in found])
    assert 0.90 <= hits <= 0.98


def test_tail_risk__bootstrap__agrees_with_resampling_every_row():
    pnl, rng = np.random.default_rng(SEED).standard_t(4, 500), np.random.default_rng(1)
    plain = [_studentised(pnl[rng.integers(500, size=500)], 15) for _ in range(4_000)]
    estimate, error = _studentised(pnl, 15)
    scores = [(shortfall - estimate) / spread for shortfall, spread in plain]
    found = tail_risk(pnl, 0.97, SEED, resamples=4_000).expected_shortfall_interval
    assert found.low == pytest.approx(estimate - np.quantile(scores, 0.975) * error, rel=0.03)
    assert found.high == pytest.approx(estimate - np.quantile(scores, 0.025) * error, rel=0.05)


def _studentised(pnl, rows):
    """Shortfall of the worst rows and its standard error, by the influence of every single row."""
    losses = np.sort(-pnl)[::-1]
    influence = np.maximum(losses - losses[rows], 0.0) * pnl.size / rows
    return losses[:rows].mean(), influence.std() / np.sqrt(pnl.size)


def test_tail_risk__tail_of_equal_losses__has_an_interval():
    interval = tail_risk(np.repeat([-5.0, 1.0], [30, 70]), 0.9, SEED).expected_shortfall_interval
    assert interval == (5.0, 5.0)


def test_tail_risk__sample_too_small_for_an_upper_bound__says_so():
    interval = tail_risk(np.random.default_rng(2).standard_normal(150), 0.99, SEED).var_interval
    assert interval.high is None
    assert interval.low is not None


@pytest.mark.parametrize(("rows", "is_bounded"), [(100, False), (200, False), (299, False), (300, True)])
def test_tail_risk__one_or_two_rows_of_tail__has_no_shortfall_interval(rows, is_bounded):
    """One row covers 55 %, two 79 %, where 95 % is said; three 92 %."""
    interval = tail_risk(np.random.default_rng(2).standard_t(4, rows), 0.99, SEED).expected_shortfall_interval
    assert (interval.low is not None, interval.high is not None) == (is_bounded, is_bounded)


def test_tail_risk__same_seed__same_answer():
    pnl = np.random.default_rng(2).standard_normal(300)
    assert tail_risk(pnl, 0.95, 7) == tail_risk(pnl, 0.95, 7)
    assert tail_risk(pnl, 0.95, 7) != tail_risk(pnl, 0.95, 8)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_tail_risk__level_outside__is_refused(level):
    with pytest.raises(DataError, match="level is"):
        tail_risk(np.zeros(10), level, SEED)


@pytest.mark.parametrize(
    ("pnl", "message"),
    [
        ([1.0, math.nan, 2.0], "row 1: pnl_usd is nan"),
        ([1.0, 2.0, -math.inf], "row 2: pnl_usd is -inf"),
        ([], "pnl_usd has 0 rows"),
        (np.zeros(99), "pnl_usd has 99 rows, too few for level 0.99; give 100 or more"),
        (np.zeros((10, 20)), "pnl_usd has shape"),
    ],
)
def test_tail_risk__bad_pnl__is_refused_by_row(pnl, message):
    with pytest.raises(DataError, match=message):
        tail_risk(pnl, 0.99, SEED)


@pytest.mark.parametrize(("confidence", "resamples", "name"), [(1.0, 10, "confidence"), (0.9, 0, "resamples")])
def test_tail_risk__bad_setting__is_refused_by_name(confidence, resamples, name):
    with pytest.raises(DataError, match=name):
        tail_risk(np.zeros(10), 0.9, SEED, confidence, resamples)
