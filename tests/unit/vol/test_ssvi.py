"""SSVI: the formula, its guarantees, and a known surface found again."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.errors import DataError
from agent.vol.quotes import slice_targets
from agent.vol.ssvi import SsviSurface, calibrate_ssvi, power_law_phi, ssvi_normal_equations, ssvi_total_variance
from agent.vol.svi import NaturalSvi, RawSvi, durrleman_g, raw_of_natural
from tests.support.chain_samples import SMOOTH, rows_of, smooth_chain


def test_ssvi_total_variance__by_hand():
    theta, rho, phi, k = 0.04, -0.3, 2.0, 0.1
    expected = 0.02 * (1 - 0.06 + math.sqrt((0.2 - 0.3) ** 2 + 1 - 0.09))
    assert ssvi_total_variance(k, theta, rho, phi) == pytest.approx(expected, rel=1e-15)
    assert ssvi_total_variance(0.0, theta, rho, phi) == pytest.approx(theta, rel=1e-15)


def test_power_law_phi__by_hand():
    assert power_law_phi(0.04, 1.2, 0.4) == pytest.approx(1.2 / (0.04**0.4 * 1.04**0.6), rel=1e-15)


def test_raw_slices__same_surface_as_formula_and_as_natural_svi():
    k = np.linspace(-1.0, 1.0, 9)
    phi = power_law_phi(SMOOTH.theta, SMOOTH.eta, SMOOTH.gamma)
    for raw, theta, width in zip(SMOOTH.raw_slices(), SMOOTH.theta, phi, strict=True):
        expected = ssvi_total_variance(k, theta, SMOOTH.rho, width)
        np.testing.assert_allclose(RawSvi(*raw).total_variance(k), expected, rtol=1e-13)
        natural = raw_of_natural(NaturalSvi(0.0, 0.0, SMOOTH.rho, theta, width))
        np.testing.assert_allclose(natural.total_variance(k), expected, rtol=1e-13)


@pytest.mark.parametrize(("rho", "gamma"), [(-0.9, 0.5), (0.0, 0.3), (0.95, 0.01)])
def test_surface__steepest_allowed__no_butterfly_and_no_calendar_arbitrage(rho, gamma):
    surface = SsviSurface(np.array([0.01, 0.3, 2.0]), np.array([0.001, 0.2, 5.0]), rho, 2.0 / (1.0 + abs(rho)), gamma)
    k = np.linspace(-6.0, 6.0, 4001)
    times = np.array([0.001, 0.01, 0.05, 0.3, 1.0, 2.0, 5.0])
    variances = surface.total_variance(k, times[:, None])
    assert (np.diff(variances, axis=0) > 0.0).all()
    for raw in surface.raw_slices():
        assert durrleman_g(k, *RawSvi(*raw).derivatives(k)).min() > -1e-12


def test_theta_at__between_and_beyond__straight_lines():
    surface = SsviSurface(np.array([0.1, 0.3]), np.array([0.04, 0.06]), 0.0, 1.0, 0.5)
    np.testing.assert_allclose(surface.theta_at([0.05, 0.1, 0.2, 0.6]), [0.02, 0.04, 0.05, 0.12])


def test_calibrate_ssvi__exact_quotes__finds_the_surface():
    fitted = calibrate_ssvi(slice_targets(smooth_chain(half_spread_vol=1e-4)))
    np.testing.assert_allclose(fitted.theta, SMOOTH.theta, rtol=2e-3)
    assert (fitted.rho, fitted.eta, fitted.gamma) == pytest.approx((SMOOTH.rho, SMOOTH.eta, SMOOTH.gamma), abs=0.02)


@pytest.mark.parametrize("rho_angle", [-0.4, 0.5])
def test_ssvi_normal_equations__finite_differences__gradient_is_half_slope_of_cost(rho_angle):
    targets = slice_targets(smooth_chain())
    x = np.concatenate([np.log(np.diff(SMOOTH.theta, prepend=0.0)) + 0.1, [rho_angle, 0.3, -0.2]])
    gradient = ssvi_normal_equations(x, targets).gradient[0]
    for index in range(x.size):
        step = np.zeros_like(x)
        step[index] = 1e-6
        up, down = (ssvi_normal_equations(x + sign * step, targets).cost for sign in (1.0, -1.0))
        assert 2.0 * gradient[index] == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-4)


def test_calibrate_ssvi__one_quote_an_expiry__takes_the_skew_of_the_others():
    chain = smooth_chain()
    keep = np.ones(chain.tau_years.size, dtype=bool)
    keep[21:42] = False
    keep[25] = True
    fitted = calibrate_ssvi(slice_targets(rows_of(chain, keep)))
    k = np.linspace(-0.5, 0.5, 11)
    expected, answer = SMOOTH.total_variance(k, 0.1), fitted.total_variance(k, 0.1)
    np.testing.assert_allclose(np.sqrt(answer), np.sqrt(expected), rtol=0.02)


def test_calibrate_ssvi__falling_variance_quoted__theta_rises_all_the_same():
    crazy = SsviSurface(np.array([0.1, 0.2, 0.3]), np.array([0.05, 0.06, 0.07]), -0.2, 0.8, 0.4)
    chain = smooth_chain(surface=crazy)
    halved = np.where(chain.tau_years == 0.2, 0.6, 1.0)
    chain = rows_of(
        chain,
        slice(None),
        bid_vol_annual=chain.bid_vol_annual * halved,
        ask_vol_annual=chain.ask_vol_annual * halved,
    )
    assert (np.diff(calibrate_ssvi(slice_targets(chain)).theta) > 0.0).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"theta": np.array([0.04, 0.03])}, "row 1: theta is 0.03, not above 0.04"),
        ({"theta": np.array([-0.04, 0.03])}, "row 0: theta is -0.04"),
        ({"tau_years": np.array([0.1, 0.1])}, "row 1: tau_years is 0.1"),
        ({"theta": np.array([0.04])}, "theta has shape"),
        ({"rho": -1.0}, "rho is -1.0"),
        ({"gamma": 0.6}, "gamma is 0.6"),
        ({"eta": 1.9, "rho": 0.5}, "eta is 1.9"),
        ({"eta": math.nan}, "eta is nan"),
    ],
)
def test_surface__parameters_that_allow_arbitrage__refused(fields, message):
    base = {"tau_years": np.array([0.1, 0.2]), "theta": np.array([0.04, 0.05]), "rho": 0.0, "eta": 1.0, "gamma": 0.5}
    with pytest.raises(DataError, match=message):
        SsviSurface(**(base | fields))


def test_total_variance__bad_time_or_strike__named():
    with pytest.raises(DataError, match=r"row 1: tau_years is 0\.0"):
        SMOOTH.total_variance(0.0, [0.1, 0.0])
    with pytest.raises(DataError, match="row 0: log_moneyness is nan"):
        SMOOTH.total_variance([np.nan], 0.1)
