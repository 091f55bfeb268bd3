"""Leland's hedge: published volatilities, expected costs by quadrature, and break-even on simulated paths."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from agent.backtest.schedule import HedgedOption, follow_policy
from agent.backtest.simulator import simulate
from agent.domain import Book, TradeCosts
from agent.errors import DataError
from agent.policy.leland import Leland, leland_number, leland_vol_annual
from agent.products.european import black76_greeks
from agent.units import Seconds
from tests.support.option_exposure import COSTS, FREE, NOW, call, exposure_of, hedged

DAY_YEARS = 1.0 / 365.0
BOTH_SIDES = pytest.mark.parametrize("is_short", [True, False])


@pytest.mark.parametrize(("trades_a_day", "expected"), [(1, 0.207482), (4, 0.214703), (24, 0.234383)])
def test_leland_vol_annual__published_cases__agree(trades_a_day, expected):
    vol = leland_vol_annual(0.2, 0.001, DAY_YEARS / trades_a_day, is_short_gamma=True)
    assert vol == pytest.approx(expected, abs=5e-7)


@BOTH_SIDES
def test_leland_vol_annual__either_side__moves_the_variance_by_lelands_number(is_short):
    number = leland_number(0.002, 0.5, DAY_YEARS)
    vol = leland_vol_annual(0.5, 0.002, DAY_YEARS, is_short_gamma=is_short)
    assert (vol / 0.5) ** 2 - 1.0 == pytest.approx(number if is_short else -number, rel=1e-12)
    assert number == pytest.approx(math.sqrt(2.0 / math.pi) * 0.002 / (0.5 * math.sqrt(DAY_YEARS)), rel=1e-12)


def test_leland_vol_annual__long_book_costs_more_than_it_earns__keeps_a_tenth():
    assert leland_vol_annual(0.2, 0.05, DAY_YEARS, is_short_gamma=False) == pytest.approx(0.02)


@pytest.mark.parametrize("moneyness", [0.93, 1.0, 1.07])
def test_leland_number__cost_of_one_rebalance__is_what_the_volatility_pays_for(moneyness):
    spot, strike, vol, years, cost, interval = 100.0 * moneyness, 100.0, 0.4, 0.5, 0.001, DAY_YEARS / 24.0
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    after = spot * np.exp(vol * math.sqrt(interval) * nodes - 0.5 * vol**2 * interval)
    delta = black76_greeks(True, after, strike, years - interval, vol).delta
    now = black76_greeks(True, spot, strike, years, vol)
    paid = cost * float(weights @ (np.abs(delta - now.delta) * after)) / math.sqrt(2.0 * math.pi)
    earned = 0.5 * vol**2 * spot**2 * float(now.gamma) * float(leland_number(2.0 * cost, vol, interval)) * interval
    assert paid == pytest.approx(earned, rel=0.02)


@BOTH_SIDES
@pytest.mark.parametrize("strike", [2_700.0, 3_000.0, 3_400.0])
def test_centre__one_option__is_its_delta_less_that_of_the_adjusted_volatility(is_short, strike):
    quantity, vol, years = (-100.0 if is_short else 100.0), 0.65, 30.0 / 365.0
    number = math.sqrt(2.0 / math.pi) * 2.0 * 0.0015 / (vol * math.sqrt(4.0 / 8_760.0))
    adjusted = vol * math.sqrt(1.0 + number if is_short else 1.0 - number)

    def delta(of):
        stdev = of * math.sqrt(years)
        return ndtr(math.log(3_000.0 / strike) / stdev + 0.5 * stdev)

    exposure = hedged(Book("ETH", (call(quantity, strike),)), 3_000.0, 0.0)
    assert Leland(4.0).centre(exposure, COSTS) == pytest.approx(quantity * (delta(vol) - delta(adjusted)), rel=1e-9)


@BOTH_SIDES
def test_target__options_priced_with_lelands_volatility__break_even_on_average(is_short):
    option = HedgedOption(100.0, 0.3, 0.25, 60, is_short=is_short)
    cost = 0.002
    policy = Leland(0.25 * 8_760.0 / option.looks)
    schedule = follow_policy("Leland", policy, option, TradeCosts(cost, 0.0, 0.0, 0.0), trades=option.looks)
    generator = np.random.default_rng(11)
    step = math.sqrt(option.total_variance / option.looks)
    shocks = generator.standard_normal((4_000, option.looks)) * step
    moves = np.concatenate([shocks, -shocks]) - 0.5 * step**2
    paths = 100.0 * np.exp(np.pad(np.cumsum(moves, axis=1), ((0, 0), (1, 0))))
    outcome = simulate(option, [schedule], paths, cost, 0.0)
    adjusted = leland_vol_annual(0.3, 2.0 * cost, 0.25 / option.looks, is_short_gamma=is_short)
    fair, leland = (float(black76_greeks(True, 100.0, 100.0, 0.25, vol).value) for vol in (0.3, adjusted))
    opening = cost * 100.0 * float(black76_greeks(True, 100.0, 100.0, 0.25, adjusted).delta)
    pnl = outcome.pnl_usd[0]
    error = pnl.std() / math.sqrt(pnl.size)
    assert pnl.mean() + opening + abs(leland - fair) == pytest.approx(0.0, abs=3.0 * error + 0.02 * abs(leland - fair))
    assert abs(leland - fair) > 20.0 * error


def test_centre__gas__moves_no_delta():
    exposure = exposure_of(-100.0, spot_usd=3_300.0)
    centres = [Leland(4.0).centre(exposure, replace(COSTS, gas_usd=gas_usd)) for gas_usd in (0.0, 400.0)]
    assert centres[0] == centres[1] != 0.0


@pytest.mark.parametrize(("strike", "days"), [(3_400.0, 0.05), (5_000.0, 1.0), (10_000.0, 1.0)])
def test_target__gamma_all_but_gone_and_gas_dear__hedges_the_delta_there_is(strike, days):
    exposure = replace(hedged(Book("ETH", (call(-100.0, strike, days),)), 3_000.0, 0.0), hedge_size=0.0)
    target = Leland(24.0).target(exposure, replace(COSTS, gas_usd=500.0))
    assert abs(target.target_net_delta) < 1e-6


def test_centre__funding__runs_for_the_interval():
    exposure = exposure_of(-100.0, spot_usd=3_300.0)
    daily = replace(COSTS, funding_ratio=0.0012, funding_horizon_days=1.0)
    assert Leland(4.0).centre(exposure, daily) == pytest.approx(
        Leland(4.0).centre(exposure, replace(COSTS, fee_ratio=COSTS.fee_ratio + 0.0002)), rel=1e-12
    )


def test_target__no_cost__hedges_fully():
    assert Leland(4.0).target(exposure_of(-100.0, net_delta=3.0), FREE).target_net_delta == pytest.approx(0.0, abs=1e-9)


def test_target__interval_running__waits():
    exposure = replace(exposure_of(-100.0, net_delta=3.0), last_trade_unix=Seconds(NOW - 3_600))
    target = Leland(4.0).target(exposure, COSTS)
    assert target.target_net_delta == 3.0
    assert "3.00 hours" in target.reason


def test_target__exposure_without_its_book__is_refused():
    with pytest.raises(DataError, match="book_exposure"):
        Leland(4.0).target(replace(exposure_of(-100.0), book=None), COSTS)
