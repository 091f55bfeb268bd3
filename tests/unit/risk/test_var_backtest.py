"""Tests of value at risk: likelihoods worked out otherwise, size under the truth, power against error, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, norm

from agent.errors import DataError
from agent.risk.var_backtest import backtest_expected_shortfall, backtest_var, var_breaches

SEED = 17


def flags(periods, breaches):
    found = np.zeros(periods, dtype=bool)
    found[np.linspace(1, periods - 2, breaches).astype(int)] = True
    return found


@pytest.mark.parametrize(
    ("periods", "breaches", "level"), [(255, 7, 0.99), (1_000, 36, 0.95), (500, 25, 0.95), (300, 0, 0.99)]
)
def test_backtest_var__coverage__is_the_likelihood_ratio_of_the_binomial(periods, breaches, level):
    found = backtest_var(flags(periods, breaches), level)
    free, bound = (binom.logpmf(breaches, periods, p) for p in (breaches / periods, 1.0 - level))
    assert (found.periods, found.breaches) == (periods, breaches)
    assert found.expected_breaches == pytest.approx(periods * (1.0 - level))
    assert found.unconditional_coverage.statistic == pytest.approx(2.0 * (free - bound), abs=1e-9)


@pytest.mark.parametrize(("breaches", "is_refused"), [(0, True), (1, False), (6, False), (7, True)])
def test_backtest_var__kupiec_255_days_at_99__refuses_outside_his_table(breaches, is_refused):
    # Kupiec (1995), table 3: with T = 255 and p = 1 %, N < 7 is not rejected at 5 %; none at all is.
    assert backtest_var(flags(255, breaches), 0.99).unconditional_coverage.rejects() is is_refused


def test_backtest_var__independence__is_that_of_the_two_by_two_table():
    found = backtest_var(np.array([0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 1], dtype=bool), 0.9)
    n00, n01, n10, n11 = 5, 4, 3, 3
    after_calm, after_breach, joint = n01 / (n00 + n01), n11 / (n10 + n11), (n01 + n11) / 15
    free = n00 * math.log(1 - after_calm) + n01 * math.log(after_calm)
    free += n10 * math.log(1 - after_breach) + n11 * math.log(after_breach)
    bound = (n00 + n10) * math.log(1 - joint) + (n01 + n11) * math.log(joint)
    assert found.independence.statistic == pytest.approx(2 * (free - bound), rel=1e-12)
    both = found.unconditional_coverage.statistic + found.independence.statistic
    assert found.conditional_coverage.statistic == pytest.approx(both)
    assert found.conditional_coverage.p_value == pytest.approx(math.exp(-both / 2), rel=1e-9)


def test_backtest_var__right_model__is_refused_as_often_as_the_significance():
    rng = np.random.default_rng(SEED)
    found = [backtest_var(rng.random(1_000) < 0.05, 0.95) for _ in range(1_000)]
    assert np.mean([test.unconditional_coverage.rejects() for test in found]) == pytest.approx(0.05, abs=0.02)
    assert np.mean([test.independence.rejects() for test in found]) == pytest.approx(0.05, abs=0.03)


def test_backtest_var__breaches_in_a_row__fail_independence_alone():
    is_breach = np.zeros(1_000, dtype=bool)
    is_breach[np.arange(0, 1_000, 100)[:, None] + np.arange(5)] = True
    found = backtest_var(is_breach, 0.95)
    assert not found.unconditional_coverage.rejects()
    assert found.independence.rejects(1e-6)


def test_var_breaches__loss_equal_to_var__is_none():
    assert var_breaches([-1.0, -2.0, 3.0], [1.0, 1.0, 1.0]).tolist() == [False, True, False]


@pytest.mark.parametrize(("scale", "is_refused"), [(1.0, False), (0.7, True)])
def test_backtest_expected_shortfall__normal_losses__refuses_too_small_a_shortfall(scale, is_refused):
    pnl, z = np.random.default_rng(SEED).standard_normal(4_000), norm.ppf(0.975)
    shortfall = norm.pdf(z) / 0.025
    p_value = backtest_expected_shortfall(pnl, np.full(4_000, z), np.full(4_000, scale * shortfall), SEED)
    assert (p_value < 0.01) is is_refused


def test_backtest_expected_shortfall__too_few_breaches__says_nothing():
    assert backtest_expected_shortfall([-2.0, 1.0, 1.0], [1.0] * 3, [1.5] * 3, SEED) is None


@pytest.mark.parametrize("bad", [[True], [[True, False]], [0, 1]])
def test_backtest_var__bad_flags__are_refused(bad):
    with pytest.raises(DataError, match="is_breach has"):
        backtest_var(bad, 0.99)


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan])
def test_backtest_var__level_outside__is_refused(level):
    with pytest.raises(DataError, match="level is"):
        backtest_var(flags(10, 1), level)


def test_var_breaches__bad_series__are_refused_by_row():
    with pytest.raises(DataError, match="row 1: var_usd is nan"):
        var_breaches([1.0, 1.0], [1.0, math.nan])
    with pytest.raises(DataError, match="pnl_usd has 2 rows and var_usd 1"):
        var_breaches([1.0, 1.0], [1.0])


def test_backtest_expected_shortfall__not_positive__is_refused_by_row():
    pnl = np.full(6, -2.0)
    with pytest.raises(DataError, match=r"row 3: shortfall_usd is 0\.0"):
        backtest_expected_shortfall(pnl, np.ones(6), np.array([3.0, 3.0, 3.0, 0.0, 3.0, 3.0]), SEED)
