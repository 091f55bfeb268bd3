"""Gas of a venue's means over time: how it hangs on the age of the market and on what the rebalance does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.backtest.gas_model import RebalanceKind
from agent.backtest.mean_gas import FEED_SLOTS, MeanGas
from agent.backtest.price_series import PriceSeries
from agent.units import Seconds

GROWS = RebalanceKind(
    is_trade=True, is_opening=False, is_shrinking=False, is_short=False, goes_in=False, comes_home=False
)


def path(prices_usd, seconds=300):
    times = 1_700_000_000 + seconds * np.arange(len(prices_usd), dtype=np.int64)
    return PriceSeries("ETHUSDT", times, np.array(prices_usd, dtype=float), Seconds(seconds), "test", None)


def wandering(steps):
    return 3_000.0 * (1.0 + 0.01 * np.sin(np.arange(steps)))


def units_after(prices, steps, kind=GROWS):
    means = MeanGas(prices, Seconds(15))
    for step in range(steps):
        means.follow(step)
    return means.units(kind, Seconds(int(prices.times_unix[steps - 1]) + 1))


def test_units__market_grows_older__burns_more_until_its_rings_are_full():
    prices = path(wandering(3 * FEED_SLOTS))
    young, older, full, later = (units_after(prices, steps) for steps in (10, 300, FEED_SLOTS + 1, 3 * FEED_SLOTS))
    assert young + 40_000.0 < older < full
    assert later == pytest.approx(full, abs=15_000.0)


def test_units__index_stands_still__searches_nothing():
    still, moving = path([3_000.0] * 50), path(wandering(50))
    assert units_after(still, 50) < 0.5 * units_after(moving, 50)


@pytest.mark.parametrize("named", ["is_shrinking", "is_short"])
def test_units__margin_of_what_shrinks_or_is_short__asks_for_a_mark_price_more(named):
    prices = path(wandering(100))
    more = replace(GROWS, **{named: True})
    assert (GROWS.mark_prices, more.mark_prices) == (1, 2)
    another = units_after(prices, 100, more) - units_after(prices, 100)
    assert 10_000.0 < another < 50_000.0  # three searches, over slots that were read before


def test_mark_prices__margin_comes_home__five_more_of_a_short_and_four_of_a_long():
    home = replace(GROWS, is_shrinking=True, comes_home=True)
    assert (home.mark_prices, replace(home, is_short=True).mark_prices) == (6, 8)


def test_units__only_margin_moves__are_none():
    prices = path(wandering(50))
    assert units_after(prices, 50, replace(GROWS, is_trade=False, goes_in=True)) == 0.0


def test_units__asked_twice__are_the_same():
    means = MeanGas(path(wandering(20)), Seconds(15))
    for step in range(20):
        means.follow(step)
    first, second = (means.units(GROWS, Seconds(1_700_000_000 + 19 * 300 + 1)) for _ in range(2))
    assert first == second


def test_follow__move_beyond_the_venues_limit__is_written_in_parts():
    """A fifth at once is three publications, 16 seconds apart: the means of 15 minutes find more between."""
    before = wandering(60)
    jump = path([*before, float(before[-1]) * 0.8])
    small = path([*before, float(before[-1]) * 0.99])
    assert units_after(jump, 61) != units_after(small, 61)
    apart = path([*before, *(float(before[-1]) * 0.8 ** (part / 3) for part in (1, 2, 3))])
    assert units_after(jump, 61) == pytest.approx(units_after(apart, 63), abs=30_000.0)


def test_follow__interval_shorter_than_the_pools_lead__still_writes_each_price():
    quick = path(wandering(400), seconds=12)
    assert units_after(quick, 400) > units_after(quick, 100)


def test_units__trade_in_a_quiet_market__searches_past_itself_after_its_swap():
    """Before it the newest observation answers, two slots of pool and feed in all; after it that is the trade's own."""
    opens = replace(GROWS, is_opening=True)
    assert units_after(path([3_000.0] * 2), 1, opens) > 4 * 2_000.0 + 10_000.0
