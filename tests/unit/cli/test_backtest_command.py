"""``evenkeel backtest`` leaves a report whatever ends it, and prices nothing that the vault would not believe."""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from agent.cli import backtest as backtest_module
from agent.cli.main import main
from agent.errors import DataError

START = datetime(2024, 8, 1, tzinfo=UTC)


@pytest.fixture
def directory(tmp_path, repository, monkeypatch):
    shutil.copytree(repository / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def evenkeel(monkeypatch, *arguments):
    files = ("--html", "a.html", "--summary", "a.json")
    monkeypatch.setattr("sys.argv", ["evenkeel", "backtest", *files, *[str(argument) for argument in arguments]])
    with pytest.raises(SystemExit) as exited:
        main()
    return exited.value.code


def span(directory, symbol, prices_usd):
    times = [START + timedelta(hours=hour) for hour in range(len(prices_usd))]
    path = directory / "p.parquet"
    frame = pl.DataFrame(
        {"open_ts": times, "symbol": [symbol] * len(times), "open": [float(own) for own in prices_usd]}
    )
    frame.with_columns(pl.col("open_ts").dt.cast_time_unit("ms")).write_parquet(path)
    return (
        "--prices",
        path,
        "--symbol",
        symbol,
        "--from",
        "2024-08-01",
        "--to",
        f"2024-08-01T0{len(prices_usd)}:00:00Z",
    )


def told(directory):
    return (directory / "a.html").read_text(), json.loads((directory / "a.json").read_text())


@pytest.mark.parametrize(
    ("option", "name", "text"),
    [("--gas", "gas.csv", "time,gas_price_gwei\n2024-07-30T00:00:00Z,20\n"), ("--config", "broken.toml", "[bounds\n")],
)
def test_backtest__broken_history_or_config__is_refused_with_a_report(directory, monkeypatch, option, name, text):
    (directory / name).write_text(text)
    assert evenkeel(monkeypatch, *span(directory, "ETHUSDT", [3_000.0, 3_010.0]), option, directory / name) == 2
    assert name in told(directory)[1]["reasons"][0]


@pytest.mark.parametrize(
    ("symbol", "prices_usd", "reason"),
    [
        ("ETHUSDT", [120.0, 110.0, 99.0, 101.0], "price 99 USD is outside 100 to 100000"),
        ("BTCUSDT", [60_000.0, 61_000.0], "prices gas in BTC, but chain 31337 is paid in ETH"),
    ],
    ids=["price that the oracle refuses", "gas at the price of another coin"],
)
def test_backtest__vault_would_not_believe_it__is_refused_with_a_report(
    directory, monkeypatch, capsys, symbol, prices_usd, reason
):
    assert evenkeel(monkeypatch, *span(directory, symbol, prices_usd)) == 2
    assert reason in capsys.readouterr().err
    page, summary = told(directory)
    assert "Ended before the first step" in page
    assert (summary["steps"], len(summary["reasons"])) == (0, 1)
    assert reason in summary["reasons"][0]


def test_backtest__price_falls_to_a_tenth__pool_follows_to_the_end(directory, monkeypatch):
    prices_usd = [3_200.0 * 0.75**hour for hour in range(9)]
    assert evenkeel(monkeypatch, *span(directory, "ETHUSDT", prices_usd)) == 0
    page, summary = told(directory)
    assert (summary["steps"], summary["ended_early"]) == (9, None)
    assert "The liquidity lies between 0.0500565 and 4 times the first price" in page


def test_backtest__first_step_fails__report_says_why(directory, monkeypatch, capsys):
    def failing(*_):
        raise DataError("step 1: the policy refuses")

    monkeypatch.setattr("agent.study.replay_report.backtest_report", failing)
    assert evenkeel(monkeypatch) == 2
    assert "step 1: the policy refuses" in capsys.readouterr().err
    page, summary = told(directory)
    assert "<li>step 1: the policy refuses</li>" in page
    assert summary["ended_early"] == "step 1: the policy refuses"


def test_backtest__interrupted__leaves_the_report_of_what_was(directory, monkeypatch, capsys):
    asked = threading.Event()

    @contextmanager
    def signalled():
        asked.set()
        yield asked

    monkeypatch.setattr(backtest_module, "stopped_by_signals", signalled)
    assert evenkeel(monkeypatch) == 130
    page, summary = told(directory)
    assert "This replay ended before its last price: it was interrupted." in page
    assert summary["steps"] == len(summary["step_records"]) == 1
    assert summary["ended_early"] == "it was interrupted"
    assert "after step 1: it was interrupted" in capsys.readouterr().out


def test_backtest__band_as_wide_as_the_book__is_told_at_the_start(directory, monkeypatch, capsys):
    book = directory / "book.toml"
    book.write_text(
        '[book]\nunderlying = "ETH"\n[[option]]\ntype = "call"\nstrike_usd = 3200\nquantity = -0.5\n'
        'expiry = "2024-08-31"\niv_annual = 0.6\niv_low_annual = 0.55\niv_high_annual = 0.65\n'
    )
    flat = span(directory, "ETHUSDT", [3_200.0, 3_210.0, 3_190.0, 3_200.0])
    assert evenkeel(monkeypatch, *flat, "--book", book) == 0
    captured = capsys.readouterr()
    assert "Bounds and book do not fit: today the book's delta is at most 0.49" in captured.err
    assert "Hedge effectiveness left the hourly variance as it was" in captured.out.replace("\u00a0", " ")
