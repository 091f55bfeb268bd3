"""The compiled simulator against a plain one, its accounts, and what is known of hedging at intervals."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from agent.backtest.schedule import MONEYNESS, HedgedOption, Schedule, follow_policy
from agent.backtest.simulator import simulate
from agent.domain import TradeCosts
from agent.errors import DataError
from agent.policy.continuous import Continuous
from agent.policy.fixed_interval import FixedInterval
from agent.policy.fixed_threshold import FixedThreshold
from agent.policy.leland import Leland
from agent.policy.optimal_band import OptimalBand
from agent.policy.whalley_wilmott import WhalleyWilmott
from agent.policy.zakamouline import Zakamouline
from agent.products.european import black76_greeks

OPTION = HedgedOption(strike_usd=100.0, vol_annual=0.4, life_years=0.25, looks=40, is_short=True)
COSTS = TradeCosts(0.003, 0.0, 0.0, 0.02)
sides = pytest.mark.parametrize("is_short", [True, False])


def paths_of(option: HedgedOption, count: int, seed: int = 1, start_usd: float = 100.0) -> np.ndarray:
    step = math.sqrt(option.total_variance / option.looks)
    moves = np.random.default_rng(seed).standard_normal((count, option.looks)) * step - 0.5 * step * step
    return start_usd * np.exp(np.pad(np.cumsum(moves, axis=1), ((0, 0), (1, 0))))


@cache
def schedules_of(option: HedgedOption) -> list[Schedule]:
    hours = option.life_years * 8_760.0
    return [
        follow_policy("continuous", Continuous(), option, COSTS),
        follow_policy("interval", FixedInterval(hours / 8), option, COSTS, 8),
        follow_policy("Leland", Leland(hours / 8), option, COSTS, 8),
        follow_policy("threshold", FixedThreshold(0.06), option, COSTS),
        follow_policy("WW", WhalleyWilmott(0.5, 30.0, 0.4), option, COSTS),
        follow_policy("Zakamouline", Zakamouline(0.5, 30.0, 0.4, 5.76), option, COSTS),
        follow_policy("optimal", OptimalBand(0.5, 3_600.0, 30.0, 0.4), option, COSTS),
    ]


def unbounded(option: HedgedOption) -> Schedule:
    """One who never trades."""
    band = [-1e3, -1e3, 1e3, 1e3]
    return Schedule("never", np.broadcast_to(band, (option.looks, MONEYNESS.size, 4)).copy())


def plainly(option: HedgedOption, schedule: Schedule, path: list[float], cost_ratio: float, fixed_usd: float):
    """Follow one schedule on one path, written from the module's words; cost, outcome and number of trades."""
    axis = MONEYNESS.tolist()
    sign = -1.0 if option.is_short else 1.0

    def normal(x):
        return 0.5 * math.erfc(-x / math.sqrt(2.0))

    held, paid, gained, trades = 0.0, 0.0, 0.0, 0
    for look in range(option.looks):
        price = path[look]
        years_left = option.life_years - look * option.life_years / option.looks
        stdev = option.vol_annual * math.sqrt(years_left)
        moneyness = math.log(price / option.strike_usd) / stdev
        inside = min(max(moneyness, axis[0]), axis[-1])
        after = min(max(bisect_right(axis, inside), 1), len(axis) - 1)
        part = (inside - axis[after - 1]) / (axis[after] - axis[after - 1])
        table = schedule.edges[look]
        edges = [(1.0 - part) * table[after - 1][i] + part * table[after][i] for i in range(4)]
        option_delta = sign * normal(moneyness + 0.5 * stdev)
        net = option_delta + held
        wanted = edges[1] if net < edges[0] else edges[2] if net > edges[3] else net
        if abs(wanted - net) > 1e-12:
            paid += cost_ratio * price * abs(wanted - net) + fixed_usd
            trades += 1
            held = wanted - option_delta
        gained += held * (path[look + 1] - price)
    payoff = max(path[-1] - option.strike_usd, 0.0)
    stdev = option.vol_annual * math.sqrt(option.life_years)
    d1 = math.log(path[0] / option.strike_usd) / stdev + 0.5 * stdev
    premium = path[0] * normal(d1) - option.strike_usd * normal(d1 - stdev)
    return paid, gained + sign * (payoff - premium) - paid, trades


@sides
@pytest.mark.parametrize("fixed_usd", [0.0, 0.02])
def test_simulate__several_policies__agree_with_a_plain_simulator(is_short, fixed_usd):
    option = replace(OPTION, is_short=is_short)
    schedules, paths = [*schedules_of(option), unbounded(option)], paths_of(option, 6)
    outcomes = simulate(option, schedules, paths, 0.003, fixed_usd)
    for row, schedule in enumerate(schedules):
        for path in range(paths.shape[0]):
            cost, pnl, trades = plainly(option, schedule, paths[path].tolist(), 0.003, fixed_usd)
            assert outcomes.cost_usd[row, path] == pytest.approx(cost, rel=1e-10, abs=1e-12)
            assert outcomes.pnl_usd[row, path] == pytest.approx(pnl, rel=1e-10, abs=1e-11)
            assert outcomes.trades[row, path] == trades
    assert outcomes.names == tuple(schedule.name for schedule in schedules)


@pytest.mark.parametrize("start_usd", [20.0, 500.0])
def test_simulate__prices_beyond_tabulated_moneyness__agree_with_a_plain_simulator(start_usd):
    schedules, paths = schedules_of(OPTION), paths_of(OPTION, 2, start_usd=start_usd)
    outcomes = simulate(OPTION, schedules, paths, 0.003, 0.0)
    for row, schedule in enumerate(schedules):
        expected = [plainly(OPTION, schedule, path.tolist(), 0.003, 0.0) for path in paths]
        np.testing.assert_allclose(outcomes.pnl_usd[row], [pnl for _, pnl, _ in expected], rtol=1e-6, atol=1e-6)


def test_simulate__dearer_trades__cost_more_and_gain_the_same():
    schedules, paths = schedules_of(OPTION), paths_of(OPTION, 50)
    free, dear = (simulate(OPTION, schedules, paths, cost, gas) for cost, gas in ((0.0, 0.0), (0.01, 0.1)))
    assert np.all(free.cost_usd == 0.0)
    np.testing.assert_allclose(dear.pnl_usd + dear.cost_usd, free.pnl_usd, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(dear.trades, free.trades)
    double = simulate(OPTION, schedules, paths, 0.02, 0.2)
    np.testing.assert_allclose(double.cost_usd, 2.0 * dear.cost_usd, rtol=1e-12)


@sides
def test_simulate__one_who_never_trades__has_the_payoff_less_the_premium(is_short):
    option = replace(OPTION, is_short=is_short)
    paths = paths_of(option, 20)
    outcomes = simulate(option, [unbounded(option)], paths, 0.01, 1.0)
    sign = -1.0 if is_short else 1.0
    premium = float(black76_greeks(True, 100.0, 100.0, 0.25, 0.4).value)
    np.testing.assert_allclose(
        outcomes.pnl_usd[0], sign * (np.maximum(paths[:, -1] - 100.0, 0.0) - premium), rtol=1e-12
    )
    assert not outcomes.cost_usd.any()
    assert not outcomes.trades.any()


@sides
def test_simulate__free_hedging_at_intervals__leaves_the_known_deviation_and_no_bias(is_short):
    """sd = sqrt(pi / 4) sigma vega / sqrt(n), with the vega at the start (Kamal and Derman 1999)."""
    option = HedgedOption(100.0, 0.3, 0.25, 200, is_short=is_short)
    outcomes = simulate(
        option, [follow_policy("continuous", Continuous(), option, COSTS)], paths_of(option, 4_000), 0.0, 0.0
    )
    pnl = outcomes.pnl_usd[0]
    vega = float(black76_greeks(True, 100.0, 100.0, 0.25, 0.3).vega)
    assert pnl.std() == pytest.approx(math.sqrt(math.pi / 4.0) * 0.3 * vega / math.sqrt(option.looks), rel=0.06)
    assert abs(pnl.mean()) < 4.0 * pnl.std() / math.sqrt(pnl.size)


def test_simulate__path_that_leaps_once__accounts_by_hand():
    """Two looks, the price leaps from 100 to 110 and stays: hedged to neutral at both, out at expiry."""
    option = HedgedOption(100.0, 0.4, 0.25, 2, is_short=True)
    schedule = follow_policy("continuous", Continuous(), option, COSTS)
    found = simulate(option, [schedule], np.array([[100.0, 110.0, 110.0]]), 0.01, 0.5)
    first = float(black76_greeks(True, 100.0, 100.0, 0.25, 0.4).delta)
    second = float(black76_greeks(True, 110.0, 100.0, 0.125, 0.4).delta)
    cost = 0.01 * (100.0 * first + 110.0 * (second - first)) + 2 * 0.5
    premium = float(black76_greeks(True, 100.0, 100.0, 0.25, 0.4).value)
    assert found.cost_usd[0, 0] == pytest.approx(cost, rel=1e-12)
    assert found.pnl_usd[0, 0] == pytest.approx(first * 10.0 - (10.0 - premium) - cost, rel=1e-12)
    assert found.trades[0, 0] == 2


@pytest.mark.parametrize(("last_usd", "fixed_usd"), [(110.0, 0.5), (140.0, 0.0)])
def test_simulate__hedge_sold_at_expiry__costs_one_more_trade_of_what_is_held(last_usd, fixed_usd):
    option = HedgedOption(100.0, 0.4, 0.25, 2, is_short=True)
    schedules = [follow_policy("continuous", Continuous(), option, COSTS), unbounded(option)]
    paths = np.array([[100.0, 110.0, last_usd]])
    settled = simulate(option, schedules, paths, 0.01, fixed_usd)
    sold = simulate(option, schedules, paths, 0.01, fixed_usd, sells_at_expiry=True)
    held = float(black76_greeks(True, 110.0, 100.0, 0.125, 0.4).delta)
    sale = 0.01 * last_usd * held + fixed_usd
    np.testing.assert_allclose(sold.cost_usd - settled.cost_usd, [[sale], [0.0]], rtol=1e-12)
    np.testing.assert_allclose(settled.pnl_usd - sold.pnl_usd, [[sale], [0.0]], rtol=1e-12)
    np.testing.assert_array_equal(sold.trades - settled.trades, [[1.0], [0.0]])


def test_simulate__more_paths_than_a_chunk__each_stands_by_itself():
    schedules, paths = schedules_of(OPTION)[3:5], paths_of(OPTION, 1_203)
    together = simulate(OPTION, schedules, paths, 0.003, 0.02)
    apart = simulate(OPTION, schedules, paths[[0, 499, 500, 1_202]], 0.003, 0.02)
    np.testing.assert_array_equal(together.pnl_usd[:, [0, 499, 500, 1_202]], apart.pnl_usd)


def test_simulate__whole_numbers_and_a_transposed_view__are_read_as_prices():
    schedules = schedules_of(OPTION)[:1]
    whole = np.full((3, OPTION.looks + 1), 100)
    whole[:, 20:] = 104
    expected = simulate(OPTION, schedules, whole.astype(np.float64), 0.003, 0.02)
    np.testing.assert_array_equal(simulate(OPTION, schedules, whole, 0.003, 0.02).pnl_usd, expected.pnl_usd)
    strided = np.asfortranarray(whole.astype(np.float64))
    np.testing.assert_array_equal(simulate(OPTION, schedules, strided, 0.003, 0.02).pnl_usd, expected.pnl_usd)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -5.0])
def test_simulate__bad_price__is_refused_by_path_look_and_value(bad):
    paths = paths_of(OPTION, 3)
    paths[1, 17] = bad
    with pytest.raises(DataError, match=f"price_usd of path 1, look 17 is {bad}"):
        simulate(OPTION, schedules_of(OPTION)[:1], paths, 0.003, 0.0)


@pytest.mark.parametrize(("cost", "fixed", "name"), [(-0.01, 0.0, "cost_ratio"), (0.0, math.nan, "fixed_cost_usd")])
def test_simulate__bad_cost__is_refused_by_name(cost, fixed, name):
    with pytest.raises(DataError, match=name):
        simulate(OPTION, schedules_of(OPTION)[:1], paths_of(OPTION, 1), cost, fixed)


def test_simulate__shapes_that_do_not_fit__are_refused():
    schedule = schedules_of(OPTION)[0]
    with pytest.raises(DataError, match=r"price_usd has shape \(1, 40\); expected \(paths, 41\)"):
        simulate(OPTION, [schedule], paths_of(OPTION, 1)[:, 1:], 0.003, 0.0)
    with pytest.raises(DataError, match="schedule continuous has shape"):
        simulate(replace(OPTION, looks=20), [schedule], paths_of(replace(OPTION, looks=20), 1), 0.003, 0.0)
    with pytest.raises(DataError, match="schedules is empty"):
        simulate(OPTION, [], paths_of(OPTION, 1), 0.003, 0.0)
