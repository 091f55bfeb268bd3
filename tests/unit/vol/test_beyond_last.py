"""After the last expiry no butterfly costs less than nothing, however uneven the smile there is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from agent.products.european import black76_greeks
from agent.vol.arbitrage import check_arbitrage
from agent.vol.beyond_last import spread_variance, spread_variance_and_slope
from agent.vol.quotes import chain_quotes
from agent.vol.surface_fit import calibrate_surface

FORWARD, LAST = 100.0, 0.8
STRIKES = np.array([40.0, 60.0, 80.0, 100.0, 120.0, 150.0, 200.0, 300.0, 450.0])
UNEVEN = np.array([0.79, 0.72, 0.80, 0.70, 0.73, 0.78, 0.76, 0.75, 1.11])
TIMES = (0.84, 1.0, 1.6, 2.4, 8.0)


def surface_of(vols):
    return calibrate_surface(chain_quotes(FORWARD, STRIKES, LAST, vols - 0.01, vols + 0.01)).surface


def calls(surface, strikes, tau):
    stdev = np.sqrt(surface.total_variance(np.log(strikes / FORWARD), tau))
    return black76_greeks(True, FORWARD, strikes, 1.0, stdev).value


@pytest.fixture(scope="module")
def uneven():
    return surface_of(UNEVEN)


def test_total_variance__uneven_smile_at_twice_the_time__butterfly_costs_something(uneven):
    """With the last smile moved up in parallel the 516/536/556 butterfly cost -$0.010."""
    assert uneven.spreads_prices
    low, middle, high = calls(uneven, np.array([516.0, 536.0, 556.0]), 1.6)
    assert low - 2.0 * middle + high > 0.0


@pytest.mark.parametrize("seed", range(12))
def test_total_variance__noisy_smiles__no_butterfly_and_no_calendar_after_the_last(seed):
    surface = surface_of(0.75 + 0.1 * np.random.default_rng(seed).standard_normal(STRIKES.size))
    k, before = np.linspace(-2.0, 2.5, 401), None
    for tau in (LAST, *TIMES):
        reach = 6.0 * float(np.sqrt(surface.total_variance(0.0, tau)))
        strikes = np.linspace(FORWARD * np.exp(-reach), FORWARD * min(np.exp(reach), 40.0), 2_001)
        assert np.diff(calls(surface, strikes, tau), 2).min() > -1e-10
        variance = surface.total_variance(k, tau)
        assert before is None or (variance > before).all()
        before = variance


def test_total_variance__just_after_the_last__goes_on_from_it(uneven):
    k = np.linspace(-1.0, 1.5, 26)
    at, after = uneven.total_variance(k, LAST), uneven.total_variance(k, LAST * (1.0 + 1e-9))
    assert after == pytest.approx(at, rel=1e-6)


def test_total_variance__flat_smile__is_not_spread_and_stays_flat():
    flat = surface_of(np.full(STRIKES.size, 0.6))
    assert not flat.spreads_prices
    assert flat.vol_annual(np.linspace(-1.0, 1.0, 9), 2.0) == pytest.approx(0.6, abs=1e-3)


def test_check_arbitrage__after_the_last__is_looked_at(uneven):
    report = check_arbitrage(uneven)
    assert report.is_free
    assert report.later_density > -1e-4


def test_spread_variance__flat_smile__adds_the_variance():
    k = np.array([-1.0, 0.0, 0.7])
    found = spread_variance(lambda at: np.full(at.shape, 0.25), k, np.full(3, 0.3))
    assert found == pytest.approx(0.55, rel=1e-9)


@pytest.mark.parametrize("k", [-0.8, 0.0, 0.6])
def test_spread_variance__uneven_smile__is_the_integral(uneven, k):
    """The call on the product of the last price and a lognormal factor, integrated over the factor."""
    delta = 0.35

    def call(at):
        stdev = float(np.sqrt(uneven.total_variance(at, LAST)))
        return float(black76_greeks(True, 1.0, np.exp(at), 1.0, stdev).value)

    def integrand(z):
        log_m = np.sqrt(delta) * z - 0.5 * delta
        return norm.pdf(z) * np.exp(log_m) * call(k - log_m)

    expected = quad(integrand, -9.0, 9.0, limit=400, epsabs=1e-12)[0]
    (variance,) = spread_variance(lambda at: uneven.total_variance(at, LAST), np.array([k]), np.array([delta]))
    found = float(black76_greeks(True, 1.0, np.exp(k), 1.0, np.sqrt(variance)).value)
    assert found == pytest.approx(expected, abs=2e-5)


def test_spread_variance_and_slope__difference__is_the_slope(uneven):
    k, delta = np.linspace(-0.9, 0.9, 7), np.full(7, 0.4)

    def at(points):
        return uneven.total_variance(points, LAST)

    _, slope = spread_variance_and_slope(at, k, delta)
    wide = (spread_variance(at, k + 1e-3, delta) - spread_variance(at, k - 1e-3, delta)) / 2e-3
    assert slope == pytest.approx(wide, abs=1e-5)
