"""Zakamouline's band: published values, which constant the solver confirms, and fixed costs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from agent.domain import TradeCosts
from agent.errors import DataError
from agent.policy.whalley_wilmott import dynamic_band, static_band
from agent.policy.zakamouline import CONFIRMED_CONSTANT, Zakamouline, zakamouline_band
from benchmarks.zakamouline_constant import Case, losses
from tests.support.option_exposure import COSTS, FREE, exposure_of

POLICY = Zakamouline(
    risk_aversion_per_usd=0.004, static_horizon_days=30.0, static_vol_annual=0.7, volatility_constant=5.76
)


def test_zakamouline_band__first_published_case__agrees():
    band = zakamouline_band(0.02, 5_000.0, 0.0005, 1.0, 0.2, 0.25)
    assert band.h0 == pytest.approx(1e-5, rel=1e-9)
    assert band.h1 == pytest.approx(0.0209437, abs=5e-8)


def test_zakamouline_band__second_published_case__agrees():
    band = zakamouline_band(0.01314931, 100.0, 0.02, 1.0, 0.3, 1.0, volatility_constant=4.76)
    assert band.h0 == pytest.approx(0.002222, abs=5e-7)
    assert band.h1 == pytest.approx(0.051607, abs=5e-7)
    assert band.volatility_adjustment == pytest.approx(-0.632362, abs=5e-7)
    assert 0.3 * math.sqrt(band.variance_factor(is_short_gamma=True)) == pytest.approx(0.383292, abs=5e-7)


def test_zakamouline_band__interest__enters_h1_and_k_alike():
    plain = zakamouline_band(0.02, 100.0, 0.01, 1.0, 0.2, 0.5)
    discounted = zakamouline_band(0.02, 100.0, 0.01, 1.0, 0.2, 0.5, rate_annual=0.08)
    factor = math.exp(-0.04 * 0.25)
    assert discounted.h0 == plain.h0
    assert discounted.h1 == pytest.approx(plain.h1 * factor, rel=1e-12)
    assert discounted.volatility_adjustment == pytest.approx(plain.volatility_adjustment * factor, rel=1e-12)


def test_variance_factor__long_gamma_beyond_the_fitted_range__stays_positive():
    band = zakamouline_band(0.5, 100.0, 0.05, 10.0, 0.2, 0.25)
    assert band.volatility_adjustment < -1.0
    assert band.variance_factor(is_short_gamma=False) == 0.01
    assert band.variance_factor(is_short_gamma=True) == pytest.approx(1.0 - band.volatility_adjustment)


@pytest.mark.parametrize("cost", [0.005, 0.01])
@pytest.mark.parametrize("vol", [0.2, 0.3])
def test_volatility_constant__risk_aversion_of_paper__solver_prefers_one_in_force(cost, vol):
    with_476, with_576 = losses(Case(cost, 1.0, vol, 1.0, is_short=True))
    assert CONFIRMED_CONSTANT == 5.76
    assert 0.0 < with_576 < with_476 < 0.03


@pytest.mark.parametrize("quantity", [-100.0, 100.0])
@pytest.mark.parametrize("moneyness", [0.9, 1.1])
def test_edges__option_away_from_the_money__are_centred_on_the_modified_delta(quantity, moneyness):
    exposure = exposure_of(quantity, spot_usd=3_000.0 * moneyness)
    edges = POLICY.edges(exposure, COSTS)
    centre = 0.5 * (edges.low_outer + edges.high_outer)
    assert math.copysign(1.0, centre) == (1.0 if moneyness < 1.0 else -1.0)
    assert abs(centre) < abs(quantity)


def test_edges__gas__widens_the_outer_and_narrows_the_inner_half_width():
    exposure = exposure_of(-100.0)
    plain = POLICY.edges(exposure, replace(COSTS, gas_usd=0.0))
    dear = POLICY.edges(exposure, replace(COSTS, gas_usd=40.0))
    assert plain.high_outer == plain.high_inner
    assert dear.low_outer < plain.low_outer < dear.low_inner < dear.high_inner < plain.high_inner < dear.high_outer


@pytest.mark.parametrize("quantity", [-100.0, 100.0])
def test_edges__both_costs__are_h0_and_h1_each_with_its_fixed_part(quantity):
    exposure, vol, years = exposure_of(quantity), 0.65, 30.0 / 365.0
    gamma, costs = exposure.book_gamma_per_usd, (3_000.0, 0.0015, 4.0, 0.004)
    h1 = zakamouline_band(gamma, 3_000.0, 0.0015, 0.004, vol, years).h1
    static = static_band(*costs, vol, years)
    both, proportional = dynamic_band(gamma, *costs), dynamic_band(gamma, 3_000.0, 0.0015, 0.0, 0.004)
    edges = POLICY.edges(exposure, COSTS)
    outer, inner = (static[i] + h1 * both[i] / proportional[i] for i in range(2))
    assert static.inner > 0.005 * inner
    assert edges.half_widths == pytest.approx((outer, inner), rel=1e-9)


def test_edges__gas_alone__is_whalley_and_wilmotts_band():
    edges = POLICY.edges(exposure_of(-100.0), TradeCosts(0.0, 0.0, 0.0, 10.0))
    assert edges.high_inner == pytest.approx(-edges.low_inner, abs=1e-9)
    assert 0.0 <= edges.high_inner < 1e-6 < edges.high_outer


def test_edges__no_options__is_the_static_band():
    exposure = exposure_of(0.0, holding=12.0)
    expected = static_band(3_000.0, COSTS.proportional_ratio, COSTS.gas_usd, 0.004, 0.7, 30.0 / 365.0)
    edges = POLICY.edges(exposure, COSTS)
    assert (edges.high_outer, edges.high_inner) == pytest.approx(expected)


def test_target__no_cost__hedges_fully():
    target = POLICY.target(exposure_of(-100.0), FREE)
    assert target.target_net_delta == pytest.approx(0.0, abs=1e-12)


def test_target__exposure_without_its_book__is_refused():
    with pytest.raises(DataError, match="book_exposure"):
        POLICY.target(replace(exposure_of(-100.0), book=None), COSTS)


@pytest.mark.parametrize(
    "name", ["risk_aversion_per_usd", "static_horizon_days", "static_vol_annual", "volatility_constant"]
)
@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan])
def test_policy__parameter_out_of_domain__is_refused_by_name(name, bad):
    with pytest.raises(DataError, match=name):
        replace(POLICY, **{name: bad})


def test_target__many_looks_at_one_path__trades_only_outside_the_band():
    for net_delta in np.linspace(-30.0, 30.0, 13):
        exposure = exposure_of(-100.0, net_delta=float(net_delta))
        target = POLICY.target(exposure, COSTS)
        is_inside = target.band_low <= net_delta <= target.band_high
        assert (target.target_net_delta == pytest.approx(net_delta)) == is_inside


def test_target__costs_far_beyond_risk_tolerance__is_refused_with_what_is_sound():
    """The formula was fitted to costs of up to the risk tolerance."""
    policy, exposure = Zakamouline(0.007, 30.0, 0.7, 5.76), exposure_of(-100.0)
    with pytest.raises(DataError, match=r"is known up to 2\. Set risk_aversion_per_usd to .*, or use optimal_var"):
        policy.target(exposure, COSTS)
    assert replace(policy, risk_aversion_per_usd=0.003).target(exposure, COSTS).band_high > 0.0
