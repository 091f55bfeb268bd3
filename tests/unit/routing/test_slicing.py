"""What to trade now of a trade that is dear at once."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.costs.impact import ImpactCoefficients
from agent.errors import DataError
from agent.routing import SlicingParameters, plan_slices

SPOT_USD = 3_000.0
SLICING = SlicingParameters(interval_seconds=300.0, max_slices=10, vol_annual=0.7, risk_aversion_per_usd=1e-4)
POOL = ImpactCoefficients(spread_usd=3.0, temporary_usd_per_unit=0.14, permanent_usd_per_unit=0.0)
"""What a pool of 64 million USD costs: 0.14 USD a unit for every unit traded at once."""
MANY = settings(max_examples=150, deadline=None, derandomize=True)


def test_plan_slices__large_trade__is_cut_and_says_what_it_saves():
    plan = plan_slices(50.0, POOL, SPOT_USD, 1.0, SLICING)
    assert len(plan.trades) > 1
    assert math.fsum(plan.trades) == pytest.approx(50.0, rel=1e-12)
    assert plan.now == plan.trades[0] == max(plan.trades)
    assert plan.saved_usd > 0.0
    assert f"slice 1 of {len(plan.trades)}" in plan.reason
    assert f"saves {plan.saved_usd:.2f} USD" in plan.reason


def test_plan_slices__saving__is_cost_at_once_less_cost_risk_and_gas_of_the_slices():
    plan = plan_slices(50.0, POOL, SPOT_USD, 1.0, SLICING)
    days = 300.0 / 86_400
    left, risk = 50.0, 0.0
    for trade in plan.trades:
        left -= trade
        risk += 0.5 * 1e-4 * (0.7 * SPOT_USD) ** 2 * days / 365.0 * left**2
    saved = 0.14 * (50.0**2 - sum(trade**2 for trade in plan.trades)) - risk - (len(plan.trades) - 1)
    assert plan.saved_usd == pytest.approx(saved, rel=1e-12)


@pytest.mark.parametrize(
    ("size", "impact", "gas_usd", "slicing"),
    [
        (50.0, POOL, 1e4, SLICING),
        (0.1, POOL, 1.0, SLICING),
        (50.0, POOL, 0.0, replace(SLICING, risk_aversion_per_usd=1e3)),
        (50.0, POOL, 0.0, replace(SLICING, max_slices=1)),
        (50.0, replace(POOL, temporary_usd_per_unit=0.0), 0.0, SLICING),
        (50.0, replace(POOL, permanent_usd_per_unit=0.28), 0.0, SLICING),
    ],
    ids=["dear gas", "small", "averse to risk", "one slice allowed", "no impact", "impact that stays"],
)
def test_plan_slices__nothing_to_gain__trades_all_at_once(size, impact, gas_usd, slicing):
    plan = plan_slices(size, impact, SPOT_USD, gas_usd, slicing)
    assert plan.trades[0] == pytest.approx(size, rel=1e-5)
    if slicing.risk_aversion_per_usd < 1.0:
        assert plan.trades == (size,)
        assert plan.reason.startswith("all at once")


@MANY
@given(st.floats(0.01, 500.0), st.floats(0.001, 5.0), st.floats(0.0, 50.0), st.floats(1e-6, 1e-2))
def test_plan_slices__any_trade__saves_and_adds_up(size, temporary, gas_usd, aversion):
    impact, slicing = replace(POOL, temporary_usd_per_unit=temporary), replace(SLICING, risk_aversion_per_usd=aversion)
    plan = plan_slices(size, impact, SPOT_USD, gas_usd, slicing)
    assert plan.saved_usd >= 0.0
    assert math.fsum(plan.trades) == pytest.approx(size, rel=1e-12)
    assert 1 <= len(plan.trades) <= 10


@MANY
@given(st.floats(10.0, 500.0), st.floats(0.0, 20.0), st.floats(1e-6, 1e-3))
def test_plan_slices__planned_anew_after_a_slice__goes_on_as_planned(size, gas_usd, aversion):
    slicing = replace(SLICING, max_slices=40, risk_aversion_per_usd=aversion)
    plan = plan_slices(size, POOL, SPOT_USD, gas_usd, slicing)
    if len(plan.trades) in (1, 40):
        return
    rest = plan_slices(size - plan.now, POOL, SPOT_USD, gas_usd, slicing)
    assert rest.trades == pytest.approx(plan.trades[1:], rel=1e-6)


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("interval_seconds", 0.0),
        ("interval_seconds", math.nan),
        ("vol_annual", -0.5),
        ("risk_aversion_per_usd", 0.0),
        ("max_slices", 0),
        ("max_slices", 1_001),
    ],
)
def test_slicing_settings__out_of_domain__are_refused_by_name(field, bad):
    with pytest.raises(DataError, match=f"{field} is {bad}"):
        replace(SLICING, **{field: bad})


@pytest.mark.parametrize(
    ("size", "spot", "gas", "name"),
    [(0.0, 1.0, 0.0, "size"), (1.0, math.inf, 0.0, "spot_usd"), (1.0, 1.0, -1.0, "gas_usd")],
)
def test_plan_slices__bad_number__is_refused_by_name(size, spot, gas, name):
    with pytest.raises(DataError, match=f"{name} is"):
        plan_slices(size, POOL, spot, gas, SLICING)
