from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.errors import DataError, FatalError
from agent.localnet import artifacts, deployment
from agent.localnet.deployment import deployment_inputs, run_deployment

URL = "http://127.0.0.1:18999"


@pytest.fixture
def script_that(monkeypatch):
    """Stands in for the deployment script and keeps how it was called."""
    calls = []

    def prepare(status, stderr=""):
        def run(command, **options):
            calls.append((command, options))
            return subprocess.CompletedProcess(command, status, stdout="", stderr=stderr)

        monkeypatch.setattr(deployment.subprocess, "run", run)
        return calls

    return prepare


def test_run_deployment__book_named__absolute_paths_and_this_chain(script_that, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = script_that(0)
    run_deployment(Path("inputs.json"), URL, Path("book.toml"))
    ((command, options),) = calls
    assert command[:5] == [sys.executable, "-m", "scripts.deploy", "--network", "localnet"]
    assert command[5:] == ["--inputs", str(tmp_path / "inputs.json"), "--book", str(tmp_path / "book.toml")]
    assert options["env"]["EVENKEEL_RPC_URLS"] == URL
    assert options["cwd"] == artifacts.PROJECT_ROOT


def test_deployment_inputs__local_chain__a_venue_of_each_protocol(manifest_of_a_dead_chain):
    inputs = deployment_inputs(manifest_of_a_dead_chain)
    venues = {venue.name: venue for venue in inputs.venues}
    assert {name: venue.kind for name, venue in venues.items()} == {"curie": "curie", "synthetix": "synthetix"}
    assert set(venues["curie"].addresses) == {"clearing_house", "base_token"}
    assert set(venues["synthetix"].addresses) == {"market", "resolver"}
    assert (inputs.asset, inputs.asset_decimals) == (manifest_of_a_dead_chain.usdc, 6)
    accounts = manifest_of_a_dead_chain.accounts
    assert (inputs.deployer, inputs.governor) == (accounts["deployer"], accounts["governor"])


def test_run_deployment__no_book__none_named(script_that):
    calls = script_that(0)
    run_deployment(Path("inputs.json"), URL, None)
    assert "--book" not in calls[0][0]


def test_run_deployment__script_refuses_its_input__its_own_line(script_that):
    script_that(2, "some warning\nbook.toml: leg 2 has expired\n")
    with pytest.raises(DataError, match=r"^book\.toml: leg 2 has expired$"):
        run_deployment(Path("inputs.json"), URL, None)


@pytest.mark.parametrize(
    ("stderr", "shown"), [("Traceback\nValueError: no\n", "ValueError: no"), ("", "it said nothing")]
)
def test_run_deployment__script_breaks__fatal_with_its_last_line(script_that, stderr, shown):
    script_that(1, stderr)
    with pytest.raises(FatalError, match=f"status 1: {shown}"):
        run_deployment(Path("inputs.json"), URL, None)


def test_run_deployment__script_hangs__fatal(monkeypatch):
    def run(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(deployment.subprocess, "run", run)
    with pytest.raises(FatalError, match="did not end within 300 s"):
        run_deployment(Path("inputs.json"), URL, None)


def test_run_deployment__no_script__data_error(monkeypatch, tmp_path):
    monkeypatch.setattr(deployment, "PROJECT_ROOT", tmp_path)
    with pytest.raises(DataError, match=r"scripts/deploy\.py is missing"):
        run_deployment(Path("inputs.json"), URL, None)


def test_artifacts__package_missing__says_what_to_run(monkeypatch, tmp_path):
    monkeypatch.setattr(artifacts, "NODE_MODULES", tmp_path)
    with pytest.raises(DataError, match=r"Vault\.json is missing: run `make setup`"):
        artifacts.hardhat("Vault", ("@perp",))


def test_artifacts__not_json__says_so(monkeypatch, tmp_path):
    (tmp_path / "Vault.sol").mkdir()
    (tmp_path / "Vault.sol" / "Vault.json").write_text("{")
    monkeypatch.setattr(artifacts, "NODE_MODULES", tmp_path)
    with pytest.raises(DataError, match="is not JSON"):
        artifacts.hardhat("Vault", ())
