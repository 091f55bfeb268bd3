"""Chain quotes: what is refused, what is left out, what the fit aims at."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.errors import DataError
from agent.products.european import black76_greeks
from agent.units import SECONDS_PER_YEAR
from agent.vol.implied import ImpliedVolStatus
from agent.vol.price_quotes import chain_quotes_of_prices
from agent.vol.quotes import chain_quotes, slice_targets

NONE = math.nan


def quotes(bid=(0.6, 0.6), ask=(0.7, 0.7), mark=(0.64, 0.66), tau=(0.1, 0.1), strike=(90.0, 110.0)):
    return chain_quotes(100.0, strike, tau, bid, ask, mark)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bid": (0.6, 0.8)}, "row 1: bid_vol_annual is 0.8, above ask_vol_annual 0.7; drop the crossed quote"),
        ({"ask": (0.7, -0.7)}, "row 1: ask_vol_annual is -0.7"),
        ({"mark": (math.inf, 0.6)}, "row 0: mark_vol_annual is inf"),
        ({"tau": (0.1, 0.0)}, "row 1: tau_years is 0.0"),
        ({"tau": (0.1, NONE)}, "row 1: tau_years is nan"),
        ({"strike": (-90.0, 110.0)}, "row 0: strike_usd is -90.0"),
        ({"bid": (NONE, NONE), "ask": (NONE, NONE), "mark": (NONE, NONE)}, "none of 2 rows has a bid"),
        ({"strike": ((90.0, 110.0),)}, "quotes have shape"),
        ({"bid": ("x", 0.6)}, "bid_vol_annual is not numeric"),
    ],
)
def test_chain_quotes__bad_row__names_row_field_and_value(fields, message):
    with pytest.raises(DataError, match=message):
        quotes(**fields)


def test_chain_quotes__no_rows__refused():
    with pytest.raises(DataError, match="give at least one row"):
        chain_quotes(100.0, [], [], [], [])


def test_slice_targets__stamps_milliseconds_apart__one_expiry():
    targets = slice_targets(quotes(tau=(0.1, 0.1 + 0.015 / SECONDS_PER_YEAR)))
    assert targets.tau_years.tolist() == [0.1]
    assert targets.counts.tolist() == [2]


def test_slice_targets__rows_out_of_order__expiries_rise():
    chain = chain_quotes(100.0, [90.0, 100.0, 110.0], [0.5, 0.1, 0.5], 0.5, 0.6)
    targets = slice_targets(chain)
    assert targets.tau_years.tolist() == [0.1, 0.5]
    assert targets.counts.tolist() == [1, 2]
    np.testing.assert_allclose(targets.log_moneyness[1], np.log([0.9, 1.1]))


def test_slice_targets__row_without_any_quote__left_out():
    targets = slice_targets(quotes(bid=(NONE, 0.6), ask=(NONE, 0.7), mark=(NONE, NONE)))
    assert targets.counts.tolist() == [1]


def test_slice_targets__mark_outside_the_spread__put_inside():
    targets = slice_targets(quotes(mark=(0.75, NONE)))
    assert targets.centre[0, 0] == pytest.approx(0.7**2 * 0.1)
    assert targets.centre[0, 1] == pytest.approx(0.65**2 * 0.1)


def test_slice_targets__one_side_missing__bounds_nothing_there():
    targets = slice_targets(quotes(bid=(NONE, 0.6), ask=(0.7, NONE), mark=(NONE, NONE)))
    assert (targets.low[0, 0], targets.high[0, 1]) == (0.0, math.inf)
    assert targets.tolerance[0, 0] > 10.0 * targets.centre[0, 0]


def test_chain_quotes_of_prices__black_prices__gives_their_vols_back():
    strikes, vols = np.array([80.0, 100.0, 130.0]), np.array([0.7, 0.6, 0.65])
    is_call = strikes >= 100.0
    price = black76_greeks(is_call, 100.0, strikes, 0.3, vols, 0.02).value
    answer = chain_quotes_of_prices(is_call, 100.0, strikes, 0.3, price * 0.99, price * 1.01, price, 0.02)
    np.testing.assert_allclose(answer.quotes.mark_vol_annual, vols, rtol=1e-12)
    assert (answer.quotes.bid_vol_annual < vols).all()
    assert (answer.quotes.ask_vol_annual > vols).all()
    assert (answer.mark.status == ImpliedVolStatus.OK).all()


def test_chain_quotes_of_prices__prices_without_a_vol__none_with_a_reason():
    bid, ask = [19.0, 0.0, 1.0], [22.0, 2.0, NONE]
    answer = chain_quotes_of_prices([True, False, False], 120.0, 100.0, 0.1, bid, ask)
    assert answer.bid.status.tolist() == [
        ImpliedVolStatus.BELOW_INTRINSIC,
        ImpliedVolStatus.NOT_FINITE,
        ImpliedVolStatus.OK,
    ]
    assert np.isnan(answer.quotes.bid_vol_annual).tolist() == [True, True, False]
    assert answer.ask.status.tolist() == [ImpliedVolStatus.OK, ImpliedVolStatus.OK, ImpliedVolStatus.NOT_FINITE]
    assert answer.quotes.is_two_sided.tolist() == [False, False, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bid_usd": [1.0, 3.0]}, "row 1: bid_usd is 3.0, above ask_usd 2.0; drop the crossed quote"),
        ({"bid_usd": [-1.0, 1.0]}, "row 0: bid_usd is -1.0"),
        ({"mark_usd": [1.0, math.inf]}, "row 1: mark_usd is inf"),
        ({"tau_years": [-0.1, 0.1]}, "row 0: tau_years is -0.1"),
        ({"forward_usd": [100.0, 0.0]}, "row 1: forward_usd is 0.0"),
        ({"is_call": [1, 0]}, "is_call has type"),
    ],
)
def test_chain_quotes_of_prices__bad_row__names_row_field_and_value(change, message):
    fields = {
        "is_call": [True, False],
        "forward_usd": 100.0,
        "strike_usd": 100.0,
        "tau_years": 0.1,
        "bid_usd": [1.0, 1.0],
        "ask_usd": [2.0, 2.0],
    }
    with pytest.raises(DataError, match=message):
        chain_quotes_of_prices(**(fields | change))
