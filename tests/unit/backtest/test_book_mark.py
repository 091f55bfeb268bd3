"""The book keeps its value through the expiry of its legs: a leg becomes the cash of its payoff, once."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from agent.backtest.book_mark import BookMark, moved_book, payoff_usd
from agent.domain import Book, HoldingLeg, OptionLeg, OptionType
from agent.risk.exposure import book_exposure
from agent.vol.iv_move import HELD, IvMove, parallel

EXPIRY = 1_000_000
CALL = OptionLeg(OptionType.CALL, 3000.0, EXPIRY, -2.0, 0.6, 0.5, 0.7, "call")
PUT = OptionLeg(OptionType.PUT, 3000.0, EXPIRY + 86_400, 1.0, 0.6, 0.5, 0.7, "put")
BOOK = Book("ETH", (CALL, PUT, HoldingLeg(3.0, "spot")))


def test_book_mark__before_expiry__is_the_model_value():
    assert BookMark(BOOK).value_usd(3100.0, EXPIRY - 1) == book_exposure(BOOK, 3100.0, EXPIRY - 1, 0.0).book_value_usd


def test_book_mark__across_expiry__no_jump_at_the_same_price():
    mark = BookMark(BOOK)
    before = mark.value_usd(3100.0, EXPIRY - 1)
    assert mark.value_usd(3100.0, EXPIRY) == pytest.approx(before, rel=1e-3)


def test_book_mark__after_expiry__cash_of_the_first_price_seen():
    mark = BookMark(Book("ETH", (CALL,)))
    assert mark.value_usd(3100.0, EXPIRY + 60) == -200.0
    assert mark.value_usd(9999.0, EXPIRY + 120) == -200.0


def test_book_mark__iv_moves__every_option_is_marked_at_its_own_iv_plus_that():
    moved = [replace(leg, iv_annual=leg.iv_annual + 0.2) for leg in (CALL, PUT)]
    by_hand = book_exposure(Book("ETH", (*moved, HoldingLeg(3.0, "spot"))), 3100.0, EXPIRY - 86_400, 0.0)
    assert BookMark(BOOK).value_usd(3100.0, EXPIRY - 86_400, parallel(0.2)) == pytest.approx(by_hand.book_value_usd)
    assert moved_book(BOOK, 3100.0, EXPIRY - 86_400, HELD) is BOOK


def test_book_mark__term_structure_and_skew_move__each_leg_by_its_own():
    """A call of a day and a put of two; the skew counts strikes against the price now."""
    wide = replace(BOOK, positions=(CALL, replace(PUT, strike_usd=2_500.0), HoldingLeg(3.0, "spot")))
    move = IvMove((0.3, 0.1), (1.0, 2.0), -0.2)
    moneyness = [math.log(strike / 3_100.0) for strike in (3_000.0, 2_500.0)]
    expected = [0.6 + 0.3 - 0.2 * moneyness[0], 0.6 + 0.1 - 0.2 * moneyness[1]]
    moved = moved_book(wide, 3_100.0, EXPIRY - 86_400, move)
    assert [leg.iv_annual for leg in moved.options] == pytest.approx(expected)
    by_hand = book_exposure(moved, 3_100.0, EXPIRY - 86_400, 0.0).book_value_usd
    assert BookMark(wide).value_usd(3_100.0, EXPIRY - 86_400, move) == pytest.approx(by_hand)


def test_moved_book__leg_that_has_expired__keeps_its_own():
    moved = moved_book(BOOK, 3_100.0, EXPIRY, IvMove((0.3, 0.1), (1.0, 2.0), -0.2))
    assert [leg.iv_annual for leg in moved.options] != [0.6, 0.6]
    assert moved.options[0] is CALL


@pytest.mark.parametrize(
    ("leg", "price_usd", "expected"),
    [(CALL, 3100.0, 100.0), (CALL, 2900.0, 0.0), (PUT, 2900.0, 100.0), (PUT, 3100.0, 0.0)],
)
def test_payoff__right_and_price__intrinsic(leg, price_usd, expected):
    assert payoff_usd(leg, price_usd) == expected
