"""The tutorials, done as written: every command of a page, in order, in a checkout of its own, until one fails."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from agent.localnet.anvil import free_port
from agent.localnet.codec import encode_call
from agent.localnet.price_feed import feed_answer
from agent.localnet.session import Localnet, LocalnetSettings
from tests.support.pages import FILE, NOT_RUN, Reader, blocks, checkout_copy, living

pytestmark = pytest.mark.chain

VENUE_TESTS_PASSED = re.compile(r"^5 passed", re.MULTILINE)
LOCAL_PAGES = ("quick-start.md", "hedge-your-book.md", "governance.md")
TESTNET_PAGE = "deploy.md"
VENUE_PAGE = "add-a-venue.md"
SEPOLIA = 11_155_111
PRICE_USD = 3_200.0
LAG_SECONDS = 1_920 + 900
"""How far the chain lags until the page sleeps: as long as that, and what the commands before it may take."""


def page_text(repository: Path, name: str) -> str:
    return (repository / "docs" / name).read_text(encoding="utf-8")


@pytest.fixture
def checkout(repository, tmp_path):
    return checkout_copy(repository, tmp_path / "evenkeel")


def done(result: subprocess.CompletedProcess[str], name: str) -> str:
    assert result.returncode == 0, f"docs/{name}: {result.stdout[-2_000:]}\n{result.stderr[-3_000:]}"
    return result.stdout


@pytest.mark.parametrize("name", LOCAL_PAGES)
def test_page__on_the_local_chain__every_command_works(repository, checkout, name):
    reader = Reader(checkout, {"EVENKEEL_RPC_URLS": f"http://127.0.0.1:{free_port()}"})
    try:
        told = done(reader.follow(page_text(repository, name), 1_800), name)
    finally:
        stop = [checkout / ".venv/bin/evenkeel", "localnet", "down", "--if-running"]
        subprocess.run(stop, cwd=checkout, env=reader.environment, check=True)
    assert "Stopped the local chain" in told
    if name != "governance.md":
        assert "executed" in told


def test_page__a_venue_that_is_added__passes_what_every_venue_does(repository, checkout):
    reader = Reader(checkout, {"FOUNDRY_SPARSE_MODE": "true"})  # what is tested is compiled, and no more
    told = done(reader.follow(page_text(repository, VENUE_PAGE), 1_200), VENUE_PAGE)
    assert "0 failed; 0 skipped" in told
    assert VENUE_TESTS_PASSED.search(told)


# --- the testnet ----------------------------------------------------------------------------------------------------


@pytest.fixture
def sepolia(repository, tmp_path):
    """A chain with Sepolia's id, with a feed and a WETH at the addresses that config/sepolia.toml has for Sepolia's."""
    settings = LocalnetSettings(
        port=free_port(),
        chain_id=SEPOLIA,
        start_unix=int(time.time()) - LAG_SECONDS,
        start_price_usd=PRICE_USD,
        state_directory=tmp_path / "chain",
    )
    with Localnet.up(settings) as running:
        config = (repository / "config" / "sepolia.toml").read_text()
        weth = next(line.split('"')[1] for line in config.splitlines() if line.startswith("underlying_token"))
        feed = next(line.split('"')[1] for line in config.splitlines() if line.startswith("price_feed"))
        move_contract(running, running.manifest.chainlink_aggregator, feed)
        move_contract(running, running.manifest.weth, weth)
        publish = {"from": running.manifest.accounts["publisher"], "to": feed}
        data = encode_call("updateAnswer(int256)", feed_answer(PRICE_USD))
        running.chain.rpc.request("eth_sendTransaction", publish | {"data": data})
        yield running


def move_contract(localnet: Localnet, source: str, target: str) -> None:
    """Give an address the code and the plain storage of a contract."""
    rpc = localnet.chain.rpc
    rpc.request("anvil_setCode", target, rpc.request("eth_getCode", source, "latest"))
    for slot in range(16):
        word = rpc.request("eth_getStorageAt", source, hex(slot), "latest")
        rpc.request("anvil_setStorageAt", target, f"0x{slot:064x}", word)


class Roles:
    """Accounts that the node does not hold, as on a public chain; whoever sends has ether."""

    SENDERS = ("deployer", "keeper", "member")
    OTHERS = ("governor", "guardian", "underlying_holder")

    def __init__(self, localnet: Localnet) -> None:
        found = {name: Account.from_key(keccak(text=name)) for name in (*self.SENDERS, *self.OTHERS)}
        for name in self.SENDERS:
            localnet.chain.rpc.request("anvil_setBalance", found[name].address, hex(20 * 10**18))
        keys = {f"EVENKEEL_{name.upper()}_KEY": "0x" + bytes(found[name].key).hex() for name in self.SENDERS}
        self.environment = {name: one.address for name, one in found.items()} | keys


def test_page__testnet__from_a_checkout_to_a_hedged_vault(repository, checkout, sepolia):
    urls = {"EVENKEEL_RPC_URLS": f"{sepolia.rpc_url},{sepolia.rpc_url.replace('127.0.0.1', 'localhost')}"}
    reader = Reader(checkout, urls | Roles(sepolia).environment)
    reader.let_chain_sleep(sepolia.rpc_url)
    with living(sepolia.rpc_url):
        told = done(reader.follow(page_text(repository, TESTNET_PAGE), 2_400), TESTNET_PAGE)
    assert "0 differ" in told
    assert "executed" in told
    manifest = json.loads((checkout / "deployments" / f"{SEPOLIA}.json").read_text())
    assert manifest["chain_id"] == SEPOLIA


# --- what is left out says why --------------------------------------------------------------------------------------


def test_pages__every_block__is_run_or_says_why_not(repository):
    run = {*LOCAL_PAGES, TESTNET_PAGE, VENUE_PAGE}
    for path in sorted((repository / "docs").rglob("*.md")):
        for block in blocks(path.read_text(encoding="utf-8")):
            where = f"{path.relative_to(repository)}:{block.line}"
            assert block.language, f"{where}: name the block's language"
            if block.language == "bash":
                reason = block.attributes.get(NOT_RUN)
                assert path.name in run or reason, f'{where}: say {NOT_RUN}="why", or run the page here'
                assert reason is None or len(reason.split()) > 2, f"{where}: give the reason"
            assert FILE not in block.attributes or path.name in run, f"{where}: nobody writes that file"


def test_follow__command_that_fails__ends_there(tmp_path):
    reader = Reader(tmp_path, {})
    page = [
        "```bash\ntouch first\n```",
        '```bash data-not-run="it would fail"\nfalse\n```',
        "```bash\nfalse\ntouch last\n```",
    ]
    result = reader.follow("\n".join(page), 60)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == "@@ line 7"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".reader", "first"]
