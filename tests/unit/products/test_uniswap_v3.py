"""A Uniswap v3 position against the reference values and its own ends."""

from __future__ import annotations

import numpy as np
import pytest

from agent.errors import DataError
from agent.products.uniswap_v3 import uniswap_v3_greeks


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
