"""Heston by Lewis and by COS: published values, QuantLib, limits, convergence, derivatives, bad input."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from agent.errors import DataError
from agent.products.european import black_scholes_greeks
from agent.vol.fourier import cos_call_price, model_greeks
from agent.vol.heston import Heston
from tests.support.quantlib_heston import quantlib_price

FANG_OOSTERLEE = Heston(0.0175, 1.5768, 0.0398, 0.5751, -0.5711)
LEWIS = Heston(0.04, 4.0, 0.25, 1.0, -0.5)
STRIKES = np.arange(80.0, 121.0, 10.0)
LEWIS_CALLS = np.array(
    [26.774758743998854, 20.933349000596710, 16.070154917028834, 12.132211516709845, 9.024913483457836]
)


@pytest.mark.parametrize(("tau", "published"), [(1.0, 5.785155434), (10.0, 22.318945791)])
def test_heston__fang_oosterlee__published_values_by_both_methods(tau, published):
    lewis = model_greeks(FANG_OOSTERLEE, True, 100.0, 100.0, tau).value_usd
    assert lewis == pytest.approx(published, abs=1e-9)
    assert cos_call_price(FANG_OOSTERLEE, 100.0, 100.0, tau, 640, 16.0) == pytest.approx(published, abs=1e-9)


def test_heston__lewis__published_values_by_both_methods():
    answer = model_greeks(LEWIS, True, 100.0, STRIKES, 1.0, 0.01, 0.02).value_usd
    np.testing.assert_allclose(answer, LEWIS_CALLS, atol=1e-12)
    cosines = math.exp(-0.01) * cos_call_price(LEWIS, 100.0 * math.exp(-0.01), STRIKES, 1.0, 1000, 30.0)
    np.testing.assert_allclose(cosines, LEWIS_CALLS, atol=1e-11)


@pytest.mark.parametrize(
    "model",
    [FANG_OOSTERLEE, LEWIS, Heston(0.5, 2.0, 0.6, 1.5, -0.2), Heston(0.09, 0.5, 0.04, 0.2, 0.7)],
)
@pytest.mark.parametrize("days", [30, 365, 1095])
def test_heston__any_model__equals_quantlib(model, days):
    for is_call, strike in ((True, 70.0), (True, 100.0), (False, 100.0), (False, 140.0)):
        ours = model_greeks(model, is_call, 100.0, strike, days / 365.0, 0.03, 0.01).value_usd
        theirs = quantlib_price(model, is_call, 100.0, strike, days, 0.03, 0.01)
        assert ours == pytest.approx(theirs, abs=2e-9)


@pytest.mark.parametrize("tau", [1 / 365, 0.05, 0.5, 5.0])
@pytest.mark.parametrize("model", [FANG_OOSTERLEE, LEWIS, Heston(1.0, 3.0, 0.8, 2.5, -0.3)])
def test_heston__both_methods__agree_far_into_the_wings(model, tau):
    stdev = math.sqrt(model.expected_variance(tau) * tau)
    strikes = 100.0 * np.exp(np.linspace(-4.0, 4.0, 17) * stdev)
    lewis = model_greeks(model, True, 100.0, strikes, tau).value_usd
    np.testing.assert_allclose(cos_call_price(model, 100.0, strikes, tau, 4000, 40.0), lewis, atol=2e-9)


def test_cos__more_terms__error_falls_to_rounding():
    exact = model_greeks(LEWIS, True, 100.0, STRIKES, 1.0).value_usd
    errors = [np.abs(cos_call_price(LEWIS, 100.0, STRIKES, 1.0, n, 30.0) - exact).max() for n in (50, 100, 200, 400)]
    assert all(after < 0.2 * before for before, after in pairwise(errors))
    assert errors[-1] < 1e-6
    assert np.abs(cos_call_price(LEWIS, 100.0, STRIKES, 1.0, 1600, 30.0) - exact).max() < 1e-11


def test_heston__put_and_call__obey_parity():
    fields = (100.0, STRIKES, 0.7, 0.05, 0.02)
    call, put = model_greeks(LEWIS, True, *fields), model_greeks(LEWIS, False, *fields)
    forward = 100.0 * math.exp(-0.02 * 0.7) - STRIKES * math.exp(-0.05 * 0.7)
    np.testing.assert_allclose(call.value_usd - put.value_usd, forward, atol=1e-11)
    np.testing.assert_allclose(call.delta - put.delta, math.exp(-0.02 * 0.7), atol=1e-13)
    np.testing.assert_allclose(call.gamma_per_usd, put.gamma_per_usd, rtol=1e-12)


def test_heston__vol_of_variance_vanishing__tends_to_black_scholes():
    model = Heston(0.09, 1.5, 0.04, 1e-6, -0.5)
    vol = math.sqrt(model.expected_variance(0.5))
    black = black_scholes_greeks(True, 100.0, STRIKES, 0.5, vol, 0.03, 0.01)
    answer = model_greeks(model, True, 100.0, STRIKES, 0.5, 0.03, 0.01)
    np.testing.assert_allclose(answer.value_usd, black.value, atol=1e-5)
    np.testing.assert_allclose(answer.delta, black.delta, atol=1e-5)
    np.testing.assert_allclose(answer.gamma_per_usd, black.gamma, atol=1e-5)
    flat = Heston(0.04, 1.5, 0.04, 1e-9, 0.0)
    exact = black_scholes_greeks(True, 100.0, STRIKES, 0.5, 0.2, 0.03, 0.01).value
    np.testing.assert_allclose(model_greeks(flat, True, 100.0, STRIKES, 0.5, 0.03, 0.01).value_usd, exact, atol=1e-11)


def test_heston__bumped_spot__delta_and_gamma():
    step = 1e-3
    for is_call in (True, False):
        here, up, down = (
            model_greeks(LEWIS, is_call, 100.0 + move, STRIKES, 0.4, 0.03, 0.01) for move in (0.0, step, -step)
        )
        np.testing.assert_allclose(here.delta, (up.value_usd - down.value_usd) / (2 * step), atol=1e-9)
        np.testing.assert_allclose(here.gamma_per_usd, (up.delta - down.delta) / (2 * step), atol=1e-9)


def test_log_characteristic__martingale_and_mean_variance():
    at = np.array([-1j, 0j])
    np.testing.assert_allclose(LEWIS.log_characteristic(at, 2.0), 0.0, atol=1e-14)
    step = 1e-4  # E[ln(S/F)] = -1/2 of the expected variance
    mean = (LEWIS.log_characteristic(np.array([step + 0j]), 2.0)[0] / (1j * step)).real
    assert mean == pytest.approx(-0.5 * LEWIS.expected_variance(2.0) * 2.0, rel=1e-4)


def test_log_characteristic__long_time__continuous_in_u():
    u = np.linspace(0.01, 60.0, 60_000) - 0.5j
    angles = Heston(0.04, 1.0, 0.09, 1.5, -0.9).log_characteristic(u, 30.0).imag
    assert np.abs(np.diff(angles)).max() < 0.1


def test_model_greeks__many_expiries_and_strikes__broadcasts():
    table = model_greeks(LEWIS, np.array([True, False]), 100.0, np.array([[90.0], [110.0]]), 0.5)
    assert table.value_usd.shape == table.delta.shape == (2, 2)
    single = model_greeks(LEWIS, False, 100.0, 110.0, 0.5)
    assert table.value_usd[1, 1] == pytest.approx(single.value_usd, abs=1e-12)
    assert single.gamma_per_usd.shape == ()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("initial_variance", 0.0),
        ("reversion_per_year", -1.0),
        ("long_run_variance", math.nan),
        ("vol_of_variance", math.inf),
        ("correlation", 1.0),
    ],
)
def test_heston__parameter_out_of_range__named(name, number):
    fields = {
        "initial_variance": 0.04,
        "reversion_per_year": 1.0,
        "long_run_variance": 0.04,
        "vol_of_variance": 0.5,
        "correlation": -0.5,
    }
    with pytest.raises(DataError, match=f"{name} is"):
        Heston(**(fields | {name: number}))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((True, -1.0, 100.0, 1.0), "row 0: spot_usd is -1"),
        ((True, 100.0, [100.0, 0.0], 1.0), "row 1: strike_usd is 0"),
        ((True, 100.0, 100.0, math.nan), "row 0: tau_years is nan"),
        ((True, 100.0, 100.0, 1.0, math.inf), "row 0: rate_annual is inf"),
        ((1, 100.0, 100.0, 1.0), "is_call has type"),
    ],
)
def test_model_greeks__bad_input__named(fields, message):
    with pytest.raises(DataError, match=message):
        model_greeks(LEWIS, *fields)


def test_cos_call_price__bad_input__named():
    with pytest.raises(DataError, match="terms is 1"):
        cos_call_price(LEWIS, 100.0, 100.0, 1.0, 1)
    with pytest.raises(DataError, match="row 1: strike_usd is -5"):
        cos_call_price(LEWIS, 100.0, [100.0, -5.0], 1.0, 100)
    with pytest.raises(DataError, match="tau_years is 0"):
        cos_call_price(LEWIS, 100.0, 100.0, 0.0, 100)
