"""A Uniswap v3 position against the reference values and its own ends."""

from __future__ import annotations

from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from agent.errors import DataError
from agent.products.uniswap_v3 import uniswap_v3_greeks, uniswap_v3_position_greeks, uniswap_v3_price_usd


def test_uniswap_v3__reference_position__agrees() -> None:
    greeks = uniswap_v3_greeks(2000.0, 1500.0, 2500.0, 1000.0)
    assert greeks.value == pytest.approx(10712.88563792, abs=5e-9)
    assert greeks.delta == pytest.approx(2.360679775, abs=5e-10)
    assert greeks.gamma == pytest.approx(-0.0055901699, abs=5e-11)
    assert uniswap_v3_greeks(1400.0, 1500.0, 2500.0, 1000.0).delta == pytest.approx(5.8198889747, abs=5e-11)


def test_uniswap_v3__below_and_above_the_range__is_all_coin_and_all_usd() -> None:
    below, above = uniswap_v3_greeks([1000.0, 3000.0], 1500.0, 2500.0, 1000.0).value
    coin = 1000.0 * (1 / np.sqrt(1500.0) - 1 / np.sqrt(2500.0))
    assert below == pytest.approx(1000.0 * coin, rel=1e-14)
    assert above == pytest.approx(1000.0 * (np.sqrt(2500.0) - np.sqrt(1500.0)), rel=1e-14)
    greeks = uniswap_v3_greeks([1000.0, 3000.0], 1500.0, 2500.0, 1000.0)
    np.testing.assert_array_equal(greeks.gamma, [0.0, 0.0])
    assert greeks.delta[1] == 0.0


def test_uniswap_v3__price_crosses_an_end__moves_value_and_delta_without_a_jump() -> None:
    for end in (1500.0, 2500.0):
        around = uniswap_v3_greeks(end * np.array([1 - 1e-12, 1.0, 1 + 1e-12]), 1500.0, 2500.0, 1000.0)
        np.testing.assert_allclose(around.value, around.value[1], rtol=1e-11)
        np.testing.assert_allclose(around.delta, around.delta[1], rtol=0, atol=1e-8)
    at_ends = uniswap_v3_greeks([1500.0, 2500.0], 1500.0, 2500.0, 1000.0)
    assert at_ends.gamma[0] < 0.0
    assert at_ends.gamma[1] == 0.0


def test_uniswap_v3__round_trip_of_prices__loses_against_holding() -> None:
    start = uniswap_v3_greeks(2000.0, 1500.0, 2500.0, 1000.0)
    prices = np.linspace(1200.0, 2900.0, 50)
    held = start.value + start.delta * (prices - 2000.0)
    assert np.all(uniswap_v3_greeks(prices, 1500.0, 2500.0, 1000.0).value <= held + 1e-9)


@pytest.mark.parametrize(("lower", "upper"), [(2500.0, 1500.0), (1500.0, 1500.0)])
def test_uniswap_v3__range_upside_down_or_empty__is_refused(lower: float, upper: float) -> None:
    with pytest.raises(DataError, match=rf"^row 1: lower_usd {lower} is not below upper_usd {upper}"):
        uniswap_v3_greeks(2000.0, [1500.0, lower], [2500.0, upper], 1.0)


def test_uniswap_v3__range_of_one_tick__keeps_its_digits() -> None:
    lower = 2000.0
    upper, spot = lower * 1.0001, lower * 1.00003
    with localcontext() as context:
        context.prec = 50
        low, high, price, depth = (Decimal(number) for number in (lower, upper, spot, 1e6))
        coin = depth * (1 / price.sqrt() - 1 / high.sqrt())
        usd = depth * (price.sqrt() - low.sqrt())
        value = coin * price + usd
    greeks = uniswap_v3_greeks(spot, lower, upper, 1e6)
    assert greeks.delta == pytest.approx(float(coin), rel=1e-14)
    assert greeks.value == pytest.approx(float(value), rel=1e-14)


@pytest.mark.parametrize(("coin_is_token0", "tick"), [(True, -200_300), (False, 200_300)])
def test_uniswap_v3_price_usd__either_order_of_the_tokens__is_usd_per_coin(coin_is_token0: bool, tick: int) -> None:
    with localcontext() as context:
        context.prec = 40
        raw = Decimal("1.0001") ** tick
        expected = float((raw if coin_is_token0 else 1 / raw) * 10**12)
    price = uniswap_v3_price_usd(tick, 18, 6, coin_is_token0=coin_is_token0)
    assert price == pytest.approx(expected, rel=1e-14)
    assert 1_900.0 < price < 2_100.0


@pytest.mark.parametrize("tick", [1, -1, 76_543, -345_678, 887_272, -887_272])
def test_uniswap_v3_price_usd__any_tick__has_the_digits_of_a_float(tick: int) -> None:
    with localcontext() as context:
        context.prec = 50
        expected = Decimal("1.0001") ** tick
        error = Decimal(float(uniswap_v3_price_usd(tick, 18, 18, coin_is_token0=True))) / expected - 1
    assert abs(error) < 1e-14


def test_uniswap_v3_position__one_tick_wide__delta_loses_no_more_than_its_price_must() -> None:
    tick, liquidity = 200_311, 10**20
    spot = float(uniswap_v3_price_usd(tick, 18, 18, coin_is_token0=True))
    with localcontext() as context:
        context.prec = 60
        high = Decimal("1.0001") ** (tick + 1)
        expected = Decimal(liquidity) / 10**18 * (1 / Decimal(spot).sqrt() - 1 / high.sqrt())
    greeks = uniswap_v3_position_greeks(spot, tick, tick + 1, liquidity, 18, 18, coin_is_token0=True)
    assert greeks.delta == pytest.approx(float(expected), rel=1e-10)  # an ulp of the price is 2e-12 of a tick


def _power(exponent: float) -> float:
    with localcontext() as context:
        context.prec = 30
        return float(Decimal("1.0001") ** Decimal(exponent))


@pytest.mark.parametrize("coin_is_token0", [True, False])
@pytest.mark.parametrize("place", [-0.2, 0.0, 0.4, 1.0, 1.3])
def test_uniswap_v3_position__amounts_of_the_white_paper__make_up_its_value(coin_is_token0: bool, place: float) -> None:
    ticks = (-201_000, -199_000) if coin_is_token0 else (199_000, 201_000)
    at = ticks[0] + place * (ticks[1] - ticks[0])
    liquidity = 27_182_818_284_590_452_353
    root, low, high = (_power(tick / 2) for tick in (min(max(at, ticks[0]), ticks[1]), *ticks))
    amount0, amount1 = liquidity * (1 / root - 1 / high), liquidity * (root - low)
    coin_raw, usd_raw = (amount0, amount1) if coin_is_token0 else (amount1, amount0)
    price = uniswap_v3_price_usd(ticks[0], 18, 6, coin_is_token0=coin_is_token0)
    spot = float(price) * _power((at - ticks[0]) * (1 if coin_is_token0 else -1))
    greeks = uniswap_v3_position_greeks(spot, *ticks, liquidity, 18, 6, coin_is_token0=coin_is_token0)
    assert greeks.delta == pytest.approx(coin_raw / 1e18, rel=1e-9, abs=1e-9)
    assert greeks.value == pytest.approx(coin_raw / 1e18 * spot + usd_raw / 1e6, rel=1e-9)
    assert place in {0.0, 1.0} or (greeks.gamma < 0.0) == (0.0 < place < 1.0)


@pytest.mark.market_data
def test_uniswap_v3_price_usd__polygon_pool__is_the_published_price_of_its_ticks(market_data: Path) -> None:
    minutes = pl.read_parquet(market_data / "uniswap_v3_polygon_usdc_weth_5bp_1m.parquet")
    prices = uniswap_v3_price_usd(minutes["close_tick"].to_numpy(), 18, 6, coin_is_token0=False)
    np.testing.assert_allclose(prices, minutes["price_usdc_per_weth"].to_numpy(), rtol=1e-10)


@pytest.mark.parametrize(
    ("ticks", "message"),
    [
        ((0.5, 10), r"^row 0: tick_lower is 0\.5; expected a whole tick"),
        ((0, 887_273), r"^row 0: tick_upper is 887273\.0; expected a whole tick"),
        ((10, 10), r"^row 0: tick_lower 10\.0 is not below tick_upper 10\.0"),
    ],
)
def test_uniswap_v3_position__bad_ticks__are_named(ticks: tuple[float, float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        uniswap_v3_position_greeks(2000.0, *ticks, 1e18, 18, 6, coin_is_token0=True)


@pytest.mark.parametrize(("coin_decimals", "usd_decimals"), [(-1, 6), (18, 256), (18.0, 6), (18, True)])
def test_uniswap_v3_price_usd__decimals_of_no_token__are_refused(coin_decimals: int, usd_decimals: int) -> None:
    with pytest.raises(DataError, match="_decimals is "):
        uniswap_v3_price_usd(0, coin_decimals, usd_decimals, coin_is_token0=True)
