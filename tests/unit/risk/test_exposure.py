"""Book to exposure: sums of Greeks, expiry edges and refusal of bad numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from agent.domain import Book, HoldingLeg, OptionLeg, OptionType
from agent.errors import DataError
from agent.products.european import black76_delta, black76_greeks
from agent.risk.exposure import book_exposure, live_options, valued_options
from agent.units import SECONDS_PER_YEAR, Seconds
from tests.support.decision_builders import EXPIRY, NOW, short_calls

CALL = OptionLeg(OptionType.CALL, 3_000.0, EXPIRY, -10.0, 0.7, 0.65, 0.75, "call")
PUT = OptionLeg(OptionType.PUT, 2_500.0, Seconds(EXPIRY + 86_400), 4.0, 0.9, 0.85, 0.95, "put")
BOOK = Book("ETH", (CALL, PUT, HoldingLeg(3.0, "coins"), HoldingLeg(-1.0, "loan")))


def greek_sum(name, spot, at):
    total = 0.0
    for leg in (CALL, PUT):
        tau = (leg.expiry_unix - at) / (365 * 86_400)
        greeks = black76_greeks(leg.option_type is OptionType.CALL, spot, leg.strike_usd, tau, leg.iv_annual)
        total += leg.quantity * float(getattr(greeks, name))
    return total


def test_book_exposure__options_and_holdings__adds_each_leg():
    exposure = book_exposure(BOOK, 2_900.0, NOW, 1.5)
    assert exposure.book_delta == pytest.approx(greek_sum("delta", 2_900.0, NOW) + 2.0, rel=1e-12)
    assert exposure.book_value_usd == pytest.approx(greek_sum("value", 2_900.0, NOW) + 5_800.0, rel=1e-12)
    assert exposure.book_gamma_per_usd == pytest.approx(greek_sum("gamma", 2_900.0, NOW), rel=1e-12)
    assert exposure.book_vega_usd_per_vol == pytest.approx(greek_sum("vega", 2_900.0, NOW), rel=1e-12)
    assert exposure.book_theta_usd_per_year == pytest.approx(greek_sum("theta", 2_900.0, NOW), rel=1e-12)
    assert exposure.net_delta == exposure.book_delta + 1.5


def test_book_exposure__delta_and_gamma__match_finite_differences():
    bump = 0.5
    up, middle, down = (book_exposure(BOOK, 2_900.0 + step, NOW, 0.0) for step in (bump, 0.0, -bump))
    slope = (up.book_value_usd - down.book_value_usd) / (2 * bump)
    assert middle.book_delta == pytest.approx(slope, rel=1e-6)
    assert middle.book_gamma_per_usd == pytest.approx((up.book_delta - down.book_delta) / (2 * bump), rel=1e-6)


def test_book_exposure__at_expiry__leg_is_gone_and_one_second_before_it_is_ordinary():
    book = Book("ETH", (CALL,))
    last_second = book_exposure(book, 3_100.0, Seconds(EXPIRY - 1), 0.0)
    assert last_second.book_delta == pytest.approx(-10.0)
    assert last_second.book_value_usd == pytest.approx(-1_000.0)
    for at in (EXPIRY, Seconds(EXPIRY + 1)):
        gone = book_exposure(book, 3_100.0, at, 0.0)
        assert gone == replace(gone, book_delta=0.0, book_gamma_per_usd=0.0, book_value_usd=0.0)
        assert gone.book_vega_usd_per_vol == gone.book_theta_usd_per_year == 0.0


def test_book_exposure__one_leg_expired__keeps_the_other():
    at = Seconds(EXPIRY + 60)
    assert book_exposure(BOOK, 2_400.0, at, 0.0) == book_exposure(
        replace(BOOK, positions=(PUT, *BOOK.holdings)), 2_400.0, at, 0.0
    )


def test_book_exposure__empty_book__is_flat():
    exposure = book_exposure(Book("ETH", ()), 3_000.0, NOW, -2.0)
    assert (exposure.book_delta, exposure.net_delta, exposure.book_value_usd) == (0.0, -2.0, 0.0)


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("strike_usd", 0.0),
        ("strike_usd", -1.0),
        ("strike_usd", math.nan),
        ("iv_annual", 0.0),
        ("iv_annual", math.inf),
        ("quantity", math.nan),
    ],
)
def test_book_exposure__bad_leg__is_refused_by_field_and_label(field, bad):
    with pytest.raises(DataError, match=f"{field} of call"):
        book_exposure(Book("ETH", (replace(CALL, **{field: bad}),)), 3_000.0, NOW, 0.0)


def test_book_exposure__bad_holding__is_refused_by_label():
    with pytest.raises(DataError, match="quantity of coins"):
        book_exposure(Book("ETH", (HoldingLeg(math.nan, "coins"),)), 3_000.0, NOW, 0.0)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_book_exposure__bad_spot__is_refused(bad):
    with pytest.raises(DataError, match="spot_usd"):
        book_exposure(short_calls(), bad, NOW, 0.0)


def test_book_exposure__hedge_not_finite__is_refused():
    with pytest.raises(DataError, match="hedge_size"):
        book_exposure(short_calls(), 3_000.0, NOW, math.nan)


def test_book_exposure__sum_overflows__is_refused_by_name():
    book = Book("ETH", (HoldingLeg(1e308, "a"), HoldingLeg(1e308, "b")))
    with pytest.raises(DataError, match="book_delta"):
        book_exposure(book, 3_000.0, NOW, 0.0)


# --- valued once a cycle ------------------------------------------------------------------------------------------


def test_valued_options__same_book_price_and_time__are_valued_once():
    book = Book("ETH", (CALL,))
    first = valued_options(book, NOW, 2_500.0)
    assert valued_options(book, NOW, 2_500.0) is first


@pytest.mark.parametrize(
    ("strike_usd", "seconds", "spot_usd"), [(3_000.0, 0, 2_500.5), (3_000.0, 1, 2_500.0), (2_600.0, 0, 2_500.0)]
)
def test_valued_options__anything_changed__values_anew(strike_usd, seconds, spot_usd):
    before = Book("ETH", (CALL,))
    old = valued_options(before, NOW, 2_500.0).greeks.delta[0]
    leg = replace(CALL, strike_usd=strike_usd)
    book = before if leg == CALL else Book("ETH", (leg,))
    delta = valued_options(book, Seconds(NOW + seconds), spot_usd).greeks.delta[0]
    tau_years = (EXPIRY - NOW - seconds) / SECONDS_PER_YEAR
    assert delta == black76_delta(True, spot_usd, strike_usd, tau_years, leg.iv_annual)
    assert delta != old


def test_live_options__some_expired__keeps_the_others_in_order():
    later = replace(CALL, expiry_unix=Seconds(CALL.expiry_unix + 10), strike_usd=3_333.0)
    legs = live_options(Book("ETH", (CALL, later)), CALL.expiry_unix)
    assert legs.strike_usd.tolist() == [3_333.0]
    assert legs.tau_years.tolist() == [10 / SECONDS_PER_YEAR]
