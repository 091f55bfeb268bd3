"""Collateral over venues: against its dual bound and a fine grid, conditions of optimality, limits, bad input."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from agent.errors import DataError
from agent.risk.collateral import CollateralTerms, allocate_collateral
from agent.risk.liquidation import LinearPerpAccount, touch_probability

MARK, VOL, DAYS = 3_000.0, 0.8, 3.0
YEARS = DAYS / 365.0
ACCOUNTS = (
    LinearPerpAccount("curie", 40.0, 30_000.0, MARK, 0.0625, 0.0125),
    LinearPerpAccount("gmx", -25.0, 12_000.0, MARK, 0.01, 0.005),
    LinearPerpAccount("synthetix", 10.0, 2_000.0, MARK, 0.02, 0.002),
)
TERMS = {
    "curie": CollateralTerms(0.1, 8.0, 1e9, 0.03, 0.05, 0.02),
    "gmx": CollateralTerms(0.02, 20.0, 1e9, 0.02, 0.05, 0.06),
    "synthetix": CollateralTerms(0.03, 10.0, 1e9, 0.05, 0.05, 0.10),
}


def cost_of(equities, accounts=ACCOUNTS, terms=TERMS):
    """Objective of the programme, from the public formula of the probability."""
    total = 0.0
    for account, equity in zip(accounts, equities, strict=True):
        price = replace(account, equity_usd=float(equity)).liquidation_price_usd()
        probability = 0.0 if price is None else touch_probability(MARK, price, VOL, YEARS)
        t = terms[account.venue]
        total += t.liquidation_loss_ratio * account.notional_usd * probability
        total += (t.opportunity_rate_annual + t.failure_rate_annual) * YEARS * equity
    return total


def plan_of(idle, accounts=ACCOUNTS, terms=TERMS, reserve=1_000.0):
    return allocate_collateral(accounts, terms, idle, reserve, VOL, DAYS)


def least_on_venue(row, floor, price):
    """Least of loss and holding cost of one venue plus ``price`` a dollar, over a grid, then closer around its best."""
    alone, low, high = (ACCOUNTS[row],), floor, 2e6
    for _ in range(12):
        equities = np.linspace(low, high, 201)
        costs = [cost_of((equity,), alone) + price * equity for equity in equities]
        best = int(np.argmin(costs))
        low, high = equities[max(best - 1, 0)], equities[min(best + 1, 200)]
    return min(costs)


@pytest.mark.parametrize("idle", [3_000.0, 8_000.0, 25_000.0, 500_000.0])
def test_allocate_collateral__three_venues__costs_no_more_than_the_dual_bound(idle):
    """No allocation costs less than sum of min (cost + x m) - x budget, whatever the multiplier x >= 0 of the funds."""
    plan = plan_of(idle)
    budget, price = sum(account.equity_usd for account in ACCOUNTS) + idle - 1_000.0, plan.shadow_price
    bound = sum(least_on_venue(row, venue.floor_usd, price) for row, venue in enumerate(plan.venues)) - price * budget
    ours = [venue.equity_usd for venue in plan.venues]
    assert price >= 0.0
    assert sum(ours) <= budget * (1.0 + 1e-14)
    assert cost_of(ours) <= bound * (1.0 + 1e-9)
    assert plan.expected_liquidation_loss_usd + plan.holding_cost_usd == pytest.approx(cost_of(ours), rel=1e-12)


def test_allocate_collateral__two_venues__is_the_best_of_a_fine_grid():
    accounts, idle = ACCOUNTS[:2], 4_000.0
    plan = plan_of(idle, accounts)
    floors = [venue.floor_usd for venue in plan.venues]
    budget = 42_000.0 + idle - 1_000.0
    splits = np.linspace(floors[0], budget - floors[1], 4_001)
    costs = [cost_of((first, budget - first), accounts) for first in splits]
    assert plan.venues[0].equity_usd == pytest.approx(splits[int(np.argmin(costs))], abs=2 * (splits[1] - splits[0]))
    assert cost_of([venue.equity_usd for venue in plan.venues], accounts) <= min(costs) * (1 + 1e-12)


@pytest.mark.parametrize("idle", [3_000.0, 8_000.0, 15_000.0])
def test_allocate_collateral__funds_scarce__every_venue_off_its_floor_pays_one_price(idle):
    plan = plan_of(idle)
    assert plan.shadow_price > 0.0
    assert plan.idle_usd == pytest.approx(1_000.0, abs=1e-6)
    for venue in plan.venues:
        t = TERMS[venue.venue]
        price = (t.opportunity_rate_annual + t.failure_rate_annual) * YEARS + plan.shadow_price
        if venue.equity_usd > venue.floor_usd * (1.0 + 1e-9):
            assert venue.marginal_benefit == pytest.approx(price, rel=1e-6)
        else:
            assert venue.marginal_benefit <= price * (1.0 + 1e-9)


def test_allocate_collateral__marginal_benefit__is_the_slope_of_the_expected_loss():
    plan, step = plan_of(8_000.0), 0.05
    for row, venue in enumerate(plan.venues):
        around = [[v.equity_usd for v in plan.venues] for _ in range(2)]
        around[0][row] += step
        around[1][row] -= step
        t = TERMS[venue.venue]
        cost_ratio = (t.opportunity_rate_annual + t.failure_rate_annual) * YEARS
        slope = (cost_of(around[0]) - cost_of(around[1])) / (2 * step) - cost_ratio
        assert venue.marginal_benefit == pytest.approx(-slope, rel=1e-4, abs=1e-10)


def test_allocate_collateral__funds_plenty__leaves_what_does_not_pay_in_the_vault():
    plan = plan_of(1e6)
    assert plan.shadow_price == 0.0
    assert plan.idle_usd > 900_000.0
    richer = [venue.equity_usd for venue in plan_of(2e6).venues]
    assert richer == pytest.approx([venue.equity_usd for venue in plan.venues], rel=1e-10)


def test_allocate_collateral__more_funds__lower_shadow_price_and_every_probability():
    plans = [plan_of(idle) for idle in (2_000.0, 5_000.0, 10_000.0, 20_000.0)]
    for poor, rich in pairwise(plans):
        assert rich.shadow_price < poor.shadow_price
        for before, after in zip(poor.venues, rich.venues, strict=True):
            assert after.liquidation_probability <= before.liquidation_probability


def test_allocate_collateral__riskier_venue__gets_less():
    risky = {**TERMS, "gmx": replace(TERMS["gmx"], failure_rate_annual=1.0)}
    safe, risk = plan_of(1e6), plan_of(1e6, terms=risky)
    assert risk.venues[1].equity_usd < safe.venues[1].equity_usd
    assert risk.venues[0] == safe.venues[0]


def test_allocate_collateral__floors__hold_margin_leverage_and_locked_collateral():
    locked = {**TERMS, "curie": replace(TERMS["curie"], withdrawable_usd=500.0)}
    plan = plan_of(30_000.0, terms=locked)
    assert plan.venues[0].floor_usd == 29_500.0
    assert plan.venues[1].floor_usd == pytest.approx(75_000.0 / 20.0)
    assert plan.venues[2].floor_usd == pytest.approx(30_000.0 / 10.0)
    for venue in plan.venues:
        assert venue.equity_usd >= venue.floor_usd


def test_allocate_collateral__no_position__gives_everything_back():
    flat = (replace(ACCOUNTS[0], size=0.0), ACCOUNTS[1])
    plan = plan_of(20_000.0, flat)
    assert (plan.venues[0].equity_usd, plan.venues[0].margin_delta_usd) == (0.0, -30_000.0)
    assert plan.venues[0].liquidation_probability == 0.0


@pytest.mark.parametrize("days", [0.05, 1.0, 30.0])
def test_allocate_collateral__floor_of_a_long__is_where_the_probability_turns_convex(days):
    bare = {"curie": CollateralTerms(0.0, 1e9, 1e9, 0.03, 1e3, 0.0)}
    plan = allocate_collateral(ACCOUNTS[:1], bare, 1e5, 0.0, VOL, days)
    floor = plan.venues[0].floor_usd
    step = 2e-3 * (floor - 120_000.0 * 0.075)

    def curvature(equity):
        p = [
            touch_probability(
                MARK, replace(ACCOUNTS[0], equity_usd=equity + k * step).liquidation_price_usd(), VOL, days / 365.0
            )
            for k in (-1, 0, 1)
        ]
        return p[0] - 2 * p[1] + p[2]

    assert curvature(floor - 10 * step) < 0.0 < curvature(floor + 10 * step)


def test_allocate_collateral__funds_below_the_floors__says_by_how_much():
    with pytest.raises(
        DataError, match=r"idle_usd is 0\.0 with reserve_usd 30000\.0, \d+\.\d\d short of .*curie 15000"
    ):
        plan_of(0.0, reserve=30_000.0)


def test_allocate_collateral__unknown_venue__is_named_with_the_known():
    with pytest.raises(DataError, match="row 1: venue is 'drift', which has no terms; known are curie, gmx, synthetix"):
        plan_of(1e4, (ACCOUNTS[0], replace(ACCOUNTS[1], venue="drift")))


def test_allocate_collateral__venue_twice_or_none__is_refused():
    with pytest.raises(DataError, match="row 1: venue is 'curie', already given"):
        plan_of(1e5, (ACCOUNTS[0], ACCOUNTS[0]))
    with pytest.raises(DataError, match="accounts is empty"):
        plan_of(1e5, ())


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((-1.0, 0.0, VOL, DAYS), "idle_usd"),
        ((1e5, math.nan, VOL, DAYS), "reserve_usd"),
        ((1e5, 0.0, -0.5, DAYS), "vol_annual"),
        ((1e5, 0.0, VOL, 0.0), "horizon_days"),
        ((1e5, 0.0, 1.0, 400.0), "horizon_days 400"),
    ],
)
def test_allocate_collateral__bad_number__is_refused_by_name(arguments, name):
    with pytest.raises(DataError, match=name):
        allocate_collateral(ACCOUNTS, TERMS, *arguments)


@pytest.mark.parametrize("field", list(CollateralTerms.__slots__))
def test_collateral_terms__bad_number__is_refused_by_name(field):
    for bad in (-1.0, math.nan):
        with pytest.raises(DataError, match=field):
            replace(TERMS["gmx"], **{field: bad})
