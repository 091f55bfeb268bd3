"""Merton and Bates: QuantLib, the series against the integral, limits, parity, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.errors import DataError
from agent.products.european import black_scholes_greeks
from agent.vol.bates import Bates
from agent.vol.fourier import cos_call_price, model_greeks
from agent.vol.heston import Heston
from agent.vol.implied import black_scholes_implied_vol
from agent.vol.merton import LognormalJumps, Merton, merton_greeks
from tests.support.quantlib_heston import quantlib_price

STRIKES = np.array([60.0, 85.0, 100.0, 120.0, 180.0])
CRASHES = Merton(0.5, LognormalJumps(3.0, -0.12, 0.2))
HESTON = Heston(0.3, 2.0, 0.4, 0.9, -0.4)
FIELDS = (100.0, STRIKES, 0.5, 0.04, 0.01)


@pytest.mark.parametrize(
    ("strike", "tau", "jumps_per_year", "jump_share", "haug"),
    [
        (80.0, 0.10, 1.0, 0.25, 20.67),
        (80.0, 0.50, 5.0, 0.25, 23.61),
        (90.0, 0.25, 5.0, 0.25, 12.75),
        (100.0, 0.10, 1.0, 0.25, 3.42),
        (100.0, 0.25, 10.0, 0.25, 5.97),
        (110.0, 0.50, 1.0, 0.25, 4.67),
        (120.0, 0.25, 1.0, 0.25, 0.64),
        (80.0, 0.25, 1.0, 0.50, 21.83),
        (90.0, 0.50, 1.0, 0.50, 15.34),
        (100.0, 0.50, 5.0, 0.50, 8.96),
        (110.0, 0.10, 5.0, 0.50, 0.58),
        (120.0, 0.50, 1.0, 0.50, 2.15),
        (80.0, 0.50, 1.0, 0.75, 23.86),
        (90.0, 0.10, 1.0, 0.75, 11.11),
    ],
)
def test_merton__haug__published_values(strike, tau, jumps_per_year, jump_share, haug):
    """E. Haug, "Option pricing formulas" (1998), page 9: S=100, r=8 %, vol 25 % in all, jumps of mean 0."""
    deviation = 0.25 * math.sqrt(jump_share / jumps_per_year)
    jumps = LognormalJumps(jumps_per_year, -0.5 * deviation**2, deviation)
    model = Merton(0.25 * math.sqrt(1.0 - jump_share), jumps)
    assert merton_greeks(model, True, 100.0, strike, tau, 0.08).value_usd == pytest.approx(haug, abs=6e-3)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("model", [CRASHES, Merton(0.3, LognormalJumps(0.5, 0.1, 0.4))])
def test_merton__series__equals_quantlib_bates_with_still_variance(model, is_call):
    ours = merton_greeks(model, is_call, 100.0, STRIKES, 183 / 365, 0.04, 0.01).value_usd
    still = Heston(model.vol_annual**2, 1.0, model.vol_annual**2, 1e-3, 0.0)
    theirs = [quantlib_price(still, is_call, 100.0, float(k), 183, 0.04, 0.01, model.jumps) for k in STRIKES]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("tau", [1 / 365, 0.1, 2.0])
@pytest.mark.parametrize("is_call", [True, False])
def test_merton__series__equals_the_integral(tau, is_call):
    fields = (is_call, 100.0, STRIKES, tau, 0.04, 0.01)
    series, integral = merton_greeks(CRASHES, *fields), model_greeks(CRASHES, *fields)
    np.testing.assert_allclose(series.value_usd, integral.value_usd, atol=1e-11)
    np.testing.assert_allclose(series.delta, integral.delta, atol=1e-12)
    np.testing.assert_allclose(series.gamma_per_usd, integral.gamma_per_usd, atol=1e-10)


@pytest.mark.parametrize(
    "jumps", [LognormalJumps(0.0, -0.3, 0.2), LognormalJumps(5.0, 0.0, 0.0), LognormalJumps(1e-12, -0.3, 0.2)]
)
def test_merton__jumps_vanishing__tends_to_black_scholes(jumps):
    black = black_scholes_greeks(True, 100.0, STRIKES, 0.5, 0.5, 0.04, 0.01)
    answer = merton_greeks(Merton(0.5, jumps), True, *FIELDS)
    np.testing.assert_allclose(answer.value_usd, black.value, atol=1e-9)
    np.testing.assert_allclose(answer.delta, black.delta, atol=1e-10)
    np.testing.assert_allclose(answer.gamma_per_usd, black.gamma, atol=1e-10)


def test_merton__many_small_jumps__tend_to_more_variance():
    small = 1e-3
    model = Merton(0.3, LognormalJumps(0.04 / small**2 / 10.0, 0.0, small * math.sqrt(10.0)))
    black = black_scholes_greeks(True, 100.0, STRIKES, 0.5, math.sqrt(0.09 + 0.04), 0.04, 0.01)
    np.testing.assert_allclose(merton_greeks(model, True, *FIELDS).value_usd, black.value, atol=1e-4)


def test_merton__put_and_call__obey_parity():
    call, put = merton_greeks(CRASHES, True, *FIELDS), merton_greeks(CRASHES, False, *FIELDS)
    forward = 100.0 * math.exp(-0.005) - STRIKES * math.exp(-0.02)
    np.testing.assert_allclose(call.value_usd - put.value_usd, forward, atol=1e-11)


def test_merton__crashes_priced__short_smile_slopes_down():
    strikes = 100.0 * np.exp([-0.2, 0.2])
    values = merton_greeks(CRASHES, strikes >= 100.0, 100.0, strikes, 0.05).value_usd
    vols = black_scholes_implied_vol(strikes >= 100.0, values, 100.0, strikes, 0.05, 0.0).require()
    assert vols[0] > vols[1] + 0.05


@pytest.mark.parametrize("days", [30, 365])
def test_bates__any_option__equals_quantlib(days):
    jumps = LognormalJumps(1.5, -0.1, 0.15)
    for is_call, strike in ((True, 80.0), (True, 100.0), (False, 100.0), (False, 130.0)):
        ours = model_greeks(Bates(HESTON, jumps), is_call, 100.0, strike, days / 365.0, 0.03, 0.01).value_usd
        theirs = quantlib_price(HESTON, is_call, 100.0, strike, days, 0.03, 0.01, jumps)
        assert ours == pytest.approx(theirs, abs=2e-7)


def test_bates__no_jumps__is_heston():
    without = model_greeks(Bates(HESTON, LognormalJumps(0.0, -0.3, 0.2)), True, *FIELDS)
    heston = model_greeks(HESTON, True, *FIELDS)
    np.testing.assert_allclose(without.value_usd, heston.value_usd, atol=1e-12)
    rare = model_greeks(Bates(HESTON, LognormalJumps(1e-10, -0.3, 0.2)), True, *FIELDS)
    np.testing.assert_allclose(rare.value_usd, heston.value_usd, atol=1e-7)


def test_bates__variance_that_stands_still__is_merton():
    still = Bates(Heston(0.25, 1.0, 0.25, 1e-9, 0.0), CRASHES.jumps)
    answer, merton = model_greeks(still, True, *FIELDS), merton_greeks(CRASHES, True, *FIELDS)
    np.testing.assert_allclose(answer.value_usd, merton.value_usd, atol=1e-10)
    np.testing.assert_allclose(answer.delta, merton.delta, atol=1e-11)


def test_bates__both_methods__agree():
    model = Bates(HESTON, CRASHES.jumps)
    cosines = cos_call_price(model, 100.0, STRIKES, 0.5, 1500, 25.0)
    np.testing.assert_allclose(cosines, model_greeks(model, True, 100.0, STRIKES, 0.5).value_usd, atol=1e-10)


def test_log_characteristic__jumps__martingale():
    at = np.array([-1j, 0j])
    np.testing.assert_allclose(Bates(HESTON, CRASHES.jumps).log_characteristic(at, 2.0), 0.0, atol=1e-13)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LognormalJumps(-1.0, 0.0, 0.1), "jumps_per_year is -1.0"),
        (lambda: LognormalJumps(1.0, math.nan, 0.1), "log_mean is nan"),
        (lambda: LognormalJumps(1.0, 0.0, -0.1), "log_stdev is -0.1"),
        (lambda: Merton(0.0, LognormalJumps(1.0, 0.0, 0.1)), "vol_annual is 0.0"),
        (lambda: merton_greeks(CRASHES, True, 100.0, [90.0, -1.0], 0.5), "row 1: strike_usd is -1.0"),
        (lambda: merton_greeks(Merton(0.3, LognormalJumps(1e6, 0.0, 0.1)), True, *FIELDS), "are a diffusion"),
    ],
)
def test_jump_models__bad_input__named(make, message):
    with pytest.raises(DataError, match=message):
        make()
