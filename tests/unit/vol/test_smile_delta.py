"""Smile-consistent deltas: against moved prices, known dynamics found again, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from chain_samples import SMOOTH

from agent.errors import DataError
from agent.products.european import black76_greeks
from agent.vol.bumps import no_bumps
from agent.vol.smile_delta import MinimumVarianceModel, fit_minimum_variance, smile_deltas
from agent.vol.surface import VolSurface

SURFACE = VolSurface(SMOOTH.tau_years, SMOOTH.raw_slices(), no_bumps(4))
STRIKES = np.array([60.0, 90.0, 100.0, 115.0, 160.0])
IS_CALL = np.array([False, False, True, True, True])
FLAT = VolSurface(np.array([1.0]), np.array([[0.25, 1e-12, 0.0, 0.0, 1.0]]), no_bumps(1))


def value(forward, tau, smile_at):
    vols = SURFACE.vol_annual(np.log(STRIKES / smile_at), tau)
    return black76_greeks(IS_CALL, forward, STRIKES, tau, vols).value


@pytest.mark.parametrize("tau", [0.01, 0.1, 0.4, 1.5])
def test_smile_deltas__price_moved__sticky_strike_keeps_each_strikes_vol(tau):
    step = 1e-3
    slope = (value(100.0 + step, tau, 100.0) - value(100.0 - step, tau, 100.0)) / (2.0 * step)
    np.testing.assert_allclose(smile_deltas(SURFACE, IS_CALL, 100.0, STRIKES, tau).sticky_strike, slope, atol=1e-7)


@pytest.mark.parametrize("tau", [0.01, 0.1, 0.4, 1.5])
def test_smile_deltas__price_moved__sticky_delta_moves_the_smile_along(tau):
    step = 1e-3
    up, down = value(100.0 + step, tau, 100.0 + step), value(100.0 - step, tau, 100.0 - step)
    answer = smile_deltas(SURFACE, IS_CALL, 100.0, STRIKES, tau)
    np.testing.assert_allclose(answer.sticky_delta, (up - down) / (2.0 * step), atol=1e-7)
    assert (answer.vega_usd > 0.0).all()


def test_smile_deltas__flat_smile__all_equal_black():
    answer = smile_deltas(FLAT, IS_CALL, 100.0, STRIKES, 1.0)
    black = black76_greeks(IS_CALL, 100.0, STRIKES, 1.0, 0.5).delta
    np.testing.assert_allclose(answer.sticky_strike, black, atol=1e-11)
    np.testing.assert_allclose(answer.sticky_delta, black, atol=1e-9)


def test_smile_deltas__falling_skew__sticky_delta_is_larger():
    answer = smile_deltas(SURFACE, True, 100.0, 100.0, 0.25)
    assert answer.sticky_delta > answer.sticky_strike


def test_minimum_variance__formula__by_hand():
    model = MinimumVarianceModel(-0.2, -0.3, 0.1, 0.0)
    expected = 0.6 + 25.0 / (100.0 * math.sqrt(0.25)) * (-0.2 - 0.3 * 0.6 + 0.1 * 0.36)
    assert model.delta(0.6, 25.0, 100.0, 0.25) == pytest.approx(expected, rel=1e-14)


def history(noise, seed=2, size=4000):
    """Changes of calls whose vols move with the price as the quadratic says, plus noise in vol."""
    rng = np.random.default_rng(seed)
    tau = rng.uniform(0.05, 1.0, size)
    strike = 100.0 * np.exp(rng.normal(0.0, 0.5, size) * np.sqrt(tau))
    greeks = black76_greeks(True, 100.0, strike, tau, 0.6)
    change = 100.0 * 0.01 * rng.standard_normal(size)
    d, truth = greeks.delta, (-0.25, -0.4, 0.2)
    vol_change = change / 100.0 / np.sqrt(tau) * (truth[0] + truth[1] * d + truth[2] * d * d)
    vol_change += noise * rng.standard_normal(size)
    fields = (d, greeks.vega, np.full(size, 100.0), tau, change, d * change + greeks.vega * vol_change)
    return fields, truth


def test_fit_minimum_variance__exact_dynamics__finds_them():
    fields, truth = history(noise=0.0)
    model = fit_minimum_variance(*fields)
    assert (model.a, model.b, model.c) == pytest.approx(truth, abs=1e-10)
    assert model.gain == pytest.approx(1.0, abs=1e-12)


def test_fit_minimum_variance__noisy_dynamics__hedges_better_out_of_sample():
    fields, _ = history(noise=0.005)
    model = fit_minimum_variance(*fields)
    (d, vega, spot, tau, change, moved), _ = history(noise=0.005, seed=3)
    plain, better = moved - d * change, moved - model.delta(d, vega, spot, tau) * change
    assert 0.05 < model.gain < 1.0
    assert 1.0 - np.sum(better**2) / np.sum(plain**2) == pytest.approx(model.gain, abs=0.05)


def test_fit_minimum_variance__vols_that_never_moved__changes_nothing():
    (d, vega, spot, tau, change, _), _ = history(noise=0.0)
    model = fit_minimum_variance(d, vega, spot, tau, change, d * change)
    assert (model.a, model.b, model.c, model.gain) == pytest.approx((0.0, 0.0, 0.0, 0.0), abs=1e-12)


@pytest.mark.parametrize(
    ("column", "row", "number", "message"),
    [
        (0, 3, math.nan, "row 3: black_delta is nan"),
        (2, 5, 0.0, "row 5: spot_usd is 0.0"),
        (3, 0, -1.0, "row 0: tau_years is -1.0"),
        (5, 2, math.inf, "row 2: value_change_usd is inf"),
    ],
)
def test_fit_minimum_variance__bad_number__named(column, row, number, message):
    fields = [np.array(field) for field in history(noise=0.0, size=50)[0]]
    fields[column][row] = number
    with pytest.raises(DataError, match=message):
        fit_minimum_variance(*fields)


def test_fit_minimum_variance__too_few_or_too_alike__refused():
    fields, _ = history(noise=0.0, size=60)
    with pytest.raises(DataError, match="10 observations of option changes; expected at least 30"):
        fit_minimum_variance(*(field[:10] for field in fields))
    with pytest.raises(DataError, match="too few different deltas"):
        fit_minimum_variance(np.full(60, 0.5), *fields[1:])
    with pytest.raises(DataError, match="spot_change_usd has shape"):
        fit_minimum_variance(*fields[:4], fields[4][:5], fields[5])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((SURFACE, IS_CALL, -100.0, STRIKES, 0.1), "row 0: forward_usd is -100"),
        ((SURFACE, IS_CALL, 100.0, STRIKES, [0.1, 0.1, 0.0, 0.1, 0.1]), "row 2: tau_years is 0"),
        ((SURFACE, [1, 0, 1, 0, 1], 100.0, STRIKES, 0.1), "is_call has type"),
    ],
)
def test_smile_deltas__bad_input__named(fields, message):
    with pytest.raises(DataError, match=message):
        smile_deltas(*fields)
