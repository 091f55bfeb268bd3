"""Depth, place and length of a drawdown, on paths short enough to count on the fingers."""

from __future__ import annotations

import numpy as np
import pytest

from agent.report.drawdown import Drawdown, below_high, deepest_drawdown

TIMES = (0, 10, 20, 30, 40, 50, 60)


@pytest.mark.parametrize(
    ("pnl_usd", "expected"),
    [
        ([0, 1, 2, 3, 4, 5, 6], Drawdown(0.0, 0, 0, 0, 0)),
        ([0, 5, 2, 6, -4, 1, 7], Drawdown(10.0, 30, 40, 60, 30)),
        ([0, -3, -9, -4, -2, -1, -1], Drawdown(9.0, 0, 20, None, 60)),
        ([0, 4, 4, 1, 4, 3, 4], Drawdown(3.0, 20, 30, 40, 20)),
        ([2, 1, 1, 1, 1, 3, 0], Drawdown(3.0, 50, 60, None, 50)),
    ],
)
def test_deepest_drawdown__short_paths__as_counted_by_hand(pnl_usd, expected):
    assert deepest_drawdown(TIMES, pnl_usd) == expected


def test_deepest_drawdown__one_mark__none():
    assert deepest_drawdown((5,), [0.0]) == Drawdown(0.0, 5, 5, 5, 0)


def test_deepest_drawdown__random_walk__is_the_worst_of_all_pairs():
    pnl = np.cumsum(np.random.default_rng(5).normal(size=200))
    worst = max(pnl[first] - pnl[later] for first in range(200) for later in range(first, 200))
    assert deepest_drawdown(range(200), pnl).depth_usd == pytest.approx(worst)
    assert below_high(pnl).min() == pytest.approx(-worst)
