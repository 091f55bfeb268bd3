"""Structures are the sum of their parts, capped and floored as their names say."""

from __future__ import annotations

import numpy as np
import pytest

from agent.errors import DataError
from agent.products.european import black_scholes_greeks
from agent.products.greeks import GREEK_NAMES, combine
from agent.products.structures import (
    collar_greeks,
    covered_call_greeks,
    protective_put_greeks,
    straddle_greeks,
    strangle_greeks,
)

SPOTS = np.linspace(500.0, 5000.0, 40)


def test_protective_put__expiry__is_never_worth_less_than_the_strike() -> None:
    np.testing.assert_allclose(
        protective_put_greeks(SPOTS, 1800.0, 0.0, 0.7, 0.03).value, np.maximum(SPOTS, 1800.0), rtol=1e-15
    )


def test_covered_call__expiry__is_never_worth_more_than_the_strike() -> None:
    np.testing.assert_allclose(
        covered_call_greeks(SPOTS, 2300.0, 0.0, 0.7, 0.03).value, np.minimum(SPOTS, 2300.0), rtol=1e-15
    )


def test_collar__expiry__stays_between_its_strikes() -> None:
    collar = collar_greeks(SPOTS, 1800.0, 2300.0, 0.0, 0.7, 0.6, 0.03)
    np.testing.assert_allclose(collar.value, np.clip(SPOTS, 1800.0, 2300.0), rtol=1e-15)


def test_straddle_and_strangle__expiry__pay_the_distance() -> None:
    np.testing.assert_allclose(
        straddle_greeks(SPOTS, 2000.0, 0.0, 0.6, 0.0).value, np.abs(SPOTS - 2000.0), rtol=1e-15, atol=1e-12
    )
    strangle = strangle_greeks(SPOTS, 1800.0, 2300.0, 0.0, 0.7, 0.6, 0.0)
    outside = np.maximum(1800.0 - SPOTS, 0.0) + np.maximum(SPOTS - 2300.0, 0.0)
    np.testing.assert_allclose(strangle.value, outside, rtol=1e-15, atol=1e-12)


def test_collar__covered_call_and_protective_put__add_up_to_it_and_a_spot() -> None:
    market = (0.25, 0.04, 0.01)
    put = protective_put_greeks(SPOTS, 1800.0, market[0], 0.7, *market[1:])
    call = covered_call_greeks(SPOTS, 2300.0, market[0], 0.6, *market[1:])
    collar = collar_greeks(SPOTS, 1800.0, 2300.0, market[0], 0.7, 0.6, *market[1:])
    np.testing.assert_allclose(put.value + call.value - SPOTS, collar.value, rtol=1e-13)
    np.testing.assert_allclose(put.gamma + call.gamma, collar.gamma, rtol=1e-12, atol=1e-18)


def test_straddle__at_the_forward__has_no_delta_to_first_order() -> None:
    straddle = straddle_greeks(2000.0, 2000.0 * np.exp(0.5 * 0.36 * 0.25), 0.25, 0.6, 0.0)
    assert straddle.delta == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("structure", [collar_greeks, strangle_greeks])
def test_structure__put_strike_not_below_call_strike__is_refused(structure) -> None:
    with pytest.raises(DataError, match=r"^row 1: put_strike_usd 2400.0 is not below call_strike_usd 2300.0"):
        structure(2000.0, [1800.0, 2400.0], 2300.0, 0.25, 0.7, 0.6, 0.0)


def test_structure__bad_vol_of_one_leg__is_named_after_the_leg() -> None:
    with pytest.raises(DataError, match=r"^row 0: call_vol_annual is -0.6"):
        collar_greeks(2000.0, 1800.0, 2300.0, 0.25, 0.7, -0.6, 0.0)


def test_combine__quantities__weigh_every_greek() -> None:
    one, two = (black_scholes_greeks(True, 100.0, strike, 0.5, 0.4, 0.01) for strike in (95.0, 105.0))
    spread = combine([(2.0, one), (-3.0, two)])
    for name in GREEK_NAMES:
        assert getattr(spread, name) == 2.0 * getattr(one, name) - 3.0 * getattr(two, name)
