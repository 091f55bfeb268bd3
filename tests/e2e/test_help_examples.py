"""The example in every command's help, run: in a checkout, on a local chain and on one that stands for a testnet."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from eth_account import Account

from agent.chain.deployment import load_deployment
from agent.cli.main import COMMANDS, load_command
from agent.localnet.anvil import free_port
from agent.localnet.codec import encode_call
from agent.localnet.session import Localnet, LocalnetSettings
from tests.support.pages import Reader, checkout_copy
from tests.support.vault_governor import VOTING_DELAY_SECONDS, VOTING_PERIOD_SECONDS, appoint_dao, wait

pytestmark = pytest.mark.chain

MNEMONIC = "test test test test test test test test test test test junk"  # Anvil's own
ACCOUNTS = {"guardian": 1, "depositor": 3, "governor": 10}
SEPOLIA = 11_155_111
DAY = 86_400
PLAN, OPERATION, PROPOSAL = "0123456789abcdef", "0x5f3a9c", "5820..."
"""What stands in examples for the reader's own digest and ids."""
LOCAL_ORDER = (
    "localnet up", "localnet status", "localnet step", "greeks", "backtest", "bounds suggest", "decide", "gov rescue",
    "run",
    "status", "completion", "demo",
    "doctor", "watch", "flatten", "ledger export", "ledger impact", "ledger options", "ledger acknowledge", "key grant",
    "key new", "key rotate", "alert test",
    "gov propose", "gov show", "gov list", "gov tighten", "gov call", "gov close", "gov pause", "gov resume",
    "gov execute", "gov cancel", "gov veto", "gov vote", "gov queue", "gov delegate",
    "gov dismiss", "localnet down",
)  # fmt: skip
TESTNET_ORDER = ("deploy market", "deploy plan", "deploy apply", "deploy status", "deploy verify")


def key_of(role: str) -> str:
    Account.enable_unaudited_hdwallet_features()
    return "0x" + bytes(Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{ACCOUNTS[role]}").key).hex()


def examples() -> Iterator[tuple[str, str]]:
    """Yield the path of every command with what its help shows as an example."""
    for name in COMMANDS:
        command = load_command(name)
        for path, leaf in [(f"{name} {key}", one) for key, one in getattr(command, "commands", {}).items()] or [
            (name, command)
        ]:
            (shown,) = re.findall(r"Example: (evenkeel .+)", leaf.epilog or "")
            yield path, shown


EXAMPLES = dict(examples())


def test_examples__every_command__is_run_below_or_by_deploy():
    assert set(EXAMPLES) == {*LOCAL_ORDER, *TESTNET_ORDER}
    for path, shown in EXAMPLES.items():
        assert shown.startswith(f"evenkeel {path}"), shown


class Terminal:
    """Runs examples in a checkout, with what stands for the reader's own values put in."""

    def __init__(self, checkout: Path, rpc_url: str) -> None:
        home = checkout / "home"
        (home / ".local/share/bash-completion/completions").mkdir(parents=True)
        path = f"{checkout / '.venv/bin'}:/usr/local/bin:/usr/bin:/bin"
        self._reader = Reader(checkout, {"EVENKEEL_RPC_URLS": rpc_url, "HOME": str(home), "PATH": path})

    def run(self, line: str, **environment: str) -> str:
        ran = subprocess.run(
            ["bash", "-c", line],
            cwd=self._reader.checkout,
            env=self._reader.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert ran.returncode == 0, f"{line}: status {ran.returncode}\n{ran.stdout[-1_500:]}\n{ran.stderr[-1_500:]}"
        return ran.stdout

    def example(self, path: str, own: Mapping[str, str] | None = None, **environment: str) -> str:
        line = EXAMPLES[path]
        for placeholder, value in (own or {}).items():
            assert placeholder in line, f"{line} has no {placeholder}"
            line = line.replace(placeholder, value)
        return self.run(line, **environment)

    def govern(self, role: str, path: str, own: Mapping[str, str] | None = None) -> str:
        return self.example(path, own, EVENKEEL_GOVERNANCE_KEY=key_of(role))


@pytest.fixture
def checkout(repository, tmp_path):
    return checkout_copy(repository, tmp_path / "evenkeel")


# --- the local chain ------------------------------------------------------------------------------------------------


def write_prices(path: Path) -> None:
    """A week of prices as the example of `demo` names them, four a day."""
    start = datetime(2024, 8, 1, tzinfo=UTC)
    moments = [start + timedelta(hours=6 * number) for number in range(7 * 4)]
    opens = [3_200.0 + 60.0 * (number % 3) for number in range(7 * 4)]
    pl.DataFrame({"open_ts": moments, "symbol": ["ETHUSDT"] * len(moments), "open": opens}).write_parquet(path)


def scheduled(terminal: Terminal, change: str) -> str:
    """Schedule a change as governor and return the operation's id."""
    line = f"evenkeel gov propose --set {shlex.quote(change)} --no-simulation --yes --save proposal.json"
    terminal.run(line, EVENKEEL_GOVERNANCE_KEY=key_of("governor"))
    return str(json.loads(terminal.run("evenkeel gov list --json"))[-1]["id"])


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """Serve HTTP, and yield where, as apprise writes it, with what was posted there so far."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"json://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        server.server_close()


def break_nav(checkout: Path) -> None:
    """Add a cycle that saw the ledger's NAV 1 % above the chain's."""
    path = checkout / ".evenkeel" / "localnet" / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(cycles)") if row[1] != "id"]
        newest = connection.execute(f"SELECT {', '.join(names)} FROM cycles ORDER BY id DESC LIMIT 1").fetchone()
        row = dict(zip(names, newest, strict=True))
        row["ledger_nav_low"] = str(int(row["chain_nav_low"]) * 101 // 100)
        connection.execute(
            f"INSERT INTO cycles ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", [*row.values()]
        )


def test_examples__on_the_local_chain__all_work(checkout):
    terminal = Terminal(checkout, f"http://127.0.0.1:{free_port()}")
    write_prices(checkout / "prices.parquet")
    done = []

    def example(path: str, own: Mapping[str, str] | None = None, role: str | None = None) -> str:
        done.append(path)
        return terminal.example(path, own) if role is None else terminal.govern(role, path, own)

    try:
        example("localnet up")
        for path in LOCAL_ORDER[1 : LOCAL_ORDER.index("key new")]:
            if path == "flatten":
                terminal.run("evenkeel localnet step")  # the guard's cooldown ends
            if path == "ledger impact":
                for _ in range(3):  # the market settles after the trade, and a cycle notes its price
                    terminal.run("evenkeel localnet step")
                terminal.run(EXAMPLES["run"])
            if path == "ledger acknowledge":
                break_nav(checkout)
            example(path)
        assert (checkout / "report.html").exists()
        for path in ("key new", "key rotate"):
            done.append(path)
            terminal.example(path, EVENKEEL_KEEPER_PASSWORD="of nobody's keystore")
        with listening() as (url, heard):
            done.append("alert test")
            terminal.example("alert test", EVENKEEL_ALERT_URLS=url)
        assert "ignore me" in heard[0]
        for path in ("gov propose", "gov show", "gov list"):
            example(path)
        for path in ("gov tighten", "gov call", "gov close", "gov pause", "gov resume"):
            example(path, role="guardian")
        scheduled(terminal, "max_slippage_bps=70")
        terminal.run(f"evenkeel localnet step --interval-seconds {DAY}")
        example("gov execute", role="governor")
        example("gov cancel", {OPERATION: scheduled(terminal, "max_fee_bps=16")}, "governor")
        example("gov veto", {OPERATION: scheduled(terminal, "max_fee_bps=17")}, "guardian")
        vote_and_queue(terminal, checkout, example)
        example("gov dismiss", None, "guardian")
    finally:
        example("localnet down")
    assert tuple(done) == LOCAL_ORDER


def vote_and_queue(terminal: Terminal, checkout: Path, example: Any) -> None:
    """Make a DAO the governor that the manifest names, propose by it, vote, and queue."""
    manifest = checkout / "deployments" / "31337.json"
    localnet = Localnet.attach(checkout / ".evenkeel" / "localnet")
    try:
        dao = appoint_dao(localnet, load_deployment(manifest, 31_337), "depositor")
        document = json.loads(manifest.read_text())
        document["roles"]["governor"] = dao
        manifest.write_text(json.dumps(document))
        line = "evenkeel gov propose --set max_slippage_bps=75 --no-simulation --yes --json"
        number = json.loads(terminal.run(line, EVENKEEL_GOVERNANCE_KEY=key_of("depositor")))["proposal_id"]
        wait(localnet, VOTING_DELAY_SECONDS + 1)
        example("gov vote", {PROPOSAL: number}, "depositor")
        wait(localnet, VOTING_PERIOD_SECONDS)
        example("gov queue", {PROPOSAL: number}, "depositor")
        example("gov delegate", None, "depositor")
    finally:
        localnet.close()


# --- a chain that stands for the testnet ----------------------------------------------------------------------------


@pytest.fixture
def sepolia(repository, checkout, tmp_path):
    """A chain with Sepolia's id, and config/sepolia.toml with its feed, token and accounts."""
    settings = LocalnetSettings(port=free_port(), chain_id=SEPOLIA, state_directory=tmp_path / "chain")
    with Localnet.up(settings) as running:
        manifest = running.manifest
        config = checkout / "config" / "sepolia.toml"
        text = config.read_text()
        for name, value in {
            "price_feed": manifest.chainlink_aggregator,
            "underlying_token": manifest.weth,
            "underlying_holder": manifest.accounts["attacker"],
            "deployer": manifest.accounts["deployer"],
            "governor": manifest.accounts["governor"],
            "guardian": manifest.accounts["guardian"],
        }.items():
            text = re.sub(rf'(?m)^{name} = "[^"]*"', f'{name} = "{value}"', text)
        for name, role in (("keepers", "keeper"), ("members", "depositor")):
            text = re.sub(rf"(?m)^{name} = .*$", f'{name} = ["{manifest.accounts[role]}"]', text)
        config.write_text(text.replace("rpc_quorum = 2", "rpc_quorum = 1"))
        wrapped = {"from": manifest.accounts["attacker"], "to": manifest.weth, "value": hex(125 * 10**17)}
        running.chain.rpc.request("eth_sendTransaction", wrapped | {"data": encode_call("deposit()")})
        yield running


def test_examples__of_deploy__all_work(checkout, sepolia):
    terminal = Terminal(checkout, sepolia.rpc_url)
    terminal.example("deploy market")
    sepolia.step(3_200.0, sepolia.chain.head().timestamp + 1_920)
    terminal.example("deploy market")
    planned = re.findall(r"^Plan (\w+)$", terminal.example("deploy plan"), re.MULTILINE)
    terminal.example("deploy apply", {PLAN: planned[0]})
    assert "handed over" in terminal.example("deploy status")
    assert json.loads(terminal.example("deploy verify"))["differing"] == 0
