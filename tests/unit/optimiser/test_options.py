"""Listed options as instruments: sensitivities by finite differences, quotes, margins, and what is left out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from agent.domain import Book
from agent.errors import DataError
from agent.optimiser.factors import Factors, book_factors
from agent.optimiser.options import DERIBIT, OptionRows, option_instruments
from agent.products.european import black76_greeks
from agent.products.inverse_option import inverse_option_deltas
from tests.support.decision_builders import NOW, held, short_calls

INDEX_USD = 2_200.0
CARRY = 1.03
"""Forward over index."""
STRIKES = np.array([1_800.0, 2_200.0, 2_600.0, 2_200.0])
IS_CALL = np.array([True, True, True, False])
TAU = np.array([0.08, 0.08, 0.3, 0.3])
VOLS = np.array([0.62, 0.55, 0.58, 0.55])


def coin_value(index_usd, vol_shift=0.0, weights=1.0):
    forward = CARRY * index_usd
    return black76_greeks(IS_CALL, forward, STRIKES, TAU, VOLS + vol_shift * weights).value / forward


def chain(**changes):
    mark = coin_value(INDEX_USD)
    plain = OptionRows(
        names=["C1800", "C2200", "C2600", "P2200"],
        is_call=IS_CALL,
        forward_usd=CARRY * INDEX_USD,
        strike_usd=STRIKES,
        tau_years=TAU,
        bid=mark - 0.0005,
        ask=mark + 0.0005,
        mark=mark,
        bid_size=10.0,
        ask_size=np.array([5.0, 6.0, 7.0, 8.0]),
    )
    return replace(plain, **changes)


def build(rows=None, terms=DERIBIT, reference_years=None):
    return option_instruments(rows or chain(), INDEX_USD, terms, 2.0, reference_years)


@pytest.mark.parametrize("reference_years", [None, 30.0 / 365.0])
def test_option_instruments__coin_settled__factors_are_finite_differences_in_usd(reference_years):
    weights = 1.0 if reference_years is None else np.sqrt(reference_years / TAU)
    found = np.array([instrument.factors for instrument in build(reference_years=reference_years).instruments])
    step, shift = 0.5, 1e-4

    def usd(index_usd, vol_shift=0.0):
        return index_usd * coin_value(index_usd, vol_shift, weights)

    up, mid, down = usd(INDEX_USD + step), usd(INDEX_USD), usd(INDEX_USD - step)
    np.testing.assert_allclose(found[:, 0], (up - down) / (2 * step), rtol=1e-6)
    np.testing.assert_allclose(found[:, 1], (up - 2 * mid + down) / step**2, rtol=1e-4)
    higher, lower = usd(INDEX_USD, shift), usd(INDEX_USD, -shift)
    np.testing.assert_allclose(found[:, 2], (higher - lower) / (2 * shift), rtol=1e-6)
    np.testing.assert_allclose(found[:, 4], (higher - 2 * mid + lower) / shift**2, rtol=1e-3, atol=1e-2)
    cross = usd(INDEX_USD + step, shift) - usd(INDEX_USD + step, -shift) - usd(INDEX_USD - step, shift)
    cross += usd(INDEX_USD - step, -shift)
    np.testing.assert_allclose(found[:, 3], cross / (4 * step * shift), rtol=1e-4, atol=1e-6)


def test_option_instruments__premium_from_held_coins__has_the_premium_adjusted_delta():
    bought, held_coins = (
        [instrument.factors.delta for instrument in build(terms=terms).instruments]
        for terms in (DERIBIT, replace(DERIBIT, pays_from_held_coins=True))
    )
    deltas = inverse_option_deltas(IS_CALL, CARRY * INDEX_USD, STRIKES, TAU, VOLS)
    np.testing.assert_allclose(bought, deltas.deribit, rtol=1e-9)
    np.testing.assert_allclose(held_coins, deltas.premium_adjusted, rtol=1e-9)


def test_option_instruments__settled_in_usd__has_black_76_factors():
    mark = coin_value(INDEX_USD) * CARRY * INDEX_USD
    rows = chain(bid=mark - 1.0, ask=mark + 1.0, mark=mark)
    found = build(rows, replace(DERIBIT, venue="lyra", is_coin_settled=False)).instruments
    greeks = black76_greeks(IS_CALL, CARRY * INDEX_USD, STRIKES, TAU, VOLS)
    expected = np.stack([greeks.delta, greeks.gamma, greeks.vega, greeks.vanna, greeks.volga], axis=1)
    np.testing.assert_allclose([instrument.factors for instrument in found], expected, rtol=1e-7)
    assert all(instrument.quote_currency_usd == 1.0 for instrument in found)
    assert found[0].fair_usd == pytest.approx(mark[0])


def test_option_instruments__quotes__cost_half_the_spread_and_the_fee_each_way():
    call = build().instruments[1]
    mark_usd = coin_value(INDEX_USD)[1] * INDEX_USD
    assert call.fair_usd == pytest.approx(mark_usd)
    assert call.buys == ((6.0, pytest.approx(0.0003 * INDEX_USD), pytest.approx(0.0005 * INDEX_USD)),)
    assert call.sells == ((10.0, pytest.approx(0.0003 * INDEX_USD), pytest.approx(0.0005 * INDEX_USD)),)
    assert call.venue == "deribit"
    assert not call.is_on_chain


def test_option_instruments__cheap_option__pays_the_capped_fee():
    found = build(chain(bid=0.0005, ask=0.0010, mark=0.0007)).instruments
    cheap = next(instrument for instrument in found if instrument.name == "C2600")
    assert cheap.buys[0].fee_usd_per_unit == pytest.approx(0.125 * 0.0010 * INDEX_USD)


def test_option_instruments__margins__are_price_long_and_deribits_formula_short():
    deep, _, far, _ = build().instruments
    mark_usd = coin_value(INDEX_USD) * INDEX_USD
    assert deep.margin_long_usd == pytest.approx(mark_usd[0])
    assert deep.margin_short_usd == pytest.approx(0.15 * INDEX_USD + mark_usd[0])
    assert far.margin_short_usd == pytest.approx(0.10 * INDEX_USD + mark_usd[2])


def test_option_instruments__expected_gain__is_theta_over_the_horizon():
    found = [instrument.expected_gain_usd_per_unit for instrument in build().instruments]
    step = 1e-6
    forward = CARRY * INDEX_USD
    values = [black76_greeks(IS_CALL, forward, STRIKES, TAU - shift, VOLS).value / CARRY for shift in (step, -step)]
    np.testing.assert_allclose(found, (values[0] - values[1]) / (2 * step) * 2.0 / 365.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "fair_coin"),
    [
        ({"bid": math.nan}, lambda mark: mark),
        ({"bid": 0.0}, lambda mark: mark),
        ({"ask": math.nan}, lambda mark: mark),
        ({"bid": math.nan, "mark": coin_value(INDEX_USD) + 0.002}, lambda mark: mark + 0.0005),
        ({"mark": math.nan}, lambda mark: mark),
    ],
)
def test_option_instruments__a_quote_missing__valued_by_mark_within_the_quotes(changes, fair_coin):
    found = build(chain(**changes)).instruments
    np.testing.assert_allclose([one.fair_usd for one in found], fair_coin(coin_value(INDEX_USD)) * INDEX_USD, rtol=1e-9)
    assert all((one.sells == ()) == ("bid" in changes) for one in found)
    assert all((one.buys == ()) == ("ask" in changes) for one in found)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bid": [0.0, 0.01, 0.01, 0.01], "ask": [math.nan, 0.08, 0.08, 0.08], "mark": math.nan}, "nothing is quoted"),
        ({"ask_size": [0.0, 1.0, 1.0, 1.0], "bid_size": [0.0, 1.0, 1.0, 1.0]}, "nothing is quoted"),
        ({"bid": [math.nan, 0.01, 0.01, 0.01], "mark": math.nan}, "one side alone is quoted"),
        (
            {"bid": [0.001, 0.01, 0.01, 0.01], "ask": [0.002, 0.1, 0.1, 0.1], "mark": math.nan},
            "no quote has an implied",
        ),
    ],
)
def test_option_instruments__row_without_a_usable_quote__is_left_out_with_the_reason(changes, reason):
    found = build(chain(**changes))
    assert [instrument.name for instrument in found.instruments] == ["C2200", "C2600", "P2200"]
    assert reason in found.left_out["C1800"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bid": coin_value(INDEX_USD) + 0.001}, "row 0: bid_usd is .*, above ask_usd"),
        ({"tau_years": [0.1, 0.0, 0.1, 0.1]}, "row 1: tau_years is 0.0"),
        ({"strike_usd": [1.0, 2.0, -3.0, 4.0]}, "row 2: strike_usd is -3.0"),
        ({"forward_usd": math.nan}, "row 0: forward_usd is nan"),
        ({"ask_size": [1.0, 1.0, 1.0, -2.0]}, "row 3: ask_size is -2.0"),
        ({"bid_size": math.nan}, "row 0: bid_size is nan"),
        ({"position": [0.0, math.inf, 0.0, 0.0]}, "row 1: position is inf"),
        ({"bid": [0.1, 0.1]}, r"bid has shape \(2,\) beside 4 names"),
        ({"names": []}, "the chain has no rows"),
        ({"is_call": [1, 0, 1, 0]}, "is_call has type"),
    ],
)
def test_option_instruments__bad_row__is_refused_by_row_field_and_value(changes, message):
    with pytest.raises(DataError, match=message):
        build(chain(**changes))


def test_option_instruments__bad_index_or_reference__is_refused_by_name():
    with pytest.raises(DataError, match=r"index_usd is 0\.0"):
        option_instruments(chain(), 0.0, DERIBIT, 1.0)
    with pytest.raises(DataError, match=r"reference_years is -1\.0"):
        build(reference_years=-1.0)


# --- the book's factors -------------------------------------------------------------------------------------------


def test_book_factors__short_calls__are_minus_the_calls():
    book = short_calls(50.0, 3_100.0)
    found = book_factors(book, 3_000.0, NOW, 12.0)
    greeks = black76_greeks(True, 3_000.0, 3_100.0, 30.0 / 365.0, 0.7)
    expected = [-50.0 * float(getattr(greeks, name)) for name in ("delta", "gamma", "vega", "vanna", "volga")]
    expected[0] += 12.0
    assert found == pytest.approx(Factors(*expected))


def test_book_factors__reference_expiry__weighs_short_dated_vega_up():
    plain = book_factors(short_calls(), 3_000.0, NOW, 0.0)
    weighed = book_factors(short_calls(), 3_000.0, NOW, 0.0, reference_years=120.0 / 365.0)
    assert weighed.vega_usd_per_vol == pytest.approx(2.0 * plain.vega_usd_per_vol)
    assert weighed.volga_usd_per_vol2 == pytest.approx(4.0 * plain.volga_usd_per_vol2)
    assert weighed.gamma_per_usd == plain.gamma_per_usd


def test_book_factors__coins_or_expired_options__have_delta_alone():
    assert book_factors(held(7.0), 3_000.0, NOW, -2.0) == Factors(5.0, 0.0, 0.0, 0.0, 0.0)
    after = NOW + 31 * 86_400
    assert book_factors(short_calls(), 3_000.0, after, 3.0) == Factors(3.0, 0.0, 0.0, 0.0, 0.0)


def test_book_factors__nothing_held_at_all__is_refused():
    with pytest.raises(DataError, match="book ETH holds nothing"):
        book_factors(Book("ETH", ()), 3_000.0, NOW, 0.0)


def test_option_instruments__mark_rounded_to_intrinsic__left_out_beside_a_lone_ask():
    rows = OptionRows(
        names=["C71000", "C83000", "P83000"],
        is_call=[True, True, False],
        forward_usd=83_153.70,
        strike_usd=[71_000.0, 83_000.0, 83_000.0],
        tau_years=22.9986 / 24.0 / 365.0,
        bid=[math.nan, 0.0130, 0.0110],
        ask=[0.1510, 0.0140, 0.0125],
        mark=[0.1462, 0.0135, 0.0117],
        bid_size=10.0,
        ask_size=10.0,
    )
    found = option_instruments(rows, 83_153.70, DERIBIT, 1.0)
    assert found.left_out == {"C71000": "no quote has an implied vol"}
    assert len(found.instruments) == 2
