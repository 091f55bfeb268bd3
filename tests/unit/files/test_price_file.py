"""Prices are believed only when every instant is there once, in order, with a positive finite price."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from agent.backtest.price_series import PriceSeries, realised_vol_annual
from agent.errors import DataError
from agent.files.price_file import load_prices

START = datetime(2024, 8, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)


def write(tmp_path, rows, symbol="ETHUSDT"):
    """Write (minutes after START, price) rows, beside a second symbol that must not leak in."""
    path = tmp_path / "prices.parquet"
    stamps = [None if minutes is None else START + timedelta(minutes=minutes) for minutes, _ in rows]
    table = pl.DataFrame(
        {
            "open_ts": [START, *stamps],
            "symbol": ["BTCUSDT", *[symbol] * len(rows)],
            "open": [65_000.0, *[price for _, price in rows]],
        },
        schema={"open_ts": pl.Datetime("ms", "UTC"), "symbol": pl.Categorical(), "open": pl.Float64},
    )
    table.write_parquet(path)
    return path


def regular(count=12):
    return [(5 * step, 3000.0 + step) for step in range(count)]


def refusal(path, symbol="ETHUSDT", start=START, end=START + 12 * STEP):
    with pytest.raises(DataError) as caught:
        load_prices(path, symbol, start, end)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_load_prices__half_open_span__first_in_last_out(tmp_path):
    path = write(tmp_path, regular())
    prices = load_prices(path, "ETHUSDT", START + 2 * STEP, START + 5 * STEP)

    assert prices.times_unix.tolist() == [int((START + step * STEP).timestamp()) for step in (2, 3, 4)]
    assert prices.prices_usd.tolist() == [3002.0, 3003.0, 3004.0]
    assert prices.interval_seconds == 300
    assert prices.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert prices.source == "prices.parquet"


def test_load_prices__whole_file__end_may_be_the_end_of_the_last_candle(tmp_path):
    assert len(load_prices(write(tmp_path, regular()), "ETHUSDT", START, START + 12 * STEP)) == 12


def test_load_prices__series__cannot_be_changed(tmp_path):
    prices = load_prices(write(tmp_path, regular()), "ETHUSDT", START, START + 12 * STEP)
    with pytest.raises(ValueError, match="read-only"):
        prices.prices_usd[0] = 1.0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda rows: rows.pop(6), "gap of 600 s after 2024-08-01T00:25:00Z"),
        (lambda rows: rows.__setitem__(4, (20, float("nan"))), "no finite price at 2024-08-01T00:20:00Z (1 such rows)"),
        (lambda rows: rows.__setitem__(4, (20, None)), "no finite price at 2024-08-01T00:20:00Z"),
        (lambda rows: rows.__setitem__(4, (20, float("inf"))), "no finite price at 2024-08-01T00:20:00Z"),
        (lambda rows: rows.__setitem__(4, (20, 0.0)), "not above 0 at 2024-08-01T00:20:00Z"),
        (lambda rows: rows.__setitem__(4, (20, -5.0)), "not above 0 at 2024-08-01T00:20:00Z"),
        (lambda rows: rows.__setitem__(4, (15, 3003.0)), "2024-08-01T00:15:00Z twice; remove the duplicate"),
        (lambda rows: rows.reverse(), "2024-08-01T00:50:00Z out of order; sort by time"),
        (lambda rows: rows.__setitem__(4, (None, 3004.0)), "has no open_ts in its row 5"),
    ],
)
def test_load_prices__one_bad_row__named_with_its_instant(tmp_path, change, expected):
    rows = regular()
    change(rows)
    message = refusal(write(tmp_path, rows))
    assert expected in message
    assert "prices.parquet: ETHUSDT" in message


def test_load_prices__bad_row_outside_the_span__does_not_matter(tmp_path):
    rows = regular()
    rows[10] = (50, float("nan"))
    assert len(load_prices(write(tmp_path, rows), "ETHUSDT", START, START + 6 * STEP)) == 6


def test_load_prices__span_outside_file__says_what_the_file_spans(tmp_path):
    path = write(tmp_path, regular())
    for start, end in ((START - STEP, START + STEP), (START, START + 13 * STEP)):
        message = refusal(path, start=start, end=end)
        assert "spans 2024-08-01T00:00:00Z to 2024-08-01T01:00:00Z" in message
        assert "--from" in message


def test_load_prices__span_of_one_price__refused(tmp_path):
    assert "widen --from and --to" in refusal(write(tmp_path, regular()), end=START + STEP)


def test_load_prices__start_not_before_end__refused(tmp_path):
    assert "is not before --to" in refusal(write(tmp_path, regular()), start=START + STEP, end=START)


def test_load_prices__unknown_symbol__lists_the_known(tmp_path):
    assert "no symbol 'ETH'; choose one of BTCUSDT, ETHUSDT" in refusal(write(tmp_path, regular()), symbol="ETH")


def test_load_prices__unreadable__says_so(tmp_path):
    assert "no such file" in refusal(tmp_path / "absent.parquet")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"not parquet at all")
    assert "not a readable Parquet file" in refusal(broken)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"open_ts": [START], "symbol": ["ETHUSDT"]}, "column 'open' is missing"),
        ({"open_ts": [START.replace(tzinfo=None)], "symbol": ["ETHUSDT"], "open": [1.0]}, "time zone UTC"),
        ({"open_ts": [1], "symbol": ["ETHUSDT"], "open": [1.0]}, "time zone UTC"),
        ({"open_ts": [START], "symbol": ["ETHUSDT"], "open": ["1.0"]}, "prices in USD as numbers"),
        ({"open_ts": [START], "symbol": ["ETHUSDT"], "open": [1.0]}, "single price"),
    ],
)
def test_load_prices__wrong_columns__named(tmp_path, table, expected):
    path = tmp_path / "prices.parquet"
    pl.DataFrame(table).write_parquet(path)
    assert expected in refusal(path)


@pytest.mark.market_data
def test_load_prices__real_week__2016_prices_with_the_crash_inside(market_data):
    prices = load_prices(
        market_data / "binance_spot_5m_2024.parquet",
        "ETHUSDT",
        datetime(2024, 8, 1, tzinfo=UTC),
        datetime(2024, 8, 8, tzinfo=UTC),
    )
    assert len(prices) == 2016
    assert prices.prices_usd[0] == 3232.74
    assert prices.prices_usd.min() < 2200


def test_realised_vol__alternating_returns__closed_form():
    prices_usd = np.array([100.0, 101.0, 100.0, 101.0])
    series = PriceSeries("X", 3600 * np.arange(4, dtype=np.int64), prices_usd, 3600, "test", None)
    assert realised_vol_annual(series) == pytest.approx(np.log(1.01) * np.sqrt(365 * 24), rel=1e-12)
