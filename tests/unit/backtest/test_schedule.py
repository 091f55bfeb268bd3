"""A policy's tabulated bands are what the policy itself would answer."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from agent.backtest.schedule import MONEYNESS, HedgedOption, follow_policy, follow_solution
from agent.domain import TradeCosts
from agent.errors import DataError
from agent.policy.band_solver import BandProblem, judge_band, solve_band
from agent.policy.continuous import Continuous
from agent.policy.fixed_interval import FixedInterval
from agent.policy.fixed_threshold import FixedThreshold
from agent.policy.optimal_band import OptimalVarianceBand
from agent.policy.whalley_wilmott import WhalleyWilmott, dynamic_band, static_band
from agent.policy.zakamouline import Zakamouline

OPTION = HedgedOption(strike_usd=100.0, vol_annual=0.25, life_years=1.0, looks=250, is_short=True)
COSTS = TradeCosts(0.004, 0.0, 0.0, 0.01)
POLICIES = {
    "whalley_wilmott": WhalleyWilmott(0.5, 30.0, 0.25),
    "zakamouline": Zakamouline(0.5, 30.0, 0.25, 5.76),
    "optimal": OptimalVarianceBand(0.5, 86_400.0, 30.0, 0.25),
}


def asked(policy, option, years_left, moneyness):
    """The four edges, asked of the policy with a hedge just outside either side of its band."""
    spot_usd = option.strike_usd * math.exp(moneyness * option.vol_annual * math.sqrt(years_left))
    unhedged = option.unhedged(spot_usd, years_left)
    band = policy.target(unhedged, COSTS)
    below, above = (
        policy.target(replace(unhedged, hedge_size=edge - unhedged.book_delta), COSTS)
        for edge in (band.band_low - 1e-6, band.band_high + 1e-6)
    )
    return [band.band_low, below.target_net_delta, above.target_net_delta, band.band_high]


@pytest.mark.parametrize("name", sorted(POLICIES))
@pytest.mark.parametrize(("look", "moneyness"), [(0, 0.0), (90, 1.0), (141, -0.65), (222, 0.4), (240, -1.3)])
def test_follow_policy__any_look_and_price__is_close_to_what_the_policy_answers(name, look, moneyness):
    schedule = follow_policy(name, POLICIES[name], OPTION, COSTS)
    found = [np.interp(moneyness, MONEYNESS, schedule.edges[look, :, edge]) for edge in range(4)]
    expected = asked(POLICIES[name], OPTION, 1.0 - look / OPTION.looks, moneyness)
    assert found == pytest.approx(expected, abs=0.02 * (expected[3] - expected[0]))


def test_follow_policy__fixed_threshold__is_the_same_everywhere():
    schedule = follow_policy("threshold", FixedThreshold(0.07), OPTION, COSTS)
    assert schedule.edges.shape == (250, MONEYNESS.size, 4)
    np.testing.assert_allclose(schedule.edges, np.broadcast_to([-0.07, 0.0, 0.0, 0.07], schedule.edges.shape))


def test_follow_policy__whalley_wilmott__has_the_closed_form_at_the_money():
    schedule = follow_policy("WW", POLICIES["whalley_wilmott"], OPTION, COSTS)
    middle = MONEYNESS.size // 2
    gamma = math.exp(-0.5 * 0.125**2) / math.sqrt(2.0 * math.pi) / (100.0 * 0.25)
    wider = max(dynamic_band(gamma, 100.0, 0.004, 0.01, 0.5), static_band(100.0, 0.004, 0.01, 0.5, 0.25, 30.0 / 365.0))
    expected = [-wider.outer, -wider.inner, wider.inner, wider.outer]
    assert schedule.edges[0, middle] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("trades", [1, 7, 50, 250])
def test_follow_policy__fixed_number_of_trades__is_bounded_at_that_many_looks_alone(trades):
    schedule = follow_policy("interval", FixedInterval(1.0), OPTION, COSTS, trades)
    is_bounded = np.all(schedule.edges[:, :, 3] == 0.0, axis=1)
    assert is_bounded.sum() == trades
    assert is_bounded[0]
    gaps = np.diff(np.append(np.flatnonzero(is_bounded), OPTION.looks))
    assert gaps.max() - gaps.min() <= 1
    assert np.all(schedule.edges[~is_bounded][:, :, [0, 3]] == [-10.0, 10.0])


@pytest.mark.parametrize("bad", [0, -1, 2.5])
def test_follow_policy__trades_out_of_domain__are_refused(bad):
    with pytest.raises(DataError, match=f"trades is {bad}"):
        follow_policy("interval", FixedInterval(1.0), OPTION, COSTS, bad)


def test_follow_policy__more_trades_than_looks__are_refused():
    with pytest.raises(DataError, match="trades is 251; the option is looked at 250 times"):
        follow_policy("interval", FixedInterval(1.0), OPTION, COSTS, 251)


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_follow_policy__hardly_any_looks__has_a_band_for_each(looks):
    option = replace(OPTION, looks=looks)
    schedule = follow_policy("WW", POLICIES["whalley_wilmott"], option, COSTS)
    assert schedule.edges.shape == (looks, MONEYNESS.size, 4)
    assert np.all(np.isfinite(schedule.edges))
    assert schedule.edges[0, 20] == pytest.approx(asked(POLICIES["whalley_wilmott"], option, 1.0, 0.0), rel=1e-6)


@pytest.mark.parametrize("is_short", [True, False])
def test_follow_solution__judged_on_the_solvers_own_lattice__loses_next_to_nothing(is_short):
    problem = BandProblem(0.01, 0.0, 100.0, 0.0625, is_short, 200)
    solution = solve_band(problem, 12, np.arange(problem.steps))
    told = judge_band(problem, follow_solution("solved", solution).band(problem), 12)
    assert told.objective_at(0.0) == pytest.approx(solution.objective_at(0.0), rel=3e-3)


def test_follow_solution__edges_of_one_step_alone__are_refused():
    solution = solve_band(BandProblem(0.01, 0.0, 100.0, 0.0625, True, 50), 8)
    with pytest.raises(DataError, match="stores 1 of 50 steps"):
        follow_solution("solved", solution)


def test_schedule_band__problem_watched_half_as_often__uses_every_other_look():
    problem = BandProblem(0.004, 0.0001, 50.0, 0.0625, True, 125)
    schedule = follow_policy("WW", POLICIES["whalley_wilmott"], OPTION, COSTS)
    found = schedule.band(problem)(60, np.array([0.0]))[0]
    middle = MONEYNESS.size // 2
    assert found - float(problem.delta_hedge(0.0, 60)) == pytest.approx(schedule.edges[120, middle], rel=1e-9)


@pytest.mark.parametrize("name", ["strike_usd", "vol_annual", "life_years", "looks"])
@pytest.mark.parametrize("bad", [0, -1.0, math.nan, math.inf])
def test_hedged_option__number_out_of_domain__is_refused_by_name_and_value(name, bad):
    with pytest.raises(DataError, match=f"{name} is {bad}"):
        replace(OPTION, **{name: bad})


def test_hedged_option__half_a_look__is_refused():
    with pytest.raises(DataError, match=r"looks is 2.5; expected a whole number"):
        replace(OPTION, looks=2.5)


def test_unhedged__as_the_live_agent_sees_it__has_the_options_delta():
    exposure = OPTION.unhedged(110.0, 0.5)
    stdev = 0.25 * math.sqrt(0.5)
    delta = 0.5 * math.erfc(-(math.log(1.1) / stdev + 0.5 * stdev) / math.sqrt(2.0))
    assert exposure.book_delta == pytest.approx(-delta, rel=1e-6)
    assert exposure.net_delta == exposure.book_delta
    assert Continuous().target(exposure, COSTS).target_net_delta == 0.0
