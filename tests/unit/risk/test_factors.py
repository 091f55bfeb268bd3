"""Exposure by factor: sums, buckets, venues, finite differences, bad input."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from agent.errors import DataError
from agent.products.european import black76_greeks
from agent.risk.exposure import LiveOptions
from agent.risk.factors import EXPIRY_EDGES_YEARS, VenuePosition, factor_exposure
from agent.risk.positions import NO_OPTIONS

SPOT = 3_000.0
DAY = 1.0 / 365.0
OPTIONS = LiveOptions(
    np.array([True, False, True, False]),
    np.array([3_100.0, 2_800.0, 3_000.0, 2_000.0]),
    np.array([0.5 * DAY, 7.0 * DAY, 20.0 * DAY, 1.5]),
    np.array([0.9, 0.8, 0.7, 0.6]),
    np.array([-3.0, 2.0, -5.0, 1.0]),
)
VENUES = (
    VenuePosition("curie", 4.0, 3_003.0, 3_000.0, 0.10),
    VenuePosition("synthetix", -1.5, 2_990.0, 3_000.0, -0.05),
)


def book_value(spot=SPOT, vol_shift=0.0, elapsed=0.0, rate=0.0, basis=0.0):
    """Value of the options with every forward at spot x (1 + basis x tau)."""
    o = OPTIONS
    forward = spot * (1.0 + basis * o.tau_years)
    value = black76_greeks(o.is_call, forward, o.strike_usd, o.tau_years - elapsed, o.iv_annual + vol_shift, rate).value
    return float(o.quantity @ value)


def slope(field, step):
    return (book_value(**{field: step}) - book_value(**{field: -step})) / (2 * step)


def test_factor_exposure__every_factor__is_the_finite_difference_of_the_value():
    found = factor_exposure(OPTIONS, SPOT, 2.0, VENUES)
    up, down = book_value(SPOT + 0.1), book_value(SPOT - 0.1)
    assert found.delta == pytest.approx((up - down) / 0.2 + 2.0 + 2.5, rel=1e-6)
    assert found.gamma_per_usd == pytest.approx((up - 2 * book_value() + down) / 0.01, rel=1e-5)
    assert found.vega_usd_per_vol == pytest.approx(slope("vol_shift", 1e-5), rel=1e-7)
    assert found.theta_usd_per_year == pytest.approx(slope("elapsed", 1e-7), rel=1e-5)
    assert found.rho_usd_per_rate == pytest.approx(slope("rate", 1e-5), rel=1e-7)
    assert found.volga_usd_per_vol2 == pytest.approx(
        (book_value(vol_shift=1e-3) - 2 * book_value() + book_value(vol_shift=-1e-3)) / 1e-6, rel=1e-4
    )
    cross = [book_value(SPOT + s * 0.1, v * 1e-4) for s, v in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    assert found.vanna_per_vol == pytest.approx((cross[0] - cross[1] - cross[2] + cross[3]) / 4e-5, rel=1e-4)
    assert sum(bucket.carry_usd_per_basis for bucket in found.by_expiry) == pytest.approx(
        slope("basis", 1e-6), rel=1e-6
    )


def test_factor_exposure__buckets__hold_each_leg_once_upper_end_included():
    found = factor_exposure(OPTIONS, SPOT, 0.0, ())
    assert [bucket.legs for bucket in found.by_expiry] == [1, 1, 1, 0, 0, 1]
    assert found.by_expiry[1].to_years == 7.0 * DAY
    assert (found.by_expiry[-1].from_years, found.by_expiry[-1].to_years) == (EXPIRY_EDGES_YEARS[-1], None)
    assert sum(bucket.vega_usd_per_vol for bucket in found.by_expiry) == pytest.approx(
        found.vega_usd_per_vol, rel=1e-14
    )
    assert sum(bucket.gamma_per_usd for bucket in found.by_expiry) == pytest.approx(found.gamma_per_usd, rel=1e-14)
    weekly = black76_greeks(False, SPOT, 2_800.0, 7.0 * DAY, 0.8)
    assert found.by_expiry[1].vega_usd_per_vol == pytest.approx(2.0 * float(weekly.vega), rel=1e-14)


def test_factor_exposure__venues__long_pays_positive_funding():
    curie, synthetix = factor_exposure(OPTIONS, SPOT, 0.0, VENUES).by_venue
    assert curie.notional_usd == 4.0 * 3_003.0
    assert curie.basis_ratio == pytest.approx(0.001)
    assert curie.basis_usd_per_ratio == 12_000.0
    assert curie.funding_usd_per_year == pytest.approx(-4.0 * 3_003.0 * 0.10)
    assert curie.funding_usd_per_rate == -4.0 * 3_003.0
    assert synthetix.funding_usd_per_year == pytest.approx(-1.5 * 2_990.0 * 0.05)
    both = factor_exposure(NO_OPTIONS, SPOT, 0.0, VENUES)
    assert both.funding_usd_per_year == curie.funding_usd_per_year + synthetix.funding_usd_per_year
    assert (both.delta, both.vega_usd_per_vol, both.gamma_per_usd) == (2.5, 0.0, 0.0)


@pytest.mark.parametrize("field", ["size", "mark_price_usd", "index_price_usd", "funding_rate_annual"])
def test_factor_exposure__bad_venue_number__is_named_by_venue_row_and_field(field):
    bad = (VENUES[0], replace(VENUES[1], **{field: math.nan}))
    with pytest.raises(DataError, match=rf"{field} of venue synthetix \(row 1\) is nan"):
        factor_exposure(OPTIONS, SPOT, 0.0, bad)


def test_factor_exposure__venue_twice__is_refused():
    with pytest.raises(DataError, match="row 1: venue is 'curie', already given in row 0"):
        factor_exposure(OPTIONS, SPOT, 0.0, (VENUES[0], VENUES[0]))


@pytest.mark.parametrize("edges", [[], [0.0, 1.0], [0.2, 0.1], [0.1, math.nan]])
def test_factor_exposure__bad_edges__are_refused(edges):
    with pytest.raises(DataError, match="expiry_edges_years is"):
        factor_exposure(OPTIONS, SPOT, 0.0, (), edges)


@pytest.mark.parametrize(("spot", "held", "name"), [(-1.0, 0.0, "spot_usd"), (SPOT, math.nan, "holding_quantity")])
def test_factor_exposure__bad_number__is_named(spot, held, name):
    with pytest.raises(DataError, match=name):
        factor_exposure(OPTIONS, spot, held, ())
