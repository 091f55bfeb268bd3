"""How the no-trade band answers to its inputs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain import Exposure, TradeCosts
from agent.policy.fixed_threshold import FixedThreshold
from agent.policy.whalley_wilmott import WhalleyWilmott, dynamic_band, static_band

MANY = settings(max_examples=300, deadline=None, derandomize=True)
EXAMPLES = {
    "fixed_threshold": FixedThreshold(0.7),
    "whalley_wilmott": WhalleyWilmott(risk_aversion_per_usd=0.05, static_horizon_days=30.0, static_vol_annual=0.7),
}
"""Bands around neutral that need no more than the sums; the conformance test asks every policy of the registry."""

gammas = st.floats(1e-6, 5.0)
costs = st.floats(0.0, 0.05)
gas = st.floats(0.0, 500.0)
aversions = st.floats(1e-4, 2.0)
factors = st.floats(1.0, 10.0)
SPOT = 3_000.0


@MANY
@given(gammas, costs, gas, aversions, factors)
def test_dynamic_band__larger_inputs__widen_or_narrow_it(gamma, cost, gas_usd, aversion, factor):
    def outer(gamma=gamma, cost=cost, gas_usd=gas_usd, aversion=aversion):
        return dynamic_band(gamma, SPOT, cost, gas_usd, aversion).outer

    slack = 1.0 - 1e-9
    assert outer(cost=cost * factor) >= outer() * slack
    assert outer(gas_usd=gas_usd * factor) >= outer() * slack
    assert outer(gamma=gamma * factor) >= outer() * slack
    assert outer(aversion=aversion * factor) * slack <= outer()


@MANY
@given(gammas, costs, gas, aversions)
def test_dynamic_band__any_inputs__inner_edge_lies_between_neutral_and_outer(gamma, cost, gas_usd, aversion):
    outer, inner = dynamic_band(gamma, SPOT, cost, gas_usd, aversion)
    assert 0.0 <= inner <= outer


@MANY
@given(gammas, costs, st.floats(0.01, 500.0), aversions, factors)
def test_dynamic_band__dearer_gas__lands_further_inside(gamma, cost, gas_usd, aversion, factor):
    cheap = dynamic_band(gamma, SPOT, cost, gas_usd, aversion)
    dear = dynamic_band(gamma, SPOT, cost, gas_usd * factor, aversion)
    assert dear.inner <= cheap.inner * (1.0 + 1e-9) + 1e-12


@MANY
@given(costs, gas, aversions, factors)
def test_static_band__larger_inputs__widen_or_narrow_it(cost, gas_usd, aversion, factor):
    def outer(cost=cost, gas_usd=gas_usd, aversion=aversion, vol=0.7, years=0.1):
        return static_band(SPOT, cost, gas_usd, aversion, vol, years).outer

    slack = 1.0 - 1e-12
    assert outer(cost=cost * factor) >= outer() * slack
    assert outer(gas_usd=gas_usd * factor) >= outer() * slack
    assert outer(aversion=aversion * factor) * slack <= outer()
    assert outer(vol=0.7 * factor) * slack <= outer()
    assert outer(years=0.1 * factor) * slack <= outer()


@pytest.mark.parametrize("name", sorted(EXAMPLES))
@MANY
@given(net_delta=st.floats(-200.0, 200.0), gamma=st.floats(-5.0, 5.0), cost=costs, gas_usd=gas)
def test_policy__any_exposure__keeps_its_contract(name, net_delta, gamma, cost, gas_usd):
    exposure = Exposure(SPOT, net_delta, gamma, 0.0, 0.0, 0.0, 0.0)
    target = EXAMPLES[name].target(exposure, TradeCosts(cost, 0.0, 0.0, gas_usd))
    assert target.band_low <= target.target_net_delta <= target.band_high
    if target.band_low <= net_delta <= target.band_high:
        assert target.target_net_delta == net_delta
    else:
        assert abs(target.target_net_delta) < abs(net_delta)
        assert target.target_net_delta * net_delta >= 0.0
    mirrored = EXAMPLES[name].target(replace(exposure, book_delta=-net_delta), TradeCosts(cost, 0.0, 0.0, gas_usd))
    assert mirrored.target_net_delta == -target.target_net_delta
    assert target.reason
