"""Governance of a vault on the local chain by the command line's own functions: real contracts, real forks."""

from __future__ import annotations

import json

import pytest

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.chain.deployment import load_deployment
from agent.cli.main import main
from agent.localnet import artifacts
from agent.localnet.codec import encode_call
from agent.localnet.deployer import Deployer
from agent.localnet.deposit import deposit_collateral
from agent.localnet.evm import Transaction
from agent.localnet.governance import governor_call
from agent.localnet.session import Localnet, LocalnetSettings
from tests.support.keeper_world import BOOK

pytestmark = pytest.mark.chain

PORT = 18_710
DAY = 86_400
VOTING_DELAY, VOTING_PERIOD = 3_600, 86_400


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("governance")
    settings = LocalnetSettings(port=PORT, state_directory=directory / "localnet")
    book, manifest = directory / "book.toml", directory / "deployment.json"
    book.write_text(BOOK)
    with Localnet.up(settings) as localnet:
        localnet.deploy_evenkeel(book, manifest)
        deployment = load_deployment(manifest, 31_337)
        deposit_collateral(localnet, deployment, 400_000.0)
        yield localnet, deployment, manifest


@pytest.fixture
def gov(world, monkeypatch, capsys, repository):
    """A vault as it was deployed, and the command line in front of it; returns status, output and errors."""
    localnet, _, manifest = world
    snapshot = localnet.chain.rpc.request("evm_snapshot")
    monkeypatch.setenv(RPC_URLS_VARIABLE, localnet.rpc_url)
    monkeypatch.setenv(MANIFEST_PATH_VARIABLE, str(manifest))
    monkeypatch.chdir(repository)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["evenkeel", "gov", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            main()
        captured = capsys.readouterr()
        return exited.value.code or 0, captured.out, captured.err

    yield run
    localnet.chain.rpc.request("evm_setAutomine", True)
    localnet.chain.rpc.request("evm_revert", snapshot)


def test_gov_propose__by_account__shows():
    pass


def test_propose__account__diff_effect_and_schedule(world, gov, tmp_path):
    localnet, deployment, _ = world
    accounts = localnet.manifest.accounts
    saved = tmp_path / "proposal.json"
    status, out, err = gov(
        "propose", "--set", "max_slippage_bps=40", "--set", "loss_capacity_bps=100", "--save", saved,
        "--from", accounts["governor"], "--yes",
    )  # fmt: skip
    print(out, err)
    assert status == 0
    assert 0
