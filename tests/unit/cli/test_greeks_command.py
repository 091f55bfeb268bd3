"""``evenkeel greeks`` adds up what its positions are worth, in units that are named, and values whole chains."""

from __future__ import annotations

import csv
import json

import polars as pl
import pytest

from agent.cli.main import main
from tests.support.listed_chain import as_columns, summaries, write_json

NOW_UNIX = 1_722_470_400
DESK = """
[book]
underlying = "ETH"
[[inverse_option]]
label = "August puts bought on the exchange"
type = "put"
strike_usd = 3000
expiry = "2024-08-31T08:00:00Z"
quantity = 20
iv_annual = 0.6
[[perp]]
quantity = -5
entry_usd = 3100
[[uniswap_v3_position]]
lower_usd = 2500
upper_usd = 4000
liquidity = 900
"""


@pytest.fixture
def evenkeel(monkeypatch, capsys):
    """Run the command as the console script does; return exit status, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["evenkeel", "greeks", *[str(argument) for argument in arguments]])
        with pytest.raises(SystemExit) as exited:
            main()
        captured = capsys.readouterr()
        return exited.value.code or 0, captured.out, captured.err

    return run


@pytest.fixture
def market(repository):
    return ("--market", repository / "examples" / "market.toml")


@pytest.fixture
def chain_file(tmp_path):
    return write_json(tmp_path / "chain.json", summaries())


@pytest.mark.parametrize("name", ["book.toml", "book.csv", "book.json"])
def test_greeks__json__total_is_the_sum_of_the_positions(evenkeel, repository, market, name):
    status, out, _ = evenkeel(repository / "examples" / name, *market, "--json")
    assert status == 0
    parsed = json.loads(out)
    assert parsed["market"] == {"spot_usd": 3232.74, "now_unix": NOW_UNIX, "rate_annual": 0.0}
    assert [position["quantity"] for position in parsed["positions"]] == [-60, -25, 12.5]
    for figure, total in parsed["total"].items():
        assert total == pytest.approx(sum(position[figure] for position in parsed["positions"]))
    assert parsed["positions"][2]["value_usd"] == 12.5 * 3232.74
    assert parsed["positions"][2]["delta_underlying"] == 12.5


def test_greeks__table__names_units_and_cuts_no_figure(evenkeel, repository, market):
    status, out, _ = evenkeel(repository / "examples" / "book.toml", *market)
    assert status == 0
    for words in ("vol point", "rate point", "per USD", "USD per", "August 2,900 puts", "Total", "ETH at $3,232.74"):
        assert words in out
    assert "…" not in out


def test_greeks__desk_of_many_kinds__one_total_and_the_coins_beside(evenkeel, tmp_path, market):
    book = tmp_path / "desk.toml"
    book.write_text(DESK)
    status, out, _ = evenkeel(book, *market, "--json")
    assert status == 0
    parsed = json.loads(out)
    assert [position["product"] for position in parsed["positions"]] == ["inverse_option", "perp", "uniswap_v3_range"]
    assert parsed["positions"][0]["coin"]["value_coin"] * 3232.74 == pytest.approx(parsed["positions"][0]["value_usd"])
    assert "coin" not in parsed["positions"][1]
    status, out, _ = evenkeel(book, *market)
    for words in ("August puts bought", "perp", "Uniswap v3 2500 to 4000", "Settled in coin", "Total"):
        assert words in out


def test_greeks__example_desk__valued_whole(evenkeel, repository, market):
    status, out, _ = evenkeel(repository / "examples" / "desk.toml", *market, "--json")
    assert status == 0
    products = [position["product"] for position in json.loads(out)["positions"]]
    assert len(products) == len(set(products)) == 7


@pytest.mark.parametrize("suffix", ["json", "csv", "parquet"])
def test_greeks__chain__needs_no_market_in_any_format(evenkeel, tmp_path, suffix):
    path = tmp_path / f"chain.{suffix}"
    if suffix == "json":
        write_json(path, summaries())
    else:
        getattr(pl.DataFrame(as_columns(summaries())), f"write_{suffix}")(path)
    status, out, err = evenkeel(path, "--json")
    assert (status, err) == (0, "")
    document = json.loads(out)
    assert len(document["rows"]) == 20
    assert document["summary"]["is_free_of_arbitrage"]
    status, out, _ = evenkeel(path)
    assert status == 0
    assert "20 options, 2 expiries" in out
    assert max(map(len, out.splitlines())) <= 120


def test_greeks__real_chain__handled_whole(evenkeel, market_data):
    status, out, _ = evenkeel(market_data / "deribit_eth_chain_20240108.parquet", "--json")
    assert status == 0
    document = json.loads(out)
    assert len(document["rows"]) == 684
    assert document["summary"]["inside_share"] >= 0.95


def test_greeks__chain_at_another_time__less_time_left_and_higher_vols(evenkeel, chain_file):
    _, out, _ = evenkeel(chain_file, "--json")
    _, later, _ = evenkeel(chain_file, "--now", "2024-01-10T00:00:00.5Z", "--json")
    before, after = json.loads(out), json.loads(later)
    assert after["now"] == "2024-01-10T00:00:00.500Z"
    assert after["rows"][4]["tau_years"] < before["rows"][4]["tau_years"]
    assert after["rows"][4]["mark_iv_annual"] > before["rows"][4]["mark_iv_annual"]


def test_greeks__csv_wanted__rows_written_with_empty_cells_for_null(evenkeel, chain_file, tmp_path):
    target = tmp_path / "rows.csv"
    status, out, _ = evenkeel(chain_file, "--csv", target, "--json")
    assert status == 0
    with target.open() as file:
        rows = list(csv.DictReader(file))
    expected = json.loads(out)["rows"]
    assert [row["instrument_name"] for row in rows] == [row["instrument_name"] for row in expected]
    assert float(rows[3]["delta_deribit"]) == expected[3]["delta_deribit"]
    assert rows[8]["bid_iv_annual"] == ""
    assert rows[8]["bid_iv_reason"] == "no quote"


CHANGES = {
    "crossed quote": ({"bid_price": 0.5, "ask_price": 0.4}, "bid 0.5 is above ask 0.4"),
    "NaN": ({"mark_price": float("nan")}, "mark_price is nan; write a finite number"),
    "negative vol": ({"mark_iv": -55}, "mark_iv is -55; it must not be below 0"),
    "expired row": ({"instrument_name": "ETH-5JAN24-1600-C"}, "remove the expired row"),
    "duplicate instrument": ({"instrument_name": "ETH-26JAN24-1600-P"}, "the same option stands at"),
    "missing number": ({"underlying_price": None}, "underlying_price is missing; add it"),
}


@pytest.mark.parametrize("mistake", CHANGES)
def test_greeks__bad_chain__one_line_names_the_row_and_status_2(evenkeel, tmp_path, mistake):
    change, expected = CHANGES[mistake]
    rows = summaries()
    rows[0] |= change
    status, out, err = evenkeel(write_json(tmp_path / "chain.json", rows))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("evenkeel: ")
    assert "chain.json: row " in err
    assert expected in err


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("absent.parquet", None, "no such file; check the path"),
        ("absent.toml", None, "no such file; check the path"),
        ("book.xlsx", "", ".xlsx is not a book format; use one of .toml, .csv, .json, .parquet"),
        ("book.parquet", "text", "not a readable Parquet file"),
        ("book.json", "", "line 1: not JSON"),
        ("book.csv", "", "the book is empty"),
        ("book.toml", '[book]\nunderlying = "ETH"\n', "the book is empty"),
        ("chain.csv", "instrument_name,bid_coin\n", "column 'ask_coin' or 'ask_price' is missing"),
        ("chain.json", '{"result": []}', "column 'bid_coin' or 'bid_price' is missing"),
    ],
)
def test_greeks__bad_file__one_line_and_status_2(evenkeel, tmp_path, market, name, text, expected):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    options = () if name.startswith("chain") else market
    status, out, err = evenkeel(path, *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert name in err
    assert expected in err


def test_greeks__options_of_the_other_kind_of_file__refused(evenkeel, repository, chain_file, market, tmp_path):
    book = repository / "examples" / "book.toml"
    for arguments, expected in (
        ((chain_file, *market), "leave out --market, or give --now"),
        ((book, *market, "--now", "2024-08-01"), "--now is for a chain of quotes"),
        ((book, *market, "--csv", tmp_path / "x.csv"), "--csv is for a chain of quotes"),
        ((book,), "a book needs a market; add --market"),
        ((chain_file, "--now", "noon"), "--now: 'noon' is not a time"),
        ((chain_file, "--csv", tmp_path / "absent" / "x.csv"), "cannot be written"),
    ):
        status, out, err = evenkeel(*arguments)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert expected in err


def test_greeks__expired_as_of_the_market__refused(evenkeel, repository, tmp_path):
    market = tmp_path / "market.toml"
    market.write_text('spot_usd = 3000\nnow = "2024-09-01"\n')
    status, _, err = evenkeel(repository / "examples" / "book.toml", "--market", market)
    assert status == 2
    assert "remove the expired leg" in err
