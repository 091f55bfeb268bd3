"""Options inside their settlement window: against a simulation, at their limits, and beside what the chain bounds."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from agent.domain import Book, HoldingLeg, OptionLeg, OptionType
from agent.errors import DataError
from agent.products.european import black76_delta
from agent.risk.exposure import book_exposure
from agent.risk.settlement import Settlement, average_usd, has_live_positions, settling_book
from agent.units import SECONDS_PER_YEAR, Seconds

EXPIRY = Seconds(1_722_500_000)
WINDOW = Seconds(1_800)
SPOT = 3_000.0
CALL = OptionLeg(OptionType.CALL, 3_000.0, EXPIRY, -30.0, 0.8, 0.7, 0.9, "calls")


def delta(leg, seconds_left, average=None, spot=SPOT):
    at_unix = Seconds(EXPIRY - seconds_left)
    averages = {} if average is None else {EXPIRY: average}
    settling = settling_book(Book("ETH", (leg,)), spot, at_unix, Settlement(WINDOW, averages))
    return book_exposure(settling.book, spot, at_unix, 0.0).book_delta


def simulated_delta(leg, seconds_left, average, paths=200_000, steps=60):
    """Pathwise delta of (A - K)+ on a geometric Brownian motion, A an arithmetic average."""
    rng = np.random.default_rng(7)
    step = seconds_left / steps / SECONDS_PER_YEAR
    noise = rng.standard_normal((paths, steps)) * leg.iv_annual * math.sqrt(step) - leg.iv_annual**2 * step / 2
    rest = SPOT * np.exp(np.cumsum(noise, axis=1)).mean(axis=1)
    share = seconds_left / WINDOW
    final = (1.0 - share) * average + share * rest
    is_exercised = final > leg.strike_usd if leg.option_type is OptionType.CALL else final < leg.strike_usd
    sign = 1.0 if leg.option_type is OptionType.CALL else -1.0
    return leg.quantity * float(np.mean(is_exercised * share * rest / SPOT * sign))


@pytest.mark.parametrize("option_type", list(OptionType))
@pytest.mark.parametrize(("strike", "average"), [(3_000.0, 3_000.0), (3_004.0, 3_000.0), (2_996.0, 2_998.0)])
@pytest.mark.parametrize("seconds_left", [1_799, 900, 60])
def test_delta__inside_the_window__is_that_of_the_average(option_type, strike, average, seconds_left):
    leg = replace(CALL, option_type=option_type, strike_usd=strike)
    expected = simulated_delta(leg, seconds_left, average)
    assert delta(leg, seconds_left, average) == pytest.approx(expected, abs=0.02 * 30 * seconds_left / WINDOW)


@pytest.mark.parametrize("seconds_left", [1, 2, 600, 1_799])
@pytest.mark.parametrize(
    ("option_type", "strike", "sure"), [(OptionType.CALL, 100.0, 1), (OptionType.PUT, 9_000.0, -1)]
)
def test_delta__exercise_certain__shrinks_with_the_window(seconds_left, option_type, strike, sure):
    leg = replace(CALL, option_type=option_type, strike_usd=strike)
    assert delta(leg, seconds_left) == pytest.approx(sure * -30.0 * seconds_left / WINDOW, rel=1e-9)


@pytest.mark.parametrize(("option_type", "strike"), [(OptionType.PUT, 100.0), (OptionType.CALL, 9_000.0)])
def test_delta__worthless__is_nothing(option_type, strike):
    assert delta(replace(CALL, option_type=option_type, strike_usd=strike), 900) == pytest.approx(0.0, abs=1e-12)


def test_delta__average_so_far__decides_what_the_price_cannot():
    """Half-way, an average far above or below leaves the strike out of the rest's reach."""
    assert delta(CALL, 900, 3_300.0) == pytest.approx(-15.0, rel=1e-6)
    assert delta(CALL, 900, 2_700.0) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("seconds_left", [1_800, 1_801, 86_400])
def test_settling_book__before_the_window__is_the_very_book(seconds_left):
    book = Book("ETH", (CALL, HoldingLeg(2.0, "coins")))
    assert settling_book(book, SPOT, Seconds(EXPIRY - seconds_left), Settlement(WINDOW)).book is book
    tau = seconds_left / SECONDS_PER_YEAR
    expected = -30.0 * float(black76_delta(True, SPOT, 3_000.0, tau, 0.8))
    assert delta(CALL, seconds_left) == pytest.approx(expected, rel=1e-12)


def test_settling_book__at_expiry_and_later__has_no_delta():
    assert delta(CALL, 0) == delta(CALL, -1) == 0.0


def test_settling_book__window_of_none__leaves_expiry_alone():
    book = Book("ETH", (CALL,))
    assert settling_book(book, SPOT, Seconds(EXPIRY - 1), Settlement()).book is book


def test_settling_book__one_of_many__bounds_its_own_part():
    later = replace(CALL, expiry_unix=Seconds(EXPIRY + 7 * 86_400))
    put = replace(CALL, option_type=OptionType.PUT, quantity=10.0)
    book = Book("ETH", (later, CALL, HoldingLeg(5.0, "coins"), put))
    settling = settling_book(book, SPOT, Seconds(EXPIRY - 900), Settlement(WINDOW))
    assert settling.book.positions[0] is later
    assert settling.book.positions[2] is book.positions[2]
    assert (settling.low, settling.high) == (pytest.approx(-20.0), 0.0)
    assert settling.low <= settling.delta <= settling.high


def test_settling_book__average_that_is_no_number__is_refused():
    with pytest.raises(DataError, match="average of calls"):
        delta(CALL, 900, math.nan)


def test_has_live_positions__options_and_holdings__while_any_moves():
    assert has_live_positions(Book("ETH", (CALL,)), Seconds(EXPIRY - 1))
    assert not has_live_positions(Book("ETH", (CALL,)), EXPIRY)
    assert has_live_positions(Book("ETH", (CALL, HoldingLeg(0.1, "coins"))), EXPIRY)
    assert not has_live_positions(Book("ETH", (HoldingLeg(0.0, "coins"),)), EXPIRY)
    assert not has_live_positions(Book("ETH", ()), EXPIRY)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], None),
        ([(50, 9.0)], 9.0),
        ([(90, 1.0), (150, 3.0)], 2.0),
        ([(150, 3.0), (90, 1.0)], 2.0),
        ([(110, 1.0), (150, 3.0), (250, 99.0)], 2.0),
        ([(10, 7.0), (100, 4.0)], 4.0),
    ],
)
def test_average_usd__samples__each_stands_until_the_next(samples, expected):
    assert average_usd(samples, Seconds(100), Seconds(200)) == expected


def test_average_usd__before_the_window__is_none():
    assert average_usd([(50, 9.0)], Seconds(100), Seconds(100)) is None
