"""The registry of benchmarks and what it prints."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace

import pytest

from agent.errors import DataError
from benchmarks import __main__ as cli
from benchmarks import band_table, decision
from benchmarks.figure import Figure


@pytest.fixture
def two_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the real ones by one that measures and one that cannot."""

    def fail() -> list[Figure]:
        raise DataError("no compiler: run `make setup`")

    modules = {
        "fast": SimpleNamespace(run=lambda: [Figure.against("time", 2.0, "ms", "slow peer", 8.0)]),
        "broken": SimpleNamespace(run=fail),
    }
    monkeypatch.setattr(cli, "BENCHMARKS", {name: name for name in modules})
    monkeypatch.setattr(cli.importlib, "import_module", modules.__getitem__)


def test_benchmarks__every_registered_module__has_run() -> None:
    for module in cli.BENCHMARKS.values():
        assert callable(importlib.import_module(module).run)


def test_decision__policies_that_are_timed__know_the_book() -> None:
    """One that refuses it ended the benchmark."""
    columns = decision.OptionColumns.drawn(decision.LEGS)
    (snapshot,) = decision.World(columns, decision.VENUES, -20.0).snapshots(1)
    for policy in decision.POLICIES.values():
        assert decision.decide(snapshot, columns.book(), policy, decision.COSTS, decision.SETTINGS).legs


def test_band_table__band_that_is_timed__is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(band_table, "best_microseconds", lambda timed: float(timed() is not None))
    monkeypatch.setattr(band_table, "best_seconds", lambda timed, _: 1.0)
    assert [figure.value for figure in band_table.speed_figures()] == [1.0]


def test_main__unknown_name__exits_2_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["delta_speed"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "'delta_speed'" in captured.err
    assert "delta_gas" in captured.err


@pytest.mark.usefixtures("two_benchmarks")
def test_main__one_name__prints_name_value_unit_peer_and_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fast"]) == 0
    assert capsys.readouterr().out.split() == ["time", "2", "ms", "slow", "peer:", "8", "0.25x"]


@pytest.mark.usefixtures("two_benchmarks")
def test_main__json__prints_the_same_fields(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fast", "--json"]) == 0
    expected = {"name": "time", "value": 2.0, "unit": "ms", "peer": "slow peer: 8", "ratio": 0.25}
    assert json.loads(capsys.readouterr().out) == [expected]


@pytest.mark.usefixtures("two_benchmarks")
def test_main__all_with_one_that_fails__prints_the_others_and_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["all"]) == 2
    captured = capsys.readouterr()
    assert captured.out.startswith("time")
    assert captured.err == "no compiler: run `make setup`\n"


def test_figure__without_a_peer__shows_dashes() -> None:
    assert Figure("memory", 1234.5, "MB").line().split() == ["memory", "1234", "MB", "-", "-"]
