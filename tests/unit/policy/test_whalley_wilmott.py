"""Whalley-Wilmott bands: published values, limits, and the renewal argument as an independent reference."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from scipy.optimize import minimize

from agent.domain import Exposure, TradeCosts
from agent.errors import DataError
from agent.policy.whalley_wilmott import (
    WhalleyWilmott,
    dynamic_band,
    static_band,
    whalley_wilmott_half_width,
)

POLICY = WhalleyWilmott(risk_aversion_per_usd=0.05, static_horizon_days=30.0, static_vol_annual=0.7)
EXPOSURE = Exposure(3_000.0, -54.0, -0.066, -34_000.0, 145_000.0, -24_000.0, 50.0)
COSTS = TradeCosts(fee_ratio=0.001, impact_ratio=0.0005, funding_ratio=0.0, gas_usd=4.0)
FREE = TradeCosts(0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("gamma", "spot", "tau", "cost", "expected"),
    [(0.02, 5_000.0, 0.25, 0.0005, 0.1144714), (0.01314931, 100.0, 1.0, 0.02, 0.080348)],
)
def test_whalley_wilmott_half_width__published_cases__agree(gamma, spot, tau, cost, expected):
    assert whalley_wilmott_half_width(gamma, spot, cost, 1.0, tau) == pytest.approx(expected, rel=1e-6, abs=5e-7)


def test_whalley_wilmott_half_width__interest__discounts_the_cube():
    plain = whalley_wilmott_half_width(0.02, 5_000.0, 0.0005, 1.0)
    discounted = whalley_wilmott_half_width(0.02, 5_000.0, 0.0005, 1.0, tau_years=0.5, rate_annual=0.08)
    assert (discounted / plain) ** 3 == pytest.approx(math.exp(-0.04), rel=1e-12)


def test_dynamic_band__no_fixed_cost__is_the_published_band_traded_to_its_edge():
    edges = dynamic_band(0.02, 5_000.0, 0.0005, 0.0, 1.0)
    assert edges.outer == edges.inner == pytest.approx(0.1144714, abs=5e-8)


def test_dynamic_band__fixed_cost_alone__trades_to_neutral_from_the_fourth_root():
    edges = dynamic_band(0.02, 5_000.0, 0.0, 7.0, 0.5)
    assert edges.inner == pytest.approx(0.0, abs=1e-12)
    assert edges.outer == pytest.approx((12.0 * 7.0 * 0.02**2 / 0.5) ** 0.25, rel=1e-12)


def test_dynamic_band__no_cost__is_nothing():
    assert dynamic_band(0.066, 3_000.0, 0.0, 0.0, 0.05) == (0.0, 0.0)


def test_dynamic_band__vanishing_fixed_cost__approaches_the_published_band():
    limit = dynamic_band(0.066, 3_000.0, 0.0015, 0.0, 0.05)
    near = dynamic_band(0.066, 3_000.0, 0.0015, 1e-60, 0.05)
    assert near.outer == pytest.approx(limit.outer, rel=1e-9)
    assert near.inner == pytest.approx(limit.inner, rel=1e-9)


@pytest.mark.parametrize("gamma", [0.001, 0.066, 2.0])
@pytest.mark.parametrize(("cost", "gas"), [(0.0015, 4.0), (0.0015, 400.0), (0.05, 0.01), (1e-6, 50.0)])
def test_dynamic_band__both_costs__solves_the_two_equations(gamma, cost, gas):
    spot, aversion = 3_000.0, 0.05
    outer, inner = dynamic_band(gamma, spot, cost, gas, aversion)
    assert 0.0 <= inner <= outer
    assert outer * inner * (outer + inner) == pytest.approx(3.0 * cost * spot * gamma**2 / aversion, rel=1e-9)
    assert (outer - inner) ** 3 * (outer + inner) == pytest.approx(12.0 * gas * gamma**2 / aversion, rel=1e-7)


def renewal_cost_rate(outer, inner, gamma, spot, cost, gas, aversion):
    """Long-run cost a unit of sigma^2 S^2 of a Brownian deviation that restarts at l whenever it leaves (-h, h).

    With variance rate v, that takes (h^2 - l^2)/v on average, while y^2 adds up to (h^4 - l^4)/(6 v).
    """
    risk = aversion * (outer**2 + inner**2) / 12.0
    return risk + gamma**2 * (gas + cost * spot * (outer - inner)) / (outer**2 - inner**2)


@pytest.mark.parametrize(("cost", "gas"), [(0.0015, 4.0), (0.0005, 40.0), (0.004, 0.5)])
def test_dynamic_band__renewal_argument__no_other_edges_cost_less(cost, gas):
    arguments = (0.066, 3_000.0, cost, gas, 0.05)
    edges = dynamic_band(*arguments)

    def objective(log_widths):
        inner = math.exp(log_widths[0])
        return renewal_cost_rate(inner + math.exp(log_widths[1]), inner, *arguments)

    found = minimize(objective, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-15})
    inner = math.exp(found.x[0])
    assert edges.inner == pytest.approx(inner, rel=1e-4)
    assert edges.outer == pytest.approx(inner + math.exp(found.x[1]), rel=1e-4)
    assert renewal_cost_rate(*edges, *arguments) <= found.fun * (1.0 + 1e-9)


def test_static_band__proportional_cost__is_the_published_h0():
    edges = static_band(100.0, 0.02, 0.0, 1.0, vol_annual=0.3, horizon_years=1.0)
    assert edges.outer == edges.inner == pytest.approx(0.002222, abs=5e-7)
    assert static_band(5_000.0, 0.0005, 0.0, 1.0, 0.2, 0.25).inner == pytest.approx(1e-5, rel=1e-9)


def test_static_band__outer_edge__gains_exactly_what_the_trade_costs():
    spot, cost, gas, aversion, vol, years = 3_000.0, 0.001, 4.0, 0.05, 0.7, 0.1
    outer, inner = static_band(spot, cost, gas, aversion, vol, years)
    gain = 0.5 * aversion * (vol * spot) ** 2 * years * (outer**2 - inner**2)
    assert gain == pytest.approx(gas + cost * spot * (outer - inner), rel=1e-12)


def test_target__no_cost__hedges_fully():
    target = POLICY.target(EXPOSURE, FREE)
    assert (target.band_low, target.band_high, target.target_net_delta) == (0.0, 0.0, 0.0)


def test_target__inside_the_band__stays():
    target = POLICY.target(replace(EXPOSURE, hedge_size=54.3), COSTS)
    assert target.band_high > 0.3
    assert target.target_net_delta == pytest.approx(0.3)


@pytest.mark.parametrize("hedge", [40.0, 70.0])
def test_target__outside_the_band__lands_at_the_inner_edge_of_the_same_side(hedge):
    exposure = replace(EXPOSURE, hedge_size=hedge)
    edges = POLICY.edges(exposure, COSTS)
    target = POLICY.target(exposure, COSTS)
    assert target.target_net_delta == math.copysign(edges.inner, exposure.net_delta)
    assert 0.0 < edges.inner < edges.outer


def test_edges__no_gamma__static_band_rules():
    exposure = replace(EXPOSURE, book_gamma_per_usd=0.0)
    years = POLICY.static_horizon_days / 365.0
    expected = static_band(3_000.0, COSTS.proportional_ratio, COSTS.gas_usd, 0.05, 0.7, years)
    assert POLICY.edges(exposure, COSTS) == pytest.approx(expected)
    assert expected.outer > 0.0


@pytest.mark.parametrize("name", ["book_gamma_per_usd", "hedge_size", "spot_usd"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_target__exposure_not_finite__is_refused_by_name(name, bad):
    with pytest.raises(DataError, match=name):
        POLICY.target(replace(EXPOSURE, **{name: bad}), COSTS)


@pytest.mark.parametrize("name", ["gas_usd", "impact_ratio"])
def test_target__cost_not_finite__is_refused_by_name(name):
    with pytest.raises(DataError, match=f"{name} is inf"):
        POLICY.target(EXPOSURE, replace(COSTS, **{name: math.inf}))


@pytest.mark.parametrize("name", ["risk_aversion_per_usd", "static_horizon_days", "static_vol_annual"])
@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan])
def test_policy__parameter_out_of_domain__is_refused_by_name(name, bad):
    with pytest.raises(DataError, match=name):
        replace(POLICY, **{name: bad})
