"""The command line is complete, explains itself, and turns every expected failure into one line and a status."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer
from typer.testing import CliRunner

from agent.cli import main as command_line
from agent.errors import DataError, FatalError, RejectedError, TransientError

COMMANDS = {
    "demo": [],
    "greeks": [],
    "decide": [],
    "flatten": [],
    "run": [],
    "deploy": ["plan", "apply", "verify", "status", "market"],
    "localnet": ["up", "down", "status", "step"],
    "gov": [
        *("propose", "show", "delegate", "vote", "queue", "execute", "cancel", "veto", "tighten", "pause"),
        *("dismiss", "close", "call", "rescue", "resume", "list"),
    ],
    "backtest": [],
    "bounds": ["suggest"],
    "status": [],
    "ledger": ["export", "impact", "options", "acknowledge"],
    "watch": [],
    "alert": ["test"],
    "key": ["new", "grant", "rotate"],
    "doctor": [],
    "completion": [],
}
SCRIPTS = {"completion"}
"""Commands that print a script, which no machine reads as JSON."""
PATHS = [[name, *leaf] for name, leaves in COMMANDS.items() for leaf in ([[leaf] for leaf in leaves] or [[]])]


def test_app__commands__are_all_there():
    assert set(typer.main.get_command(command_line.app).commands) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_app__summary_in_the_list__is_how_the_command_explains_itself(name):
    own = command_line.load_command(name).help
    assert own.startswith(command_line.COMMANDS[name].summary.split(",")[0].split(".")[0])


@pytest.mark.parametrize("name", [name for name, leaves in COMMANDS.items() if leaves])
def test_app__group__its_line_and_its_own_help_name_all_that_is_in_it(name):
    group = command_line.load_command(name)
    assert set(group.commands) == set(COMMANDS[name])
    assert group.help == command_line.COMMANDS[name].summary
    shown = group.help.split(": ", 1)[1]
    assert [leaf for leaf in COMMANDS[name] if not re.search(rf"\b{leaf}\b", shown)] == []


def imported_by(code: str) -> set[str]:
    listing = f"{code}\nimport sys\nprint(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_main__imported__loads_no_command():
    loaded = imported_by("import agent.cli.main")
    assert not loaded & {"numpy", "numba", "web3", "polars", "scipy", "agent.cli.demo", "agent.decision.decide"}


def test_greeks__of_a_book__loads_neither_web3_nor_what_fits_surfaces(repository):
    book, market = (str(repository / "examples" / name) for name in ("book.toml", "market.toml"))
    loaded = imported_by(
        f"from typer.testing import CliRunner\nfrom agent.cli.main import app\n"
        f"assert CliRunner().invoke(app, ['greeks', {book!r}, '--market', {market!r}]).exit_code == 0"
    )
    assert "agent.products.european" in loaded
    assert not loaded & {"web3", "polars", "pandas", "pyarrow", "cvxpy", "sqlalchemy", "rich", "agent.vol.surface"}


def test_main__unknown_command__names_the_nearest_and_status_2(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["evenkeel", "greek"])
    with pytest.raises(SystemExit) as exited:
        command_line.main()
    assert exited.value.code == 2
    assert "greeks" in capsys.readouterr().err


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_command__help__has_an_example_and_json(path):
    result = CliRunner().invoke(command_line.app, [*path, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert f"Example: evenkeel {' '.join(path)}" in result.stdout
    assert ("--json" in result.stdout) == (path[0] not in SCRIPTS)


def test_version__asked__is_the_packages_and_semantic():
    result = CliRunner().invoke(command_line.app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"evenkeel {version('evenkeel')}\n")
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", version("evenkeel"))


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
    def fail(**_):
        raise error

    monkeypatch.setattr(command_line, "app", fail)
    with pytest.raises(SystemExit) as exited:
        command_line.main()
    assert exited.value.code == status
    captured = capsys.readouterr()
    assert captured.err == line
    assert captured.out == ""


@pytest.mark.parametrize(
    ("number", "status", "line"),
    [(signal.SIGINT, 130, "evenkeel: interrupted\n"), (signal.SIGTERM, 143, "evenkeel: stopped by SIGTERM\n")],
)
def test_main__signal__is_one_line_and_the_status_of_a_shell(monkeypatch, capsys, number, status, line):
    app = typer.Typer()
    app.command()(lambda: signal.raise_signal(number))
    monkeypatch.setattr(command_line, "app", app)
    monkeypatch.setattr("sys.argv", ["evenkeel"])
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
    try:
        with pytest.raises(SystemExit) as exited:
            command_line.main()
    finally:
        signal.signal(signal.SIGINT, before)
    assert (exited.value.code, capsys.readouterr().err) == (status, line)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_main__defect__keeps_its_traceback(monkeypatch):
    def fail(**_):
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
