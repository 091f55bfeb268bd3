"""The policy: its band for the perp alone is what the general programme answers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain import Exposure, TradeCosts
from agent.errors import DataError
from agent.optimiser.covariance import covariance_of_moves
from agent.optimiser.factors import Factors
from agent.optimiser.leg_selection import Gas
from agent.policy.multi_instrument import MultiInstrument
from agent.policy.registry import build_policy
from agent.policy.whalley_wilmott import static_band
from tests.support.optimiser_builders import SPOT_USD, option, perp, venue

POLICY = MultiInstrument(1e-4, 1.0, 0.6, 0.8, -0.3)
COSTS = TradeCosts(0.0004, 0.0002, 0.0, 3.0)


def exposure(delta, vega=-90_000.0):
    return Exposure(SPOT_USD, delta, -0.3, vega, 4e5, -6e4, 0.0)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    delta=st.floats(-200.0, 200.0),
    vega=st.floats(-2e5, 2e5),
    rho=st.floats(-0.9, 0.9),
    cost=st.floats(1e-5, 5e-3),
    gas_usd=st.floats(0.0, 60.0),
    aversion=st.floats(-6.0, -2.0),
)
def test_target__perp_alone__lands_where_the_general_programme_does(delta, vega, rho, cost, gas_usd, aversion):
    policy = MultiInstrument(10.0**aversion, 1.0, 0.6, 0.8, rho)
    edges = policy.edges(exposure(delta, vega), TradeCosts(cost, 0.0, 0.0, gas_usd))
    nearest_edge = min(abs(delta - edges.low_outer), abs(delta - edges.high_outer))
    target = policy.target(exposure(delta, vega), TradeCosts(cost, 0.0, 0.0, gas_usd))
    instruments = [perp(quotes=((5_000.0, 0.0),), fee=cost * SPOT_USD)]
    plan = policy.plan(Factors(delta, -0.3, vega, -30.0, 2e3), instruments, [venue()], SPOT_USD, gas=Gas(gas_usd, 0.0))
    if nearest_edge > 1e-6:
        assert plan.after.delta == pytest.approx(target.target_net_delta, rel=1e-7, abs=1e-7)


def test_edges__no_correlation__are_the_static_band_around_neutral():
    edges = replace(POLICY, spot_vol_correlation=0.0).edges(exposure(10.0), COSTS)
    outer, inner = static_band(SPOT_USD, 0.0006, 3.0, 1e-4, 0.6, 1.0 / 365.0)
    assert tuple(edges) == pytest.approx((-outer, -inner, inner, outer), rel=1e-12)


def test_edges__vol_falls_as_price_rises__centre_offsets_vega_that_comes_with_price():
    edges = POLICY.edges(exposure(0.0), COSTS)
    centre = 0.5 * (edges.low_inner + edges.high_inner)
    assert centre == pytest.approx(-0.3 * 90_000.0 * 0.8 / (0.6 * SPOT_USD))


def test_edges__funding__runs_for_the_horizon():
    daily = replace(COSTS, funding_ratio=0.0002, funding_horizon_days=0.25)
    same = replace(COSTS, fee_ratio=COSTS.fee_ratio + 0.0008)
    assert POLICY.edges(exposure(0.0), daily) == pytest.approx(POLICY.edges(exposure(0.0), same))


def test_target__vega_not_finite__is_refused_by_name():
    with pytest.raises(DataError, match="book_vega_usd_per_vol is nan"):
        POLICY.target(exposure(1.0, math.nan), COSTS)


@pytest.mark.parametrize(
    ("field", "bad"),
    [("risk_aversion_per_usd", 0.0), ("horizon_days", -1.0), ("vol_annual", math.nan), ("vol_of_vol_annual", -0.1),
     ("spot_vol_correlation", 1.0), ("spot_vol_correlation", -1.0), ("spot_vol_correlation", math.nan)],
)  # fmt: skip
def test_policy__parameter_out_of_domain__is_refused_by_name(field, bad):
    with pytest.raises(DataError, match=f"{field} is {bad}"):
        replace(POLICY, **{field: bad})


def test_build_policy__registered_name__builds_it():
    numbers = {
        "risk_aversion_per_usd": 1e-4,
        "horizon_days": 1.0,
        "vol_annual": 0.6,
        "vol_of_vol_annual": 0.8,
        "spot_vol_correlation": -0.3,
    }
    assert build_policy("multi_instrument", numbers) == POLICY


def test_plan__scenarios_for_a_covariance__replace_the_policys_own():
    moves = [300.0 * (-1) ** day for day in range(60)]
    jumpy = covariance_of_moves(moves, [0.1 * (day % 3) for day in range(60)], 1.0)
    factors, instruments = Factors(-40.0, -0.3, -90_000.0, 0.0, 0.0), [perp(), option()]
    venues = [venue(), venue("options")]
    own = POLICY.plan(factors, instruments, venues, SPOT_USD)
    other = POLICY.plan(factors, instruments, venues, SPOT_USD, covariance=jumpy)
    assert other.stdev_before_usd != pytest.approx(own.stdev_before_usd, rel=0.1)
    assert other.reason != own.reason
