"""HEDGE-636: what the vault holds as a hedge, as positions of its book."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.decision.held_options import held_positions, with_held
from agent.domain import Book, HeldOptionLeg, HoldingLeg, OptionType
from agent.option_venue import HeldOption
from agent.risk.settlement import Settlement, settling_book
from agent.units import Seconds
from tests.support.decision_builders import NOW, held, short_calls, wad

EXPIRY = Seconds(NOW + 86_400)
CALL = HeldOption(7, 12, True, wad(5), wad(1_750), EXPIRY, wad(300), wad(360))
PUT = replace(CALL, position_id=8, is_call=False, size=wad(2))
PRICE = wad(1_800)
VOLATILITY = wad("0.8")


# HEDGE-636
def test_held_positions__before_expiry__are_options_at_the_venues_volatility() -> None:
    call, put = held_positions((CALL, PUT), (VOLATILITY, wad("0.9")), NOW, PRICE)
    assert isinstance(call, HeldOptionLeg)
    assert isinstance(put, HeldOptionLeg)
    assert (call.option_type, call.strike_usd, call.quantity, call.iv_annual) == (OptionType.CALL, 1_750.0, 5.0, 0.8)
    assert (put.option_type, put.quantity, put.iv_annual, put.expiry_unix) == (OptionType.PUT, 2.0, 0.9, EXPIRY)
    assert call.label == "held 1750-C-12"


# HEDGE-636
@pytest.mark.parametrize(
    ("option", "price", "quantity"),
    [(CALL, PRICE, 5.0), (PUT, wad(1_700), -2.0), (CALL, wad(1_700), None), (PUT, PRICE, None)],
)
def test_held_positions__expired_and_not_settled__move_as_the_underlying(option, price, quantity) -> None:
    found = held_positions((option,), (VOLATILITY,), EXPIRY, price)
    assert [position.quantity for position in found] == ([] if quantity is None else [quantity])
    assert all(isinstance(position, HoldingLeg) for position in found)


# HEDGE-636
def test_held_positions__payoff_fixed_or_brought_home__have_no_delta() -> None:
    fixed = replace(CALL, worth_low=wad(250), worth_high=wad(250))
    paid = replace(CALL, size=wad(0))
    assert held_positions((fixed, paid), (VOLATILITY, VOLATILITY), EXPIRY, PRICE) == ()


# HEDGE-636
def test_with_held__book__has_them_beside_its_own_and_is_itself_without_any() -> None:
    book, positions = short_calls(), held_positions((CALL,), (VOLATILITY,), NOW, PRICE)
    assert with_held(book, positions).positions == (*book.positions, *positions)
    assert with_held(book, ()) is book


# HEDGE-636
def test_settling_book__option_held_in_the_books_window__settles_by_its_own_rule() -> None:
    positions = held_positions((CALL,), (VOLATILITY,), Seconds(EXPIRY - 900), PRICE)
    book = Book("ETH", (*held(1.0).positions, *positions))
    assert settling_book(book, 1_800.0, Seconds(EXPIRY - 900), Settlement(Seconds(1_800))).book is book
