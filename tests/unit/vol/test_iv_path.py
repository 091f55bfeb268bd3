"""A path of IV holds each level until the next, looks at nothing later, and realised volatility is the usual sum."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from agent.errors import DataError
from agent.vol.iv_path import IvPath, realised_iv_path

YEAR_SECONDS = 365 * 86_400


def path(times=(100, 200, 300), levels=(0.6, 0.8, 0.5)):
    return IvPath(np.array(times), np.array(levels), "a file")


@pytest.mark.parametrize(
    ("at_unix", "level"), [(100, 0.6), (199, 0.6), (200, 0.8), (299, 0.8), (300, 0.5), (9_999, 0.5)]
)
def test_iv_path__level__is_the_last_told(at_unix, level):
    assert path().move(100, at_unix).level_annual == pytest.approx((level - 0.6,))


def test_iv_path__move__is_the_change_of_the_level():
    assert path().move(150, 250).level_annual == pytest.approx((0.2,))
    assert path().move(250, 150).level_annual == pytest.approx((-0.2,))
    assert path().move(120, 180).is_held


def test_iv_path__tenors_and_skew__move_each_by_its_own_change():
    told = IvPath(np.array([0, 9]), np.array([[0.6, 0.5], [0.9, 0.6]]), "a file", (7.0, 30.0), np.array([-0.1, -0.3]))
    move = told.move(0, 9)
    assert (move.tenor_days, move.level_annual) == ((7.0, 30.0), pytest.approx((0.3, 0.1)))
    assert move.skew == pytest.approx(-0.2)
    assert told.move(9, 20).is_held


@pytest.mark.parametrize(
    ("levels", "tenors", "skew", "words"),
    [
        ([[0.6, 0.5]], (30.0,), None, "1 times for 2 levels of IV; give one each"),
        ([0.6], (7.0, 30.0), None, "1 times for 1 levels of IV; give 2 each"),
        ([[0.6, 0.5]], (30.0, 7.0), None, "sort them, each once"),
        ([0.6], (30.0,), [0.1, 0.2], "1 times for 2 skews"),
    ],
)
def test_iv_path__tenors_that_do_not_fit__refused(levels, tenors, skew, words):
    with pytest.raises(DataError, match=words):
        IvPath(np.array([0]), np.array(levels), "a file", tenors, None if skew is None else np.array(skew))


def test_iv_path__before_the_first_level__refused():
    with pytest.raises(DataError, match="known from 100 on, not at 99"):
        path().move(100, 99)


@pytest.mark.parametrize(
    ("times", "levels", "words"),
    [
        ((), (), "0 times for 0 levels"),
        ((100,), (0.6, 0.7), "1 times for 2 levels"),
        ((100, 100), (0.6, 0.7), "row 1: the time is not after"),
        ((100, 200, 150), (0.6, 0.7, 0.7), "row 2: the time is not after"),
        ((100, 200), (0.6, float("nan")), "iv_annual is nan"),
        ((100, 200), (0.6, -0.1), "iv_annual is -0.1"),
    ],
)
def test_iv_path__bad_levels__refused(times, levels, words):
    with pytest.raises(DataError, match=words):
        path(times, levels)


def test_realised_iv_path__window_of_two__is_the_sum_by_hand():
    times, prices = np.arange(5) * 3_600, [100.0, 101.0, 99.0, 102.0, 102.0]
    found = realised_iv_path(times, prices, 3_600, 2, "rule")
    returns = [math.log(later / earlier) for earlier, later in pairwise(prices)]
    by_hand = [math.sqrt((first**2 + second**2) / 2 * YEAR_SECONDS / 3_600) for first, second in pairwise(returns)]
    assert found.times_unix.tolist() == [7_200, 10_800, 14_400]
    assert found.iv_annual == pytest.approx(by_hand)


def test_realised_iv_path__later_prices__change_no_earlier_level():
    prices = 100.0 * np.exp(np.cumsum(np.random.default_rng(2).normal(0.0, 0.01, 50)))
    whole = realised_iv_path(np.arange(50) * 60, prices, 60, 10, "rule")
    crashed = prices.copy()
    crashed[30:] *= 0.5
    changed = realised_iv_path(np.arange(50) * 60, crashed, 60, 10, "rule")
    assert changed.iv_annual[:20] == pytest.approx(whole.iv_annual[:20])
    assert changed.iv_annual[20] > 2 * whole.iv_annual[20]


def test_realised_iv_path__too_few_prices__refused():
    with pytest.raises(DataError, match="prices_usd has 3 rows; expected at least 6"):
        realised_iv_path(np.arange(3), [1.0, 2.0, 3.0], 60, 5, "rule")
