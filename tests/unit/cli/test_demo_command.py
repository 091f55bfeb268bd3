"""``evenkeel demo`` checks all it is given before it starts anything, and leaves what it promised."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from agent.cli import demo as demo_module
from agent.cli.main import main
from agent.errors import DataError
from tests.support.synthetic_replay import synthetic_report


@pytest.fixture
def directory(tmp_path, repository, monkeypatch):
    shutil.copytree(repository / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def replayed(monkeypatch):
    """Replace the replay by a finished report; the lists tell what was asked for, and how it ends."""
    scenarios, configs, kinds_asked, ended_early = [], [], [], [None]

    def replay(scenario, config, observer, kinds):
        kinds_asked.append(kinds)
        scenarios.append(scenario)
        configs.append(config)
        report = replace(synthetic_report(36), ended_early=ended_early[0])
        demo_module.LEDGER_PATH.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(demo_module.LEDGER_PATH)) as ledger:
            ledger.execute("CREATE TABLE IF NOT EXISTS intents (id INTEGER)")
        with observer.phase("stage"):
            pass
        observer.begin()
        for step in report.steps:
            observer.step(step)
        return report

    monkeypatch.setattr(demo_module, "replay", replay)
    return SimpleNamespace(scenarios=scenarios, configs=configs, kinds=kinds_asked, ended_early=ended_early)


def evenkeel(monkeypatch, *arguments):
    """Run the command line as the console script does; return its exit status."""
    monkeypatch.setattr("sys.argv", ["evenkeel", "demo", *[str(argument) for argument in arguments]])
    with pytest.raises(SystemExit) as exited:
        main()
    return exited.value.code


def price_file(directory, hours=36, symbol="ETHUSDT", price=3000.0):
    path = directory / "prices.parquet"
    stamps = pl.datetime_range(
        pl.datetime(2024, 8, 1, time_zone="UTC"), pl.datetime(2024, 8, 3, time_zone="UTC"), "1h", eager=True
    )[:hours]
    pl.DataFrame({"open_ts": stamps, "symbol": [symbol] * hours, "open": [price] * hours}).write_parquet(path)
    return path


SPAN = ("--from", "2024-08-01", "--to", "2024-08-02")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--from", "2024-08-01"], "--from chooses from a price file"),
        (["--symbol", "ETHUSDT"], "--symbol chooses from a price file"),
        (["--prices", "absent.parquet"], "--prices absent.parquet needs a span"),
        (["--prices", "absent.parquet", *SPAN], "absent.parquet: no such file"),
        (
            ["--prices", "prices.parquet", "--from", "yesterday", "--to", "2024-08-02"],
            "--from: 'yesterday' is not a time",
        ),
        (["--prices", "prices.parquet", "--from", "2024-08-02", "--to", "2024-08-01"], "is not before --to"),
        (["--prices", "prices.parquet", *SPAN, "--symbol", "BTCUSDT"], "no symbol 'BTCUSDT'"),
        (
            ["--prices", "prices.parquet", "--from", "2024-08-01", "--to", "2024-09-01"],
            "choose --from and --to inside it",
        ),
        (["--book", "absent.toml"], "absent.toml: no such file"),
        (["--iv", "absent.csv"], "absent.csv: no such file"),
        (["--iv", "absent.csv", "--iv-realised", "7"], "both say what IV follows"),
        (["--iv-realised", "7"], "--iv-realised needs prices before the start"),
        (["--prices", "prices.parquet", *SPAN, "--iv-realised", "7"], "needs 7 days of prices before --from"),
        (["--html", "absent/report.html"], "--html absent/report.html: no directory absent; create it"),
        (["--summary", "absent/summary.json"], "--summary absent/summary.json: no directory absent; create it"),
        (["--html", "."], "--html . is a directory"),
    ],
)
def test_demo__bad_input__one_line_status_2_and_nothing_started(
    directory, replayed, monkeypatch, capsys, arguments, expected
):
    price_file(directory)
    assert evenkeel(monkeypatch, *arguments) == 2
    captured = capsys.readouterr()
    assert expected in captured.err
    assert captured.err.startswith("evenkeel: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert replayed.scenarios == []


def test_demo__prices_with_a_nan__refused_before_anything_starts(directory, replayed, monkeypatch, capsys):
    path = price_file(directory, price=float("nan"))
    assert evenkeel(monkeypatch, "--prices", path, *SPAN) == 2
    assert "no finite price at 2024-08-01T00:00:00Z" in capsys.readouterr().err
    assert replayed.scenarios == []


def test_demo__no_arguments__report_and_summary_where_promised(directory, replayed, monkeypatch, capsys):
    assert evenkeel(monkeypatch) == 0
    (html,) = (directory / ".evenkeel" / "reports").glob("*.html")
    (summary,) = (directory / ".evenkeel" / "reports").glob("*.json")
    assert html.stem == summary.stem == "ETHUSD-20240801T0000-20240801T2355-seed4"
    assert json.loads(summary.read_text())["steps"] == 36
    output = capsys.readouterr().out
    assert str(html.relative_to(directory)) in output
    assert "Hedge effectiveness" in output


def test_demo__named_files__written_there_and_seed_used(directory, replayed, monkeypatch):
    html, summary = directory / "a.html", directory / "b.json"
    assert evenkeel(monkeypatch, "--seed", 9, "--html", html, "--summary", summary) == 0
    assert html.read_text().startswith("<!doctype html>")
    assert json.loads(summary.read_text())["rebalances"] > 0
    assert replayed.scenarios[0].seed == 9
    assert not (directory / ".evenkeel" / "reports").exists()


def test_demo__json_to_standard_output__nothing_else_there(directory, replayed, monkeypatch, capsys):
    assert evenkeel(monkeypatch, "--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["steps"] == 36
    assert "Hedge effectiveness" in captured.err


def test_demo__real_prices_and_own_book__scenario_has_both(directory, replayed, repository, monkeypatch):
    path = price_file(directory)
    book = repository / "examples" / "book.toml"
    assert evenkeel(monkeypatch, "--prices", path, *SPAN, "--book", book) == 0
    (scenario,) = replayed.scenarios
    assert len(scenario.prices) == 24
    assert [leg.quantity for leg in scenario.book.options] == [-60, -25]


def test_demo__iv_from_a_file__scenario_follows_it(directory, replayed, repository, monkeypatch, capsys):
    assert evenkeel(monkeypatch, "--iv", repository / "examples" / "iv.csv") == 0
    (scenario,) = replayed.scenarios
    assert scenario.iv_path.iv_annual[0] == 0.6
    assert "IV " in capsys.readouterr().out


def test_demo__iv_from_realised__uses_the_days_before_the_start(directory, replayed, monkeypatch):
    prices = price_file(directory, hours=48)
    span = ("--from", "2024-08-02", "--to", "2024-08-02T12:00:00Z")
    assert evenkeel(monkeypatch, "--prices", prices, *span, "--iv-realised", 1) == 0
    (scenario,) = replayed.scenarios
    assert scenario.iv_path.times_unix[0] == scenario.prices.start_unix
    assert set(scenario.iv_path.iv_annual) == {0.0}
    assert "trailing 1 day" in scenario.iv_path.rule


def test_demo__interrupted__says_the_chain_is_stopped_and_writes_nothing(directory, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_module, "replay", interrupted)
    assert evenkeel(monkeypatch) == 130
    assert "the local chain is stopped" in capsys.readouterr().out
    assert list((directory / ".evenkeel" / "reports").iterdir()) == []


def test_demo__ended_early__leaves_the_report_of_what_was_and_fails(directory, replayed, monkeypatch, capsys):
    replayed.ended_early[0] = "no depth at step 37"
    assert evenkeel(monkeypatch, "--html", "a.html", "--summary", "a.json") == 2
    assert "the replay ended after step 36: no depth at step 37" in capsys.readouterr().err
    assert "This replay ended before its last price: no depth at step 37" in (directory / "a.html").read_text()
    assert json.loads((directory / "a.json").read_text())["ended_early"] == "no depth at step 37"


def test_demo__ledger__is_kept_beside_the_report(directory, replayed, monkeypatch):
    assert evenkeel(monkeypatch, "--html", "a.html") == 0
    with closing(sqlite3.connect(directory / "a.ledger.sqlite")) as kept:
        assert kept.execute("SELECT name FROM sqlite_master").fetchall() == [("intents",)]


def test_demo__config__is_read_in_place_of_the_local_one(directory, replayed, monkeypatch, capsys):
    shutil.copy(directory / "config" / "localnet.toml", directory / "mine.toml")
    assert evenkeel(monkeypatch, "--html", "a.html", "--config", "mine.toml") == 0
    assert replayed.configs == [Path("mine.toml")]
    assert evenkeel(monkeypatch, "--config", "absent.toml") == 2
    assert "absent.toml: no such file" in capsys.readouterr().err


def test_demo__json_with_path__still_works_and_hints(directory, replayed, monkeypatch, capsys):
    assert evenkeel(monkeypatch, "--html", "a.html", "--json", "b.json") == 0
    assert json.loads((directory / "b.json").read_text())["steps"] == 36
    captured = capsys.readouterr()
    assert "is now --summary b.json" in captured.err
    assert '"steps"' not in captured.out


def test_demo__findings__a_line_each_and_nothing_started(directory, replayed, monkeypatch, capsys):
    book = directory / "book.toml"
    book.write_text('[book]\nunderlying = "ETH"\n[[holding]]\nquantity = 2000\n')
    assert evenkeel(monkeypatch, "--book", book) == 2
    captured = capsys.readouterr()
    assert (captured.out, replayed.scenarios) == ("", [])
    assert captured.err.count("\n") >= 3
    assert all(line.startswith("evenkeel: ") for line in captured.err.splitlines())
    (summary,) = (directory / ".evenkeel" / "reports").glob("*.json")
    reasons = json.loads(summary.read_text())["reasons"]
    assert [f"evenkeel: {reason}" for reason in reasons] == captured.err.splitlines()


def test_demo__refused__page_and_json_say_why(directory, replayed, monkeypatch, capsys):
    book = directory / "book.toml"
    book.write_text('[book]\nunderlying = "ETH"\n[[holding]]\nquantity = 2000\nlabel = "too <much>"\n')
    assert evenkeel(monkeypatch, "--book", book, "--html", "no.html", "--json") == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["steps"], told["inputs"]["seed"]) == (0, "4")
    page = (directory / "no.html").read_text()
    assert "Ended before the first step" in page
    assert page.count("<li>") == len(told["reasons"]) >= 3
    assert "too &lt;much&gt;" in page
    assert "$" not in re.sub(r"\$[\d,.]+", "", page)


def test_demo__fails_in_its_first_step__page_says_why(directory, monkeypatch, capsys):
    def failing(*_):
        raise DataError("step 1: no depth")

    monkeypatch.setattr(demo_module, "replay", failing)
    assert evenkeel(monkeypatch, "--html", "no.html", "--summary", "no.json") == 2
    assert capsys.readouterr().err == "evenkeel: step 1: no depth\n"
    assert "<li>step 1: no depth</li>" in (directory / "no.html").read_text()
    assert json.loads((directory / "no.json").read_text())["ended_early"] == "step 1: no depth"


@pytest.mark.parametrize(
    ("arguments", "kinds"),
    [
        ((), ("curie",)),
        (("--venue", "synthetix"), ("synthetix",)),
        (("--venue", "curie, synthetix"), ("curie", "synthetix")),
    ],
)
def test_demo__venue__is_what_the_replay_is_asked_for(directory, replayed, monkeypatch, arguments, kinds):
    assert evenkeel(monkeypatch, *arguments) == 0
    assert replayed.kinds == [kinds]


@pytest.mark.parametrize(("written", "told"), [("gmx", "no venue 'gmx'"), ("curie,curie", "once at most")])
def test_demo__venue_that_is_none__is_refused_before_anything(directory, replayed, monkeypatch, capsys, written, told):
    assert evenkeel(monkeypatch, "--venue", written) != 0
    assert told in capsys.readouterr().err
    assert replayed.kinds == []
