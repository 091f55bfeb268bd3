"""Funding of a pool that follows its index, against an integration second by second."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.backtest.pool_funding import MOST_A_DAY, PoolFunding
from agent.units import Seconds, from_wad

TICK = math.log(1.0001)


def by_the_second(prices, interval, lead, step, shifts):
    """Average ticks and prices over the 900 s before the pool moves to a step's price."""
    at, ticks, index = step * interval - lead, 0.0, 0.0
    for second in range(at - 900, at):
        segment = max((second + lead) // interval, 0)
        tick = math.floor(math.log(prices[segment]) / TICK)
        if second >= segment * interval:
            tick = math.floor(tick + shifts.get(segment, 0.0))
        ticks += tick
        index += prices[segment]
    return math.exp(TICK * math.floor(ticks / 900)) / (index / 900) - 1.0


@pytest.mark.parametrize("interval", [240, 300, 900, 3_600])
def test_rate_per_day__any_path__is_the_difference_of_the_averages(interval):
    rng = np.random.default_rng(7)
    prices = 3_000.0 * np.exp(np.cumsum(0.004 * rng.standard_normal(12)))
    funding = PoolFunding(prices, Seconds(interval), Seconds(15))
    shifts = {3: 40.5, 4: -12.3}
    for step, ticks in shifts.items():
        funding.moved(step, math.exp(TICK * ticks))
    for step in range(1, 12):
        expected = by_the_second([float(p) for p in prices], interval, 15, step, shifts)
        assert from_wad(funding.rate_per_day(step)) == pytest.approx(expected, abs=1.1e-4 / 900), step


def test_rate_per_day__pool_at_its_index__pays_longs_about_a_basis_point():
    """Whole ticks, rounded down: what a long earns on Curie where nothing else happens."""
    rng = np.random.default_rng(3)
    prices = 3_000.0 * np.exp(np.cumsum(0.001 * rng.standard_normal(2_000)))
    funding = PoolFunding(prices, Seconds(300), Seconds(15))
    rates = [from_wad(funding.rate_per_day(step)) for step in range(4, 2_000)]
    assert -1.2e-4 < np.mean(rates) < -0.8e-4


def test_rate_per_day__pool_far_from_its_index__is_the_venues_limit():
    funding = PoolFunding(np.full(3, 3_000.0), Seconds(300), Seconds(15))
    funding.moved(0, 2.0)
    assert from_wad(funding.rate_per_day(1)) == MOST_A_DAY
    assert funding.rate_per_day(0) == 0
