"""``evenkeel gov`` in front of a vault on the local chain: real contracts, real forks, each test from one state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.chain.abi import load_abi
from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.chain.deployment import Deployment, load_deployment
from agent.cli.main import main
from agent.execution.config import GOVERNANCE_KEY_VARIABLE
from agent.localnet.anvil import free_port
from agent.localnet.codec import encode_call
from agent.localnet.deposit import deposit_collateral
from agent.localnet.evm import Transaction
from agent.localnet.session import Localnet, LocalnetSettings
from tests.support.keeper_world import BOOK
from tests.support.vault_governor import wait

REPOSITORY = Path(__file__).resolve().parents[2]
DAY = 86_400
MAX_SLIPPAGE = 11  # place in `Bounds`
World = tuple[Localnet, Deployment, Path]


@contextmanager
def governed_world(directory: Path) -> Iterator[World]:
    """A funded vault whose governor is an account, with its manifest."""
    settings = LocalnetSettings(port=free_port(), state_directory=directory / "localnet")
    book, manifest = directory / "book.toml", directory / "deployment.json"
    book.write_text(BOOK)
    with Localnet.up(settings) as localnet:
        localnet.deploy_evenkeel(book, manifest)
        deployment = load_deployment(manifest, 31_337)
        deposit_collateral(localnet, deployment, 400_000.0)
        wait(localnet, 300)  # the base fee of a step: Anvil keeps the last one when it goes back
        yield localnet, deployment, manifest


class Gov:
    """The command line in front of one vault."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.localnet, self.deployment, _ = world
        self.accounts = self.localnet.manifest.accounts
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def evenkeel(self, *arguments: object) -> tuple[int, str, str]:
        """Return status, output and errors of any command."""
        self._monkeypatch.setattr("sys.argv", ["evenkeel", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            main()
        captured = self._capsys.readouterr()
        return int(exited.value.code or 0), captured.out, captured.err

    def run(self, *arguments: object) -> tuple[int, str, str]:
        """Return status, output and errors."""
        return self.evenkeel("gov", *arguments)

    def send(self, role: str, *arguments: object) -> Any:
        """Run a command to its end, sent by an account of the chain, and return its document."""
        status, out, err = self.run(*arguments, "--from", self.accounts[role], "--yes", "--json")
        assert status == 0, err
        return json.loads(out)

    def refused(self, role: str, *arguments: object) -> str:
        """Run a command that is to send nothing, and return its one line."""
        before = self.localnet.chain.head().number
        status, _, err = self.run(*arguments, "--from", self.accounts[role], "--yes")
        assert status in (1, 2)
        assert err.count("\n") == 1, err
        assert self.localnet.chain.head().number == before
        return err

    def read(self, *arguments: object) -> Any:
        """Return the document of a command that sends nothing."""
        status, out, err = self.run(*arguments, "--json")
        assert status == 0, err
        return json.loads(out)

    def call(self, role: str, contract: str, signature: str, *arguments: object) -> bool:
        """Send a transaction past the command line; return whether it succeeded."""
        to = self.deployment.contracts.get(contract, contract)
        call = Transaction("call", self.accounts[role], to, encode_call(signature, *arguments), 3_000_000)
        self.localnet.chain.rpc.request("anvil_impersonateAccount", call.sender)
        fields = {"from": call.sender, "to": call.to, "data": call.data, "gas": hex(call.gas)}
        sent = self.localnet.chain.rpc.request("eth_sendTransaction", fields)
        self.localnet.chain.rpc.request("evm_mine")
        receipt = self.localnet.chain.rpc.request("eth_getTransactionReceipt", sent)
        return int(receipt["status"], 16) == 1

    def slippage_bps(self) -> int:
        """Return the bound that most tests set."""
        guard, bounds = self.deployment.contract("RebalanceGuard"), load_abi("RebalanceGuard").function("bounds")
        answer = self.localnet.chain.rpc.request("eth_call", {"to": guard, "data": bounds.encode()}, "latest")
        return int(bounds.decode(answer)[0][MAX_SLIPPAGE])

    def is_paused(self) -> bool:
        """Return whether the vault is paused."""
        vault = self.deployment.contract("HedgeVault")
        return bool(self.localnet.chain.call(vault, "paused()", returns="(bool)")[0])


@contextmanager
def governed_afresh(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Gov]:
    """The vault as it was deployed; the chain goes back afterwards."""
    localnet, _, manifest = world
    snapshot = localnet.chain.rpc.request("evm_snapshot")
    monkeypatch.setenv(RPC_URLS_VARIABLE, localnet.rpc_url)
    monkeypatch.setenv(MANIFEST_PATH_VARIABLE, str(manifest))
    monkeypatch.delenv(GOVERNANCE_KEY_VARIABLE, raising=False)
    monkeypatch.chdir(REPOSITORY)
    yield Gov(world, monkeypatch, capsys)
    localnet.chain.rpc.request("evm_setAutomine", True)
    localnet.chain.rpc.request("evm_revert", snapshot)
