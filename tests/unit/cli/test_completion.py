"""Shells complete commands, subcommands and options, by the script that ``evenkeel completion`` prints."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import main as command_line

EVENKEEL = Path(sys.executable).with_name("evenkeel")


def completed(line: str) -> list[str]:
    """Return what bash would be offered for the last word of a line."""
    asked = {
        command_line.COMPLETION_VARIABLE: "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    ran = subprocess.run([EVENKEEL], env=os.environ | asked, capture_output=True, text=True, check=True)
    return ran.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("evenkeel de", ["demo", "decide", "deploy"]),
        ("evenkeel run --net", ["--network"]),
        ("evenkeel localnet st", ["status", "step"]),
        ("evenkeel completion z", ["zsh"]),
    ],
)
def test_completion__unfinished_word__is_offered_its_ends(line, offered):
    assert completed(line) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion__shell__script_asks_the_program(shell):
    result = CliRunner().invoke(command_line.app, ["completion", shell])
    assert result.exit_code == 0
    assert f"{command_line.COMPLETION_VARIABLE}=complete_{shell}" in result.stdout


def test_completion__bash__takes_the_script():
    bash = shutil.which("bash")
    script = CliRunner().invoke(command_line.app, ["completion", "bash"]).stdout
    listing = subprocess.run(
        [bash], input=f"{script}\ncomplete -p evenkeel", capture_output=True, text=True, check=True
    )
    assert listing.stdout.split() == ["complete", "-o", "default", "-F", "_evenkeel_completion", "evenkeel"]
