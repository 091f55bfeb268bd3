"""``evenkeel bounds suggest`` begins its weeks where the book is alive, and refuses what would be priced wrongly."""

from __future__ import annotations

import shutil

import pytest

from agent.cli import bounds as bounds_module
from agent.cli.main import main
from agent.demo.scenario import SEEDED_START_UNIX
from agent.files.book_file import load_kept_book
from agent.formatting import iso_utc

NOW = 1_795_000_000  # 2026-11-18
DAY = 86_400


@pytest.fixture
def directory(tmp_path, repository, monkeypatch):
    shutil.copytree(repository / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bounds_module.time, "time", lambda: float(NOW))
    return tmp_path


def book(directory, expiry_unix, underlying="ETH"):
    path = directory / "book.toml"
    path.write_text(
        f'[book]\nunderlying = "{underlying}"\n[[option]]\ntype = "call"\nstrike_usd = 3200\n'
        f'expiry = "{iso_utc(expiry_unix)}"\nquantity = -10\niv_annual = 0.6\n'
        "iv_low_annual = 0.55\niv_high_annual = 0.65\n"
    )
    return path


def suggest(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["evenkeel", "bounds", "suggest", *[str(argument) for argument in arguments]])
    with pytest.raises(SystemExit) as exited:
        main()
    return exited.value.code


@pytest.mark.parametrize(
    ("expiry_unix", "at", "start_unix"),
    [
        (NOW + 30 * DAY, None, NOW),
        (SEEDED_START_UNIX + 30 * DAY, None, SEEDED_START_UNIX),
        (1_586_217_600, "2020-03-08", 1_583_625_600),
    ],
)
def test_weeks__begin_while_the_book_is_alive(directory, expiry_unix, at, start_unix):
    path = book(directory, expiry_unix)
    weeks = bounds_module._weeks(path, None, at)
    assert {week.start_unix for week in weeks} == {start_unix}
    assert all(leg.expiry_unix > start_unix for leg in load_kept_book(path).options)


def test_weeks__another_underlying__are_of_it_at_the_price_given(directory):
    weeks = bounds_module._weeks(book(directory, NOW + DAY, "BTC"), 65_000.0, None)
    assert {week.symbol for week in weeks} == {"BTCUSD"}
    assert {float(week.prices_usd[0]) for week in weeks} == {65_000.0}


@pytest.mark.parametrize(
    ("underlying", "expiry_unix", "arguments", "told"),
    [
        ("BTC", NOW + DAY, (), "add --spot, its price in USD, or --prices"),
        ("BTC", NOW + DAY, ("--spot", "65000"), '"oracle" prices gas in BTC, but chain 31337 is paid in ETH'),
        ("ETH", 1_586_217_600, (), "a leg expired at 2020-04-07T00:00:00Z; remove it, or add --at"),
        ("ETH", NOW + DAY, ("--from", "2024-08-01"), "--from and --to choose from a price file"),
        ("ETH", NOW + DAY, ("--prices", "p.parquet", "--spot", "3000"), "--spot and --at are of generated weeks"),
    ],
)
def test_suggest__cannot_be_sized__one_line_and_status_2(
    directory, monkeypatch, capsys, underlying, expiry_unix, arguments, told
):
    assert suggest(monkeypatch, book(directory, expiry_unix, underlying), *arguments) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
