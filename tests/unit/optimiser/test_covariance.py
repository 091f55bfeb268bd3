"""Covariance of the factors: closed form against simulation, scenarios against their definition, and bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import DataError
from agent.optimiser.covariance import covariance_of_moves, factor_covariance, gaussian_covariance


def joint_moves(rho, stdev_usd, stdev_vol, scenarios, seed=7):
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(2, scenarios))
    return stdev_usd * normal[0], stdev_vol * (rho * normal[0] + math.sqrt(1.0 - rho**2) * normal[1])


@pytest.mark.parametrize("rho", [-0.7, 0.0, 0.4])
def test_gaussian_covariance__simulated_moves__agree(rho):
    closed = gaussian_covariance(3_000.0, 0.6, 0.8, rho, 4.0)
    years = 4.0 / 365.0
    moves = joint_moves(rho, 3_000.0 * 0.6 * math.sqrt(years), 0.8 * math.sqrt(years), 1_000_000)
    sampled = covariance_of_moves(*moves, 4.0)
    units = np.sqrt(np.diag(closed.matrix))
    np.testing.assert_allclose(
        sampled.matrix / np.outer(units, units), closed.matrix / np.outer(units, units), atol=0.01
    )


def test_gaussian_covariance__no_vol_of_vol__leaves_price_alone():
    matrix = gaussian_covariance(2_000.0, 0.5, 0.0, 0.0, 1.0).matrix
    variance = (0.5 * 2_000.0) ** 2 / 365.0
    np.testing.assert_allclose(np.diag(matrix), [variance, variance**2 / 2.0, 0.0, 0.0, 0.0])


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    spot=st.floats(1.0, 1e5),
    vol=st.floats(0.01, 3.0),
    vol_of_vol=st.floats(0.0, 5.0),
    rho=st.floats(-1.0, 1.0),
    days=st.floats(0.01, 60.0),
)
def test_gaussian_covariance__any_parameters__root_reproduces_a_positive_matrix(spot, vol, vol_of_vol, rho, days):
    found = gaussian_covariance(spot, vol, vol_of_vol, rho, days)
    units = np.sqrt(np.maximum(np.diag(found.matrix), 1e-300))
    np.testing.assert_allclose(
        found.root.T @ found.root / np.outer(units, units), found.matrix / np.outer(units, units), atol=1e-9
    )


def test_covariance_of_moves__jumps__show_gamma_risk_that_normal_moves_hide():
    spot, vol = joint_moves(-0.3, 90.0, 0.04, 20_000)
    jumps = np.where(np.random.default_rng(3).random(20_000) < 0.02, -500.0, 0.0)
    calm, jumpy = covariance_of_moves(spot, vol, 1.0), covariance_of_moves(spot + jumps, vol, 1.0)
    by_delta = jumpy.matrix[0, 0] / calm.matrix[0, 0]
    assert jumpy.matrix[1, 1] / calm.matrix[1, 1] > 5.0 * by_delta
    assert jumpy.matrix[0, 1] < 0.0


def test_covariance_of_moves__own_definition__agrees():
    spot, vol = joint_moves(0.2, 50.0, 0.03, 500)
    factors = np.stack([spot, spot**2 / 2, vol, spot * vol, vol**2 / 2])
    centred = factors - factors.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(covariance_of_moves(spot, vol, 1.0).matrix, centred @ centred.T / 500, rtol=1e-12)


@pytest.mark.parametrize(
    ("spot", "vol", "message"),
    [
        (np.zeros(29), np.zeros(29), "at least 30"),
        (np.zeros(40), np.zeros(41), "one number a scenario"),
        (np.zeros(40), np.zeros(40), "nothing moves"),
        (np.r_[np.ones(39), np.nan], np.ones(40), "row 39: spot_moves_usd is nan"),
        (np.ones(40), np.r_[np.ones(38), np.inf, 1.0], "row 38: vol_moves is inf"),
        (["cheap"] * 40, np.ones(40), "spot_moves_usd is not numeric"),
    ],
)
def test_covariance_of_moves__bad_scenarios__are_refused(spot, vol, message):
    with pytest.raises(DataError, match=message):
        covariance_of_moves(spot, vol, 1.0)


@pytest.mark.parametrize(
    ("field", "bad"),
    [("spot_usd", 0.0), ("vol_annual", -0.5), ("horizon_days", math.nan), ("vol_of_vol_annual", -0.1),
     ("spot_vol_correlation", 1.2), ("vol_annual", math.inf)],
)  # fmt: skip
def test_gaussian_covariance__number_out_of_domain__is_refused_by_name(field, bad):
    parts = {"spot_usd": 3_000.0, "vol_annual": 0.6, "vol_of_vol_annual": 0.8, "spot_vol_correlation": 0.0}
    with pytest.raises(DataError, match=f"{field} is {bad}"):
        gaussian_covariance(**{"horizon_days": 1.0, **parts, field: bad})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({(0, 1): 5.0}, "one way and"),
        ({(2, 2): math.nan}, "row 2, 2: covariance is nan"),
        ({(0, 2): 2.0, (2, 0): 2.0}, "variance of -1"),
    ],
)
def test_factor_covariance__not_a_covariance__is_refused(change, message):
    matrix = np.eye(5)
    for place, number in change.items():
        matrix[place] = number
    with pytest.raises(DataError, match=message):
        factor_covariance(matrix, 1.0)


def test_factor_covariance__wrong_shape_or_horizon__is_refused():
    with pytest.raises(DataError, match="5 x 5"):
        factor_covariance(np.eye(4), 1.0)
    with pytest.raises(DataError, match=r"horizon_days is 0\.0"):
        factor_covariance(np.eye(5), 0.0)


def test_factor_covariance__singular__keeps_what_varies():
    found = factor_covariance(np.diag([4.0, 0.0, 0.0, 0.0, 0.0]), 1.0)
    np.testing.assert_allclose(np.abs(found.root), [[2.0, 0.0, 0.0, 0.0, 0.0]])
