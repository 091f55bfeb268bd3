from __future__ import annotations

import math

import numpy as np
import pytest

from agent.localnet.market import JumpDiffusion

DAY = 86_400


def test_next_price__same_seed_and_draw__same_price():
    market = JumpDiffusion()
    assert market.next_price(3_200.0, 300, 7, 41) == market.next_price(3_200.0, 300, 7, 41)


def test_next_price__other_seed_or_draw__other_price():
    market = JumpDiffusion()
    prices = {market.next_price(3_200.0, 300, seed, draw) for seed in range(5) for draw in range(5)}
    assert len(prices) == 25


def test_next_price__no_volatility_no_jumps__price_stays():
    assert JumpDiffusion(vol_annual=0.0, jumps_per_year=0.0).next_price(3_200.0, DAY, 1, 1) == 3_200.0


@pytest.mark.parametrize(
    "market", [JumpDiffusion(), JumpDiffusion(vol_annual=0.3, jumps_per_year=400.0, jump_mean_log=-0.05)]
)
def test_next_price__many_draws__a_martingale_of_the_named_variance(market):
    draws = 20_000
    logs = np.log([market.next_price(1.0, DAY, 11, draw) for draw in range(draws)])
    variance = (market.vol_annual**2 + market.jumps_per_year * (market.jump_mean_log**2 + market.jump_vol_log**2)) * (
        1 / 365
    )
    assert logs.var() == pytest.approx(variance, rel=0.05)
    standard_error = math.sqrt(variance / draws)
    assert np.exp(logs).mean() == pytest.approx(1.0, abs=4 * standard_error)
