"""The command line is complete, explains itself, and turns every expected failure into one line and a status."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from agent.cli import main as command_line
from agent.errors import DataError, FatalError, RejectedError, TransientError

COMMANDS = {
    "demo": [],
    "greeks": [],
    "decide": [],
    "run": [],
    "localnet": ["up", "down", "status", "step"],
}
PATHS = [[name, *leaf] for name, leaves in COMMANDS.items() for leaf in ([[leaf] for leaf in leaves] or [[]])]


def listed(app: typer.Typer) -> set[str]:
    commands = {info.name or info.callback.__name__ for info in app.registered_commands}
    return commands | {group.name for group in app.registered_groups}


def test_app__commands__are_all_there():
    assert listed(command_line.app) == set(COMMANDS)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_command__help__has_an_example_and_json(path):
    result = CliRunner().invoke(command_line.app, [*path, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert f"Example: evenkeel {' '.join(path)}" in result.stdout
    assert "--json" in result.stdout


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (DataError("book.toml: strike_usd is -1;\n mend it"), 2, "evenkeel: book.toml: strike_usd is -1; mend it\n"),
        (TransientError("the node does not answer"), 1, "evenkeel: the node does not answer\n"),
        (FatalError("halted"), 1, "evenkeel: halted\n"),
        (RejectedError("LegExpired", {"expiry": 1}), 1, "evenkeel: LegExpired(expiry=1)\n"),
    ],
)
def test_main__expected_failure__one_line_and_status(monkeypatch, capsys, error, status, line):
    def fail():
        raise error

    monkeypatch.setattr(command_line, "app", fail)
    with pytest.raises(SystemExit) as exited:
        command_line.main()
    assert exited.value.code == status
    captured = capsys.readouterr()
    assert captured.err == line
    assert captured.out == ""


def test_main__defect__keeps_its_traceback(monkeypatch):
    def fail():
        raise KeyError("defect")

    monkeypatch.setattr(command_line, "app", fail)
    with pytest.raises(KeyError):
        command_line.main()


def test_main__unknown_option__status_2(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["evenkeel", "greeks", "--no-such-option"])
    with pytest.raises(SystemExit) as exited:
        command_line.main()
    assert exited.value.code == 2
    assert "Traceback" not in capsys.readouterr().err
