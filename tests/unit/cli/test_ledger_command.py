"""``evenkeel ledger`` in its own process, on a ledger that a keeper might be writing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agent.ledger.config import LEDGER_URL_VARIABLE
from agent.ledger.database import Database
from agent.ledger.records import Subject
from agent.units import Wad
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


def test_ledger_acknowledge__nav_break_beside_a_keeper__is_recorded_once(repository, url):
    with Database.open(url, "vault", "key") as database:
        ledger = database.vault(IDENTITY)
        apart = Wad(100_500 * 10**18), Wad(100_500 * 10**18)
        ledger.add_cycle(
            replace(
                cycle(61, 3_001 * 10**18),
                chain_nav_low=Wad(100_000 * 10**18),
                chain_nav_high=Wad(100_000 * 10**18),
                ledger_nav_low=apart[0],
                ledger_nav_high=apart[1],
            )
        )
        refused = evenkeel(repository, url, "acknowledge", "nav", "--reason", " ")
        assert (refused.returncode, "--reason is empty" in refused.stderr) == (2, True)
        done = evenkeel(repository, url, "acknowledge", "nav", "--reason", "a liquidation, ticket 12")
        assert "the ledger's NAV is $500.00 more than the chain's $100,000.00" in done.stdout, done.stderr
        assert "the keeper brings its ledger's accounts to the chain's" in done.stdout
        [word] = ledger.acknowledgements(Subject.NAV)
        assert (word.reason, word.reference) == ("a liquidation, ticket 12", str(500 * 10**18))
        again = evenkeel(repository, url, "acknowledge", "nav", "--reason", "once more")
        assert again.returncode == 2
        assert again.stderr.count("\n") == 1
        assert "there is nothing to acknowledge of nav" in again.stderr
