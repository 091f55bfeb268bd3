"""Laws of SVI, of prices in logarithms and of calibrated surfaces, over random inputs."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.vol.arbitrage import check_arbitrage
from agent.vol.log_black import log_otm_price, stdev_between
from agent.vol.quotes import chain_quotes
from agent.vol.ssvi import SsviSurface
from agent.vol.surface_fit import calibrate_surface
from agent.vol.svi import RawSvi, durrleman_g, jump_wings_of_raw, natural_of_raw, raw_of_jump_wings, raw_of_natural
from agent.vol.svi_kernel import coordinates_of_raw, raw_of_coordinates

FIXED = settings(deadline=None, derandomize=True)
"""The same examples every time."""


def floats(low, high):
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


@st.composite
def slices(draw):
    b, rho, m, sigma = (
        draw(floats(1e-3, 0.9)),
        draw(floats(-0.95, 0.95)),
        draw(floats(-0.5, 0.5)),
        draw(floats(0.02, 1)),
    )
    least = draw(floats(1e-4, 0.5))
    return RawSvi(least - b * sigma * np.sqrt(1.0 - rho**2), b, rho, m, sigma)


def numbers(raw):
    return np.array([raw.a, raw.b, raw.rho, raw.m, raw.sigma])


@FIXED
@given(slices())
def test_svi__natural_and_coordinates__there_and_back(raw):
    np.testing.assert_allclose(numbers(raw_of_natural(natural_of_raw(raw))), numbers(raw), rtol=1e-9, atol=1e-12)
    back = raw_of_coordinates(coordinates_of_raw(numbers(raw)[None]))[0]
    np.testing.assert_allclose(back, numbers(raw), rtol=1e-9, atol=1e-10)


@FIXED
@given(slices(), floats(0.01, 3.0))
def test_svi__jump_wings__same_smile_there_and_back(raw, tau):
    wings = jump_wings_of_raw(raw, tau)
    assume(wings.v - wings.v_min > 1e-4 * wings.v)
    k = np.linspace(-1.0, 1.0, 21)
    np.testing.assert_allclose(raw_of_jump_wings(wings).total_variance(k), raw.total_variance(k), rtol=1e-5)


@FIXED
@given(slices(), floats(-4.0, 4.0))
def test_svi__any_strike__above_its_minimum_and_between_its_wings(raw, k):
    w, slope, curvature = (float(part) for part in raw.derivatives(k))
    assert w >= raw.least_variance - 1e-12
    assert -raw.b * (1.0 - raw.rho) - 1e-12 <= slope <= raw.b * (1.0 + raw.rho) + 1e-12
    assert curvature > 0.0


@FIXED
@given(floats(-0.98, 0.98), floats(0.02, 1.0), floats(0.01, 0.5), floats(1e-4, 4.0), floats(1.01, 5.0))
def test_ssvi__allowed_parameters__no_arbitrage(rho, steepness, gamma, theta, rise):
    eta = steepness * 2.0 / (1.0 + abs(rho))
    surface = SsviSurface(np.array([0.1, 0.4]), np.array([theta, rise * theta]), rho, eta, gamma)
    k = np.linspace(-8.0, 8.0, 401) * np.sqrt(theta)
    for raw in surface.raw_slices():
        assert durrleman_g(k, *RawSvi(*raw).derivatives(k)).min() > -1e-10
    assert (np.diff(surface.total_variance(k, [[0.05], [0.1], [0.2], [0.4], [1.0]]), axis=0) > 0.0).all()


@FIXED
@given(floats(-20.0, 20.0), floats(0.01, 2.0), floats(0.4, 1.0), floats(1.0, 2.5))
def test_stdev_between__any_bracket__inverts_the_price(k, stdev, below, above):
    rows = np.array([k])
    answer = stdev_between(
        rows, log_otm_price(rows, np.array([stdev])), rows * 0 + stdev * below, rows * 0 + stdev * above
    )
    np.testing.assert_allclose(answer, stdev, rtol=1e-7)


@FIXED
@given(floats(-5.0, 5.0), floats(0.02, 1.5), floats(1.001, 2.0))
def test_log_otm_price__more_variance__dearer(k, stdev, factor):
    low, high = log_otm_price(np.array([k, k]), np.array([stdev, factor * stdev]))
    assert high > low


@st.composite
def chains(draw):
    """Quotes with no regard for arbitrage: any smile, any term structure, missing sides, wide and narrow spreads."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    expiries = draw(st.integers(1, 5))
    taus = np.cumsum(rng.uniform(0.002, 0.4, expiries))
    rows = []
    for tau in taus:
        count = int(rng.integers(1, 25))
        stdev = rng.uniform(0.2, 1.5) * np.sqrt(tau)
        k = stdev * np.sort(rng.uniform(-4.0, 4.0, count))
        vol = stdev / np.sqrt(tau) * (1.0 + rng.normal(0.0, 0.1) * k / stdev + rng.uniform(0, 0.08) * (k / stdev) ** 2)
        vol = np.maximum(vol * np.exp(draw(floats(0.0, 0.1)) * rng.standard_normal(count)), 0.02)
        half = vol * rng.uniform(0.001, 0.3, count)
        bid = np.where(rng.random(count) < 0.15, np.nan, vol - half)
        ask = np.where(rng.random(count) < 0.15, np.nan, vol + half)
        mark = np.where(rng.random(count) < 0.5, np.nan, vol)
        rows += list(zip(np.full(count, tau), k, bid, ask, mark, strict=True))
    tau, k, bid, ask, mark = np.array(rows).T
    assume(np.isfinite(np.concatenate([bid, ask, mark])).any())
    return chain_quotes(1.0, np.exp(k), tau, bid, ask, mark)


@settings(FIXED, max_examples=40)
@given(chains())
def test_calibrate_surface__any_quotes__no_arbitrage(quotes):
    surface = calibrate_surface(quotes).surface
    assert check_arbitrage(surface, 4000).is_free
    k = np.linspace(-3.0, 3.0, 61)
    times = np.unique(np.concatenate([surface.tau_years * factor for factor in (0.5, 0.9, 1.0, 1.3)]))
    variances = surface.total_variance(k, times[:, None])
    assert np.isfinite(variances).all()
    assert (np.diff(variances, axis=0) > 0.0).all()
