"""``evenkeel ledger`` in its own process, on a ledger that a keeper might be writing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.ledger.config import LEDGER_URL_VARIABLE
from agent.ledger.database import Database
from tests.unit.ledger.test_trades import IDENTITY, cycle, trade


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.sqlite"


def evenkeel(repository: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent.cli.main", "ledger", *arguments],
        cwd=repository,
        env={**os.environ, LEDGER_URL_VARIABLE: url},
        capture_output=True,
        text=True,
        check=False,
    )


PRIOR = ("--spread-usd", "3", "--temporary-usd-per-unit", "0.14")


def test_ledger__export_and_impact_beside_a_keeper__answer(repository, url, tmp_path):
    with Database.open(url, "vault", "key") as database:
        ledger = database.vault(IDENTITY)
        trade(ledger, 10)
        ledger.add_cycle(cycle(61, 3_001 * 10**18))
        exported = evenkeel(repository, url, "export", "--to", str(tmp_path / "out"), "--json")
        assert json.loads(exported.stdout)["rows"]["fills"] == 1, exported.stderr
        estimated = evenkeel(repository, url, "impact", *PRIOR, "--json")
        assert json.loads(estimated.stdout)["fills"] == 1, estimated.stderr
        shown = evenkeel(repository, url, "impact", *PRIOR)
        assert shown.stdout.startswith("From 1 fills; as [slicing.impact] takes it:\nspread_usd = "), shown.stderr


def test_ledger__nothing_to_read__is_one_line(repository, url, tmp_path):
    missing = evenkeel(repository, url, "export", "--to", str(tmp_path / "out"))
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr.count("\n") == 1
    assert "does not exist; name the one that a keeper has written" in missing.stderr
    Database.open(url, "vault", "key").close()
    untraded = evenkeel(repository, url, "impact", *PRIOR)
    assert untraded.returncode == 2
    assert "holds no trade with the prices around it yet" in untraded.stderr
