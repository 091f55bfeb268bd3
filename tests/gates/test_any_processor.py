"""Numerical tests pass as on other processors; one that rests on a processor fails there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CANARY = """
import os

def test_canary__one_processor__passes_there_alone():
    assert os.environ.get("OPENBLAS_CORETYPE") != "Zen"
"""


def short_run(repository: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.processors", "--short", *tests]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=600, check=False)


def test_processors__numerical_tests__pass_under_each_setting(repository: Path) -> None:
    result = short_run(repository)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
    assert result.stdout.count(": passed in ") == 2


def test_processors__test_that_rests_on_one__fails(repository: Path, tmp_path: Path) -> None:
    canary = tmp_path / "test_canary.py"
    canary.write_text(CANARY)
    result = short_run(repository, str(canary))
    assert result.returncode == 1
    assert "failed: zen" in result.stdout
