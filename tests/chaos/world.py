"""The world of the campaign: the local chain with two price feeds, two keepers' keys and a leg that expires soon.

Three servers stand between keeper and node, and each can fail. The clock of the keeper's machine follows the chain's,
unless a fault moves it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_account import Account

from agent.chain.deployment import load_deployment
from agent.errors import FatalError
from agent.execution.settlement import Timer
from agent.localnet import artifacts
from agent.localnet.anvil import free_port
from agent.localnet.codec import create_address, encode_constructor
from agent.localnet.deployment import INPUTS_NAME, deployment_inputs, run_deployment
from agent.localnet.deposit import deposit_collateral
from agent.localnet.evm import ACCOUNT_ROLES, Transaction
from agent.localnet.price_feed import PRICE_FEED_DECIMALS, feed_answer, publish
from agent.localnet.session import Localnet, LocalnetSettings
from agent.settings import Settings
from agent.units import Address, Seconds
from tests.support.fault_proxy import FaultProxy, proxies
from tests.support.keeper_world import BOOK, DEPOSIT_USD, START_PRICE_USD, KeeperWorld, write_config

SERVERS, QUORUM = 3, 2
SOON_UNIX = 1_722_556_800
"""2024-08-02 00:00 UTC, a day after the chain begins: expiry of a small leg beside the usual one."""
SOON_LEG = """
[[option]]
type = "call"
strike_usd = 3250
expiry = "2024-08-02T00:00:00Z"
quantity = -20
iv_annual = 0.65
iv_low_annual = 0.62
iv_high_annual = 0.68
"""
CLOCK_TOLERANCE_SECONDS = 90
"""As on mainnet; well below the deadline of an intent."""
SERVER_TIMEOUT_SECONDS = 1.0
BLOCK_SECONDS = 12
_ANVIL_MNEMONIC = "test test test test test test test test test test test junk"
_IMPATIENT: dict[str, Any] = {"receipt_timeout_seconds": 0.3, "receipt_poll_seconds": 0.02, "replace_after_blocks": 1}


@dataclass
class Clock:
    """The machine's clock, Unix seconds; it never goes back, but for what ``offset`` makes of it."""

    unix: int = 0
    offset: int = 0

    def now(self) -> float:
        return float(self.unix + self.offset)

    def timer(self) -> Timer:
        return Timer(unix_seconds=self.now)


@dataclass
class ChaosWorld:
    """One running chain, its servers, and what a keeper is started with."""

    base: KeeperWorld
    servers: list[FaultProxy]
    secondary_feed: Address
    second_key: str
    clock: Clock = field(default_factory=Clock)

    @property
    def directory(self) -> Path:
        return self.base.directory

    def account(self, role: str) -> Address:
        return self.base.localnet.manifest.accounts[role]

    def rpc(self, method: str, *params: object) -> Any:
        return self.base.rpc(method, *params)

    def settings(self, ledger: str = "ledger") -> Settings:
        """Settings of a keeper that reads a quorum of the servers."""
        settings = self.base.settings(ledger, **_IMPATIENT).with_rpc_urls(*(server.url for server in self.servers))
        chain = {
            "rpc_quorum": QUORUM,
            "rpc_timeout_seconds": SERVER_TIMEOUT_SECONDS,
            "max_head_age_seconds": CLOCK_TOLERANCE_SECONDS,
        }
        return settings.model_copy(update={"chain": settings.chain.model_copy(update=chain)})

    def key(self, role: str) -> dict[str, str]:
        return {} if role == "keeper" else {"EVENKEEL_KEEPER_KEY": self.second_key}

    # --- time and market --------------------------------------------------------------------------------------

    def follow_clock(self) -> None:
        """Let the machine's clock catch up with the chain's."""
        self.clock.unix = max(self.clock.unix, self.base.now())

    def step(self, price_usd: float, seconds: int = 300, base_fee_wei: int | None = None) -> None:
        """Move the market to a price, so long after whatever has been; both feeds publish it.

        Curie's mark price reverts while its average of a price far too high is more than the price now; nobody trades
        there then, the arbitrageur as little as the keeper.
        """
        self.follow_clock()
        try:
            self.base.localnet.step(price_usd, self.clock.unix + seconds, base_fee_wei)
        except FatalError as refusal:
            if "arbitrage reverted: SafeCast" not in str(refusal):
                raise
        self.publish_secondary(price_usd)
        self.follow_clock()

    def publish_secondary(self, price_usd: float) -> None:
        update = publish(self.account("publisher"), self.secondary_feed, feed_answer(price_usd))
        self.base.localnet.chain.mine([update], Seconds(self.base.now() + 1))

    def pass_block(self, seconds: int = BLOCK_SECONDS) -> None:
        """Mine a block with whatever waits."""
        self.base.localnet.chain.mine([], Seconds(max(self.base.now(), self.clock.unix) + seconds))
        self.follow_clock()

    @contextmanager
    def fresh(self) -> Iterator[None]:
        """Undo on leaving all that was done to chain, servers, files and clock."""
        for server in self.servers:
            server.asked.clear()
            server.sent.clear()
        self.clock.unix, self.clock.offset = self.base.now(), 0
        try:
            with self.base.fresh():
                yield
        finally:
            for server in self.servers:
                server.heal()
            for path in self.directory.glob("*.sqlite*"):
                path.unlink()


@contextmanager
def chaos_world(directory: Path) -> Iterator[ChaosWorld]:
    """Bring the chain up, with a funded vault and three servers in front of it."""
    directory.mkdir(parents=True, exist_ok=True)
    book_path, manifest_path = directory / "book.toml", directory / "deployment.json"
    book_path.write_text(BOOK + SOON_LEG, encoding="utf-8")
    settings = LocalnetSettings(
        port=free_port(), state_directory=directory / "localnet", start_price_usd=START_PRICE_USD
    )
    with Localnet.up(settings) as localnet:
        secondary = _deploy_secondary_feed(localnet)
        _deploy_vault(localnet, secondary, book_path, manifest_path)
        base = KeeperWorld(localnet, directory, load_deployment(manifest_path, 31_337), book_path)
        deposit_collateral(localnet, base.deployment, DEPOSIT_USD)
        with proxies(localnet.rpc_url, SERVERS) as servers:
            world = ChaosWorld(base, servers, secondary, _key_of("spare"))
            world.step(START_PRICE_USD)
            yield world


def _deploy_secondary_feed(localnet: Localnet) -> Address:
    publisher = localnet.manifest.accounts["publisher"]
    address = create_address(publisher, localnet.chain.nonce(publisher))
    arguments = (PRICE_FEED_DECIMALS, feed_answer(START_PRICE_USD))
    code = encode_constructor(artifacts.project("AggregatorDouble"), "(uint8,int256)", arguments)
    localnet.chain.mine([Transaction("second feed", publisher, None, code, 2_000_000)])
    return address


def _deploy_vault(localnet: Localnet, secondary: Address, book_path: Path, manifest_path: Path) -> None:
    """Deploy as `Localnet.deploy_evenkeel` does, with a second price feed and a second keeper's key."""
    further = {"secondary_feed": secondary, "further_keepers": (localnet.manifest.accounts["spare"],)}
    inputs = deployment_inputs(localnet.manifest).model_copy(update=further)
    inputs_path = localnet.state_directory / INPUTS_NAME
    inputs_path.write_text(inputs.model_dump_json(indent=2) + "\n", encoding="utf-8")
    run_deployment(inputs_path, localnet.rpc_url, book_path, manifest_path, write_config(manifest_path.parent))


def _key_of(role: str) -> str:
    """Return the private key of one of Anvil's accounts, from the mnemonic that Anvil prints itself."""
    Account.enable_unaudited_hdwallet_features()
    path = f"m/44'/60'/0'/0/{ACCOUNT_ROLES.index(role)}"
    return str(Account.from_mnemonic(_ANVIL_MNEMONIC, account_path=path).key.to_0x_hex())
