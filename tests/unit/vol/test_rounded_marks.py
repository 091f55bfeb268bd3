"""A mark says no more than its tick lets it: its vol is an interval, and the surface is not pulled by what it hides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.products.european import black76_greeks
from agent.units import SECONDS_PER_YEAR
from agent.vol.chain_values import QuoteStatus, value_chain
from agent.vol.price_quotes import chain_quotes_of_prices
from agent.vol.quotes import chain_quotes, slice_targets
from tests.support.rounded_chain import NOW_UNIX, coin_chain

FORWARD = 83_153.70
DAY = 1_722_585_600
"""2024-08-02 08:00 UTC, 23 hours on."""
STRIKES = np.array([71_000, 75_000, 77_000, 79_000, 81_000, 82_000, 83_000, 84_000, 85_000, 87_000, 89_000, 92_000])


def smile(k, tau):
    """61.5 % at the money, 77.1 % at 71,000 a day before expiry."""
    return 0.615 + 0.156 * (k / 0.15802) ** 2 * np.ones_like(tau)


@pytest.fixture(scope="module")
def named():
    """Three rows of 2024-08-01: a call so deep that its mark is intrinsic value and rounding, and two at the money."""
    chain, _ = coin_chain(FORWARD, np.array([71_000, 83_000]), [DAY], smile, 1e-4)
    kept = np.array([True, False, True, True])
    fields = {name: getattr(chain, name)[kept] for name in FIELDS}
    fields |= {
        "bid_coin": np.array([np.nan, 0.0130, 0.0110]),
        "ask_coin": np.array([0.1510, 0.0140, 0.0125]),
        "mark_coin": np.array([0.1462, 0.0135, 0.0117]),
        "instrument_name": ("BTC-2AUG24-71000-C", "BTC-2AUG24-83000-C", "BTC-2AUG24-83000-P"),
    }
    return replace(chain, **fields)


FIELDS = (
    "is_call",
    "strike_usd",
    "expiry_unix",
    "forward_usd",
    "rate_annual",
    "open_interest",
    "quoted_mark_vol_annual",
)


def test_value_chain__mark_a_tick_above_intrinsic__bounds_from_above_alone(named):
    values = value_chain(named)
    assert values.status["mark"].tolist() == [QuoteStatus.WITHIN_TICK, QuoteStatus.OK, QuoteStatus.OK]
    assert np.isnan(values.vol_annual["mark"][0])
    assert values.vol_low_annual["mark"][0] == 0.0
    assert 1.15 < values.vol_high_annual["mark"][0] < 1.25
    assert values.is_marked.tolist() == [False, True, True]


def test_value_chain__mark_a_tick_above_intrinsic__does_not_pull_the_surface(named):
    values = value_chain(named)
    assert 0.55 < values.model_vol_annual[0] < 0.95
    assert -1.0 < values.greeks.theta[0] / 365.0 <= 0.0
    assert values.model_vol_annual[1] == pytest.approx(0.615, abs=0.005)


def test_value_chain__whole_chain_of_a_day__deep_call_near_the_truth():
    chain, truth = coin_chain(FORWARD, STRIKES, [DAY], smile, 1e-4)
    values = value_chain(chain)
    assert truth[0] == pytest.approx(0.771, abs=0.001)
    assert values.status["mark"][0] == QuoteStatus.WITHIN_TICK
    assert values.model_vol_annual[0] == pytest.approx(0.771, abs=0.1)
    assert values.greeks.theta[0] / 365.0 == pytest.approx(-0.21, abs=0.2)


@settings(max_examples=25, deadline=None)
@given(
    level=st.floats(0.3, 1.2),
    skew=st.floats(-0.1, 0.1),
    bend=st.floats(0.0, 0.06),
    tick=st.sampled_from([1e-6, 1e-5, 1e-4, 2.5e-4, 5e-4, 1e-3]),
    days=st.sampled_from([1, 2, 7, 30]),
)
def test_value_chain__random_surface_and_tick__truth_inside_every_interval(level, skew, bend, tick, days):
    chain, truth, values = random_chain(level, skew, bend, tick, days)
    marked = chain.mark_coin > 0.0
    assert (values.vol_low_annual["mark"][marked] <= truth[marked] * (1.0 + 1e-6)).all()
    assert (values.vol_high_annual["mark"][marked] >= truth[marked] * (1.0 - 1e-6)).all()
    near = np.abs(np.log(chain.strike_usd / FORWARD)) < 2.0 * truth * np.sqrt(chain.tau_years)
    hidden = marked & near & ~values.is_marked
    assert (np.abs(values.model_vol_annual / truth - 1.0)[hidden] < 0.2).all()
    assert values.arbitrage.is_free


def random_chain(level, skew, bend, tick, days):
    def true_vol(k, tau):
        x = k / np.sqrt(tau) / level
        return level * (1.0 + skew * np.tanh(x) + bend * np.log1p(x * x))

    spread = np.linspace(-3.0, 3.0, 25) * level * np.sqrt(days / 365.0)
    strikes = np.round(FORWARD * np.exp(spread) / 100.0) * 100.0
    chain, truth = coin_chain(FORWARD, strikes, [int(NOW_UNIX) + days * 86_400], true_vol, tick)
    return chain, truth, value_chain(chain)


def test_value_chain__same_chain_exact__vols_are_points():
    chain, truth = coin_chain(FORWARD, STRIKES, [DAY], smile, 0.0)
    values = value_chain(chain)
    told = values.is_marked
    np.testing.assert_array_equal(values.vol_low_annual["mark"][told], values.vol_high_annual["mark"][told])
    np.testing.assert_allclose(values.vol_annual["mark"][told], truth[told], rtol=1e-4)


def test_value_chain__one_tick_out_of_the_money__coarse_and_valued_at_the_surface():
    chain, truth = coin_chain(FORWARD, STRIKES, [DAY], smile, 1e-4)
    values = value_chain(chain)
    one_tick = np.isclose(chain.mark_coin, 1e-4, rtol=1e-9)
    assert one_tick.any()
    assert (values.status["mark"][one_tick] == QuoteStatus.COARSE).all()
    assert not values.is_marked[one_tick].any()
    np.testing.assert_allclose(values.model_vol_annual[one_tick], truth[one_tick], rtol=0.1)


@pytest.mark.parametrize("seconds", [60, 3_600])
def test_value_chain__an_hour_to_expiry__deep_marks_tell_nothing(seconds):
    chain, _ = coin_chain(FORWARD, STRIKES, [int(NOW_UNIX) + seconds], lambda k, tau: np.full_like(k, 0.6), 1e-4)
    values = value_chain(chain)
    deep = chain.is_call & (chain.strike_usd < 78_000)
    assert np.isin(values.status["mark"][deep], (QuoteStatus.WITHIN_TICK, QuoteStatus.BELOW_INTRINSIC)).all()
    assert np.isfinite(values.greeks.theta).all()
    assert np.abs(values.greeks.theta[deep]).max() < 1e-6 * np.abs(values.greeks.theta).max()


def test_value_chain__file_in_two_decimals__orders_are_intervals_too():
    chain, truth = coin_chain(FORWARD, STRIKES, [int(NOW_UNIX) + 60 * 86_400], lambda k, tau: 0.6 + 0.1 * k * k, 0.01)
    values = value_chain(replace(chain, bid_coin=chain.mark_coin, ask_coin=chain.mark_coin))
    for side in ("bid", "ask", "mark"):
        assert (values.vol_low_annual[side] < truth).all()
        assert (values.vol_high_annual[side] > truth).all()
    np.testing.assert_allclose(values.model_vol_annual, truth, atol=0.05)


def test_value_chain__spread_inside_the_marks_tick__cuts_the_interval(named):
    values = value_chain(replace(named, bid_coin=np.array([0.1462, 0.0130, 0.0110])))
    assert values.vol_low_annual["mark"][0] == values.vol_annual["bid"][0] > 1.0


def interval_of(tick):
    price = float(black76_greeks(True, 100.0, 95.0, 0.25, 0.5).value)
    found = chain_quotes_of_prices(True, 100.0, [95.0, 95.0], 0.25, 1.0, 90.0, price, mark_tick_usd=tick).mark
    return price, found


def test_chain_quotes_of_prices__tick__interval_of_half_a_tick_to_both_sides():
    price, found = interval_of(2.0)
    ends = np.array([found.low_annual[0], found.high_annual[0]])
    np.testing.assert_allclose(
        black76_greeks(True, 100.0, 95.0, 0.25, ends).value, [price - 1.0, price + 1.0], rtol=1e-9
    )
    assert found.vol_annual[0] == pytest.approx(0.5)


def test_chain_quotes_of_prices__no_tick__interval_is_a_point():
    _, found = interval_of(0.0)
    np.testing.assert_allclose([found.low_annual, found.high_annual], 0.5, rtol=1e-9)


def test_chain_quotes_of_prices__tick_reaches_intrinsic__no_vol_and_no_lower_end():
    _, found = interval_of(20.0)
    assert np.isnan(found.vol_annual).all()
    assert (found.low_annual == 0.0).all()
    assert np.isfinite(found.high_annual).all()


def test_slice_targets__wide_interval__pulls_less():
    tau = 30.0 * 86_400.0 / SECONDS_PER_YEAR
    quotes = chain_quotes(100.0, [90.0, 110.0], tau, np.nan, np.nan, 0.6, [0.599, 0.3], [0.601, 0.9])
    tolerance = slice_targets(quotes).tolerance[0]
    assert tolerance[1] == pytest.approx(0.5 * (0.9**2 - 0.3**2) * tau)
    assert tolerance[0] < 0.06 * tolerance[1]


def test_slice_targets__one_sided_mark__bounds_where_no_bid_does():
    quotes = chain_quotes(100.0, [90.0, 95.0, 110.0], 0.1, [np.nan, 0.5, 0.5], np.nan, [np.nan, np.nan, 0.6], 0.0, 0.9)
    targets = slice_targets(quotes)
    np.testing.assert_allclose(targets.high[0], [0.081, np.inf, np.inf])
    assert targets.tolerance[0, 0] > 100.0 * targets.tolerance[0, 2]
