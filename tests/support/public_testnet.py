"""A chain as a stranger finds it: wrapped ether, a feed that somebody else publishes, test ether; nothing of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from eth_account import Account

from agent.localnet import artifacts
from agent.localnet.anvil import HOST, AnvilProcess, AnvilSettings
from agent.localnet.codec import encode_call
from agent.localnet.deployer import Deployer
from agent.localnet.evm import ACCOUNT_ROLES, LocalChain, Transaction
from agent.localnet.price_feed import PRICE_FEED_DECIMALS, feed_answer, publish
from agent.localnet.rpc import JsonRpc
from agent.units import WEI_PER_GWEI, Address, Seconds, Wei

MNEMONIC = "test test test test test test test test test test test junk"  # Anvil's own
GENESIS_UNIX = 1_722_466_800  # 2024-07-31 23:00 UTC
_GAS = 8_000_000


def key_of(role: str) -> str:
    """Private key of one of Anvil's accounts, as its owner would put it into the environment."""
    Account.enable_unaudited_hdwallet_features()
    path = f"m/44'/60'/0'/0/{ACCOUNT_ROLES.index(role)}"
    return "0x" + bytes(Account.from_mnemonic(MNEMONIC, account_path=path).key).hex()


class PublicTestnet:
    """One running chain. Everybody on it signs with a key of his own; ``publisher`` stands for its oracle network."""

    def __init__(self, chain: LocalChain, chain_id: int) -> None:
        self.chain = chain
        self.chain_id = chain_id
        self.accounts = chain.accounts()
        chain.use_deterministic_time()
        deployer = Deployer(chain, self.accounts["publisher"])
        self.price_usd = 3_200.0
        self.weth = deployer.create("WETH9", artifacts.canonical_weth())
        code, answer = artifacts.project("AggregatorDouble"), feed_answer(self.price_usd)
        self.feed = deployer.create("AggregatorDouble", code, "(uint8,int256)", PRICE_FEED_DECIMALS, answer)
        deployer.flush()

    @property
    def url(self) -> str:
        return self.chain.rpc.url

    def wait(self, seconds: int, price_usd: float | None = None) -> None:
        """Let time pass; the feed answers at the end of it."""
        self.price_usd = price_usd or self.price_usd
        update = publish(self.accounts["publisher"], self.feed, feed_answer(self.price_usd))
        self.chain.mine([update], Seconds(self.chain.head().timestamp + seconds))

    def send(self, role: str, to: Address, signature: str, *arguments: object) -> None:
        """Send a transaction that has no command; raises where it reverts."""
        data = encode_call(signature, *arguments)
        self.chain.mine([Transaction(signature, self.accounts[role], to, data, _GAS)])

    def number(self, to: Address, signature: str, *arguments: object) -> int:
        """Ask for one number."""
        return int(self.chain.call(to, signature, *arguments, returns="(uint256)")[0])


@contextmanager
def public_testnet(port: int, chain_id: int, directory: Path) -> Iterator[PublicTestnet]:
    """Run a chain for the length of the block."""
    settings = AnvilSettings(
        port=port,
        chain_id=chain_id,
        genesis_unix=GENESIS_UNIX,
        base_fee_wei=Wei(WEI_PER_GWEI),
        log_path=directory / "anvil.log",
        outlives_parent=False,
    )
    process = AnvilProcess(settings)
    try:
        with closing(JsonRpc(f"http://{HOST}:{port}")) as rpc:
            yield PublicTestnet(LocalChain(rpc), chain_id)
    finally:
        process.stop()
