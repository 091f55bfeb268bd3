"""Surfaces: corrections, prices in logarithms, what lies between and beyond expiries, and the arbitrage check."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.interpolate import BSpline

from agent.errors import DataError
from agent.products.european import black76_greeks
from agent.vol.arbitrage import check_arbitrage
from agent.vol.bumps import PIECES, Bumps, no_bumps, splines_around
from agent.vol.log_black import log_otm_price, stdev_between
from agent.vol.quotes import ChainQuotes
from agent.vol.surface import VolSurface
from agent.vol.surface_fit import calibrate_surface
from tests.support.chain_samples import SMOOTH

PLAIN = VolSurface(SMOOTH.tau_years, SMOOTH.raw_slices(), no_bumps(4))
BUMPY = VolSurface(
    SMOOTH.tau_years,
    SMOOTH.raw_slices(),
    Bumps(np.full(4, -0.6), np.full(4, 0.15), 1e-4 * np.array([[1.0, -2.0, 1.5, 0.5, -1.0]] * 4)),
)


def test_bumps__any_coefficients__equal_scipy_splines():
    coefficients, start, step = np.array([1.0, -2.0, 0.5, 3.0, 1.5]), -0.3, 0.2
    knots = start + step * np.arange(coefficients.size + PIECES)
    k = np.linspace(-0.6, 1.8, 977)
    bumps = Bumps(np.array([start]), np.array([step]), coefficients[None])
    answers = bumps.at(np.zeros(k.size, dtype=np.intp), k)
    for order, answer in enumerate(answers):
        np.testing.assert_allclose(answer, sum_of_splines(coefficients, knots, k, order), atol=1e-9)
    assert bumps.end[0] == pytest.approx(knots[-1])


def sum_of_splines(coefficients, knots, k, order):
    """Sum of whole splines, one by one: SciPy's base interval leaves out the ends, where not all four overlap."""
    total = np.zeros_like(k)
    for index, coefficient in enumerate(coefficients):
        element = BSpline.basis_element(knots[index : index + PIECES + 1], extrapolate=False)
        total += coefficient * np.nan_to_num(element(k, nu=order))
    return total


def test_splines_around__at_points__add_up_to_the_correction():
    start, step, coefficients = np.array([-0.6, -0.2]), np.array([0.15, 0.05]), np.arange(12.0).reshape(2, 6) - 4.0
    k = np.array([np.linspace(-0.7, 1.0, 41), np.linspace(-0.3, 0.4, 41)])
    splines, first = splines_around(start, step, 6, k)
    rows = np.broadcast_to(np.arange(2)[:, None], k.shape)
    bumps = Bumps(start, step, coefficients)
    near = np.take_along_axis(coefficients[:, None, :].repeat(41, 1), first[..., None] + np.arange(PIECES), axis=2)
    for order, expected in enumerate(bumps.at(rows, k)):
        np.testing.assert_allclose(np.sum(splines[:, :, order] * near, axis=-1), expected, atol=1e-9)


def test_log_otm_price__where_floats_reach__equals_black():
    k, stdev = np.array([-1.5, -0.2, 0.0, 0.3, 2.0]), np.array([0.4, 0.1, 0.05, 0.6, 1.0])
    price = black76_greeks(k >= 0.0, 1.0, np.exp(k), 1.0, stdev).value
    np.testing.assert_allclose(log_otm_price(k, stdev), np.log(price), rtol=1e-12)


def test_stdev_between__far_beyond_floats__gives_it_back():
    k = np.array([-30.0, -3.0, -0.1, 0.0, 0.5, 5.0, 30.0])
    stdev = np.array([0.1, 0.05, 0.02, 0.3, 0.4, 0.1, 0.9])
    answer = stdev_between(k, log_otm_price(k, stdev), 0.7 * stdev, 1.5 * stdev)
    np.testing.assert_allclose(answer, stdev, rtol=1e-11)


def test_total_variance__on_an_expiry__is_the_slice():
    k = np.linspace(-0.8, 0.8, 9)
    for index, tau in enumerate(SMOOTH.tau_years):
        expected = BUMPY.slice_derivatives(np.full(9, index), k)[0]
        np.testing.assert_array_equal(BUMPY.total_variance(k, tau), expected)
    np.testing.assert_allclose(PLAIN.total_variance(k, 0.25), SMOOTH.total_variance(k, 0.25), rtol=1e-13)


def test_total_variance__next_to_an_expiry__prices_continuous():
    # Prices, not vols: far out a price a millionth of the later expiry's is worth a vol well above the earlier one's.
    k = np.linspace(-1.5, 1.5, 31)
    for tau in SMOOTH.tau_years:
        prices = [
            np.exp(log_otm_price(k, np.sqrt(BUMPY.total_variance(k, tau * step)))) for step in (1 - 1e-9, 1 + 1e-9)
        ]
        np.testing.assert_allclose(*prices, atol=1e-9)


@pytest.mark.parametrize("tau", [0.001, 0.01, 0.02, 0.05, 0.17, 0.6, 0.999, 1.5, 10.0])
def test_total_variance__any_time__call_prices_are_convex_and_rise_in_time(tau):
    strikes = np.linspace(0.05, 6.0, 4001)
    k = np.log(strikes)

    def calls(at):
        return black76_greeks(True, 1.0, strikes, 1.0, np.sqrt(BUMPY.total_variance(k, at))).value

    now = calls(tau)
    assert np.diff(now, 2).min() > -1e-13
    assert (calls(tau * 1.01) - now).min() > -1e-14


@pytest.mark.parametrize("tau", [0.01, 0.02, 0.06, 0.5, 3.0])
def test_vol_slope__any_time__equals_finite_difference(tau):
    k, step = np.linspace(-1.2, 1.2, 25), 1e-5
    slope = (BUMPY.vol_annual(k + step, tau) - BUMPY.vol_annual(k - step, tau)) / (2.0 * step)
    np.testing.assert_allclose(BUMPY.vol_slope(k, tau), slope, atol=2e-7)


def test_total_variance__between_expiries_at_money__straight_in_time_to_second_order():
    theta = BUMPY.at_money_variance
    middle = BUMPY.total_variance(0.0, 0.5 * (0.1 + 0.25))
    assert middle == pytest.approx(0.5 * (theta[1] + theta[2]), rel=2e-3)


@pytest.mark.parametrize("vol", [0.05, 0.6, 3.0, 30.0])
@pytest.mark.parametrize("days", [31.0, 60.0, 89.9])
def test_vol_annual__flat_at_both_expiries__is_flat_between(vol, days):
    """60 % at 30 and 90 days gave 62.1, 66.1 and 68.9 % at one, two and three deviations; 3,000 % gave 3,873 %."""
    tau = np.array([30.0, 90.0, 365.0]) / 365.0
    flat = VolSurface(tau, np.array([[vol**2 * years, 0.0, 0.0, 0.0, 1.0] for years in tau]), no_bumps(3))
    k = vol * math.sqrt(days / 365.0) * np.linspace(-6.0, 6.0, 25)
    np.testing.assert_allclose(flat.vol_annual(k, days / 365.0), vol, rtol=1e-13)
    np.testing.assert_allclose(flat.vol_slope(k, days / 365.0), 0.0, atol=1e-12)


@pytest.mark.parametrize("surface", [PLAIN, BUMPY])
def test_total_variance__between_expiries__is_straight_in_time(surface):
    k = np.linspace(-1.0, 1.0, 41)
    start, end = surface.tau_years[1:3]
    low, high = (surface.total_variance(k, tau) for tau in (start, end))
    for part in (0.1, 0.5, 0.9):
        between = surface.total_variance(k, start + part * (end - start))
        np.testing.assert_allclose(between, low + part * (high - low), rtol=1e-12)
    assert not surface.mixes_prices.any()


def test_total_variance__straight_line_would_be_a_butterfly__prices_are_mixed():
    """Slices between which w straight in time is not convex: a slice of Vogt's, and one above it."""
    vogt = [-0.0410, 0.1331, 0.3060, 0.3586, 0.4153]
    surface = VolSurface(np.array([1.0, 2.0]), np.array([vogt, [0.2, *vogt[1:]]]), no_bumps(2))
    assert surface.mixes_prices.tolist() == [True]
    k = np.linspace(-1.0, 1.0, 21)
    stdevs = [np.sqrt(surface.total_variance(k, tau)) for tau in (1.0, 1.4, 2.0)]
    low, price, high = (np.exp(log_otm_price(k, stdev)) for stdev in stdevs)
    share = (price - low) / (high - low)
    np.testing.assert_allclose(share, share[0], rtol=1e-6)  # one weight for all strikes
    assert 0.0 < share[0] < 1.0
    slope = (surface.vol_annual(k + 1e-5, 1.4) - surface.vol_annual(k - 1e-5, 1.4)) / 2e-5
    np.testing.assert_allclose(surface.vol_slope(k, 1.4), slope, atol=2e-7)


def test_total_variance__mixed_strikes_and_times__broadcasts():
    table = BUMPY.total_variance(np.linspace(-0.5, 0.5, 5), np.array([[0.01], [0.1], [0.3], [2.0]]))
    assert table.shape == (4, 5)
    assert table[2, 1] == BUMPY.total_variance(-0.25, 0.3)


@pytest.mark.parametrize(
    ("k", "tau", "message"),
    [
        ([0.0, math.nan], 0.1, "row 1: log_moneyness is nan"),
        ([0.0, 0.1], [0.1, -0.1], "row 1: tau_years is -0.1"),
        ([0.0, 0.1], [0.1, 0.2, 0.3], "shapes do not broadcast"),
    ],
)
def test_total_variance__bad_input__named(k, tau, message):
    with pytest.raises(DataError, match=message):
        BUMPY.vol_annual(k, tau)


def test_check_arbitrage__ssvi__free():
    report = check_arbitrage(PLAIN)
    assert report.is_free
    assert not report.guilty().any()
    assert report.calendar_rise.shape == (3,)


def test_check_arbitrage__vogt_slice__names_it():
    raw = np.array([[-0.0410, 0.1331, 0.3060, 0.3586, 0.4153]])
    report = check_arbitrage(VolSurface(np.array([1.0]), raw, no_bumps(1)), 20_000)
    assert not report.is_free
    assert report.density[0] == pytest.approx(-0.0328636, abs=1e-6)
    assert report.density_log_moneyness[0] == pytest.approx(0.87926, abs=1e-3)


def test_check_arbitrage__expiries_crossing_at_one_strike__names_the_pair():
    raw = SMOOTH.raw_slices()
    raw[1, 0] += 0.07
    report = check_arbitrage(VolSurface(SMOOTH.tau_years, raw, no_bumps(4)))
    assert report.guilty().tolist() == [False, True, True, False]
    assert report.calendar_rise.min() < 0.0


def test_check_arbitrage__worst_strikes__of_each_expiry_and_its_rise():
    raw = SMOOTH.raw_slices()
    raw[2, 0] -= 0.05
    surface = VolSurface(SMOOTH.tau_years, raw, no_bumps(4))
    report = check_arbitrage(surface)
    worst = report.worst_log_moneyness
    assert worst.shape == (4, 2)
    np.testing.assert_array_equal(worst[:, 0], report.density_log_moneyness)
    rows = np.arange(1, 4)
    earlier, later = (surface.slice_derivatives(rows - back, worst[1:, 1])[0] for back in (1, 0))
    np.testing.assert_allclose(1.0 - earlier / later, report.calendar_rise, rtol=1e-12)


def test_check_arbitrage__wings_falling_only_far_out__found():
    raw = np.array([[0.04, 0.02, 0.0, 0.0, 0.1], [0.08, 0.0199, 0.0, 0.0, 0.1]])
    report = check_arbitrage(VolSurface(np.array([0.5, 1.0]), raw, no_bumps(2)))
    assert report.calendar_rise.min() > 0.0
    assert not report.is_free


def test_check_arbitrage__wing_too_steep__found():
    raw = np.array([[0.2, 2.05, 0.0, 0.0, 3.0]])
    assert check_arbitrage(VolSurface(np.array([1.0]), raw, no_bumps(1))).guilty().tolist() == [True]


def test_check_arbitrage__correction_too_rough__found():
    rough = Bumps(np.full(4, -0.2), np.full(4, 0.02), np.full((4, 6), 5e-3) * np.array([1, -1, 1, -1, 1, -1]))
    report = check_arbitrage(VolSurface(SMOOTH.tau_years, SMOOTH.raw_slices(), rough), 10)
    assert (report.density < 0.0).all()


def test_check_arbitrage__too_few_points__refused():
    with pytest.raises(DataError, match="points is 5"):
        check_arbitrage(PLAIN, 5)


NEAR_SMILE = {-1.2775: 0.6575, -0.9511: 0.61959, -0.5689: 0.46144, -0.3497: 0.51385, 0.0772: 0.41991, 0.1404: 0.4004}
FAR_SMILE = {-1.5961: 1.19369, -1.5875: 1.19828, -1.4261: 1.09101, -1.4197: 1.07605, -1.1691: 0.91417}


def test_total_variance__dip_of_density_between_the_looks__is_no_butterfly():
    """Noisy quotes bend a correction so that g falls below 0 over 0.1 of k around one knot, a tenth of the way."""
    ends = (
        (0.4498, NEAR_SMILE | {0.5925: 0.39335, 1.2012: 0.27677}),
        (1.7652, FAR_SMILE | {-0.9479: 0.80033, -0.2276: 0.57998, 0.8265: 0.64669}),
    )
    tau, k, vol = (np.array(part) for part in zip(*((t, k, v) for t, own in ends for k, v in own.items()), strict=True))
    spread = 0.01
    quotes = ChainQuotes(tau, k, vol - spread, vol + spread, vol, vol - spread, vol + spread)
    surface = calibrate_surface(quotes).surface
    looks = np.linspace(-1.0, 1.0, 2_001)
    for part in (0.05, 0.1, 0.3, 0.9):
        stdev = np.sqrt(surface.total_variance(looks, 0.4498 + part * (1.7652 - 0.4498)))
        call = black76_greeks(True, 1.0, np.exp(looks), 1.0, stdev).value
        assert np.diff(np.diff(call) / np.diff(np.exp(looks))).min() > -1e-9
