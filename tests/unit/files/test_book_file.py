"""Books are read exactly, and refused whole with one line that says what, where and how to mend it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.domain import Book, HoldingLeg, OptionLeg, OptionType
from agent.errors import DataError
from agent.files.book_file import book_toml, load_book, load_kept_book

NOW_UNIX = 1_722_470_400  # 2024-08-01T00:00:00Z
EXPIRY_UNIX = 1_725_091_200  # 2024-08-31T08:00:00Z

OPTION = {
    "type": '"call"',
    "strike_usd": "3200",
    "expiry": '"2024-08-31T08:00:00Z"',
    "quantity": "-60",
    "iv_annual": "0.60",
    "iv_low_annual": "0.55",
    "iv_high_annual": "0.65",
    "label": '"calls"',
}


def toml_book(tmp_path, head='[book]\nunderlying = "ETH"\n', **changes):
    """Write a book of one option whose fields are changed, or removed where the change is None."""
    fields = {key: value for key, value in {**OPTION, **changes}.items() if value is not None}
    path = tmp_path / "book.toml"
    path.write_text(head + "[[option]]\n" + "".join(f"{key} = {value}\n" for key, value in fields.items()))
    return path


def refusal(path, now_unix=NOW_UNIX):
    with pytest.raises(DataError) as caught:
        load_book(path, now_unix)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


def test_load_book__example_toml__every_field_in_its_place(repository):
    book = load_book(repository / "examples" / "book.toml", NOW_UNIX)

    assert book == Book(
        underlying="ETH",
        positions=(
            OptionLeg(
                OptionType.CALL, 3200.0, EXPIRY_UNIX, -60.0, 0.60, 0.55, 0.65, "August 3,200 calls written to clients"
            ),
            OptionLeg(
                OptionType.PUT, 2900.0, EXPIRY_UNIX, -25.0, 0.66, 0.60, 0.72, "August 2,900 puts written to clients"
            ),
            HoldingLeg(12.5, "ETH in the treasury"),
        ),
    )


def test_load_book__same_book_in_csv__equals_toml(repository):
    examples = repository / "examples"
    assert load_book(examples / "book.csv", NOW_UNIX) == load_book(examples / "book.toml", NOW_UNIX)


def test_load_book__toml_native_instant__same_as_text(tmp_path):
    book = load_book(toml_book(tmp_path, expiry="2024-08-31T10:00:00+02:00"), NOW_UNIX)
    assert book.options[0].expiry_unix == EXPIRY_UNIX


def test_load_book__no_label__named_after_its_terms(tmp_path):
    assert load_book(toml_book(tmp_path, label=None), NOW_UNIX).options[0].label == "2024-08-31 3200 call"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"strike_eth": "1"}, ["[[option]] 1", "unknown key 'strike_eth'", "did you mean 'strike_usd'"]),
        ({"iv_percent": "60"}, ["unknown key 'iv_percent'", "did you mean 'iv_"]),
        ({"strike_usd": "-3200"}, ["[[option]] 1", "strike_usd is -3200", "above 0"]),
        ({"strike_usd": "0"}, ["strike_usd is 0", "above 0"]),
        ({"strike_usd": None}, ["strike_usd is missing", "add it"]),
        ({"strike_usd": '"3200 USD"'}, ["strike_usd is '3200 USD'", "plain number"]),
        ({"strike_usd": "true"}, ["strike_usd is True", "plain number"]),
        ({"quantity": "nan"}, ["quantity is nan", "finite"]),
        ({"quantity": "0"}, ["quantity is 0", "remove the entry"]),
        ({"expiry": '"2024-08-01T00:00:00Z"'}, ["expiry 2024-08-01T00:00:00Z is not after", "remove the expired leg"]),
        ({"expiry": '"2024-08-31T08:00:00"'}, ["no time zone", "2024-08-31T08:00:00Z"]),
        ({"expiry": '"31 August"'}, ["expiry", "ISO 8601"]),
        ({"expiry": "20240831"}, ["expiry is 20240831", "ISO 8601"]),
        ({"type": '"straddle"'}, ["type is 'straddle'", "call or put"]),
        ({"iv_annual": "60", "iv_high_annual": "65"}, ["above 5", "0.65 for 65 %"]),
        ({"iv_annual": "0.5"}, ["iv_annual 0.5 is outside", "widen"]),
        ({"iv_low_annual": "0"}, ["iv_low_annual is 0", "above 0"]),
    ],
)
def test_load_book__bad_option__one_line_names_file_entry_and_remedy(tmp_path, changes, expected):
    message = refusal(toml_book(tmp_path, **changes))
    for words in expected:
        assert words in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "section [book] is missing"),
        ('[book]\nunderlying = "ETH"\n', "the book is empty"),
        ("[book]\n[[holding]]\nquantity = 1\n", "underlying is missing"),
        ('[book]\nunderlying = "ETH"\nvenue = "x"\n', "unknown key 'venue'"),
        ('[book]\nunderlying = "ETH"\n[options]\n', "did you mean 'option'"),
        ('[book]\nunderlying = "ETH"\n[option]\ntype = "call"\n', "head each entry with [[option]]"),
        ('[book]\nunderlying = "ETH"\n[[holding]]\nquantity = 1\nstrike_usd = 3\n', "[[holding]] 1: unknown key"),
        ("[book\n", "not TOML"),
    ],
)
def test_load_book__bad_toml_structure__says_what_is_missing(tmp_path, text, expected):
    path = tmp_path / "book.toml"
    path.write_text(text)
    assert expected in refusal(path)


CSV_HEADER = "underlying,type,strike_usd,expiry,quantity,iv_annual,iv_low_annual,iv_high_annual,label\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("underlying,type,strike\n", "line 1: unknown key 'strike'; did you mean 'strike_usd'"),
        (CSV_HEADER, "the book is empty"),
        (CSV_HEADER + "ETH,call,-3200,2024-08-31T08:00:00Z,-60,0.6,0.5,0.7,x\n", "line 2: strike_usd is -3200"),
        (CSV_HEADER + "ETH,call,abc,2024-08-31T08:00:00Z,-60,0.6,0.5,0.7,x\n", "line 2: strike_usd is 'abc'"),
        (CSV_HEADER + "ETH,call,,2024-08-31T08:00:00Z,-60,0.6,0.5,0.7,x\n", "line 2: strike_usd is missing"),
        (CSV_HEADER + "ETH,call,3200\n", "line 2: the row has not the 9 cells"),
        (CSV_HEADER + "ETH,holding,,,1,,,,x,y\n", "line 2: the row has not the 9 cells"),
        (CSV_HEADER + "ETH,holding,3200,,1,,,,x\n", "a holding has no strike_usd"),
        (
            CSV_HEADER + "ETH,holding,,,1,,,,x\nBTC,holding,,,1,,,,y\n",
            "line 3: underlying is 'BTC' but above it is 'ETH'",
        ),
        (CSV_HEADER + 'ETH,holding,,,1,,,,"x"y\n', "not CSV"),
    ],
)
def test_load_book__bad_csv__one_line_names_line_and_remedy(tmp_path, text, expected):
    path = tmp_path / "book.csv"
    path.write_text(text)
    assert expected in refusal(path)


def test_load_book__csv_with_byte_order_mark__read(tmp_path):
    path = tmp_path / "book.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (CSV_HEADER + "ETH,holding,,,1.5,,,,x\n").encode())
    assert load_book(path, NOW_UNIX).holdings == (HoldingLeg(1.5, "x"),)


def test_load_book__unreadable__says_so(tmp_path):
    assert "no such file" in refusal(tmp_path / "absent.toml")
    assert "use one of .toml, .csv, .json, .parquet" in refusal(tmp_path / "book.xlsx")
    directory = tmp_path / "directory.toml"
    directory.mkdir()
    assert "cannot be read" in refusal(directory)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in refusal(binary)


def test_book_toml__read_back__same_book(tmp_path, repository):
    book = load_book(repository / "examples" / "book.toml", NOW_UNIX)
    awkward = Book(
        book.underlying, (*book.options, replace(book.options[0], label='a "quoted" \\ label µ'), *book.holdings)
    )
    path = tmp_path / "written.toml"
    path.write_text(book_toml(awkward), encoding="utf-8")
    assert load_book(path, NOW_UNIX) == awkward


@pytest.mark.parametrize("second", ["quantity", "Quantity", "\uff51uantity", " quantity "])
def test_load_book__column_twice__is_refused(tmp_path, second):
    path = tmp_path / "book.csv"
    path.write_text(f"underlying,type,quantity,{second}\nETH,holding,-60,60\n", encoding="utf-8")
    assert "twice in the header" in refusal(path)


def test_load_book__semicolons__says_so(tmp_path):
    path = tmp_path / "book.csv"
    path.write_text("underlying;type;quantity\nETH;holding;1,5\n")
    assert "separated by semicolons" in refusal(path)


# --- as a keeper at work holds it ---------------------------------------------------------------------------------


def test_load_kept_book__expired_legs__stay(tmp_path):
    path = toml_book(tmp_path, expiry="2020-08-31T08:00:00Z")
    (leg,) = load_kept_book(path).options
    assert leg.expiry_unix < NOW_UNIX
    with pytest.raises(DataError, match="remove the expired leg"):
        load_book(path, NOW_UNIX)


@pytest.mark.parametrize(
    ("name", "text"), [("book.toml", '[book]\nunderlying = "ETH"\n'), ("book.json", '{"book": {"underlying": "ETH"}}')]
)
def test_load_kept_book__nothing_left__is_an_empty_book(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert load_kept_book(path) == Book("ETH", ())
    with pytest.raises(DataError, match="the book is empty"):
        load_book(path, NOW_UNIX)


@pytest.mark.parametrize("text", ["", "underlying,type,quantity\n"])
def test_load_kept_book__table_without_rows__says_where_the_underlying_goes(tmp_path, text):
    path = tmp_path / "book.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="names no underlying; write the empty book as TOML"):
        load_kept_book(path)
