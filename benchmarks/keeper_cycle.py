"""One cycle of the keeper on the local chain, and its reads beside the same ones through web3's contract objects."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from web3 import HTTPProvider, Web3

from agent.chain.artifacts import load_artifact
from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.chain.deployment import Deployment, load_deployment
from agent.domain import BlockRef, Snapshot
from agent.files.book_file import load_book
from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.config import LEDGER_URL_VARIABLE
from agent.localnet.anvil import free_port
from agent.localnet.deposit import deposit_collateral
from agent.localnet.session import Localnet, LocalnetSettings
from agent.settings import config_path, load_settings
from benchmarks.figure import Figure

BOOK = Path("examples") / "book.toml"
COLLATERAL_USD = 400_000.0
CYCLES = 200
READS = 40
STEP_SECONDS = 300
SWING_RATIO = 0.05
"""The price goes up and down by this much every twenty cycles, so that some of them trade."""
MILLISECONDS = 1_000.0
_VENUE_READS = ("position", "markPrice", "indexPrice", "fundingRate", "freeCollateral")


def run() -> list[Figure]:
    """Run a keeper over a moving market and time its cycles and its snapshot."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with Localnet.up(LocalnetSettings(port=free_port(), state_directory=directory)) as localnet:
            manifest_path = directory / "deployment.json"
            localnet.deploy_evenkeel(BOOK, manifest_path)
            deployment = load_deployment(manifest_path, localnet.manifest.chain_id)
            deposit_collateral(localnet, deployment, COLLATERAL_USD)
            return _figures(localnet, deployment, directory)


def _figures(localnet: Localnet, deployment: Deployment, directory: Path) -> list[Figure]:
    environment = {
        **os.environ,
        RPC_URLS_VARIABLE: localnet.rpc_url,
        MANIFEST_PATH_VARIABLE: str(directory / "deployment.json"),
        LEDGER_URL_VARIABLE: f"sqlite:///{directory}/ledger.sqlite",
    }
    settings = load_settings(config_path("localnet"), environment)
    with Keeper.build(settings, load_book(BOOK, localnet.chain.head().timestamp)) as keeper:
        results = _cycles(localnet, keeper)
        planner = keeper.planner
        head = planner.head()
        snapshot, _ = planner.reader.snapshot(head)
        ours = _milliseconds(lambda: planner.reader.snapshot(head))
        peers = _milliseconds(_peer_reads(localnet.rpc_url, deployment, snapshot, head))
    held = [result.cycle_seconds for result in results if result.outcome is Outcome.HELD]
    executed = [result.cycle_seconds for result in results if result.outcome is Outcome.EXECUTED]
    decisions = [result.decision_seconds for result in results]
    return [
        Figure("keeper cycle that holds, median", statistics.median(held) * MILLISECONDS, "ms"),
        Figure("keeper cycle that holds, 99th percentile", _p99(held) * MILLISECONDS, "ms"),
        Figure("keeper cycle that trades, median", statistics.median(executed) * MILLISECONDS, "ms"),
        Figure("decision inside a cycle, 99th percentile", _p99(decisions) * MILLISECONDS, "ms"),
        Figure.against("snapshot at one block hash, median", ours, "ms", "web3 contract calls one by one", peers),
    ]


def _cycles(localnet: Localnet, keeper: Keeper) -> list[CycleResult]:
    """Cycle over a swinging market; the first cycle, which loads and compiles, is not counted."""
    price_usd = localnet.manifest.start_price_usd
    results = []
    for number in range(CYCLES + 1):
        factor = 1.0 + SWING_RATIO * (number // 20 % 2)
        localnet.step(price_usd * factor, localnet.chain.head().timestamp + STEP_SECONDS)
        results.append(keeper.cycle())
    return results[1:]


def _peer_reads(rpc_url: str, deployment: Deployment, snapshot: Snapshot, head: BlockRef) -> Callable[[], object]:
    """Return the snapshot's reads as a plain web3 program would make them."""
    web3 = Web3(HTTPProvider(rpc_url))
    vault, guard, registry, oracle, access, venue = (
        web3.eth.contract(address=Web3.to_checksum_address(address), abi=_abi(name))
        for address, name in (
            (deployment.contract("HedgeVault"), "HedgeVault"),
            (deployment.contract("RebalanceGuard"), "RebalanceGuard"),
            (deployment.contract("VenueRegistry"), "VenueRegistry"),
            (deployment.contract("PriceOracle"), "PriceOracle"),
            (deployment.contract("VaultAccess"), "VaultAccess"),
            (deployment.venues[0].address, "IPerpVenue"),
        )
    )
    calls = [vault.functions[name]() for name in ("measure", "idleAssets", "netFlows", "paused")]
    calls += [guard.functions[name]() for name in ("bounds", "totalBudget", "track")]
    keeper = deployment.role("keeper")
    calls += [guard.functions.keeperBudget(keeper), access.functions.isKeeper(keeper)]
    calls += [registry.functions.venues(), oracle.functions.price(), oracle.functions.read()]
    calls += [venue.functions[name]() for name in _VENUE_READS]
    calls += [venue.functions.quote(quote.size_delta) for quote in snapshot.venues[0].quotes]
    return lambda: [call.call(block_identifier=head.number) for call in calls]


def _abi(name: str) -> object:
    return load_artifact(name)["abi"]


def _milliseconds(read: Callable[[], object]) -> float:
    read()
    seconds = []
    for _ in range(READS):
        began = time.perf_counter()
        read()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds) * MILLISECONDS


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]
