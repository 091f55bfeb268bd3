"""What a trade is reckoned to cost: funding until it is traded back, and less weight on cost when it is urgent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import solve_banded

from agent.domain import Book, TradeCosts
from agent.policy.live_costs import carried_costs, effective_costs, holding_days
from tests.support.option_exposure import COSTS, call, exposure_of, hedged, put

SHORT = exposure_of(-100.0)
CARRIED = replace(COSTS, funding_ratio=0.002, funding_horizon_days=2.0)
VARIANCE_A_DAY = (SHORT.book_gamma_per_usd * 3_000.0 * 0.65) ** 2 / 365.0


def exit_days(outer: float, inner: float, variance_a_day: float) -> float:
    """Mean time from the inner edge to the opposite outer one, by finite differences; at its own outer edge one
    is put back to the inner one."""
    points = 4_001
    grid = np.linspace(-outer, outer, points)
    step = grid[1] - grid[0]
    bands = np.zeros((3, points))
    bands[0, 2:], bands[1, 1:-1], bands[2, :-2] = 1.0, -2.0, 1.0
    right = np.full(points, -2.0 * step * step / variance_a_day)
    bands[1, 0] = bands[1, -1] = 1.0
    right[0] = right[-1] = 0.0
    # u = u_0 + u(outer) x u_1, where u_1 solves the equation without a source and is 1 at the outer edge.
    particular = solve_banded((1, 1), bands, right)
    right[:] = 0.0
    right[-1] = 1.0
    homogeneous = solve_banded((1, 1), bands, right)
    at_inner = np.interp(inner, grid, particular), np.interp(inner, grid, homogeneous)
    return float(at_inner[0] / (1.0 - at_inner[1]))


@pytest.mark.parametrize(("outer", "inner"), [(1.0, 0.4), (2.0, 0.0), (0.5, 0.45)])
def test_holding_days__exit_time_by_finite_differences__agrees(outer, inner):
    expected = exit_days(outer, inner, VARIANCE_A_DAY)
    assert holding_days(SHORT, outer, inner, 1e9) == pytest.approx(expected, rel=1e-6)


def test_holding_days__simulated_net_delta__agrees():
    outer, inner, step = 1.0, 0.5, 0.02
    generator = np.random.default_rng(9)
    position, steps = np.full(2_000, inner), np.zeros(2_000)
    alive = np.ones(2_000, dtype=bool)
    while alive.any():
        position[alive] += np.where(generator.random(int(alive.sum())) < 0.5, step, -step)
        steps[alive] += 1.0
        position[position > outer - 1e-9] = inner
        alive &= position > -outer + 1e-9
    error = steps.std() / np.sqrt(steps.size)
    # From the inner edge the first trade back takes place at the opposite outer edge.
    expected = holding_days(SHORT, outer, inner, 1e9) * VARIANCE_A_DAY / step**2
    assert abs(steps.mean() - expected) < 4.0 * error


def test_holding_days__no_gamma_or_a_wide_band__is_the_longest():
    assert holding_days(exposure_of(0.0, holding=5.0), 1.0, 0.5, 30.0) == 30.0
    assert holding_days(SHORT, 1e6, 0.0, 30.0) == 30.0


def test_holding_days__book_of_many_legs__reads_the_variance_from_theta():
    """Legs of one volatility: the net delta's variance is (gamma sigma S)^2, however they are made up."""
    book = Book("ETH", (call(-60.0, 2_800.0), put(-40.0, 3_300.0), call(20.0, 3_000.0, 10.0)))
    exposure = hedged(book, 3_000.0, 0.0)
    variance_a_day = (exposure.book_gamma_per_usd * 3_000.0 * 0.65) ** 2 / 365.0
    assert holding_days(exposure, 1.0, 0.5, 1e9) == pytest.approx(3.0 / variance_a_day, rel=1e-9)


@pytest.mark.parametrize(
    ("days", "expected"), [(None, 0.0035), (2.0, 0.0035), (1.0, 0.0025), (4.0, 0.0055), (0.0, 0.0015)]
)
def test_effective_costs__holding_time__scales_the_funding_alone(days, expected):
    assert effective_costs(SHORT, CARRIED, days) == pytest.approx((expected, 4.0))


def test_effective_costs__horizon_unknown__leaves_funding_as_it_is():
    assert effective_costs(SHORT, replace(CARRIED, funding_horizon_days=0.0), 1.0).ratio == pytest.approx(0.0035)


@pytest.mark.parametrize(("urgency", "weight"), [(0.0, 1.0), (0.5, 1.5), (1.0, 2.0)])
def test_effective_costs__urgency__makes_every_cost_weigh_less(urgency, weight):
    found = effective_costs(replace(SHORT, urgency_ratio=urgency), CARRIED)
    assert found == pytest.approx((0.0035 / weight, 4.0 / weight))


def test_effective_costs__funding_received_beyond_fee__costs_nothing():
    assert effective_costs(SHORT, TradeCosts(0.001, 0.0, -0.01, 4.0, 1.0)) == (0.0, 4.0)


def test_carried_costs__funding__runs_as_long_as_the_band_at_given_costs_says():
    asked = []

    def half_widths(effective):
        asked.append(effective)
        return 1.0, 0.5

    found = carried_costs(SHORT, CARRIED, half_widths, 30.0)
    assert asked == [effective_costs(SHORT, CARRIED)]
    days = 3.0 / VARIANCE_A_DAY
    assert found.ratio == pytest.approx(0.0015 + 0.001 * days, rel=1e-9)


@pytest.mark.parametrize("costs", [COSTS, replace(CARRIED, funding_horizon_days=0.0)])
def test_carried_costs__no_funding_or_no_horizon__asks_for_no_band(costs):
    found = carried_costs(SHORT, costs, lambda _: pytest.fail("asked for a band"), 30.0)
    assert found == effective_costs(SHORT, costs)
