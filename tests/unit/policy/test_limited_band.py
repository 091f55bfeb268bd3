"""Under a hard limit a trade lands where hedging costs least over time, judged by an independent renewal argument."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.decision.forced_landing import landing_under_limit
from agent.domain import NetDeltaLimits, TradeCosts
from agent.policy.base import BandEdges
from agent.policy.limited_band import within_limits
from agent.policy.live_costs import EffectiveCosts
from agent.policy.optimal_band import OptimalVarianceBand
from agent.policy.whalley_wilmott import WhalleyWilmott, dynamic_band
from agent.policy.zakamouline import Zakamouline
from agent.risk.exposure import book_exposure
from tests.support.decision_builders import NOW, SPOT_USD, short_calls

GAMMA, AVERSION = -0.08, 0.001
COSTS = EffectiveCosts(0.0015, 70.0)
WIDE = BandEdges(-20.0, -1.0, 1.0, 20.0)
LIMITS = NetDeltaLimits(-4.5, 4.5)


def limited(edges=WIDE, limits=LIMITS, gamma=GAMMA, costs=COSTS, aversion=AVERSION):
    return within_limits(edges, limits, gamma, SPOT_USD, costs, aversion)


def cost_rate(low, high, lower, upper, centre=0.0, costs=COSTS):
    """Cost and risk per unit of the net delta's own variance, by the stationary shares of the two landings."""
    risk, unit_usd = AVERSION / (2.0 * GAMMA**2), costs.ratio * SPOT_USD
    to_low, to_high = (high - upper) / (high - low), (lower - low) / (high - low)
    share = to_high / (to_high + to_low)  # of cycles that begin at the upper landing
    paid = share * (costs.fixed_usd + unit_usd * (high - upper))
    paid += (1.0 - share) * (costs.fixed_usd + unit_usd * (lower - low))
    time = share * (high - upper) * (upper - low) + (1.0 - share) * (high - lower) * (lower - low)

    def risk_until_exit(start):
        grid = np.linspace(low, high, 4_001)
        green = np.where(grid < start, (grid - low) * (high - start), (high - grid) * (start - low)) / (high - low)
        return 2.0 * risk * float(np.trapezoid(green * (grid - centre) ** 2, grid))

    return (paid + share * risk_until_exit(upper) + (1.0 - share) * risk_until_exit(lower)) / time


@pytest.mark.parametrize("limits", [None, NetDeltaLimits(-20.0, 20.0), NetDeltaLimits(-30.0, 21.0)])
def test_within_limits__out_of_reach__leaves_the_band_alone(limits):
    assert limited(limits=limits) is WIDE


@pytest.mark.parametrize(
    ("costs", "middle", "ends"),
    [
        (COSTS, 0.0, (-4.5, 4.5)),
        (EffectiveCosts(0.0015, 1.0), 0.0, (-4.5, 4.5)),
        (EffectiveCosts(0.004, 10.0), 1.5, (-4.5, 3.0)),
        (COSTS, -2.0, (-2.5, 6.0)),
    ],
)
def test_within_limits__narrow__lands_where_the_rate_of_cost_is_least(costs, middle, ends):
    own = BandEdges(middle - 20.0, middle - 1.0, middle + 1.0, middle + 20.0)
    low, lower, upper, high = limited(own, NetDeltaLimits(*ends), costs=costs)
    assert (low, high) == ends
    best = cost_rate(low, high, lower, upper, middle, costs)
    for step in (0.05, 0.3, -0.05, -0.3):
        assert cost_rate(low, high, lower + step, upper, middle, costs) > best
        assert cost_rate(low, high, lower, upper + step, middle, costs) > best


def test_within_limits__limit_at_outer_edge__lands_on_the_closed_forms_inner_edge():
    outer, inner = dynamic_band(GAMMA, SPOT_USD, COSTS.ratio, COSTS.fixed_usd, AVERSION)
    found = limited(limits=NetDeltaLimits(-outer, outer))
    assert (found.low_inner, found.high_inner) == pytest.approx((-inner, inner), rel=1e-6)


def test_within_limits__no_aversion__is_the_landing_of_least_trading_cost():
    found = limited(aversion=1e-9)
    assert found.high_inner == pytest.approx(landing_under_limit(4.5, 70.0, 0.0015 * SPOT_USD), rel=1e-3)


def test_within_limits__gas_alone__lands_in_the_middle_of_the_limits():
    found = limited(limits=NetDeltaLimits(-3.0, 5.0), costs=EffectiveCosts(0.0, 70.0), aversion=1e-9)
    assert (found.low_inner, found.high_inner) == pytest.approx((1.0, 1.0), abs=1e-3)


def test_within_limits__no_gas__trades_back_to_the_limit():
    found = limited(costs=EffectiveCosts(0.0015, 0.0), aversion=1e-6)
    assert found.high_inner == pytest.approx(4.5, abs=0.05)


def test_within_limits__one_side_alone__keeps_the_other_landing():
    own = BandEdges(-2.0, -0.7, 1.0, 20.0)
    found = limited(own)
    assert found[:2] == own[:2]
    assert -2.0 < found.high_inner < found.high_outer == 4.5


def test_within_limits__no_gamma__keeps_the_landings_that_fit():
    assert limited(BandEdges(-20.0, -9.0, 1.0, 20.0), gamma=0.0) == (-4.5, -4.5, 1.0, 4.5)


def test_within_limits__no_room__is_one_point_inside():
    found = limited(limits=NetDeltaLimits(0.25, 0.25))
    assert set(found) == {0.25}
    beyond = limited(BandEdges(3.0, 3.5, 4.0, 5.0), NetDeltaLimits(-1.0, 1.0))
    assert set(beyond) == {1.0}


@pytest.mark.parametrize(
    "policy",
    [
        WhalleyWilmott(0.001, 1.0, 0.65),
        OptimalVarianceBand(0.001, 300.0, 1.0, 0.65),
        Zakamouline(0.001, 1.0, 0.65, 5.76),
    ],
    ids=type,
)
def test_policies__limit__trade_at_it_and_land_well_inside(policy):
    exposure = book_exposure(short_calls(), SPOT_USD, NOW, 0.0)
    costs = TradeCosts(0.001, 0.0005, 0.0, 200.0)
    hedge = 4.6 - exposure.book_delta
    free = policy.target(replace(exposure, hedge_size=hedge), costs)
    forced = policy.target(replace(exposure, hedge_size=hedge, limits=LIMITS), costs)
    assert free.target_net_delta == pytest.approx(4.6)
    assert forced.band_high == 4.5
    assert abs(forced.target_net_delta) < 2.0
