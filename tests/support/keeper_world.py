"""A local chain with a funded vault and a book short 100 calls, and keepers that hedge it; each test starts afresh."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.chain.abi import Log, load_abi
from agent.chain.config import MANIFEST_PATH_VARIABLE
from agent.chain.deployment import Deployment, load_deployment
from agent.domain import Book
from agent.files.book_file import load_kept_book
from agent.keeper.keeper import Keeper
from agent.localnet.anvil import free_port
from agent.localnet.codec import encode_call
from agent.localnet.deposit import deposit_collateral
from agent.localnet.evm import Transaction
from agent.localnet.session import Localnet, LocalnetSettings
from agent.settings import Settings, load_settings
from agent.units import Address

REPOSITORY = Path(__file__).resolve().parents[2]
START_PRICE_USD = 3_200.0
DEPOSIT_USD = 400_000.0
BOOK = """
[book]
underlying = "ETH"

[[option]]
type = "call"
strike_usd = 3200
expiry = "2024-08-31T00:00:00Z"
quantity = -100
iv_annual = 0.65
iv_low_annual = 0.62
iv_high_annual = 0.68
"""


CONFIG_NAME = "localnet.toml"
NARROW = {"band_underlying": 5, "risk_aversion_per_usd": 0.001}


@dataclass
class KeeperWorld:
    """One running chain with everything deployed; ``directory`` holds its files."""

    localnet: Localnet
    directory: Path
    deployment: Deployment
    book_path: Path

    @property
    def vault(self) -> Address:
        return self.deployment.contract("HedgeVault")

    @property
    def venue(self) -> Address:
        return Address(self.deployment.venues[0].address)

    def book(self) -> Book:
        return load_kept_book(self.book_path)

    def settings(self, ledger: str = "ledger", **execution: Any) -> Settings:
        path = self.directory / CONFIG_NAME
        environment = {MANIFEST_PATH_VARIABLE: str(self.directory / "deployment.json")}
        settings = load_settings(path, environment).with_rpc_urls(self.localnet.rpc_url)
        settings = settings.with_ledger_url(self.ledger_url(ledger))
        return settings.model_copy(update={"execution": settings.execution.model_copy(update=execution)})

    def ledger_url(self, ledger: str = "ledger") -> str:
        return f"sqlite:///{self.directory / ledger}.sqlite"

    def keeper(self, ledger: str = "ledger", book: Book | None = None, **execution: Any) -> Keeper:
        return Keeper.build(self.settings(ledger, **execution), book or self.book(), {})

    def now(self) -> int:
        return int(self.localnet.chain.head().timestamp)

    def step(self, price_usd: float, seconds: int = 300) -> None:
        self.localnet.step(price_usd, self.now() + seconds)

    def send(self, role: str, to: Address, signature: str, *arguments: object, gas: int = 2_000_000) -> None:
        sender = self.localnet.manifest.accounts[role]
        self.localnet.chain.mine([Transaction(signature, sender, to, encode_call(signature, *arguments), gas)])

    def size(self) -> int:
        """Hedge on the venue, WAD."""
        return int(self.localnet.chain.call(self.venue, "size()", returns="(int256)")[0])

    def events(self, name: str) -> list[dict[str, Any]]:
        """All events of one name the vault has emitted since its deployment."""
        event = load_abi("HedgeVault").event(name)
        query = {"address": self.vault, "topics": [event.topic], "fromBlock": hex(self.deployment.block)}
        entries = self.localnet.chain.rpc.request("eth_getLogs", query)
        return [event.decode(Log.from_rpc(entry)) for entry in entries]

    def rpc(self, method: str, *params: object) -> Any:
        return self.localnet.chain.rpc.request(method, *params)

    @contextmanager
    def fresh(self) -> Iterator[KeeperWorld]:
        """Undo on leaving all that was done to chain and files."""
        snapshot = self.rpc("evm_snapshot")
        try:
            yield self
        finally:
            self.rpc("evm_setAutomine", True)
            self.rpc("evm_revert", snapshot)
            for path in self.directory.glob("*.sqlite*"):
                path.unlink()


def write_config(directory: Path) -> Path:
    """Write the local chain's configuration with a narrow band, which moves of a few percent leave."""
    text = (REPOSITORY / "config" / CONFIG_NAME).read_text(encoding="utf-8")
    for key, number in NARROW.items():
        text, count = re.subn(rf"^{key} = \S+", f"{key} = {number}", text, flags=re.MULTILINE)
        assert count == 1, key
    path = directory / CONFIG_NAME
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def keeper_world(directory: Path) -> Iterator[KeeperWorld]:
    """Bring a chain up with a vault that holds 400,000 USDC and a book short 100 calls."""
    book_path = directory / "book.toml"
    book_path.write_text(BOOK, encoding="utf-8")
    manifest_path = directory / "deployment.json"
    settings = LocalnetSettings(
        port=free_port(), state_directory=directory / "localnet", start_price_usd=START_PRICE_USD
    )
    with Localnet.up(settings) as localnet:
        localnet.deploy_evenkeel(book_path, manifest_path, write_config(directory))
        world = KeeperWorld(localnet, directory, load_deployment(manifest_path, 31_337), book_path)
        deposit_collateral(localnet, world.deployment, DEPOSIT_USD)
        world.step(START_PRICE_USD)
        yield world
