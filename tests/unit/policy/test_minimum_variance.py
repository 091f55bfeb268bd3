"""The minimum-variance hedge leaves 1 - R^2 of the variance, and no other size leaves less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.domain import Book, HoldingLeg
from agent.errors import DataError
from agent.policy.hedge_ratio import ols_hedge_ratio
from agent.policy.minimum_variance import MinimumVariance
from tests.support.option_exposure import COSTS, hedged

HOLDING = hedged(Book("ETH", (HoldingLeg(40.0, "coins"),)), 3_000.0, 40.0)


def simulated_prices():
    generator = np.random.default_rng(4)
    hedge = 3_000.0 + np.cumsum(generator.standard_normal(5_000))
    return 0.85 * hedge + np.cumsum(0.4 * generator.standard_normal(5_000)) + 500.0, hedge


def test_target__holding_with_a_moving_basis__leaves_one_less_r_squared_of_variance():
    hedged_price, hedge_price = simulated_prices()
    found = ols_hedge_ratio(hedged_price, hedge_price)
    target = MinimumVariance(found.ratio, 0.0).target(HOLDING, COSTS)
    size = target.target_net_delta - HOLDING.book_delta

    def variance(of):
        return np.var(HOLDING.book_delta * np.diff(hedged_price) + of * np.diff(hedge_price))

    assert variance(size) / variance(0.0) == pytest.approx(1.0 - found.effectiveness, rel=1e-9)
    assert variance(size) < min(variance(0.98 * size), variance(1.02 * size), variance(-HOLDING.book_delta))


@pytest.mark.parametrize("ratio", [0.5, 0.9, 1.0, 1.2])
def test_target__any_ratio__hedges_that_part_of_the_books_delta(ratio):
    target = MinimumVariance(ratio, 0.25).target(HOLDING, COSTS)
    assert target.target_net_delta - HOLDING.book_delta == pytest.approx(-ratio * 40.0)
    assert target.band_high - target.target_net_delta == pytest.approx(0.25)
    assert target.target_net_delta - target.band_low == pytest.approx(0.25)


@pytest.mark.parametrize(("off_by", "stays"), [(0.25, True), (-0.25, True), (0.2501, False), (-0.2501, False)])
def test_target__around_the_threshold__stays_inside_and_trades_outside(off_by, stays):
    exposure = replace(HOLDING, hedge_size=-30.0 + off_by)
    target = MinimumVariance(0.75, 0.25).target(exposure, COSTS)
    assert target.target_net_delta == (exposure.net_delta if stays else 10.0)


@pytest.mark.parametrize("bad", [0.0, -0.5])
def test_minimum_variance__ratio_not_positive__is_refused(bad):
    with pytest.raises(DataError, match=f"hedge_ratio is {bad}"):
        MinimumVariance(bad, 0.25)
