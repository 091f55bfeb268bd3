"""The generated path is a function of its generator alone and has the moments of Merton's model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.backtest.jump_diffusion import JumpDiffusion, jump_diffusion_path, next_price
from agent.errors import DataError

MODEL = JumpDiffusion(
    drift_annual=0.2,
    diffusion_vol_annual=0.6,
    jumps_per_year=50.0,
    jump_mean_log=-0.02,
    jump_std_log=0.03,
)


def path(model=MODEL, start_price_usd=3000.0, seed=1, interval_seconds=300, count=289):
    return jump_diffusion_path(
        model, start_price_usd, np.random.default_rng(seed), 1_722_470_400, interval_seconds, count
    )


def test_path__same_seed__same_prices():
    assert np.array_equal(path().prices_usd, path().prices_usd)
    assert not np.array_equal(path().prices_usd, path(seed=2).prices_usd)


def test_path__shape__starts_at_the_start_and_is_regular():
    series = path()
    assert series.prices_usd[0] == 3000.0
    assert series.times_unix[0] == 1_722_470_400
    assert set(np.diff(series.times_unix)) == {300}
    assert len(series) == 289
    assert (series.prices_usd > 0).all()


def test_path__no_vol_no_jumps__grows_at_the_drift():
    still = replace(MODEL, diffusion_vol_annual=0.0, jumps_per_year=0.0)
    series = path(still, interval_seconds=86_400, count=366)
    assert series.prices_usd[-1] == pytest.approx(3000.0 * np.exp(0.2), rel=1e-12)


def test_path__many_long_steps__mean_and_variance_of_the_model():
    series = path(interval_seconds=86_400, count=100_001)
    returns = np.diff(np.log(series.prices_usd))
    jump_variance = 50.0 * (0.02**2 + 0.03**2)
    assert MODEL.vol_annual == pytest.approx(np.sqrt(0.36 + jump_variance), rel=1e-12)
    assert np.var(returns) * 365 == pytest.approx(MODEL.vol_annual**2, rel=0.02)
    growth = np.exp(returns)
    standard_error = growth.std() / np.sqrt(len(growth))
    assert growth.mean() == pytest.approx(np.exp(0.2 / 365), abs=4 * standard_error)


def test_path__jumps__fatter_tails_than_diffusion():
    returns = np.diff(np.log(path(count=100_001).prices_usd))
    kurtosis = np.mean((returns - returns.mean()) ** 4) / np.var(returns) ** 2
    assert kurtosis > 10


@pytest.mark.parametrize(
    "change", [{"jump_std_log": float("inf")}, {"diffusion_vol_annual": -0.1}, {"jumps_per_year": float("nan")}]
)
def test_model__impossible_parameter__refused(change):
    with pytest.raises(DataError, match=next(iter(change))):
        replace(MODEL, **change)


def test_path__start_price_of_zero__refused():
    with pytest.raises(DataError, match="start_price_usd is 0"):
        path(start_price_usd=0.0)


def test_path__single_price__refused():
    with pytest.raises(DataError, match="at least two"):
        path(count=1)


def test_next_price__seed_and_draw__decide_it_alone():
    prices = {next_price(MODEL, 3_200.0, 300, seed, draw) for seed in range(5) for draw in range(5)}
    assert len(prices) == 25
    assert next_price(MODEL, 3_200.0, 300, 4, 3) in prices


def test_next_price__no_drift__a_martingale_of_the_named_variance():
    market = replace(MODEL, drift_annual=0.0)
    logs = np.log([next_price(market, 1.0, 86_400, 11, draw) for draw in range(20_000)])
    variance = market.vol_annual**2 / 365
    assert logs.var() == pytest.approx(variance, rel=0.05)
    assert np.exp(logs).mean() == pytest.approx(1.0, abs=4 * np.sqrt(variance / len(logs)))
