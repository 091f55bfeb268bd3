"""Frontier statistics on cases whose answer is known, and their errors against formulas and a bootstrap."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.backtest.frontier import CONFIDENCE_Z, Estimate, FrontierStatistics, cost_at
from agent.backtest.simulator import Outcomes
from agent.errors import DataError

PATHS = 4_000
SDS = (0.5, 0.8, 1.2, 2.0)


def draws(seed: int, paths: int = PATHS) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(paths)


def outcomes_of(costs: np.ndarray, pnls: np.ndarray) -> Outcomes:
    rows = costs.shape[0]
    trades = np.arange(rows * costs.shape[1], dtype=float).reshape(costs.shape)
    return Outcomes(tuple(f"schedule {row}" for row in range(rows)), costs, pnls, trades)


def power_law(scales: tuple[float, ...] = (1.0,), seed: int = 1, noise: float = 0.2) -> Outcomes:
    """Families of which each costs scale / sd^2 on average: a straight line in logarithms. Costs are noisy alike."""
    shared = draws(seed)
    shared = (shared - shared.mean()) / shared.std(ddof=1)
    wobble = 1.0 + noise * (draws(seed + 1) - draws(seed + 1).mean())
    costs = np.array([scale / sd**2 * wobble for scale in scales for sd in SDS])
    pnls = np.array([sd * shared - scale / sd**2 for scale in scales for sd in SDS])
    return outcomes_of(costs, pnls)


# --- points -------------------------------------------------------------------------------------------------------


def test_points__independent_outcomes__have_the_moments_and_their_textbook_errors():
    costs, pnls = 3.0 + 0.5 * draws(2), 7.0 + 2.0 * draws(3)
    point = FrontierStatistics(outcomes_of(costs[None], pnls[None]), 100).points()[0]
    assert point.cost_usd.value == pytest.approx(costs.mean(), rel=1e-12)
    assert point.sd_usd.value == pytest.approx(pnls.std(ddof=1), rel=1e-12)
    assert point.cost_usd.standard_error == pytest.approx(0.5 / math.sqrt(PATHS), rel=0.2)
    assert point.sd_usd.standard_error == pytest.approx(2.0 / math.sqrt(2.0 * PATHS), rel=0.2)
    assert point.trades == pytest.approx((PATHS - 1) / 2.0)


def test_points__outcomes_far_from_zero__keep_their_deviation():
    pnls = 1e9 + draws(3)[None]
    point = FrontierStatistics(outcomes_of(np.ones_like(pnls), pnls), 50).points()[0]
    assert point.sd_usd.value == pytest.approx(draws(3).std(ddof=1), rel=1e-6)


def test_points__paths_that_come_in_runs__have_errors_of_the_runs():
    """Each outcome ten times in a row: a tenth as much is known, and groups of whole runs see it."""
    costs = np.repeat(draws(5, PATHS // 10), 10)[None] + 4.0
    point = FrontierStatistics(outcomes_of(costs, costs), 80).points()[0]
    assert point.cost_usd.standard_error == pytest.approx(1.0 / math.sqrt(PATHS / 10), rel=0.2)


def test_points__groups_of_one_size__are_the_plain_jackknife():
    costs, pnls = 3.0 + draws(6, 12), draws(7, 12)
    point = FrontierStatistics(outcomes_of(costs[None], pnls[None]), 4).points()[0]
    without = np.array([np.delete(costs, range(3 * group, 3 * group + 3)).mean() for group in range(4)])
    expected = math.sqrt(3.0 / 4.0 * np.sum((without - without.mean()) ** 2))
    assert point.cost_usd.standard_error == pytest.approx(expected, rel=1e-12)
    without = np.array([np.delete(pnls, range(3 * group, 3 * group + 3)).std(ddof=1) for group in range(4)])
    expected = math.sqrt(3.0 / 4.0 * np.sum((without - without.mean()) ** 2))
    assert point.sd_usd.standard_error == pytest.approx(expected, rel=1e-12)


def test_estimate__half_width__covers_95_percent_of_a_normal():
    assert Estimate(1.0, 0.5).half_width == pytest.approx(0.98, abs=1e-3)
    assert pytest.approx(1.959963984540054) == CONFIDENCE_Z


# --- cost at matched risk -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sd", [0.5, 0.65, 1.0, 1.9])
def test_matched__costs_that_fall_with_the_square_of_risk__are_read_exactly(sd):
    found = FrontierStatistics(power_law(), 50).matched({"a": range(4)}, "a", sd)["a"]
    assert found.cost_usd.value == pytest.approx(1.0 / sd**2, rel=1e-9)
    assert found.excess_usd == Estimate(0.0, 0.0)


def test_matched__family_that_costs_a_fifth_more__is_a_fifth_dearer():
    statistics = FrontierStatistics(power_law((1.0, 1.2)), 50)
    found = statistics.matched({"a": range(4), "b": range(4, 8)}, "a", 1.0)
    assert found["b"].excess_usd.value == pytest.approx(0.2, rel=1e-9)
    assert found["b"].excess_usd.half_width < 0.25 * found["b"].cost_usd.half_width
    assert statistics.mean_excess(range(4, 8), range(4), (0.6, 1.0, 1.7)).value == pytest.approx(0.2, rel=1e-9)


def test_matched__interval_of_the_excess__has_the_error_of_a_bootstrap():
    generator = np.random.default_rng(8)
    shared = draws(9)
    costs = np.array([scale / sd**2 * (1.0 + 0.3 * draws(10 + i)) for scale in (1.0, 1.1) for i, sd in enumerate(SDS)])
    pnls = np.array([sd * (shared + 0.2 * draws(20 + i)) for _ in range(2) for i, sd in enumerate(SDS)])
    families, outcomes = {"a": range(4), "b": range(4, 8)}, outcomes_of(costs, pnls)
    found = FrontierStatistics(outcomes, 100).matched(families, "a", 1.0)["b"]
    again = []
    for _ in range(250):
        chosen = generator.integers(0, PATHS, PATHS)
        sample = FrontierStatistics(outcomes_of(costs[:, chosen], pnls[:, chosen]), 2)
        again.append(sample.matched(families, "a", 1.0)["b"])
    for name in ("cost_usd", "excess_usd"):
        bootstrapped = np.std([getattr(one, name).value for one in again])
        assert getattr(found, name).standard_error == pytest.approx(bootstrapped, rel=0.25)


def test_matched__risk_that_a_family_does_not_reach__leaves_it_out():
    statistics = FrontierStatistics(power_law((1.0, 1.2)), 50)
    assert set(statistics.matched({"a": range(4), "b": range(4, 6)}, "a", 1.5)) == {"a"}
    with pytest.raises(DataError, match=r"frontier of b does not reach a standard deviation of 1.5"):
        statistics.matched({"a": range(4), "b": range(4, 6)}, "b", 1.5)
    with pytest.raises(DataError, match="does not reach"):
        statistics.mean_excess(range(4), range(4, 6), (0.6, 1.5))


def test_efficient__setting_that_another_beats_in_both__is_left_out():
    costs = np.array([4.0, 1.0, 1.5, 0.5])[:, None] * np.ones(PATHS)
    pnls = np.array([0.5, 1.0, 1.1, 2.0])[:, None] * draws(12)
    statistics = FrontierStatistics(outcomes_of(costs, pnls), 10)
    assert statistics.efficient(range(4)) == [0, 1, 3]
    assert statistics.reach(range(4)) == pytest.approx((pnls[0].std(ddof=1), pnls[3].std(ddof=1)))
    assert statistics.efficient([3, 1, 0, 2]) == [0, 1, 3]


def test_efficient__one_setting_twice__counts_once():
    costs = np.array([2.0, 2.0, 1.0])[:, None] * np.ones(PATHS)
    pnls = np.array([0.5, 0.5, 1.0])[:, None] * draws(13)
    assert len(FrontierStatistics(outcomes_of(costs, pnls), 10).efficient(range(3))) == 2


# --- interpolation ------------------------------------------------------------------------------------------------


def test_cost_at__points_in_any_order__are_met_and_never_overshot():
    sd, cost = np.array([2.0, 0.5, 1.0, 1.2]), np.array([0.4, 5.0, 1.0, 0.95])
    for one, other in zip(sd, cost, strict=True):
        assert cost_at(sd, cost, float(one)) == pytest.approx(other, rel=1e-12)
    read = [cost_at(sd, cost, float(x)) for x in np.linspace(0.5, 2.0, 60)]
    assert read == sorted(read, reverse=True)


@pytest.mark.parametrize(
    ("sd", "cost", "name"), [((0.0, 1.0), (2.0, 1.0), "sd_usd"), ((0.5, 1.0), (2.0, 0.0), "cost_usd")]
)
def test_cost_at__point_without_a_logarithm__is_refused_by_name(sd, cost, name):
    with pytest.raises(DataError, match=f"{name} of point .* is 0.0; leave that point out"):
        cost_at(np.array(sd), np.array(cost), 0.7)


@pytest.mark.parametrize("groups", [1, 3_000])
def test_frontier_statistics__too_few_or_too_many_groups__are_refused(groups):
    with pytest.raises(DataError, match=f"cannot be dealt into {groups} groups"):
        FrontierStatistics(power_law(), groups)
