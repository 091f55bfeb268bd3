"""A deployment by another configuration: a vault with fees, and a book that is not held."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.chain.deployment import Deployment, load_deployment
from agent.localnet.anvil import free_port
from agent.localnet.codec import encode_call
from agent.localnet.deployment import deployment_inputs
from agent.localnet.deposit import deposit_collateral
from agent.localnet.evm import Transaction
from agent.localnet.session import Localnet, LocalnetSettings
from agent.units import SECONDS_PER_YEAR

pytestmark = pytest.mark.chain

DEPOSIT_USD = 400_000.0
FEES = "\n[fees]\nmanagement_bps_per_year = 200\nperformance_bps = 1000\n"
NOT_HELD = '[book]\nunderlying = "ETH"\n\n[[holding]]\nlabel = "lent"\nquantity = -1\n'
"""Refused before the first transaction."""


@pytest.fixture(scope="module")
def localnet(tmp_path_factory):
    settings = LocalnetSettings(port=free_port(), state_directory=tmp_path_factory.mktemp("chain"))
    with Localnet.up(settings) as running:
        yield running


@dataclass
class Deployer:
    """Runs the script with the project's configuration, changed, and files in a directory of its own."""

    localnet: Localnet
    directory: Path
    repository: Path

    @property
    def manifest_path(self) -> Path:
        return self.directory / "31337.json"

    def run(self, old: str = "", new: str = "", added: str = "", book: str = "", **inputs: object) -> str:
        """Return the line with which the script refuses; empty where it deploys."""
        text = (self.repository / "config" / "localnet.toml").read_text(encoding="utf-8")
        assert old in text
        config, inputs_path = self.directory / "localnet.toml", self.directory / "inputs.json"
        config.write_text(text.replace(old, new, 1) + added, encoding="utf-8")
        changed = deployment_inputs(self.localnet.manifest).model_copy(update=inputs)
        inputs_path.write_text(changed.model_dump_json(), encoding="utf-8")
        command = [sys.executable, "-m", "scripts.deploy", "--network", "localnet", "--config", str(config)]
        command += ["--inputs", str(inputs_path)]
        if book:
            (self.directory / "book.toml").write_text(book, encoding="utf-8")
            command += ["--book", str(self.directory / "book.toml")]
        environment = {
            **os.environ,
            RPC_URLS_VARIABLE: self.localnet.rpc_url,
            MANIFEST_PATH_VARIABLE: str(self.manifest_path),
        }
        finished = subprocess.run(
            command, cwd=self.repository, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert finished.returncode in (0, 2), finished.stderr
        return finished.stderr.strip().splitlines()[-1] if finished.returncode else ""

    def deployment(self) -> Deployment:
        return load_deployment(self.manifest_path, self.localnet.manifest.chain_id)

    def blocks(self) -> int:
        return self.localnet.chain.head().number


@pytest.fixture
def deployer(localnet, tmp_path, repository):
    snapshot = localnet.chain.rpc.request("evm_snapshot")
    yield Deployer(localnet, tmp_path, repository)
    localnet.chain.rpc.request("evm_revert", snapshot)


def shares_of(localnet, deployment, account):
    vault = deployment.contract("HedgeVault")
    return localnet.chain.call(vault, "balanceOf(address)", account, returns="(uint256)")[0]


# HEDGE-052, HEDGE-053, HEDGE-063
def test_deploy__fees_configured__recipient_is_paid_in_shares_after_a_year(deployer, localnet):
    recipient = localnet.manifest.accounts["spare"]
    assert deployer.run(added=FEES) == ""
    deployment, chain = deployer.deployment(), localnet.chain
    fees, vault = deployment.contract("ShareFees"), deployment.contract("HedgeVault")
    assert chain.call(vault, "shareFees()", returns="(address)") == (fees,)
    *terms, _, held_by = chain.call(fees, "terms()", returns="(uint16,uint16,uint48,address)")
    assert (terms, held_by) == ([200, 1_000], recipient)
    deposit_collateral(localnet, deployment, DEPOSIT_USD)
    (supply,) = chain.call(vault, "totalSupply()", returns="(uint256)")
    assert shares_of(localnet, deployment, recipient) == 0
    chain.mine([], chain.head().timestamp + SECONDS_PER_YEAR)
    stranger = localnet.manifest.accounts["attacker"]
    chain.mine([Transaction("accrual", stranger, vault, encode_call("accrueFees()"), 3_000_000)])
    paid = shares_of(localnet, deployment, recipient)
    assert paid / (supply + paid) == pytest.approx(0.02, rel=1e-4)


# HEDGE-063
def test_deploy__fees_and_hand_over__can_neither_come_nor_go(deployer):
    assert deployer.run() == ""
    blocks = deployer.blocks()
    assert "it has no ShareFees as configuration, inputs and contracts make it now" in deployer.run(added=FEES)
    assert deployer.blocks() == blocks


def test_deploy__fees_taken_out_after_the_hand_over__one_line(deployer):
    assert deployer.run(added=FEES) == ""
    blocks, manifest = deployer.blocks(), json.loads(deployer.manifest_path.read_text())
    assert deployer.run(added=FEES) == ""
    assert deployer.blocks() == blocks
    assert json.loads(deployer.manifest_path.read_text()) == manifest
    assert "named for good; put [fees] back into the configuration" in deployer.run()
    assert deployer.blocks() == blocks


def test_deploy__fees_for_nobody__one_line_and_no_transaction(deployer):
    blocks = deployer.blocks()
    refusal = deployer.run(added=FEES, fee_recipient=None)
    assert refusal == "[fees] would pay nobody; name fee_recipient in the deployment's inputs"
    assert deployer.blocks() == blocks


def test_deploy__holdings_that_nobody_holds__one_line_and_no_transaction(deployer):
    blocks = deployer.blocks()
    assert "the book's holdings add up to -1000000000000000000 wei" in deployer.run(book=NOT_HELD)
    assert deployer.blocks() == blocks
