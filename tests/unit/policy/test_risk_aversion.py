"""The suggested risk aversion is in units of the book's own risk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.domain import Book, HoldingLeg, OptionType, TradeCosts
from agent.errors import DataError
from agent.policy.risk_aversion import AVERSION_OF_BOOK_RISK, suggest_risk_aversion
from agent.policy.whalley_wilmott import WhalleyWilmott
from agent.risk.exposure import book_exposure
from agent.units import DAYS_PER_YEAR
from tests.support.decision_builders import EXPIRY, NOW, SPOT_USD, held, short_calls


def suggested(book, spot_usd=SPOT_USD, at_unix=NOW, vol_annual=0.65):
    return suggest_risk_aversion(book, spot_usd, at_unix, vol_annual)


@pytest.mark.parametrize("times", [0.1, 100.0, 1_000.0])
def test_suggest__book_times_n__is_an_nth(times):
    assert suggested(short_calls(100.0 * times)) == pytest.approx(suggested(short_calls(100.0)) / times)


def test_suggest__options__is_by_twice_a_days_theta():
    theta_usd_a_day = book_exposure(short_calls(), SPOT_USD, NOW, 0.0).book_theta_usd_per_year / DAYS_PER_YEAR
    assert suggested(short_calls()) == pytest.approx(AVERSION_OF_BOOK_RISK / (2.0 * abs(theta_usd_a_day)), rel=1e-9)


def test_suggest__large_book__whalley_wilmotts_band_is_the_same_part_of_it():
    parts = []
    for quantity in (100.0, 10_000.0):
        book = short_calls(quantity)
        policy = WhalleyWilmott(suggested(book), 1.0, 0.65)
        edges = policy.edges(book_exposure(book, SPOT_USD, NOW, 0.0), TradeCosts(0.001, 0.0005, 0.0, 0.05 * quantity))
        parts.append(edges.outer / quantity)
    assert parts[1] == pytest.approx(parts[0], rel=1e-9)


def test_suggest__legs_that_cancel__count_by_their_size():
    (leg,) = short_calls().options
    bought = replace(leg, quantity=-leg.quantity, option_type=OptionType.PUT)
    assert suggested(Book("ETH", (leg, bought))) == pytest.approx(0.5 * suggested(short_calls()))


def test_suggest__holdings__are_at_risk_by_the_volatility_given():
    assert suggested(held(50.0), vol_annual=1.3) == pytest.approx(0.25 * suggested(held(50.0), vol_annual=0.65))
    both = Book("ETH", (*short_calls().positions, HoldingLeg(-50.0, "sold")))
    assert suggested(both) < suggested(short_calls())


def test_suggest__nothing_at_risk__is_refused():
    with pytest.raises(DataError, match="neither gamma nor holdings"):
        suggested(Book("ETH", ()))
    with pytest.raises(DataError, match="neither gamma nor holdings"):
        suggested(short_calls(), at_unix=EXPIRY)


def test_suggest__far_from_every_strike__is_by_what_the_book_risks_at_them():
    (leg,) = short_calls().options
    far = Book("ETH", (replace(leg, strike_usd=2.9 * SPOT_USD),))
    at_strike = suggested(far, spot_usd=2.9 * SPOT_USD)
    assert suggested(far) == pytest.approx(10.0 * at_strike)
    near = Book("ETH", (replace(leg, strike_usd=1.05 * SPOT_USD),))
    assert suggested(near) < 2.0 * suggested(near, spot_usd=1.05 * SPOT_USD), "near the money it is today's own"
