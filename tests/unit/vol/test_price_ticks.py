"""Ticks are read off the prices: decimals, coarser grids with evidence, and none of exact prices."""

from __future__ import annotations

import numpy as np
import pytest

from agent.vol.price_ticks import COIN_DECIMALS, chain_ticks, printed_ticks

RNG = np.random.default_rng(7)
SPREAD = np.geomspace(0.002, 0.9, 40) * RNG.uniform(0.9, 1.1, 40)
NOTHING = np.full(40, np.nan)


def rounded(prices, tick):
    return np.round(prices / tick) * tick


@pytest.mark.parametrize("tick", [1e-6, 1e-5, 1e-4, 2.5e-4, 3e-4, 5e-4, 1e-3, 1e-2])
def test_printed_ticks__many_prices_on_a_grid__found(tick):
    np.testing.assert_allclose(printed_ticks(rounded(SPREAD, tick), COIN_DECIMALS)[tick < SPREAD], tick, rtol=1e-12)


def test_printed_ticks__exact_prices__none():
    assert not printed_ticks(SPREAD, COIN_DECIMALS).any()


@pytest.mark.parametrize("prices", [[0.15], [0.15, 0.01], [0.0001], [0.0135, 0.0117, 0.1462]])
def test_printed_ticks__few_prices__what_the_venue_prints(prices):
    np.testing.assert_allclose(printed_ticks(np.array(prices), COIN_DECIMALS), 1e-4, rtol=1e-12)


def test_printed_ticks__absent_prices__have_none_and_change_nothing():
    found = printed_ticks(np.array([np.nan, 0.0, 0.0135, 0.1462]), COIN_DECIMALS)
    np.testing.assert_allclose(found, [0.0, 0.0, 1e-4, 1e-4], rtol=1e-12)


def test_printed_ticks__coarser_for_large_prices__told_apart():
    prices = np.where(SPREAD < 0.005, rounded(SPREAD, 1e-4), rounded(SPREAD, 5e-4))
    found = printed_ticks(prices, COIN_DECIMALS)
    np.testing.assert_allclose(found[SPREAD > 0.01], 5e-4, rtol=1e-12)
    assert found[0] == pytest.approx(1e-4)


def test_printed_ticks__four_significant_digits__finer_for_small_prices():
    prices = np.array([float(f"{price:.4g}") for price in np.concatenate([SPREAD, SPREAD / 100.0])])
    found = printed_ticks(prices, COIN_DECIMALS)
    assert (found[prices > 0.2] >= 0.99e-4).all()
    assert found.min() < 1e-6


def test_chain_ticks__orders_on_the_venues_grid__exact():
    ticks = chain_ticks(rounded(SPREAD, 5e-4), rounded(SPREAD, 5e-4), rounded(SPREAD, 1e-4), np.full(40, 2_000.0))
    assert not ticks.bid.any()
    assert not ticks.ask.any()
    np.testing.assert_allclose(ticks.mark, 1e-4, rtol=1e-12)


def test_chain_ticks__whole_file_in_two_decimals__orders_are_rounded_too():
    coarse = rounded(SPREAD, 0.01)
    ticks = chain_ticks(coarse, coarse, coarse, np.full(40, 2_000.0))
    for side in ticks:
        np.testing.assert_allclose(side[coarse > 0.0], 0.01, rtol=1e-12)


def test_chain_ticks__marks_printed_in_usd__found_through_the_forward():
    forward = np.full(40, 2_223.125725)
    mark = rounded(SPREAD * forward, 0.01) / forward
    np.testing.assert_allclose(chain_ticks(NOTHING, NOTHING, mark, forward).mark * forward, 0.01, rtol=1e-12)
