"""What a keeper needs of its own machine: each check fails once, with a mend that fits."""

from __future__ import annotations

import shutil
from collections import namedtuple

import pytest

from agent.doctor import host
from agent.doctor.check import Check, Verdict
from agent.ledger.config import USUAL_TERMS, LedgerSettings
from agent.observability.pager import ALERT_URLS_VARIABLE

Usage = namedtuple("Usage", "free")


def checks(url: str, **environment: str) -> dict[str, Check]:
    settings = LedgerSettings(url=url, **USUAL_TERMS.model_dump())
    return {check.subject: check for check in host.host_checks(settings, environment)}


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/ledger.sqlite"


def test_host_checks__python_too_old_or_a_package_away__names_it(url, monkeypatch):
    assert checks(url)["versions"].verdict is Verdict.GOOD
    monkeypatch.setattr(host, "requires", lambda _: ["no-such-package==1", "left-out==2; extra == 'aws'"])
    assert checks(url)["versions"].found == "not installed: no-such-package"
    monkeypatch.setattr(host, "_LEAST_PYTHON", (99, 0))
    assert checks(url)["versions"].verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(2**30, Verdict.GOOD), (2**30 - 1, Verdict.WARNING), (100 * 2**20 - 1, Verdict.FAILED)],
)
def test_host_checks__disk_fills__warns_and_then_fails(url, monkeypatch, free, verdict):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free))
    check = checks(url)["disk"]
    assert check.verdict is verdict
    assert f"{free // 2**20:,} MiB free" in check.found
    assert ("1,024 MiB, 100 at the very least" in check.mend) is (verdict is not Verdict.GOOD)


@pytest.mark.parametrize("place", ["sqlite:///:memory:", "sqlite:///{file}/ledger.sqlite", "sqlite:///{directory}"])
def test_host_checks__ledger_that_run_would_refuse__fails(tmp_path, place):
    """It was said that each of the first two would be made."""
    file = tmp_path / "file"
    file.touch()
    assert checks(place.format(file=file, directory=tmp_path))["ledger"].verdict is Verdict.FAILED


def test_host_checks__server_that_is_down__is_to_be_started():
    """It was to make the server's place writable."""
    check = checks("postgresql://user:secret@127.0.0.1:1/ledger")["ledger"]
    assert "Connection refused" in check.found
    assert "secret" not in check.found
    assert check.mend.startswith("start the server")


def test_host_checks__alert_url_that_is_none__fails(url):
    assert checks(url)["alerts"].verdict is Verdict.WARNING
    assert checks(url, **{ALERT_URLS_VARIABLE: "json://127.0.0.1"})["alerts"].verdict is Verdict.GOOD
    assert checks(url, **{ALERT_URLS_VARIABLE: "nonsense"})["alerts"].mend == f"correct {ALERT_URLS_VARIABLE}"
