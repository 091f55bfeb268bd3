"""Power perps against their definition and against squeeth on mainnet."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from agent.errors import DataError
from agent.products.power_perp import SQUEETH_FUNDING_PERIOD_YEARS, power_perp_greeks


def test_power_perp__no_vol__is_the_scaled_square_of_the_price() -> None:
    greeks = power_perp_greeks([1000.0, 2000.0], 0.0, 0.5)
    np.testing.assert_allclose(greeks.value, [50.0, 200.0], rtol=1e-15)
    np.testing.assert_allclose(greeks.delta, [0.1, 0.2], rtol=1e-15)
    np.testing.assert_allclose(greeks.gamma, [1e-4, 1e-4], rtol=1e-15)
    np.testing.assert_array_equal(greeks.theta, [0.0, 0.0])


def test_power_perp__squeeth_terms__mark_above_index_by_vol_squared_times_period() -> None:
    greeks = power_perp_greeks(2000.0, 0.8, 1.0)
    assert np.log(greeks.value / 400.0) == pytest.approx(0.64 * 17.5 / 365, rel=1e-12)
    assert greeks.theta / greeks.value == pytest.approx(-0.64, rel=1e-14)


def test_power_perp__gamma_gain_at_the_priced_vol__pays_for_the_theta() -> None:
    greeks = power_perp_greeks(2000.0, 0.8, 0.7)
    assert 0.5 * 0.64 * 2000.0**2 * greeks.gamma + greeks.theta == pytest.approx(0.0, abs=1e-10)


def test_power_perp__power_one__is_the_coin_itself() -> None:
    greeks = power_perp_greeks(2000.0, 0.8, 1.0, power=1.0, scale_usd=1.0)
    assert (greeks.value, greeks.delta, greeks.gamma, greeks.vega) == (2000.0, 1.0, 0.0, 0.0)


def test_power_perp__growth_that_overflows__is_refused_by_row() -> None:
    with pytest.raises(DataError, match=r"^row 1: growth \* time is "):
        power_perp_greeks(2000.0, [0.8, 1e3], 1.0)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"scale_usd": 0.0}, "^scale_usd is 0.0; expected a finite number > 0"),
        ({"scale_usd": -10_000.0}, "^scale_usd is -10000.0"),
        ({"scale_usd": math.nan}, "^scale_usd is nan"),
        ({"scale_usd": math.inf}, "^scale_usd is inf"),
        ({"scale_usd": 1e-307}, r"^row 0: the value is inf; expected a value up to 1e300"),
        ({"power": math.inf}, "^power is inf"),
        ({"power": 90.0, "funding_period_years": 1e-9}, r"^row 0: the value is .*: check power and scale_usd"),
        ({"funding_period_years": 0.0}, "^funding_period_years is 0.0"),
        ({"funding_period_years": math.nan}, "^funding_period_years is nan"),
    ],
)
def test_power_perp__terms_of_no_contract__are_named(terms: dict[str, float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        power_perp_greeks(3000.0, 0.8, 0.5, **terms)


@pytest.mark.market_data
def test_power_perp__squeeth_on_mainnet__priced_at_market_vol_and_decays_at_square(market_data: Path) -> None:
    minutes = pl.read_parquet(market_data / "squeeth_mainnet_1m_202308.parquet").sort("ts")
    factor, spot = minutes["squeeth_norm_factor"].to_numpy(), minutes["weth_usd"].to_numpy()
    mark = minutes["osqth_weth"].to_numpy() * spot
    index = power_perp_greeks(spot, 0.0, factor).value
    growth = np.log(mark / index) / SQUEETH_FUNDING_PERIOD_YEARS
    paid = growth > 0.0  # the pool's price lags the index in fast minutes
    assert paid.mean() > 0.98
    vol = np.sqrt(growth[paid])
    assert 0.3 < np.median(vol) < 0.5
    priced = power_perp_greeks(spot[paid], vol, factor[paid])
    np.testing.assert_allclose(priced.value, mark[paid], rtol=1e-12)
    years = minutes.height / (365.0 * 1440.0)
    decay = np.log(factor[-1] / factor[0]) / years
    assert decay == pytest.approx(float(np.mean(priced.theta / priced.value)), rel=0.15)
