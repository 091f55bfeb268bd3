"""What is replayed is fixed before anything starts, and says where it comes from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from agent.backtest.seeded_day import SEEDED_STEPS
from agent.demo.scenario import (
    DEFAULT_IV_ANNUAL,
    at_the_money_strike,
    default_book,
    deposit_usd,
    file_scenario,
    seeded_scenario,
    underlying_of,
)
from agent.domain import OptionType
from agent.errors import DataError

START = datetime(2024, 8, 1, tzinfo=UTC)


def price_file(tmp_path, first, count, step=timedelta(hours=1)):
    path = tmp_path / "prices.parquet"
    # Alternating 1 % moves: realised volatility has a closed form.
    pl.DataFrame(
        {
            "open_ts": [first + number * step for number in range(count)],
            "symbol": ["ETHUSDT"] * count,
            "open": [3232.74 * (1.01 if number % 2 else 1.0) for number in range(count)],
        },
        schema={"open_ts": pl.Datetime("ms", "UTC"), "symbol": pl.String(), "open": pl.Float64},
    ).write_parquet(path)
    return path


def test_seeded_scenario__same_seed__same_everything():
    first, second = seeded_scenario(5, None), seeded_scenario(5, None)
    assert np.array_equal(first.prices.prices_usd, second.prices.prices_usd)
    assert first.book == second.book
    assert len(first.prices) == SEEDED_STEPS
    assert not np.array_equal(first.prices.prices_usd, seeded_scenario(6, None).prices.prices_usd)


def test_default_book__short_100_calls_at_the_money_30_days_left():
    scenario = seeded_scenario(1, None)
    (leg,) = scenario.book.options
    assert leg.option_type is OptionType.CALL
    assert leg.quantity == -100
    assert leg.strike_usd == 3200
    assert leg.expiry_unix - scenario.prices.start_unix == 30 * 86_400
    assert leg.iv_low_annual == pytest.approx(leg.iv_annual - 0.05)
    assert leg.iv_high_annual == pytest.approx(leg.iv_annual + 0.05)


def test_default_book__tiny_volatility__interval_stays_above_zero():
    (leg,) = default_book(seeded_scenario(1, None).prices, 0.0).options
    assert 0 < leg.iv_low_annual < leg.iv_annual < leg.iv_high_annual


def test_file_scenario__month_before_the_start__its_realised_volatility(tmp_path):
    path = price_file(tmp_path, START - timedelta(days=30), 31 * 24)
    scenario = file_scenario(path, "ETHUSDT", START, START + timedelta(days=1), None, 1)
    expected = np.log(1.01) * np.sqrt(365 * 24)
    assert scenario.book.options[0].iv_annual == pytest.approx(round(expected, 2))
    assert "realised volatility of the 30 days before" in scenario.book_origin
    assert scenario.book.options[0].strike_usd == 3250


def test_file_scenario__no_month_before__stated_default(tmp_path):
    path = price_file(tmp_path, START, 25)
    scenario = file_scenario(path, "ETHUSDT", START, START + timedelta(days=1), None, 1)
    assert scenario.book.options[0].iv_annual == DEFAULT_IV_ANNUAL
    assert "stated default" in scenario.book_origin


def test_file_scenario__own_book__read_as_of_the_first_price(tmp_path, repository):
    path = price_file(tmp_path, START, 25)
    scenario = file_scenario(
        path, "ETHUSDT", START, START + timedelta(days=1), repository / "examples" / "book.toml", 1
    )
    assert [leg.quantity for leg in scenario.book.options] == [-60, -25]
    assert scenario.book_origin.endswith("book.toml")


def test_file_scenario__book_of_another_underlying__refused(tmp_path):
    book = tmp_path / "book.toml"
    book.write_text('[book]\nunderlying = "BTC"\n[[holding]]\nquantity = 1\n')
    path = price_file(tmp_path, START, 25)
    with pytest.raises(DataError, match="the book is of BTC, but the prices are of ETHUSDT"):
        file_scenario(path, "ETHUSDT", START, START + timedelta(days=1), book, 1)


@pytest.mark.parametrize(
    ("price_usd", "strike_usd"), [(3232.74, 3250), (3220, 3200), (65_123, 65_000), (0.1234, 0.125), (999.9, 1000)]
)
def test_at_the_money_strike__price__nearest_listed(price_usd, strike_usd):
    assert at_the_money_strike(price_usd) == pytest.approx(strike_usd)


@pytest.mark.parametrize(
    ("symbol", "underlying"), [("ETHUSDT", "ETH"), ("ETHUSD", "ETH"), ("ETH", "ETH"), ("USDT", "USDT")]
)
def test_underlying_of__symbol__without_quote_currency(symbol, underlying):
    assert underlying_of(symbol) == underlying


def test_deposit__default_book__carries_every_unit_of_it_with_a_quarter_to_spare():
    book = seeded_scenario(1, None).book
    assert deposit_usd(book, 3200.0) == 400_000
    assert deposit_usd(book, 1.0) == 10_000
