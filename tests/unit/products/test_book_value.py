"""Positions of every kind add up in USD, as derivatives in the spot."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain import Book, Position
from agent.errors import DataError
from agent.products.book_value import Market, total_greeks, value_book
from agent.products.european import black_scholes_greeks
from agent.products.inverse_option import inverse_option_deltas

NOW = 1_722_470_400
EXPIRY = NOW + 40 * 86_400
TAU = 40 / 365
MARKET = Market(3_200.0, NOW, 0.03)
OPTION = {"is_call": True, "strike_usd": 3_300.0, "vol_annual": 0.6}

POSITIONS = {
    "european_on_spot": Position("option", -10.0, "calls", OPTION, EXPIRY),
    "inverse_option": Position("inverse_option", -10.0, "calls", OPTION, EXPIRY),
    "inverse_option_with_forward": Position("inverse_option", 4.0, "calls", {**OPTION, "forward_usd": 3_260.0}, EXPIRY),
    "future": Position("future", 3.0, "future", {"entry_usd": 3_100.0}, EXPIRY),
    "inverse_future": Position("inverse_future", -9_000.0, "future", {"entry_usd": 3_100.0}, EXPIRY),
    "perp": Position("perp", -5.0, "perp", {"entry_usd": 3_100.0, "funding_rate_annual": 0.1}),
    "inverse_perp": Position("inverse_perp", 20_000.0, "perp", {"entry_usd": 3_100.0, "funding_rate_annual": 0.1}),
    "uniswap_v3_range": Position(
        "uniswap_v3_position", 1.0, "LP", {"lower_usd": 2_500.0, "upper_usd": 4_000.0, "liquidity": 900.0}
    ),
    "power_perp": Position("power_perp", -7.0, "oSQTH", {"vol_annual": 0.7, "normalization_factor": 0.6}),
    "spot": Position("holding", 12.5, "coins", {}),
}


def value(position, market=MARKET):
    return value_book(Book("ETH", (position,)), market)[0]


def worth(position, market=MARKET, **terms):
    changed = {**position.terms, **terms}
    if "forward_usd" in changed and market.spot_usd != MARKET.spot_usd:
        changed["forward_usd"] *= market.spot_usd / MARKET.spot_usd  # the same carry at another spot
    return value(replace(position, terms=changed), market).greeks.value_usd


@pytest.mark.parametrize("name", POSITIONS)
def test_value_book__every_kind__delta_and_gamma_are_those_of_the_usd_value(name):
    position, step = POSITIONS[name], 3.2
    up, down = (worth(position, replace(MARKET, spot_usd=MARKET.spot_usd + side * step)) for side in (1, -1))
    greeks = value(position).greeks
    assert greeks.delta_underlying == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-9)
    bump = 32.0
    up, down = (worth(position, replace(MARKET, spot_usd=MARKET.spot_usd + side * bump)) for side in (1, -1))
    gamma = (up - 2 * worth(position) + down) / bump**2
    assert greeks.gamma_underlying_per_usd == pytest.approx(gamma, rel=2e-3, abs=1e-8)


@pytest.mark.parametrize("name", [name for name, own in POSITIONS.items() if "vol_annual" in own.terms])
def test_value_book__every_kind__vega_is_that_of_a_vol_point(name):
    position = POSITIONS[name]
    vol = position.terms["vol_annual"]
    change = worth(position, vol_annual=vol + 0.005) - worth(position, vol_annual=vol - 0.005)
    assert value(position).greeks.vega_usd_per_vol_point == pytest.approx(change, rel=1e-4)


@pytest.mark.parametrize("name", ["european_on_spot", "inverse_option", "future", "inverse_future"])
def test_value_book__dated_kinds__theta_and_rho_are_those_of_day_and_rate_point(name):
    position, hour = POSITIONS[name], 3_600
    later, earlier = (worth(position, replace(MARKET, now_unix=NOW + side * hour)) for side in (1, -1))
    greeks = value(position).greeks
    assert greeks.theta_usd_per_day == pytest.approx(12 * (later - earlier), rel=1e-4)
    up, down = (worth(position, replace(MARKET, rate_annual=0.03 + side)) for side in (0.0005, -0.0005))
    assert greeks.rho_usd_per_rate_point == pytest.approx(10 * (up - down), rel=1e-4)


def test_value_book__forward_given__carries_in_time_and_rate_moves_nothing():
    position = POSITIONS["inverse_option_with_forward"]
    carry = math.log(3_260.0 / 3_200.0) / TAU

    def at(now):
        return worth(
            replace(position, terms={**OPTION, "forward_usd": 3_200.0 * math.exp(carry * (EXPIRY - now) / 31_536_000)}),
            replace(MARKET, now_unix=now),
        )

    greeks = value(position).greeks
    assert greeks.theta_usd_per_day == pytest.approx(12 * (at(NOW + 3_600) - at(NOW - 3_600)), rel=1e-4)
    assert greeks.rho_usd_per_rate_point == 0.0
    assert worth(position, replace(MARKET, rate_annual=0.2)) == worth(position)


@given(
    strike=st.floats(1_000.0, 9_000.0),
    vol=st.floats(0.1, 2.0),
    rate=st.floats(-0.2, 0.2),
    is_call=st.booleans(),
)
def test_value_book__inverse_option_in_usd__is_the_option_on_spot(strike, vol, rate, is_call):
    """A claim on max(S - K, 0) / S coin is worth max(S - K, 0) USD, however it settles."""
    terms = {"is_call": is_call, "strike_usd": strike, "vol_annual": vol}
    market = Market(3_200.0, NOW, rate)
    settled, linear = (
        value(Position(product, 2.0, "x", terms, EXPIRY), market).greeks for product in ("inverse_option", "option")
    )
    for name, figure in asdict(linear).items():
        assert getattr(settled, name) == pytest.approx(figure, rel=1e-9, abs=1e-9), name


def test_value_book__coin_settled__both_deltas_are_those_of_the_product():
    position = POSITIONS["inverse_option_with_forward"]
    found = value(position)
    deltas = inverse_option_deltas(True, 3_260.0, 3_300.0, TAU, 0.6)
    assert found.greeks.delta_underlying == pytest.approx(4.0 * float(deltas.deribit), rel=1e-12)
    assert found.coin.premium_adjusted_delta_coin == pytest.approx(4.0 * float(deltas.premium_adjusted), rel=1e-12)
    assert found.coin.value_coin * 3_200.0 == pytest.approx(found.greeks.value_usd, rel=1e-12)
    assert value(POSITIONS["perp"]).coin is None


def test_value_book__kinds_mixed__keep_their_order_and_add_up():
    book = Book("ETH", (*POSITIONS.values(), POSITIONS["perp"], POSITIONS["spot"]))
    values = value_book(book, MARKET)
    assert tuple(found.position for found in values) == book.positions
    for found in values:
        assert found.greeks == value(found.position).greeks
    total = total_greeks(values)
    assert total.delta_underlying == pytest.approx(sum(found.greeks.delta_underlying for found in values))


def test_value_book__many_options__agree_with_the_product_row_by_row():
    strikes = np.linspace(2_000.0, 5_000.0, 50)
    terms = [
        {"is_call": bool(row % 2), "strike_usd": float(strike), "vol_annual": 0.6} for row, strike in enumerate(strikes)
    ]
    book = Book("ETH", tuple(Position("option", 1.0, "x", own, EXPIRY) for own in terms))
    values = value_book(book, MARKET)
    expected = black_scholes_greeks(np.arange(50) % 2 == 1, 3_200.0, strikes, TAU, 0.6, 0.03)
    assert [found.greeks.value_usd for found in values] == pytest.approx(expected.value.tolist(), rel=1e-12)


def test_value_book__expired__is_refused_by_label():
    with pytest.raises(DataError, match="calls: expiry"):
        value(POSITIONS["inverse_option"], replace(MARKET, now_unix=EXPIRY))


def test_value_book__price_not_finite__is_refused_by_name():
    with pytest.raises(DataError, match="spot_usd"):
        value(POSITIONS["spot"], replace(MARKET, spot_usd=math.nan))
