"""Laws of models and estimators over random parameters: parity, bounds, convexity, units."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.vol.bates import Bates
from agent.vol.ewma import ewma_path
from agent.vol.fourier import model_greeks
from agent.vol.garch import GarchFit, GarchKind, GarchParameters, forecast_variance_per_bar
from agent.vol.heston import Heston
from agent.vol.merton import LognormalJumps, Merton, merton_greeks
from agent.vol.realised import (
    close_to_close_vol_annual,
    garman_klass_vol_annual,
    parkinson_vol_annual,
    rogers_satchell_vol_annual,
    yang_zhang_vol_annual,
)
from agent.vol.regime import RegimeModel, filter_regimes

FIXED = settings(deadline=None, derandomize=True)
"""The same examples every time."""


def floats(low, high):
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


hestons = st.builds(
    Heston, floats(0.01, 2.0), floats(0.2, 8.0), floats(0.01, 2.0), floats(0.05, 3.0), floats(-0.95, 0.95)
)
jumps = st.builds(LognormalJumps, floats(0.0, 20.0), floats(-0.4, 0.3), floats(0.0, 0.4))
models = st.one_of(hestons, st.builds(Bates, hestons, jumps), st.builds(Merton, floats(0.05, 1.5), jumps))
STRIKES = np.linspace(40.0, 200.0, 33)


@settings(FIXED, max_examples=60)
@given(models, floats(0.02, 3.0), floats(-0.05, 0.1), floats(0.0, 0.1))
def test_model_greeks__any_model__parity_bounds_and_convexity(model, tau, rate, dividend):
    call = model_greeks(model, True, 100.0, STRIKES, tau, rate, dividend)
    put = model_greeks(model, False, 100.0, STRIKES, tau, rate, dividend)
    carry, discount = np.exp(-dividend * tau), np.exp(-rate * tau)
    np.testing.assert_allclose(call.value_usd - put.value_usd, 100.0 * carry - STRIKES * discount, atol=1e-9)
    np.testing.assert_allclose(call.delta - put.delta, carry, atol=1e-11)
    assert (call.value_usd >= np.maximum(100.0 * carry - STRIKES * discount, 0.0) - 1e-9).all()
    assert (call.value_usd <= 100.0 * carry + 1e-9).all()
    assert np.diff(call.value_usd).max() <= 1e-9
    assert np.diff(call.value_usd, 2).min() >= -1e-9
    assert ((call.delta >= -1e-9) & (call.delta <= carry + 1e-9)).all()
    assert (call.gamma_per_usd >= -1e-8).all()


@settings(FIXED, max_examples=60)
@given(st.builds(Merton, floats(0.05, 1.5), jumps), floats(0.02, 3.0), st.booleans())
def test_merton__any_jumps__series_equals_integral(model, tau, is_call):
    series = merton_greeks(model, is_call, 100.0, STRIKES, tau, 0.03, 0.01)
    integral = model_greeks(model, is_call, 100.0, STRIKES, tau, 0.03, 0.01)
    np.testing.assert_allclose(series.value_usd, integral.value_usd, atol=1e-9)
    np.testing.assert_allclose(series.delta, integral.delta, atol=1e-10)


@settings(FIXED, max_examples=50)
@given(st.one_of(hestons, st.builds(Bates, hestons, jumps)), floats(0.05, 2.0), floats(0.5, 20.0))
def test_model_greeks__price_and_strike_scaled__value_scales(model, tau, factor):
    plain = model_greeks(model, True, 100.0, STRIKES, tau)
    scaled = model_greeks(model, True, 100.0 * factor, STRIKES * factor, tau)
    np.testing.assert_allclose(scaled.value_usd, factor * plain.value_usd, rtol=1e-9, atol=1e-9 * factor)
    np.testing.assert_allclose(scaled.delta, plain.delta, atol=1e-10)


@FIXED
@given(st.integers(0, 2**32 - 1), floats(1e-3, 1e4), floats(10.0, 1e5))
def test_realised__prices_in_another_unit__same_vol(seed, unit, bars_per_year):
    rng = np.random.default_rng(seed)
    opened = 100.0 * np.exp(0.1 * rng.standard_normal(30))
    close = opened * np.exp(0.02 * rng.standard_normal(30))
    high = np.maximum(opened, close) * np.exp(0.02 * rng.random(30))
    low = np.minimum(opened, close) * np.exp(-0.02 * rng.random(30))
    for estimate in (garman_klass_vol_annual, rogers_satchell_vol_annual, yang_zhang_vol_annual):
        plain = estimate(opened, high, low, close, bars_per_year)
        scaled = estimate(unit * opened, unit * high, unit * low, unit * close, bars_per_year)
        np.testing.assert_allclose(scaled, plain, rtol=1e-6)
        assert plain >= 0.0
    ranges = [parkinson_vol_annual(scale * high, scale * low, bars_per_year) for scale in (1.0, unit)]
    closes = [close_to_close_vol_annual(scale * close, bars_per_year, remove_mean=True) for scale in (1.0, unit)]
    np.testing.assert_allclose(ranges[1], ranges[0], rtol=1e-9)
    np.testing.assert_allclose(closes[1], closes[0], rtol=1e-9)


@FIXED
@given(st.lists(floats(-0.2, 0.2), min_size=1, max_size=60), floats(0.01, 0.999), floats(1e-8, 0.1))
def test_ewma__any_returns__variance_stays_between_its_extremes(returns, decay, initial):
    path = ewma_path(returns, decay, initial)
    highest, lowest = max([initial, *np.square(returns)]), min([initial, *np.square(returns)])
    assert lowest * (1 - 1e-9) <= path.next_variance_per_bar <= highest * (1 + 1e-9)
    assert (path.variance_per_bar > 0.0).all()


@FIXED
@given(floats(1e-7, 1e-4), floats(0.0, 0.3), floats(0.0, 0.65), floats(1e-6, 1e-2))
def test_garch_forecast__stationary__moves_monotonically_to_the_long_run(omega, alpha, beta, start):
    parameters = GarchParameters(0.0, omega, alpha, 0.0, beta)
    fit = GarchFit(GarchKind.GARCH, parameters, parameters, 0.0, np.ones(1), np.ones(1), start)
    path, long_run = forecast_variance_per_bar(fit, 400), omega / (1.0 - alpha - beta)
    gaps = np.abs(path - long_run)
    assert (np.diff(gaps) <= 1e-12).all()
    np.testing.assert_allclose(path[-1], long_run, rtol=1e-6, atol=1e-9)


@FIXED
@given(st.lists(floats(-0.5, 0.5), min_size=1, max_size=40), floats(0.01, 0.99), floats(0.01, 0.99))
def test_filter_regimes__any_returns__probabilities_stay_probabilities(returns, stay_calm, stay_wild):
    chain = np.array([[stay_calm, 1.0 - stay_calm], [1.0 - stay_wild, stay_wild]])
    path = filter_regimes(RegimeModel(0.0, np.array([1e-4, 4e-3]), chain, 0.0), returns)
    np.testing.assert_allclose(path.filtered.sum(axis=1), 1.0, rtol=1e-12)
    assert (path.filtered >= 0.0).all()
    assert 1e-4 <= path.next_variance_per_bar <= 4e-3
