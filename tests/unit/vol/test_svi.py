"""SVI: published values, conversions there and back, Durrleman's condition, bad parameters."""

from __future__ import annotations

import math

import numpy as np
import pytest
import QuantLib

from agent.errors import DataError
from agent.products.european import black76_greeks
from agent.vol.svi import (
    JumpWingsSvi,
    NaturalSvi,
    RawSvi,
    durrleman_g,
    jump_wings_of_raw,
    natural_of_raw,
    raw_of_jump_wings,
    raw_of_natural,
    repair_butterfly,
)

VOGT = RawSvi(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)


def g_of(raw, k):
    return durrleman_g(k, *raw.derivatives(k))


def as_tuple(raw):
    return (raw.a, raw.b, raw.rho, raw.m, raw.sigma)


def test_jump_wings_of_raw__vogt__published_values():
    wings = jump_wings_of_raw(VOGT, 1.0)
    assert wings.v == pytest.approx(0.01742625, abs=5e-9)
    assert wings.psi == pytest.approx(-0.1752111, abs=5e-8)
    assert wings.p == pytest.approx(0.6997381, abs=5e-8)
    assert wings.c == pytest.approx(1.316798, abs=5e-7)
    assert wings.v_min == pytest.approx(0.0116249, abs=5e-8)


def test_durrleman_g__vogt__published_minimum_and_interval():
    k = np.linspace(0.0, 1.5, 1_500_001)
    g = g_of(VOGT, k)
    assert g.min() == pytest.approx(-0.0328636, abs=5e-8)
    assert k[g.argmin()] == pytest.approx(0.87926, abs=5e-6)
    np.testing.assert_allclose(k[g < 0.0][[0, -1]], [0.64241, 1.25691], atol=5e-6)


def test_repair_butterfly__vogt__published_values_and_no_arbitrage():
    wings = repair_butterfly(jump_wings_of_raw(VOGT, 1.0))
    assert wings.c == pytest.approx(0.3493158, abs=5e-8)
    assert wings.v_min == pytest.approx(0.01548182, abs=5e-9)
    repaired = raw_of_jump_wings(wings)
    assert g_of(repaired, np.linspace(-20.0, 20.0, 400_001)).min() > 0.2
    natural = natural_of_raw(repaired)
    assert (natural.delta, natural.mu) == pytest.approx((0.0, 0.0), abs=1e-12)


def test_durrleman_g__black_price_density__has_its_sign_and_size():
    # The density of ln(S/F) is g exp(-d2^2/2) / sqrt(2 pi w): compare with a second difference of call prices.
    k, step = np.array([-0.4, 0.1, 0.5, 0.9, 1.2]), 2e-4
    strikes = np.exp(k[:, None]) + step * np.array([-1.0, 0.0, 1.0])
    vols = np.sqrt(VOGT.total_variance(np.log(strikes)))
    calls = black76_greeks(True, 1.0, strikes, 1.0, vols).value
    density_of_price = (calls @ [1.0, -2.0, 1.0]) / step**2
    w, slope, curvature = VOGT.derivatives(k)
    d2 = -k / np.sqrt(w) - 0.5 * np.sqrt(w)
    density = durrleman_g(k, w, slope, curvature) * np.exp(-0.5 * d2**2) / np.sqrt(2.0 * math.pi * w)
    np.testing.assert_allclose(density_of_price * np.exp(k), density, rtol=1e-4, atol=1e-6)
    assert (density[2:] < 0.0).any()


def test_derivatives__vogt__equal_finite_differences():
    k, step = np.linspace(-2.0, 2.0, 41), 1e-5
    w, slope, curvature = VOGT.derivatives(k)
    up, down = VOGT.total_variance(k + step), VOGT.total_variance(k - step)
    np.testing.assert_allclose(slope, (up - down) / (2 * step), atol=1e-9)
    np.testing.assert_allclose(curvature, (up - 2 * w + down) / step**2, atol=1e-5)


def test_total_variance__any_strike__equals_quantlib():
    section = QuantLib.SviSmileSection(1.0, 100.0, [VOGT.a, VOGT.b, VOGT.sigma, VOGT.rho, VOGT.m])
    for strike in (40.0, 90.0, 100.0, 110.0, 250.0):
        ours = float(VOGT.total_variance(math.log(strike / 100.0)))
        assert ours == pytest.approx(section.variance(strike), rel=1e-12)


@pytest.mark.parametrize(
    "raw",
    [
        VOGT,
        RawSvi(0.02, 0.1, 0.0, 0.0, 0.2),
        RawSvi(0.02, 0.1, -0.7, -0.2, 0.3),
        RawSvi(0.001, 0.03, 0.0, 0.05, 0.06),
        RawSvi(0.02, 0.1, 0.5, -0.4, 0.01),
    ],
)
def test_conversions__there_and_back__same_slice(raw):
    assert as_tuple(raw_of_natural(natural_of_raw(raw))) == pytest.approx(as_tuple(raw), rel=1e-12, abs=1e-15)
    if raw.m != 0.0:
        back = raw_of_jump_wings(jump_wings_of_raw(raw, 0.25))
        assert as_tuple(back) == pytest.approx(as_tuple(raw), rel=1e-8, abs=1e-10)


def test_natural__same_slice__same_variance():
    natural, k = natural_of_raw(VOGT), np.linspace(-1.0, 1.0, 11)
    x = natural.zeta * (k - natural.mu)
    inside = 1.0 + natural.rho * x + np.sqrt((x + natural.rho) ** 2 + 1.0 - natural.rho**2)
    np.testing.assert_allclose(natural.delta + 0.5 * natural.omega * inside, VOGT.total_variance(k), rtol=1e-12)


def test_raw_of_jump_wings__minimum_at_the_money__keeps_all_five_numbers():
    wings = JumpWingsSvi(v=0.25, psi=0.0, p=0.4, c=0.4, v_min=0.25, tau_years=0.5)
    assert jump_wings_of_raw(raw_of_jump_wings(wings), 0.5) == wings


def test_least_variance__fine_grid__is_the_minimum():
    assert VOGT.total_variance(np.linspace(-1, 2, 300_001)).min() == pytest.approx(VOGT.least_variance, rel=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RawSvi(0.1, -0.1, 0.0, 0.0, 0.1), "b is -0.1; expected >= 0"),
        (lambda: RawSvi(0.1, 0.1, 1.0, 0.0, 0.1), "rho is 1.0; expected between -1 and 1"),
        (lambda: RawSvi(0.1, 0.1, 0.0, 0.0, 0.0), "sigma is 0.0; expected > 0"),
        (lambda: RawSvi(-0.1, 0.1, 0.0, 0.0, 0.1), "expected >= 0, the least total variance"),
        (lambda: RawSvi(math.nan, 0.1, 0.0, 0.0, 0.1), "a is nan; expected finite"),
        (lambda: NaturalSvi(0.0, 0.0, 0.0, 0.1, 0.0), "zeta is 0.0; expected > 0"),
        (lambda: JumpWingsSvi(0.1, -0.3, 0.5, 0.5, 0.05, 1.0), "psi is -0.3; expected between"),
        (lambda: JumpWingsSvi(0.1, 0.0, 0.5, 0.5, 0.2, 1.0), "v_min is 0.2; expected between"),
        (lambda: JumpWingsSvi(0.1, 0.0, 0.5, 0.5, 0.05, 0.0), "tau_years is 0.0"),
    ],
)
def test_parameters__out_of_range__named(make, message):
    with pytest.raises(DataError, match=message):
        make()
