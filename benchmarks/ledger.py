"""The ledger: what a signed intent costs, how long a rebuild from the chain takes, and how long a fail-over."""

from __future__ import annotations

import multiprocessing
import os
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from agent.chain.abi import load_abi
from agent.chain.block_id import BlockId
from agent.chain.client import ChainClient
from agent.chain.config import MANIFEST_PATH_VARIABLE
from agent.chain.deployment import Deployment, load_deployment
from agent.domain import BlockRef, Intent, Leg
from agent.ledger.config import USUAL_TERMS
from agent.ledger.database import Database
from agent.ledger.records import IntentRecord, IntentState, Purpose, SignedTransaction, Transition, VaultIdentity
from agent.ledger.scan import EventScanner
from agent.ledger.store import VaultLedger
from agent.localnet.anvil import free_port
from agent.localnet.session import Localnet, LocalnetSettings
from agent.settings import config_path, load_settings
from agent.units import Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei
from benchmarks.figure import Figure

BOOK = Path("examples") / "book.toml"
EVENTS = 10_000
EVENTS_A_BLOCK = 100
INTENTS = 300
MILLISECONDS = 1_000.0
VAULT = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
VENUE = Address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512")


def run() -> list[Figure]:
    """Measure on a SQLite file, synchronised at every commit, on the disk of the temporary directory."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        return [*_commits(directory), _rebuild(directory), _fail_over(directory)]


# --- commits ------------------------------------------------------------------------------------------------------


def _commits(directory: Path) -> list[Figure]:
    with Database.open(f"sqlite:///{directory}/commits.sqlite", "vault", "key") as database:
        ledger = database.vault(VaultIdentity(31_337, VAULT, 1, BlockHash("0x01")))
        one = _milliseconds(lambda number: ledger.add_signed_intent(*_signed(number)))
        apart = _milliseconds(lambda number: _three_commits(ledger, INTENTS + number))
    name, peer = "intent and signed transaction on disk", "three commits"
    return [
        Figure.against(f"{name}, median", statistics.median(one), "ms", peer, statistics.median(apart)),
        Figure.against(f"{name}, 99th percentile", _p99(one), "ms", peer, _p99(apart)),
    ]


def _three_commits(ledger: VaultLedger, number: int) -> None:
    record, signed, block_id = _signed(number)
    ledger.add_intent(record)
    ledger.add_transaction(signed, block_id)
    ledger.add_transition(Transition(signed.intent_id, IntentState.SENT, block_id, signed.transaction_hash))


def _signed(number: int) -> tuple[IntentRecord, SignedTransaction, BlockId]:
    intent_id, block_hash = IntentId(f"0x{number:064x}"), BlockHash(f"0x{number:064x}")
    block = BlockRef(number, block_hash, Seconds(1_700_000_000 + number), Wei(10**9))
    leg = Leg(VENUE, AssetUnits(1), Wad(2), Wad(3))
    intent = Intent(intent_id, VAULT, (leg,), Seconds(1_700_000_240 + number), block)
    raw = "0x" + "ab" * 500
    signed = SignedTransaction(
        f"0x{number:064x}", intent_id, Purpose.REBALANCE, VAULT, number, 2_000_000, Wei(10**10), Wei(10**9), raw
    )
    return IntentRecord(intent, False, "0x", "because", ((VENUE, Wad(3)),)), signed, BlockId.of(block)


def _milliseconds(write: Callable[[int], None]) -> list[float]:
    took = []
    for number in range(INTENTS):
        began = time.perf_counter()
        write(number)
        took.append((time.perf_counter() - began) * MILLISECONDS)
    return took


def _p99(sample: list[float]) -> float:
    return statistics.quantiles(sample, n=100)[98]


# --- rebuild ------------------------------------------------------------------------------------------------------


def _rebuild(directory: Path) -> Figure:
    """Read the events of a vault that a node holds into a ledger that is empty."""
    with Localnet.up(LocalnetSettings(port=free_port(), state_directory=directory)) as localnet:
        manifest_path = directory / "deployment.json"
        localnet.deploy_evenkeel(BOOK, manifest_path)
        deployment = load_deployment(manifest_path, localnet.manifest.chain_id)
        _emit(localnet, deployment)
        settings = load_settings(config_path("localnet"), {MANIFEST_PATH_VARIABLE: str(manifest_path)})
        client = ChainClient(settings.with_rpc_urls(localnet.rpc_url).chain)
        try:
            return _timed_rebuild(client, deployment, directory)
        finally:
            client.close()


def _timed_rebuild(client: ChainClient, deployment: Deployment, directory: Path) -> Figure:
    vault, first = deployment.contract("HedgeVault"), client.block(deployment.block)
    with Database.open(f"sqlite:///{directory}/rebuilt.sqlite", "vault", "key") as database:
        ledger = database.vault(VaultIdentity(deployment.chain_id, vault, first.number, first.hash))
        head = client.head(time.time())
        began = time.perf_counter()
        EventScanner(client, ledger, deployment, head).scan(head)
        took = time.perf_counter() - began
        found = len(ledger.cash_flows())
    if found != EVENTS:
        raise AssertionError(f"the rebuilt ledger holds {found} of {EVENTS} events")
    return Figure(f"ledger rebuilt from {EVENTS:,} events of a node", took, "s")


def _emit(localnet: Localnet, deployment: Deployment) -> None:
    """Have the vault's address emit deposits, by a program in its place that does nothing else."""
    vault, rpc = deployment.contract("HedgeVault"), localnet.chain.rpc
    rpc.request("anvil_setCode", vault, _emitter(load_abi("HedgeVault").event("Deposit").topic))
    for _ in range(EVENTS // EVENTS_A_BLOCK):
        call = {
            "from": localnet.manifest.accounts["depositor"],
            "to": vault,
            "data": f"0x{EVENTS_A_BLOCK:064x}",
            "gas": hex(5_000_000),
        }
        rpc.request("eth_sendTransaction", call)


def _emitter(topic: str) -> str:
    """Return EVM code: as often as the call data says, log ``topic`` and the caller twice over two words of 1."""
    words = "6001600052" + "6001602052"
    loop = "5b" + "3333" + "7f" + topic.removeprefix("0x") + "60406000a3" + "60019003" + "80600d57" + "00"
    return "0x" + words + "600035" + loop


# --- fail-over ----------------------------------------------------------------------------------------------------


def _fail_over(directory: Path) -> Figure:
    """Stop the holder of a lease and wait, on the usual terms, until another keeper has it."""
    url = f"sqlite:///{directory}/lease.sqlite"
    holding = multiprocessing.get_context("spawn").Event()
    holder = multiprocessing.get_context("spawn").Process(target=_hold, args=(url, holding), daemon=True)
    holder.start()
    holding.wait()
    os.kill(holder.pid or 0, signal.SIGSTOP)
    began = time.perf_counter()
    try:
        with Database.open(url, "vault", "key", USUAL_TERMS, threading.Event()):
            took = time.perf_counter() - began
    finally:
        holder.kill()
    return Figure("fail-over from a keeper that is stopped", took, "s")


def _hold(url: str, holding: threading.Event) -> None:
    with Database.open(url, "vault", "key"):
        holding.set()
        threading.Event().wait()
