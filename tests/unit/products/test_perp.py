"""Perps and futures: linear and inverse sides of the same profit."""

from __future__ import annotations

import numpy as np
import pytest

from agent.products.future import future_greeks, inverse_future_greeks
from agent.products.perp import inverse_perp_greeks, perp_greeks
from agent.products.spot import spot_greeks


def test_spot__any_price__is_worth_itself() -> None:
    greeks = spot_greeks([1500.0, 2500.0])
    np.testing.assert_array_equal(greeks.value, [1500.0, 2500.0])
    np.testing.assert_array_equal(greeks.delta, [1.0, 1.0])


def test_perp__positive_funding__costs_the_long_a_day_what_the_rate_says() -> None:
    a_day = 1.0 / 365.0
    fresh, later = (perp_greeks(2000.0, 1900.0, 0.365, accrued) for accrued in (0.0, a_day))
    assert fresh.value == 100.0
    assert later.value - fresh.value == pytest.approx(-2.0, rel=1e-12)
    assert fresh.theta == pytest.approx(-730.0)


def test_inverse_perp__price_moves__pays_the_same_usd_as_its_coin_delta_says() -> None:
    face_usd, entry, spot = 10_000.0, 2_000.0, 2_500.0
    greeks = inverse_perp_greeks(spot, entry, 0.0)
    assert face_usd * greeks.value == pytest.approx(1.0)  # 5 coin bought, 4 coin owed
    assert face_usd * greeks.delta == pytest.approx(10_000.0 / 2_500.0**2)


def test_future__expiry__is_spot_less_entry() -> None:
    greeks = future_greeks([1800.0, 2100.0], 2000.0, 0.0, 0.05)
    np.testing.assert_array_equal(greeks.value, [-200.0, 100.0])
    np.testing.assert_array_equal(greeks.delta, [1.0, 1.0])


def test_future__entered_at_its_fair_price__is_worth_nothing_and_carries_the_basis() -> None:
    fair = 2000.0 * np.exp(0.03)
    greeks = future_greeks(2000.0, fair, 0.5, 0.08, 0.02)
    assert greeks.value == pytest.approx(0.0, abs=1e-12)
    assert greeks.theta == pytest.approx(-0.06 * fair)


def test_inverse_future__coin_profit_in_usd__is_that_of_linear_future_on_same_face() -> None:
    entry, face_usd = 2000.0, 2000.0
    inverse, linear = (price(2400.0, entry, 0.25, 0.04) for price in (inverse_future_greeks, future_greeks))
    forward = entry + float(linear.value)
    assert face_usd * inverse.value * forward == pytest.approx(float(linear.value) * face_usd / entry, rel=1e-14)
