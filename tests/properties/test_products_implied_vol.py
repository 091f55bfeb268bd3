"""Laws implied volatility obeys, over the whole domain."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.products.european import black76_greeks, black_scholes_greeks
from agent.vol.implied import ImpliedVolStatus, black76_implied_vol, black_scholes_implied_vol

MANY = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
ULP = 2.0**-52
strikes = st.floats(1e-3, 1e6)
taus = st.floats(1e-8, 30.0)
vols = st.floats(1e-3, 8.0)
rates = st.floats(-0.3, 0.3)


@MANY
@given(st.booleans(), strikes, strikes, taus, vols, rates, rates)
def test_black_scholes_implied_vol__price_of_any_row__reprices_to_it(
    is_call: bool, spot: float, strike: float, tau: float, vol: float, rate: float, dividend: float
) -> None:
    price = black_scholes_greeks(is_call, spot, strike, tau, vol, rate, dividend).value
    implied = black_scholes_implied_vol(is_call, price, spot, strike, tau, rate, dividend)
    status = ImpliedVolStatus(int(implied.status))
    assert status in {
        ImpliedVolStatus.OK,
        ImpliedVolStatus.AT_INTRINSIC,
        ImpliedVolStatus.ABOVE_BOUND,
        ImpliedVolStatus.OUT_OF_DOMAIN,
    }
    if status is ImpliedVolStatus.OUT_OF_DOMAIN:
        assert price < 1e-290
    elif status is not ImpliedVolStatus.ABOVE_BOUND:
        again = black_scholes_greeks(is_call, spot, strike, tau, implied.vol_annual, rate, dividend)
        legs = spot * np.exp(-dividend * tau) + strike * np.exp(-rate * tau)
        # Far out, a unit in the last place of the volatility itself moves the price by d^2 of its units.
        elasticity = implied.vol_annual * again.vega
        assert abs(again.value - price) <= 8 * ULP * (elasticity + legs)


@MANY
@given(st.booleans(), strikes, strikes, taus, st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8))
def test_black76_implied_vol__higher_price__never_implies_less(
    is_call: bool, forward: float, strike: float, tau: float, shares: list[float]
) -> None:
    intrinsic = max(forward - strike, 0.0) if is_call else max(strike - forward, 0.0)
    bound = forward if is_call else strike
    prices = intrinsic + np.sort(shares) * (bound - intrinsic)
    implied = black76_implied_vol(is_call, prices, forward, strike, tau)
    solved = implied.status <= ImpliedVolStatus.AT_INTRINSIC
    assert np.all(implied.status[~solved] >= ImpliedVolStatus.ABOVE_BOUND)
    steps = np.diff(implied.vol_annual[solved])
    assert np.all(steps >= -16 * ULP * implied.vol_annual[solved][1:])


@MANY
@given(strikes, strikes, taus, vols)
def test_black76_implied_vol__call_and_put_of_one_price__agree_out_of_the_money(
    forward: float, strike: float, tau: float, vol: float
) -> None:
    is_call = forward <= strike
    price = black76_greeks(is_call, forward, strike, tau, vol).value
    direct = black76_implied_vol(is_call, price, forward, strike, tau)
    mirrored = black76_implied_vol(not is_call, price, strike, forward, tau)
    assert direct.status == mirrored.status
    np.testing.assert_allclose(direct.vol_annual, mirrored.vol_annual, rtol=4 * ULP)
