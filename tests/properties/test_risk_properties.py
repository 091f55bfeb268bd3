"""Laws of the risk numbers over wide domains: coherence, parity, monotonicity, exact sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agent.risk.attribution import Attribution, MarkPath, StepCosts, attribute_path
from agent.risk.collateral import CollateralTerms, allocate_collateral
from agent.risk.exposure import LiveOptions
from agent.risk.liquidation import LinearPerpAccount, liquidation_risk, touch_probability
from agent.risk.positions import Positions
from agent.risk.scenarios import scenario_grid
from agent.risk.tail import expected_shortfall, value_at_risk

MANY = settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
FEWER = settings(MANY, max_examples=60)
pnls = arrays(np.float64, st.integers(20, 60), elements=st.floats(-1e6, 1e6, width=32))
levels = st.floats(0.05, 0.95)
vols = st.floats(0.05, 3.0)
years = st.floats(1e-4, 0.5)


@MANY
@given(pnls, levels, st.randoms(use_true_random=False))
def test_expected_shortfall__any_two_books__is_subadditive(first, level, random) -> None:
    second = np.array(random.sample(first.tolist(), first.size))
    together = expected_shortfall(first + second, level)
    assert together <= expected_shortfall(first, level) + expected_shortfall(second, level) + 1e-6


@MANY
@given(pnls, levels, st.floats(0.0, 100.0), st.floats(-1e5, 1e5))
def test_expected_shortfall__scaled_and_shifted__follows_and_exceeds_var(pnl, level, scale, cash) -> None:
    shortfall = expected_shortfall(pnl, level)
    assert shortfall >= value_at_risk(pnl, level) - 1e-6
    assert expected_shortfall(scale * pnl + cash, level) == pytest.approx(scale * shortfall - cash, rel=1e-9, abs=1e-4)


@MANY
@given(pnls, levels)
def test_expected_shortfall__never_better_pnl__is_never_lower(pnl, level) -> None:
    worse = pnl - np.abs(np.sin(np.arange(pnl.size))) * 1e3
    assert expected_shortfall(worse, level) >= expected_shortfall(pnl, level) - 1e-6


@FEWER
@given(st.floats(100.0, 10_000.0), st.floats(0.01, 2.0), vols, st.floats(0.2, 5.0), st.floats(0.0, 0.02))
def test_scenario_grid__long_call_and_short_put__are_a_forward_everywhere(strike, tau, iv, move, elapsed) -> None:
    options = LiveOptions(
        np.array([True, False]), np.full(2, strike), np.full(2, tau), np.full(2, iv), np.array([3.0, -3.0])
    )
    grid = scenario_grid(Positions(options, 3_000.0), 3_000.0 * move, [0.0, 0.5], elapsed)
    expected = 3.0 * 3_000.0 * (move - 1.0)
    assert grid.pnl_usd.reshape(-1) == pytest.approx([expected] * 2, abs=1e-10 * (strike + 3_000.0 * (move + 1.0)))
    assert grid.book_delta.reshape(-1) == pytest.approx([3.0] * 2, abs=1e-9)


@FEWER
@given(st.floats(-0.5, 0.5), vols)
def test_scenario_grid__long_options__gain_with_volatility_and_are_convex_in_price(log_moneyness, iv) -> None:
    strike = 3_000.0 * np.exp(log_moneyness)
    options = LiveOptions(np.array([True]), np.array([strike]), np.array([0.1]), np.array([iv]), np.array([1.0]))
    pnl = scenario_grid(Positions(options, 3_000.0), np.linspace(1_500.0, 6_000.0, 31), [-0.04, 0.0, 0.04], 0.0).pnl_usd
    assert np.all(np.diff(pnl, axis=1) >= -1e-9)
    assert np.all(np.diff(pnl, 2, axis=0) >= -1e-9)


@MANY
@given(st.floats(0.2, 5.0), vols, years, st.floats(1.01, 1.5))
def test_touch_probability__farther_barrier_or_less_time__is_no_likelier(ratio, vol, horizon, factor) -> None:
    probability = touch_probability(1.0, ratio, vol, horizon)
    farther = touch_probability(1.0, ratio * factor if ratio >= 1.0 else ratio / factor, vol, horizon)
    assert 0.0 <= farther <= probability + 1e-12
    assert probability <= 1.0
    assert touch_probability(1.0, ratio, vol, horizon / factor) <= probability + 1e-12


@MANY
@given(st.floats(-50.0, 50.0), st.floats(0.0, 0.1), st.floats(100.0, 100_000.0), vols)
def test_liquidation_risk__more_equity__is_farther_and_less_likely(size, margin, equity, vol) -> None:
    assume(abs(size) > 0.01)
    poor = LinearPerpAccount("a", size, equity, 3_000.0, margin)
    before, after = (liquidation_risk(account, vol, 3.0) for account in (poor, replace(poor, equity_usd=1.2 * equity)))
    assert after.touch_probability <= before.touch_probability + 1e-12
    if after.distance_usd is not None:
        assert after.distance_usd >= before.distance_usd


@FEWER
@given(
    st.lists(st.tuples(st.floats(-40.0, 40.0), st.floats(0.0, 2.0)), min_size=1, max_size=5),
    st.floats(0.0, 50_000.0),
    vols,
)
def test_allocate_collateral__any_venues__no_move_of_a_dollar_between_them_helps(sizes, extra, vol) -> None:
    accounts = [LinearPerpAccount(f"v{i}", size, 0.0, 3_000.0, 0.03) for i, (size, _) in enumerate(sizes)]
    terms = {f"v{i}": CollateralTerms(0.05, 10.0, 0.0, 0.03, 0.05, failure) for i, (_, failure) in enumerate(sizes)}
    assume(all(abs(size) > 1e-6 for size, _ in sizes))
    needed = sum(0.4 * account.notional_usd for account in accounts)
    plan = allocate_collateral(accounts, terms, needed + extra, 0.0, vol, 2.0)
    assert plan.idle_usd >= -1e-9 * (needed + extra)
    per_year = 2.0 / 365.0
    for venue in plan.venues:
        assert venue.equity_usd >= venue.floor_usd
        price = (0.05 + terms[venue.venue].failure_rate_annual) * per_year + plan.shadow_price
        assert venue.marginal_benefit <= price * (1.0 + 1e-6)
        if venue.equity_usd > venue.floor_usd * (1.0 + 1e-9):
            assert venue.marginal_benefit == pytest.approx(price, rel=1e-5)


@FEWER
@given(
    arrays(np.float64, 8, elements=st.floats(-0.3, 0.3)),
    arrays(np.float64, 7, elements=st.floats(-100.0, 100.0)),
    arrays(np.float64, (4, 7), elements=st.floats(-50.0, 50.0)),
)
def test_attribute_path__any_path__parts_add_up_to_the_total(returns, hedge, paid) -> None:
    options = LiveOptions(
        np.array([True, False]),
        np.array([3_100.0, 2_700.0]),
        np.array([0.05, 0.2]),
        np.full(2, 0.7),
        np.array([-9.0, 4]),
    )
    spot = 3_000.0 * np.exp(np.cumsum(returns))
    found = attribute_path(
        options, MarkPath(spot, np.arange(8) * 0.01, options.iv_annual), hedge, 1.0, StepCosts(*paid)
    )
    parts = [getattr(found, name) for name in Attribution.__slots__]
    assert np.array_equal(sum(parts, np.zeros(7)), found.total_usd)
    assert float(found.over_path().total_usd) == pytest.approx(found.total_usd.sum(), rel=1e-9, abs=1e-6)
