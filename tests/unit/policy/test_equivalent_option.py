"""One option that stands for a book."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from agent.domain import Book
from agent.errors import DataError
from agent.policy.equivalent_option import delta_shift, equivalent_option, legs_of
from agent.products.european import black76_greeks
from agent.units import Seconds
from tests.support.option_exposure import NOW, call, exposure_of, hedged, put

SPOT = 3_000.0
YEARS = 30.0 / 365.0


def stands_for(*legs, spot_usd: float = SPOT):
    return equivalent_option(hedged(Book("ETH", legs), spot_usd, 0.0))


@pytest.mark.parametrize("quantity", [-100.0, 7.0])
@pytest.mark.parametrize("strike", [2_400.0, 3_000.0, 3_900.0])
def test_equivalent_option__one_option__is_its_own(quantity, strike):
    found = stands_for(call(quantity, strike))
    assert found.quantity == pytest.approx(quantity, rel=1e-9)
    assert found.strike_usd == pytest.approx(strike, rel=1e-12)
    assert found.tau_years == pytest.approx(YEARS, rel=1e-12)
    assert found.vol_annual == pytest.approx(0.65, rel=1e-12)
    assert found.moneyness == pytest.approx(math.log(SPOT / strike) / (0.65 * math.sqrt(YEARS)), abs=1e-12)


def test_equivalent_option__straddle__is_that_of_as_many_calls():
    straddle = stands_for(call(-60.0, 3_200.0), put(-40.0, 3_200.0))
    assert tuple(straddle) == pytest.approx(tuple(stands_for(call(-100.0, 3_200.0))), rel=1e-12)


@pytest.mark.parametrize(
    "legs",
    [
        (call(-60.0, 2_800.0, 12.0, 0.8), call(45.0, 3_300.0, 40.0), put(-50.0, 2_500.0, 25.0)),
        (call(10.0, 2_000.0), put(-10.0, 4_500.0), call(3.0, 3_000.0, 2.0)),
    ],
)
def test_equivalent_option__any_book__has_the_books_net_gamma(legs):
    found = stands_for(*legs)
    gamma = black76_greeks(True, SPOT, found.strike_usd, found.tau_years, found.vol_annual).gamma
    book = hedged(Book("ETH", legs), SPOT, 0.0)
    assert found.quantity * float(gamma) == pytest.approx(book.book_gamma_per_usd, rel=1e-9)


def test_equivalent_option__two_strikes__between_them_nearer_to_more_gamma():
    low, high = stands_for(call(-50.0, 2_700.0)).moneyness, stands_for(call(-50.0, 3_400.0)).moneyness
    middle = stands_for(call(-50.0, 2_700.0), call(-50.0, 3_400.0)).moneyness
    heavier = stands_for(call(-50.0, 2_700.0), call(-500.0, 3_400.0)).moneyness
    assert high < heavier < middle < low


def test_equivalent_option__legs_that_cancel__are_no_option_but_keep_their_place():
    found = stands_for(call(-50.0, 3_200.0), put(50.0, 3_200.0))
    assert found.quantity == pytest.approx(0.0, abs=1e-9)
    assert found.strike_usd == pytest.approx(3_200.0)


@pytest.mark.parametrize(
    "exposure",
    [
        exposure_of(0.0, holding=5.0),
        exposure_of(0.0),
        replace(exposure_of(-100.0), at_unix=Seconds(NOW + 30 * 86_400)),
        hedged(Book("ETH", (call(-100.0, 30_000.0, 1.0),)), SPOT, 0.0),
    ],
    ids=["holding", "empty", "expired", "far from the money"],
)
def test_equivalent_option__no_gamma__is_none(exposure):
    assert equivalent_option(exposure) is None


def test_delta_shift__own_volatility__is_nothing():
    exposure = exposure_of(-100.0, spot_usd=3_300.0)
    assert delta_shift(exposure, legs_of(exposure), 1.0) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("factor", [0.5, 1.5])
def test_delta_shift__book_valued_at_the_other_volatility__is_difference_of_deltas(factor):
    legs = (call(-60.0, 2_800.0), put(-50.0, 3_500.0))
    exposure = hedged(Book("ETH", legs), SPOT, 0.0)
    vol = 0.65 * math.sqrt(factor)
    other = hedged(Book("ETH", tuple(replace(leg, iv_annual=vol) for leg in legs)), SPOT, 0.0)
    assert delta_shift(exposure, legs_of(exposure), factor) == pytest.approx(
        exposure.book_delta - other.book_delta, rel=1e-9
    )
    a_leg = delta_shift(exposure, legs_of(exposure), np.array([factor, 1.0]))
    assert a_leg != pytest.approx(delta_shift(exposure, legs_of(exposure), factor))


def test_legs_of__exposure_of_sums_alone__is_refused():
    with pytest.raises(DataError, match="book_exposure"):
        legs_of(replace(exposure_of(-100.0), book=None))
