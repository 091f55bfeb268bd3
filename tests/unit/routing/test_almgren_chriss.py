"""Optimal execution over time against the paper, a general optimiser and its limits."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from agent.costs.impact import ImpactCoefficients
from agent.errors import DataError
from agent.routing.almgren_chriss import (
    Execution,
    best_trajectory,
    efficient_frontier,
    optimal_trajectory,
    trajectory_of,
)

PAPER = Execution(
    size=1e6,
    slices=5,
    interval_days=1.0,
    stdev_usd_per_sqrt_day=0.95,
    risk_aversion_per_usd=1e-6,
    impact=ImpactCoefficients(spread_usd=0.0625, temporary_usd_per_unit=2.5e-6, permanent_usd_per_unit=2.5e-7),
)
"""Table 1: a million shares at $50 over five days, volatility 30 % a year, a spread of 1/8, 5 million shares a day."""
MANY = settings(max_examples=150, deadline=None, derandomize=True)


@st.composite
def executions(draw):
    temporary = 10 ** draw(st.floats(-6.0, 0.0))
    return Execution(
        size=10 ** draw(st.floats(-2.0, 5.0)),
        slices=draw(st.integers(1, 40)),
        interval_days=10 ** draw(st.floats(-4.0, 1.0)),
        stdev_usd_per_sqrt_day=draw(st.floats(0.0, 300.0)),
        risk_aversion_per_usd=10 ** draw(st.floats(-9.0, 0.0)),
        impact=ImpactCoefficients(draw(st.floats(0.0, 5.0)), temporary, draw(st.floats(0.0, 1.9)) * temporary),
    )


def objective(execution, trajectory):
    return trajectory.expected_cost_usd + execution.risk_aversion_per_usd * trajectory.variance_usd2


# --- the paper ----------------------------------------------------------------------------------------------------


def test_execution__parameters_of_the_paper__decay_as_it_says():
    """Section 3.4: kappa is about 0.61 a day and kappa T about 3."""
    assert PAPER.decay == pytest.approx(0.61, abs=0.005)
    assert PAPER.decay * PAPER.slices == pytest.approx(3.0, abs=0.05)
    assert PAPER.half_life_days == pytest.approx(1.6, abs=0.05)


def test_optimal_trajectory__parameters_of_the_paper__costs_its_closed_forms():
    """Equations 19 and 20 of the paper, with eta = k tau."""
    X, tau, T, sigma = 1e6, 1.0, 5.0, 0.95
    gamma, epsilon, eta = 2.5e-7, 0.0625, 2.5e-6
    eta_tilde = eta - 0.5 * gamma * tau
    kappa_tilde2 = 1e-6 * sigma**2 / eta_tilde
    kappa = math.acosh(0.5 * kappa_tilde2 * tau**2 + 1.0) / tau
    sinh, cosh = math.sinh, math.cosh
    cost = 0.5 * gamma * X**2 + epsilon * X
    cost += (
        eta_tilde
        * X**2
        * math.tanh(0.5 * kappa * tau)
        * (tau * sinh(2 * kappa * T) + 2 * T * sinh(kappa * tau))
        / (2.0 * tau**2 * sinh(kappa * T) ** 2)
    )
    variance = 0.5 * sigma**2 * X**2
    variance *= (tau * sinh(kappa * T) * cosh(kappa * (T - tau)) - T * sinh(kappa * tau)) / (
        sinh(kappa * T) ** 2 * sinh(kappa * tau)
    )
    found = optimal_trajectory(PAPER)
    assert found.expected_cost_usd == pytest.approx(cost, rel=1e-12)
    assert found.variance_usd2 == pytest.approx(variance, rel=1e-12)
    shares = [sinh(kappa * (T - day)) / sinh(kappa * T) for day in range(6)]
    assert found.holdings == pytest.approx([X * share for share in shares], rel=1e-12)


def test_optimal_trajectory__no_risk_aversion__is_the_naive_strategy_of_the_paper():
    """Equations 10 and 11: equal slices; E = g X^2 / 2 + e X + (eta - g tau / 2) X^2 / T."""
    found = optimal_trajectory(replace(PAPER, risk_aversion_per_usd=0.0))
    assert found.trades == pytest.approx([2e5] * 5, rel=1e-12)
    assert found.expected_cost_usd == pytest.approx(662_500.0, rel=1e-12)
    assert found.variance_usd2 == pytest.approx(0.95**2 * 1e12 * 5 / 3 * (1 - 1 / 5) * (1 - 1 / 10), rel=1e-12)


def test_optimal_trajectory__infinite_risk_aversion__trades_all_at_once():
    """Equations 12 and 13: E = e X + eta X^2 / tau, no variance."""
    found = optimal_trajectory(replace(PAPER, risk_aversion_per_usd=1e9))
    assert found.trades == pytest.approx([1e6, 0.0, 0.0, 0.0, 0.0], abs=1e-3)
    assert found.expected_cost_usd == pytest.approx(0.0625e6 + 2.5e6, rel=1e-9)
    assert found.stdev_usd < 1.0


# --- the best there is --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("aversion", [0.0, 1e-8, 1e-6, 1e-5])
@pytest.mark.parametrize("slices", [2, 5, 12])
def test_optimal_trajectory__general_optimiser__finds_the_same(aversion, slices):
    """Without the spread, which costs every trajectory that never turns back the same and has a kink elsewhere."""
    impact = replace(PAPER.impact, spread_usd=0.0)
    execution = replace(PAPER, slices=slices, risk_aversion_per_usd=aversion, impact=impact)
    best = optimal_trajectory(execution)

    def inner(holdings):
        return objective(execution, trajectory_of(execution, [1e6, *(holdings * 1e6).tolist(), 0.0])) / 1e6

    found = minimize(inner, np.linspace(1.0, 0.0, slices + 1)[1:-1], method="BFGS", options={"gtol": 1e-9})
    assert objective(execution, best) == pytest.approx(found.fun * 1e6, rel=1e-9)
    assert best.holdings[1:-1] == pytest.approx((found.x * 1e6).tolist(), rel=1e-3, abs=10.0)


@MANY
@given(executions(), st.data())
def test_optimal_trajectory__any_other_trajectory__has_no_lower_objective(execution, data):
    best = optimal_trajectory(execution)
    inner = data.draw(st.lists(st.floats(0.0, 1.0), min_size=execution.slices - 1, max_size=execution.slices - 1))
    other = trajectory_of(execution, [execution.size, *(execution.size * share for share in inner), 0.0])
    assert objective(execution, best) <= objective(execution, other) * (1.0 + 1e-12)


@MANY
@given(executions())
def test_optimal_trajectory__any_execution__trades_all_of_it_ever_slower(execution):
    found = optimal_trajectory(execution)
    assert (found.holdings[0], found.holdings[-1]) == (execution.size, 0.0)
    assert math.fsum(found.trades) == pytest.approx(execution.size, rel=1e-12)
    assert all(earlier >= later - 1e-9 * execution.size for earlier, later in pairwise(found.trades))
    assert all(trade >= 0.0 for trade in found.trades)


@MANY
@given(executions(), st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_optimal_trajectory__other_units_of_size_or_money__is_the_same_plan(execution, size_unit, money_unit):
    """In units ``size_unit`` times as large and dollars worth ``money_unit`` times as much."""
    impact = execution.impact
    scaled = replace(
        execution,
        size=execution.size / size_unit,
        stdev_usd_per_sqrt_day=execution.stdev_usd_per_sqrt_day * size_unit / money_unit,
        risk_aversion_per_usd=execution.risk_aversion_per_usd * money_unit,
        impact=ImpactCoefficients(
            impact.spread_usd * size_unit / money_unit,
            impact.temporary_usd_per_unit * size_unit**2 / money_unit,
            impact.permanent_usd_per_unit * size_unit**2 / money_unit,
        ),
    )
    plain, other = optimal_trajectory(execution), optimal_trajectory(scaled)
    assert [left * size_unit for left in other.holdings] == pytest.approx(plain.holdings, rel=1e-6, abs=1e-12)
    assert other.expected_cost_usd * money_unit == pytest.approx(plain.expected_cost_usd, rel=1e-9)


def test_optimal_trajectory__after_its_first_slice__the_rest_is_optimal_for_the_rest():
    whole = optimal_trajectory(PAPER)
    rest = optimal_trajectory(replace(PAPER, size=whole.holdings[1], slices=4))
    assert rest.holdings == pytest.approx(whole.holdings[1:], rel=1e-12)


def test_optimal_trajectory__extreme_decay__does_not_overflow():
    found = optimal_trajectory(replace(PAPER, slices=1_000, risk_aversion_per_usd=1e6))
    assert all(map(math.isfinite, found.holdings))
    tiny = replace(PAPER, risk_aversion_per_usd=1e-22)
    assert optimal_trajectory(tiny).trades == pytest.approx([2e5] * 5, rel=1e-9)


# --- the frontier and the number of slices ------------------------------------------------------------------------


def test_efficient_frontier__more_aversion__costs_more_and_varies_less_convexly():
    frontier = efficient_frontier(PAPER, [10**power for power in np.linspace(-8, -4, 25)])
    costs, variances = [t.expected_cost_usd for t in frontier], [t.variance_usd2 for t in frontier]
    assert costs == sorted(costs)
    assert variances == sorted(variances, reverse=True)
    slopes = [(c1 - c0) / (v0 - v1) for (c0, c1), (v0, v1) in zip(pairwise(costs), pairwise(variances), strict=True)]
    assert slopes == sorted(slopes)


def test_efficient_frontier__slope__is_the_risk_aversion():
    near = efficient_frontier(PAPER, [1e-6 * (1 - 1e-4), 1e-6 * (1 + 1e-4)])
    slope = (near[1].expected_cost_usd - near[0].expected_cost_usd) / (near[0].variance_usd2 - near[1].variance_usd2)
    assert slope == pytest.approx(1e-6, rel=1e-6)


@MANY
@given(executions(), st.floats(-3.0, 6.0))
def test_best_trajectory__any_gas__is_the_best_number_of_slices(execution, gas_power):
    gas_usd = 10**gas_power
    found = best_trajectory(execution, gas_usd)
    everything = [optimal_trajectory(replace(execution, slices=count)) for count in range(1, execution.slices + 1)]
    least = min(objective(execution, t) + gas_usd * len(t.trades) for t in everything)
    reached = objective(execution, found) + gas_usd * len(found.trades)
    assert reached <= least + 1e-9 * max(abs(least), 1.0)


def test_best_trajectory__gas__decides_how_many():
    counts = [len(best_trajectory(replace(PAPER, slices=30), gas).trades) for gas in (0.0, 1e3, 1e4, 1e5, 1e7)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 30
    assert counts[-1] == 1
    assert len(set(counts)) >= 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": -1.0}, "size is -1.0"),
        ({"size": math.nan}, "size is nan"),
        ({"slices": 0}, "slices is 0"),
        ({"interval_days": 0.0}, "interval_days is 0.0"),
        ({"stdev_usd_per_sqrt_day": -0.1}, "stdev_usd_per_sqrt_day is -0.1"),
        ({"risk_aversion_per_usd": math.inf}, "risk_aversion_per_usd is inf"),
        ({"impact": ImpactCoefficients(0.0, 1e-7, 2e-7)}, "slices would save nothing"),
    ],
)
def test_execution__out_of_domain__is_refused_by_name(changes, message):
    with pytest.raises(DataError, match=message):
        replace(PAPER, **changes)


def test_trajectory_of__wrong_number_of_holdings__is_refused():
    with pytest.raises(DataError, match="3 holdings do not make 5 slices"):
        trajectory_of(PAPER, [1e6, 5e5, 0.0])


def test_best_trajectory__negative_gas__is_refused():
    with pytest.raises(DataError, match="gas_usd is -1"):
        best_trajectory(PAPER, -1.0)
