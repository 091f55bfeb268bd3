"""Laws every European price obeys, over the whole domain."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agent.products.european import Greeks, black76_greeks, black_scholes_greeks
from agent.products.greeks import GREEK_NAMES
from agent.products.inverse_option import inverse_option_deltas, inverse_option_greeks

MANY = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
prices = st.floats(1e-3, 1e6)
taus = st.floats(0.0, 20.0)
vols = st.floats(0.0, 5.0)
rates = st.floats(-0.5, 0.5)
ROUNDING = 1e-14


def _both(spot: float, strike: float, tau: float, vol: float, rate: float, dividend: float) -> tuple[Greeks, Greeks]:
    fields = (spot, strike, tau, vol, rate, dividend)
    return black_scholes_greeks(True, *fields), black_scholes_greeks(False, *fields)


@MANY
@given(prices, prices, taus, vols, rates, rates)
def test_black_scholes__any_row__obeys_put_call_parity(
    spot: float, strike: float, tau: float, vol: float, rate: float, dividend: float
) -> None:
    call, put = _both(spot, strike, tau, vol, rate, dividend)
    asset, cash = spot * np.exp(-dividend * tau), strike * np.exp(-rate * tau)
    legs = asset + cash
    assert abs(call.value - put.value - (asset - cash)) <= ROUNDING * legs
    assert abs(call.delta - put.delta - asset / spot) <= ROUNDING * asset / spot
    assert abs(call.rho - put.rho - tau * cash) <= ROUNDING * (tau * cash)
    assert abs(call.theta - put.theta - (dividend * asset - rate * cash)) <= ROUNDING * (legs + abs(call.theta))
    for name in ("gamma", "vega", "vanna", "volga", "speed", "zomma"):
        assert getattr(call, name) == getattr(put, name)


@MANY
@given(prices, prices, taus, vols, rates, rates)
def test_black_scholes__any_row__is_finite_and_within_no_arbitrage_bounds(
    spot: float, strike: float, tau: float, vol: float, rate: float, dividend: float
) -> None:
    asset, cash = spot * np.exp(-dividend * tau), strike * np.exp(-rate * tau)
    slack = ROUNDING * (asset + cash)
    for greeks, sign, highest in zip(
        _both(spot, strike, tau, vol, rate, dividend), (1, -1), (asset, cash), strict=True
    ):
        assert all(np.isfinite(getattr(greeks, name)) for name in GREEK_NAMES)
        assert max(sign * (asset - cash), 0.0) - slack <= greeks.value <= highest + slack
        assert 0.0 <= sign * greeks.delta <= asset / spot * (1 + ROUNDING)
        assert greeks.gamma >= 0.0
        assert greeks.vega >= 0.0


@MANY
@given(prices, prices, taus, st.lists(vols, min_size=2, max_size=8), st.booleans())
def test_black76__higher_vol__is_never_worth_less(
    forward: float, strike: float, tau: float, levels: list[float], is_call: bool
) -> None:
    values = black76_greeks(is_call, forward, strike, tau, np.sort(levels)).value
    assert np.all(np.diff(values) >= -ROUNDING * (forward + strike))


@MANY
@given(st.lists(prices, min_size=2, max_size=8), prices, taus, vols)
def test_black76__higher_forward__moves_value_and_delta_one_way(
    forwards: list[float], strike: float, tau: float, vol: float
) -> None:
    ordered = np.sort(forwards)
    slack = ROUNDING * (ordered[1:] + strike)
    call, put = (black76_greeks(side, ordered, strike, tau, vol) for side in (True, False))
    assert np.all(np.diff(call.value) >= -slack)
    assert np.all(np.diff(put.value) <= slack)
    assert np.all(np.diff(call.delta) >= -ROUNDING)


@MANY
@given(prices, st.lists(prices, min_size=3, max_size=3), taus, vols, st.booleans())
def test_black76__value_in_the_strike__is_convex(
    forward: float, strikes: list[float], tau: float, vol: float, is_call: bool
) -> None:
    low, middle, high = sorted(strikes)
    assume(high > low)
    weight = (high - middle) / (high - low)
    values = black76_greeks(is_call, forward, np.array([low, middle, high]), tau, vol).value
    assert values[1] <= weight * values[0] + (1 - weight) * values[2] + ROUNDING * (forward + high)


@MANY
@given(prices, prices, st.floats(1e-6, 20.0), st.floats(1e-3, 5.0), st.sampled_from([0.25, 2.0, 1024.0]))
def test_black76__all_prices_scaled__scales_value_and_keeps_delta(
    forward: float, strike: float, tau: float, vol: float, scale: float
) -> None:
    one, many = (
        black76_greeks(True, forward, strike, tau, vol),
        black76_greeks(True, scale * forward, scale * strike, tau, vol),
    )
    assert many.value == scale * one.value
    assert many.delta == one.delta
    assert many.gamma == one.gamma / scale


@MANY
@given(prices, prices, st.floats(1e-3, 5.0), st.floats(1e-2, 3.0), rates)
def test_black76__any_row__solves_the_pricing_equation(
    forward: float, strike: float, tau: float, vol: float, rate: float
) -> None:
    greeks = black76_greeks(True, forward, strike, tau, vol, rate)
    convexity = 0.5 * vol**2 * forward**2 * greeks.gamma
    residual = greeks.theta + convexity - rate * greeks.value
    assert abs(residual) <= 1e-12 * (abs(convexity) + abs(rate * greeks.value)) + 1e-300


@MANY
@given(st.floats(10.0, 1e5), st.floats(10.0, 1e5), st.floats(1e-4, 2.0), st.floats(0.05, 3.0), st.booleans())
def test_inverse_option__any_row__has_the_coin_value_and_delta_less_the_premium(
    forward: float, strike: float, tau: float, vol: float, is_call: bool
) -> None:
    usd, coin = (price(is_call, forward, strike, tau, vol) for price in (black76_greeks, inverse_option_greeks))
    deltas = inverse_option_deltas(is_call, forward, strike, tau, vol)
    assert abs(coin.value * forward - usd.value) <= ROUNDING * usd.value
    assert deltas.deribit == usd.delta
    assert abs(deltas.premium_adjusted - (deltas.deribit - coin.value)) <= ROUNDING * (1 + abs(coin.value))
    assert abs(deltas.premium_adjusted - coin.delta * forward) <= ROUNDING * (1 + abs(coin.value))
