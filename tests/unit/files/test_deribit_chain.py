"""A chain is read whole, in either vocabulary, or refused with one line that names file, row, field and remedy."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from agent.errors import DataError
from agent.files.deribit_chain import is_chain, load_chain
from tests.support.listed_chain import EXPIRIES, NOW_UNIX, as_columns, summaries, write_json

FIRST = "ETH-26JAN24-1600-C"


def refusal(path, now_unix=None):
    with pytest.raises(DataError) as caught:
        load_chain(path, now_unix)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


def same(one, other):
    for field in fields(one):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, np.ndarray):
            np.testing.assert_array_equal(left, right, field.name)
        else:
            assert left == right, field.name


def test_load_chain__api_answer__every_field_in_its_place(tmp_path):
    rows = summaries()
    chain = load_chain(write_json(tmp_path / "chain.json", rows))
    assert chain.underlying == "ETH"
    assert chain.now_unix == NOW_UNIX
    assert chain.index_usd == 2_222.19
    assert chain.instrument_name == tuple(row["instrument_name"] for row in rows)
    assert chain.expiry_unix.tolist() == [unix for unix in EXPIRIES.values() for _ in range(10)]
    assert chain.is_call.tolist() == [True, False] * 10
    assert chain.strike_usd[:4].tolist() == [1_600, 1_600, 1_900, 1_900]
    assert chain.mark_coin.tolist() == [row["mark_price"] for row in rows]
    assert chain.bid_coin[:2].tolist() == [row["bid_price"] for row in rows[:2]]
    assert np.isnan(chain.bid_coin[8])
    assert chain.quoted_mark_vol_annual.tolist() == pytest.approx([row["mark_iv"] / 100 for row in rows])
    assert chain.open_interest.tolist() == [10.0] * 20
    assert chain.rate_annual.tolist() == [0.0] * 20
    assert chain.tau_years[0] == pytest.approx((EXPIRIES["26JAN24"] - NOW_UNIX) / (365 * 86_400), rel=1e-15)


def test_load_chain__bare_list_and_any_order__same_chain(tmp_path):
    whole = load_chain(write_json(tmp_path / "chain.json", summaries()))
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(summaries()[::-1]))
    same(load_chain(bare), whole)


@pytest.mark.parametrize("format_name", ["parquet", "csv"])
def test_load_chain__columns_of_the_reference_data__same_quotes(tmp_path, format_name):
    path = tmp_path / f"chain.{format_name}"
    getattr(pl.DataFrame(as_columns(summaries())), f"write_{format_name}")(path)
    chain, expected = load_chain(path), load_chain(write_json(tmp_path / "chain.json", summaries()))
    for name in ("bid_coin", "ask_coin", "mark_coin", "forward_usd", "strike_usd", "expiry_unix"):
        np.testing.assert_array_equal(getattr(chain, name), getattr(expected, name), name)
    assert chain.now_unix == pytest.approx(NOW_UNIX, abs=0.0005)
    assert np.isnan(chain.quoted_mark_vol_annual).all()


def test_load_chain__real_chain__whole(market_data):
    path = market_data / "deribit_eth_chain_20240108.parquet"
    frame, chain = pl.read_parquet(path), load_chain(path)
    assert len(chain.instrument_name) == len(frame) == 684
    assert np.unique(chain.expiry_unix).size == 11
    assert int(np.isnan(chain.bid_coin).sum()) == frame["bid_coin"].null_count() + int((frame["bid_coin"] == 0).sum())
    by_name = dict(zip(frame["instrument_name"], frame["mark_coin"], strict=True))
    marks = np.nan_to_num(chain.mark_coin, nan=0.0)
    assert marks.tolist() == [by_name[name] for name in chain.instrument_name]


def test_load_chain__columns_that_agree_with_the_name__accepted(tmp_path):
    rows = as_columns(summaries())
    for row in rows:
        _, expiry, strike, right = row["instrument_name"].split("-")
        row |= {"strike_usd": int(strike), "option_type": {"C": "call", "P": "P"}[right]}
        row["expiry"] = pl.Series([EXPIRIES[expiry]]).cast(pl.Datetime("ms", "UTC"))[0]
        row["expiry"] += timedelta(seconds=EXPIRIES[expiry] - row["expiry"].timestamp())
    path = tmp_path / "chain.parquet"
    pl.DataFrame(rows).write_parquet(path)
    assert len(load_chain(path).instrument_name) == 20


def test_load_chain__zero_for_no_quote__is_absent(tmp_path):
    rows = summaries()
    rows[0] |= {"bid_price": 0, "ask_price": 0.0}
    chain = load_chain(write_json(tmp_path / "chain.json", rows))
    assert np.isnan([chain.bid_coin[0], chain.ask_coin[0]]).all()


def test_load_chain__now_given__needs_no_stamps(tmp_path):
    rows = [{key: field for key, field in row.items() if key != "creation_timestamp"} for row in summaries()]
    path = write_json(tmp_path / "chain.json", rows)
    assert "'snapshot_ts' or 'creation_timestamp' is missing" in refusal(path)
    assert load_chain(path, 1_704_715_000.0).now_unix == 1_704_715_000.0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"bid_price": 0.5, "ask_price": 0.4},
            f"row 1 ({FIRST}): bid 0.5 is above ask 0.4; remove or mend the crossed",
        ),
        ({"mark_price": float("nan")}, f"row 1 ({FIRST}): mark_price is nan; write a finite number"),
        ({"bid_price": float("inf")}, "bid_price is inf; write a finite number"),
        ({"ask_price": -0.1}, f"row 1 ({FIRST}): ask_price is -0.1; it must not be below 0"),
        ({"mark_iv": -55}, f"row 1 ({FIRST}): mark_iv is -55; it must not be below 0"),
        ({"underlying_price": None}, f"row 1 ({FIRST}): underlying_price is missing; add it"),
        ({"underlying_price": 0}, "underlying_price is 0; it must be above 0"),
        ({"underlying_price": "2,240"}, "underlying_price is '2,240'; write a plain number"),
        (
            {"instrument_name": "ETH-PERPETUAL"},
            "row 1: instrument_name is 'ETH-PERPETUAL'; write a coin-settled option",
        ),
        ({"instrument_name": "ETH_USDC-26JAN24-1600-C"}, "settled in USDC; coin-settled options alone are read"),
        ({"instrument_name": "ETH-31FEB24-1600-C"}, "a day that does not exist"),
        ({"instrument_name": "ETH-26JAN24-0-C"}, "a strike of 0"),
        ({"instrument_name": None}, "row 1: instrument_name is missing; add it"),
        ({"instrument_name": "ETH-26JAN24-1600-P"}, "row 2 (ETH-26JAN24-1600-P): the same option stands at"),
        ({"instrument_name": "ETH-5JAN24-1600-C"}, "expiry 2024-01-05T08:00:00Z is not after 2024-01-08T11:19:41Z"),
        ({"instrument_name": "BTC-26JAN24-1600-C"}, "row 2 (ETH-26JAN24-1600-P): the rows above are of BTC"),
        ({"strike_usd": 1_700}, f"row 1 ({FIRST}): strike_usd is 1700 where the name says 1600; mend one of them"),
        ({"option_type": "P"}, f"row 1 ({FIRST}): option_type is P where the name says C; mend one of them"),
        ({"expiry": "2024-01-27T08:00:00Z"}, "where the name says 2024-01-26T08:00:00Z; mend one of them"),
        ({"creation_timestamp": "now"}, "creation_timestamp is 'now'; write a plain number"),
        ({"creation_timestamp": 1_704_700_000_000}, "is 12781 s older than the newest row; give the quotes of one"),
    ],
)
def test_load_chain__bad_row__one_line_names_row_field_and_remedy(tmp_path, change, expected):
    rows = summaries()
    rows[0] |= change
    assert expected in refusal(write_json(tmp_path / "chain.json", rows))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("instrument_name", "column 'instrument_name' is missing"),
        ("bid_coin", "column 'bid_coin' or 'bid_price' is missing; add the bid"),
        ("mark_coin", "column 'mark_coin' or 'mark_price' is missing"),
        ("underlying_usd", "column 'underlying_usd' or 'underlying_price' is missing; add the forward"),
        ("snapshot_ts", "column 'snapshot_ts' or 'creation_timestamp' is missing; add the stamp"),
    ],
)
def test_load_chain__column_missing__is_named_with_its_other_name(tmp_path, column, expected):
    path = tmp_path / "chain.csv"
    pl.DataFrame(as_columns(summaries())).drop(column).write_csv(path)
    assert expected in refusal(path)


def test_load_chain__csv__names_the_line(tmp_path):
    path = tmp_path / "chain.csv"
    rows = as_columns(summaries())
    rows[3]["bid_coin"] = 9.0
    pl.DataFrame(rows).write_csv(path)
    assert "line 5 (ETH-26JAN24-1900-P): bid 9 is above ask" in refusal(path)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("absent.json", None, "no such file; check the path"),
        ("absent.csv", None, "no such file; check the path"),
        ("absent.parquet", None, "no such file; check the path"),
        ("chain.xlsx", "", "is not a format of a chain; use .parquet, .csv, .json"),
        ("chain.json", "{}", "column 'instrument_name' is missing"),
        ("chain.json", "[3]", "row 1 is 3; write an object with named fields"),
        ("chain.json", '{"result": ', "line 1: not JSON"),
        ("chain.json", "[]", "column 'bid_coin' or 'bid_price' is missing"),
        ("chain.parquet", "instrument_name\n", "not a readable Parquet file"),
        ("chain.csv", "", "column 'instrument_name' is missing"),
        (
            "chain.csv",
            "snapshot_ts,instrument_name,bid_coin,ask_coin,mark_coin,underlying_usd\n",
            "the chain is empty; give at least one option",
        ),
    ],
)
def test_load_chain__file_that_is_none__says_so(tmp_path, name, text, expected):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    assert expected in refusal(path)


def test_is_chain__tells_chains_from_books(repository, tmp_path):
    assert is_chain(write_json(tmp_path / "chain.json", summaries()))
    for name in ("book.toml", "book.csv", "book.json"):
        assert not is_chain(repository / "examples" / name)
    pl.DataFrame({"underlying": ["ETH"], "type": ["holding"], "quantity": [1.0]}).write_parquet(tmp_path / "b.parquet")
    assert not is_chain(tmp_path / "b.parquet")


@pytest.mark.parametrize("unit", [("seconds", 1), ("microseconds", 10**6), ("nanoseconds", 10**9)])
def test_load_chain__stamp_of_another_unit__names_both(tmp_path, unit):
    name, per_second = unit
    rows = [{**row, "creation_timestamp": int(NOW_UNIX) * per_second} for row in summaries()]
    message = refusal(write_json(tmp_path / "chain.json", rows))
    assert f"looks like {name} since 1970; write milliseconds" in message


def test_load_chain__column_twice__is_refused(tmp_path):
    path = tmp_path / "chain.csv"
    path.write_text("instrument_name,bid_price,Bid_Price \n")
    assert "'bid_price' and 'Bid_Price' name one field" in refusal(path)
