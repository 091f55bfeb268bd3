"""A book is the same book in every format, and refuses the same mistakes in the terms of its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from agent.domain import Position
from agent.errors import DataError
from agent.files.book_file import load_any_book, load_book
from agent.products.registry import KINDS

NOW_UNIX = 1_722_470_400  # 2024-08-01T00:00:00Z
EXPIRY = "2024-08-31T08:00:00Z"
EXPIRY_UNIX = 1_725_091_200

DOCUMENT = {
    "book": {"underlying": "ETH"},
    "option": [
        {
            "label": "August 3,200 calls written to clients",
            "type": "call",
            "strike_usd": 3200,
            "expiry": EXPIRY,
            "quantity": -60,
            "iv_annual": 0.60,
            "iv_low_annual": 0.55,
            "iv_high_annual": 0.65,
        },
        {
            "label": "August 2,900 puts written to clients",
            "type": "put",
            "strike_usd": 2900,
            "expiry": EXPIRY,
            "quantity": -25,
            "iv_annual": 0.66,
            "iv_low_annual": 0.60,
            "iv_high_annual": 0.72,
        },
    ],
    "holding": [{"label": "ETH in the treasury", "quantity": 12.5}],
}
ROWS = [
    *({"underlying": "ETH", **row} for row in DOCUMENT["option"]),
    {"underlying": "ETH", "type": "holding", **DOCUMENT["holding"][0]},
]

DESK = """
[book]
underlying = "ETH"
[[inverse_option]]
type = "put"
strike_usd = 3000
expiry = "2024-08-31T08:00:00Z"
quantity = -20
iv_annual = 0.6
forward_usd = 3260
[[future]]
expiry = "2024-09-27T08:00:00Z"
quantity = 4
entry_usd = 3100
[[inverse_future]]
expiry = "2024-09-27T08:00:00Z"
quantity = -9000
entry_usd = 3100
[[perp]]
quantity = -5
entry_usd = 3100
funding_rate_per_day = 0.0003
[[inverse_perp]]
quantity = 20000
entry_usd = 3100
[[uniswap_v3_position]]
lower_usd = 2500
upper_usd = 4000
liquidity = 900
[[power_perp]]
label = "oSQTH"
quantity = -7
iv_annual = 0.7
normalization_factor = 0.6
"""


def json_book(tmp_path, document=DOCUMENT):
    path = tmp_path / "book.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def parquet_book(tmp_path, rows=ROWS):
    path = tmp_path / "book.parquet"
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
    return path


def changed(table, number, **fields):
    """The JSON book with fields of one entry changed, or removed where the change is None."""
    document = json.loads(json.dumps(DOCUMENT))
    entry = {**document[table][number], **fields}
    document[table][number] = {key: field for key, field in entry.items() if field is not None}
    return document


def refusal(path, load=load_book):
    with pytest.raises(DataError) as caught:
        load(path, NOW_UNIX)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


@pytest.mark.parametrize("write", [json_book, parquet_book])
def test_load_book__json_and_parquet__same_book_as_toml(repository, tmp_path, write):
    assert load_book(write(tmp_path), NOW_UNIX) == load_book(repository / "examples" / "book.toml", NOW_UNIX)


def test_load_book__example_json__same_book_as_toml(repository):
    examples = repository / "examples"
    assert load_book(examples / "book.json", NOW_UNIX) == load_book(examples / "book.toml", NOW_UNIX)


def test_load_book__parquet_timestamp__same_as_text(tmp_path):
    stamp = datetime(2024, 8, 31, 8, tzinfo=UTC)
    rows = [{**row, "expiry": stamp} if "expiry" in row else row for row in ROWS]
    assert load_book(parquet_book(tmp_path, rows), NOW_UNIX).options[1].expiry_unix == EXPIRY_UNIX


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_load_book__parquet_timestamp_of_any_unit__same_instant(tmp_path, unit):
    frame = pl.DataFrame([ROWS[0]]).with_columns(
        expiry=pl.lit(datetime(2024, 8, 31, 8, tzinfo=UTC)).cast(pl.Datetime(unit, "UTC"))
        + (pl.duration(nanoseconds=1) if unit == "ns" else pl.duration())
    )
    path = tmp_path / "book.parquet"
    frame.write_parquet(path)
    assert load_book(path, NOW_UNIX).options[0].expiry_unix == EXPIRY_UNIX


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (changed("option", 1, iv_annual=-0.6), '"option" 2: iv_annual is -0.6; it must be above 0'),
        (changed("option", 0, strike_usd=None), '"option" 1: strike_usd is missing; add it'),
        (changed("option", 0, strike_usd="dear"), "strike_usd is 'dear'; write a plain number"),
        (changed("option", 0, quantity=True), "quantity is True; write a plain number"),
        (changed("option", 0, expiry="2024-08-01T00:00:00Z"), "is not after 2024-08-01T00:00:00Z; remove the expired"),
        (changed("option", 0, strike=1), "\"option\" 1: unknown key 'strike'; did you mean 'strike_usd'"),
        (json.dumps(DOCUMENT).replace("12.5", "NaN"), '"holding" 1: quantity is nan; write a finite number'),
        (json.dumps(DOCUMENT).replace("12.5", "1e999"), '"holding" 1: quantity is inf; write a finite number'),
        ('{"book": {"underlying": "ETH", "underlying": "BTC"}}', "'underlying' stands twice in one object"),
        ({"book": {"underlying": "ETH"}}, "the book is empty"),
        ({"option": []}, 'section "book" is missing'),
        ({"book": {"underlying": "ETH"}, "option": {"type": "call"}}, "option is not a list of tables"),
        ({"book": {"underlying": "ETH"}, "options": []}, "did you mean 'option'"),
        ([{"instrument_name": "ETH-27JUN25-3000-C"}], "this is a chain of quotes, not a book"),
        ({"result": []}, "this is a chain of quotes, not a book"),
        ("3", "not an object"),
        ("", "line 1: not JSON"),
        ("[" * 100_000, "not JSON|nested too deep"),
    ],
)
def test_load_book__bad_json__one_line_names_entry_field_and_remedy(tmp_path, document, expected):
    message = refusal(json_book(tmp_path, document))
    assert any(words in message for words in expected.split("|"))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{**ROWS[0], "iv_annual": -0.6}], "row 1: iv_annual is -0.6; it must be above 0"),
        ([ROWS[0], {**ROWS[1], "strike_usd": None}], "row 2: strike_usd is missing; add it"),
        ([{**ROWS[0], "quantity": float("nan")}], "row 1: quantity is nan; write a finite number"),
        ([{**ROWS[0], "strike": 1}], "columns: unknown key 'strike'; did you mean 'strike_usd'"),
        ([{**ROWS[0], "expiry": datetime(2024, 8, 31, 8)}], "has no time zone"),  # noqa: DTZ001 - the mistake
        ([ROWS[0], {**ROWS[1], "underlying": "BTC"}], "row 2: underlying is 'BTC' but above it is 'ETH'"),
        ([{**ROWS[0], "type": "straddle"}], "row 1: type is 'straddle'; write one of call, put, "),
        ([{**ROWS[2], "strike_usd": 3200}], "row 1: a holding has no strike_usd; leave that cell blank"),
        ([{"instrument_name": "ETH-27JUN25-3000-C"}], "this is a chain of quotes, not a book"),
    ],
)
def test_load_book__bad_parquet__one_line_names_row_field_and_remedy(tmp_path, rows, expected):
    assert expected in refusal(parquet_book(tmp_path, rows))


def test_load_book__parquet_absent_empty_or_not_parquet__says_so(tmp_path):
    assert "no such file; check the path" in refusal(tmp_path / "absent.parquet")
    assert "the book is empty" in refusal(parquet_book(tmp_path, [ROWS[0]][:0] or pl.DataFrame(schema=["type"])))
    text = tmp_path / "text.parquet"
    text.write_text("underlying,type\n")
    assert "not a readable Parquet file" in refusal(text)


def desk(tmp_path, text=DESK):
    path = tmp_path / "desk.toml"
    path.write_text(text)
    return path


def test_load_any_book__every_kind__has_the_fields_of_its_product(tmp_path):
    book = load_any_book(desk(tmp_path), NOW_UNIX)
    assert book.underlying == "ETH"
    assert [position.kind for position in book.positions] == [
        "inverse_option",
        "future",
        "inverse_future",
        "perp",
        "inverse_perp",
        "uniswap_v3_position",
        "power_perp",
    ]
    assert book.positions[0] == Position(
        "inverse_option",
        -20.0,
        "2024-08-31 3000 put, inverse",
        {"is_call": False, "strike_usd": 3000.0, "vol_annual": 0.6, "forward_usd": 3260.0},
        EXPIRY_UNIX,
    )
    assert book.positions[3].terms["funding_rate_annual"] == pytest.approx(0.0003 * 365)
    assert book.positions[5].quantity == 1.0
    for position in book.positions:
        assert set(position.terms) <= set(KINDS[position.kind].product.example), position.kind


def test_load_any_book__keepers_book__options_and_holdings_too(repository):
    book = load_any_book(repository / "examples" / "book.toml", NOW_UNIX)
    assert [(own.kind, own.quantity) for own in book.positions] == [
        ("option", -60.0),
        ("option", -25.0),
        ("holding", 12.5),
    ]


def test_load_any_book__rows__same_positions_as_tables(tmp_path):
    path = tmp_path / "desk.csv"
    path.write_text(
        "underlying,type,strike_usd,expiry,quantity,iv_annual,forward_usd,entry_usd,funding_rate_per_day,lower_usd,"
        "upper_usd,liquidity,normalization_factor,label\n"
        "ETH,inverse_put,3000,2024-08-31T08:00:00Z,-20,0.6,3260,,,,,,,\n"
        "ETH,future,,2024-09-27T08:00:00Z,4,,,3100,,,,,,\n"
        "ETH,inverse_future,,2024-09-27T08:00:00Z,-9000,,,3100,,,,,,\n"
        "ETH,perp,,,-5,,,3100,0.0003,,,,,\n"
        "ETH,inverse_perp,,,20000,,,3100,,,,,,\n"
        "ETH,uniswap_v3_position,,,,,,,,2500,4000,900,,\n"
        "ETH,power_perp,,,-7,0.7,,,,,,,0.6,oSQTH\n"
    )
    assert load_any_book(path, NOW_UNIX) == load_any_book(desk(tmp_path), NOW_UNIX)


@pytest.mark.parametrize(
    ("written", "mistake", "expected"),
    [
        ("quantity = -5", "quantity = 0", "[[perp]] 1: quantity is 0"),
        ("entry_usd = 3100\nfunding", "funding", "[[perp]] 1: entry_usd is missing; add it"),
        ("liquidity = 900", "liquidity = -900", "[[uniswap_v3_position]] 1: liquidity is -900; it must be above 0"),
        ("lower_usd = 2500", "lower_usd = 4000", "lower_usd 4000 is not below upper_usd 4000; swap them"),
        ("iv_annual = 0.7", "iv_annual = 70", "[[power_perp]] 1: an iv is above 5 (500 % a year)"),
        ("iv_annual = 0.7", "iv_annual = -0.7", "[[power_perp]] 1: iv_annual is -0.7; it must be above 0"),
        ("iv_annual = 0.6", "iv_annual = nan", "[[inverse_option]] 1: iv_annual is nan; write a finite number"),
        ("2024-09-27", "2024-07-01", "[[future]] 1: expiry 2024-07-01T08:00:00Z is not after"),
        ("[[perp]]", "[[swap]]", "unknown key 'swap'"),
        ("forward_usd", "iv_low_annual", "[[inverse_option]] 1: unknown key 'iv_low_annual'"),
    ],
)
def test_load_any_book__bad_entry__one_line_names_it(tmp_path, written, mistake, expected):
    path = desk(tmp_path, DESK.replace(written, mistake, 1))
    assert expected in refusal(path, load_any_book)


@pytest.mark.parametrize("kind", ["inverse_option", "future", "perp", "uniswap_v3_position", "power_perp"])
def test_load_book__kind_that_the_keeper_cannot_hedge__refused_in_one_line(tmp_path, kind):
    tables = [table for table in DESK.split("[[")[1:] if table.startswith(f"{kind}]]")]
    message = refusal(desk(tmp_path, '[book]\nunderlying = "ETH"\n[[' + tables[0]))
    assert f"[[{kind}]] 1: the keeper cannot hedge a" in message
    assert "evenkeel greeks" in message
