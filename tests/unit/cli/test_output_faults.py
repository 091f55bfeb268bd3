"""An output that cannot be written, or cannot show a sign, ends no command in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def greeks(repository, redirection="", **environment):
    program = f"{sys.executable} -c 'from agent.cli.main import main; main()'"
    command = f"{program} greeks examples/book.toml --market examples/market.toml {redirection}"
    return subprocess.run(
        ["bash", "-c", command],
        check=False,
        cwd=repository,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        errors="surrogateescape",
    )


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_command__output_cannot_be_written__one_line_status_1(repository, redirection):
    ran = greeks(repository, redirection)
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert ran.stderr.startswith("evenkeel: ")


@pytest.mark.parametrize(("encoding", "minus"), [("latin-1", "-"), ("cp1252", "-"), ("ascii", "\N{MINUS SIGN}")])
def test_command__encoding_without_its_signs__minus_is_kept(repository, encoding, minus):
    ran = greeks(repository, PYTHONIOENCODING=encoding)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"{minus}14.649" in ran.stdout
    assert "?" not in ran.stdout
