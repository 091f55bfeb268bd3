"""EWMA: the recursion by hand, its sum form, the half-life, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.errors import DataError
from agent.vol.ewma import decay_of_half_life, ewma_path


def test_ewma_path__three_returns__by_hand():
    path = ewma_path([0.01, -0.02, 0.03], 0.9, 4e-4)
    first = 0.9 * 4e-4 + 0.1 * 1e-4
    second = 0.9 * first + 0.1 * 4e-4
    third = 0.9 * second + 0.1 * 9e-4
    np.testing.assert_allclose(path.variance_per_bar, [4e-4, first, second], rtol=1e-14)
    assert path.next_variance_per_bar == pytest.approx(third, rel=1e-14)
    assert path.next_vol_annual(365.0) == pytest.approx(math.sqrt(third * 365.0), rel=1e-14)


def test_ewma_path__long_series__equals_weighted_sum():
    returns = np.random.default_rng(1).normal(0.0, 0.02, 300)
    path = ewma_path(returns, 0.94, 1e-4)
    weights = 0.06 * 0.94 ** np.arange(300)[::-1]
    assert path.next_variance_per_bar == pytest.approx(weights @ returns**2 + 0.94**300 * 1e-4, rel=1e-12)


def test_ewma_path__later_return_changes__earlier_variances_stay():
    returns = np.random.default_rng(2).normal(0.0, 0.02, 50)
    changed = returns.copy()
    changed[40] = 0.5
    before, after = (ewma_path(r, 0.94, 1e-4).variance_per_bar for r in (returns, changed))
    np.testing.assert_array_equal(before[:41], after[:41])
    assert after[41] > before[41]


def test_decay_of_half_life__ten_bars__halves_in_ten():
    assert decay_of_half_life(10.0) ** 10 == pytest.approx(0.5, rel=1e-14)


@pytest.mark.parametrize(
    ("returns", "decay", "initial", "message"),
    [
        ([0.1, math.nan], 0.9, 1e-4, "row 1: log_returns is nan"),
        ([], 0.9, 1e-4, "log_returns has 0 rows"),
        ([[0.1, 0.2]], 0.9, 1e-4, "log_returns has shape"),
        ([0.1], 1.0, 1e-4, "decay is 1.0"),
        ([0.1], math.nan, 1e-4, "decay is nan"),
        ([0.1], 0.9, 0.0, "initial_variance_per_bar is 0.0"),
    ],
)
def test_ewma_path__bad_input__named(returns, decay, initial, message):
    with pytest.raises(DataError, match=message):
        ewma_path(returns, decay, initial)
