from __future__ import annotations

import math

import pytest

from agent.localnet.curie.pool_math import (
    Q96,
    TICK_SPACING,
    liquidity_for_slippage,
    price_from_sqrt_x96,
    range_for_liquidity,
    sqrt_price_x96,
    tick_on_grid,
    ticks_between,
)
from agent.units import WAD


def test_sqrt_price_x96__perfect_square__exact():
    assert sqrt_price_x96(4 * WAD) == 2 * Q96


@pytest.mark.parametrize("price", [10**10, 3_238_01 * 10**16, 10**24 + 7])
def test_sqrt_price_x96__any_price__largest_root_not_above_it(price):
    root = sqrt_price_x96(price)
    assert root**2 * WAD <= price * 2**192 < (root + 1) ** 2 * WAD


def test_price_from_sqrt_x96__root_of_a_price__the_price_again():
    assert price_from_sqrt_x96(sqrt_price_x96(3_200 * WAD)) == pytest.approx(3_200.0, rel=1e-15)


def test_ticks_between__one_percent_up_and_down__signed_logarithm():
    low, high = sqrt_price_x96(3_000 * WAD), sqrt_price_x96(3_030 * WAD)
    assert ticks_between(low, high) == pytest.approx(math.log(1.01) / math.log(1.0001), rel=1e-9)
    assert ticks_between(high, low) == pytest.approx(-ticks_between(low, high), rel=1e-9)


@pytest.mark.parametrize("price_usd", [0.9, 800.0, 3_200.0, 12_800.0])
def test_tick_on_grid__any_price__last_usable_tick_at_or_below_it(price_usd):
    tick = tick_on_grid(price_usd)
    assert tick % TICK_SPACING == 0
    assert 1.0001**tick <= price_usd < 1.0001 ** (tick + TICK_SPACING)


def test_liquidity_for_slippage__sale_walked_along_the_curve__named_slippage():
    price_usd, size, slippage = 3_200.0, 50.0, 0.002
    liquidity = liquidity_for_slippage(price_usd, size, slippage)
    root_before = math.sqrt(price_usd)
    root_after = 1.0 / (1.0 / root_before + size / liquidity)
    proceeds_usd = liquidity * (root_before - root_after)
    assert 1.0 - proceeds_usd / size / price_usd == pytest.approx(slippage, rel=1e-9)


def test_range_for_liquidity__amounts_given_to_pool__give_liquidity_on_both_sides():
    liquidity, price_usd = 1_000_000.0, 3_200.0
    position = range_for_liquidity(price_usd, 800.0, 12_800.0, liquidity)
    root, low, high = (math.sqrt(p) for p in (price_usd, 1.0001**position.lower_tick, 1.0001**position.upper_tick))
    assert position.base / WAD * root * high / (high - root) == pytest.approx(liquidity, rel=1e-9)
    assert position.quote / WAD / (root - low) == pytest.approx(liquidity, rel=1e-9)
