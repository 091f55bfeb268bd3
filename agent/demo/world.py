"""The stage of a replay: a private local chain, a vault with its collateral, and the keeper that hedges through it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.chain.deployment import Deployment, load_deployment
from agent.demo.scenario import Scenario
from agent.domain import Book
from agent.errors import DataError
from agent.files.book_file import book_toml, load_book
from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult
from agent.ledger.config import LEDGER_URL_VARIABLE
from agent.ledger.orders import is_final
from agent.localnet.anvil import free_port
from agent.localnet.deposit import deposit_collateral
from agent.localnet.registry import DEFAULT_KINDS
from agent.localnet.session import Localnet, LocalnetSettings, running_manifest
from agent.settings import Settings, load_settings
from agent.units import Address, Seconds
from agent.venues.maintenance import Maintenance, maintenance_of
from agent.venues.registry import VENUE_PROTOCOLS

DEMO_DIRECTORY = Path(".evenkeel") / "demo"
LEDGER_PATH = DEMO_DIRECTORY / "ledger.sqlite"
"""Everything of the last demonstration's chain: its log, its book, its addresses and its ledger."""

NETWORK = "localnet"
_KEPT_TRANSACTION_BLOCKS = 500
"""Newest blocks whose transactions Anvil keeps: the keeper reads no older ones, and each costs about 0.1 MB. The room
that a block had for them, 3.4 kB for up to four, Anvil 1.7 never gives back: `benchmarks.replay_memory` counts it."""
_KEPT_STATES = 16
"""Newest blocks whose state Anvil keeps: a cycle reads the head's and those about its own transaction."""
_LEAD_SECONDS = 900
"""Chain time between the market's opening and the first price: enough for deployment and deposit, a second a block."""


@dataclass(frozen=True, slots=True)
class World:
    """A running stage."""

    localnet: Localnet
    settings: Settings
    deployment: Deployment
    keeper: Keeper

    def cycle(self) -> CycleResult:
        """Let the keeper do one cycle, and see the orders that it left to their end."""
        result = self.keeper.cycle()
        if all(is_final(order.state) for order in self.keeper.ledger.orders()):
            return result
        self.localnet.tend()
        return self.keeper.caught_up(result)

    def maintenance(self) -> dict[Address, Maintenance]:
        """Return equity over notional at which each venue liquidates, as its own contracts say."""
        planner = self.keeper.planner
        return maintenance_of(planner.client, self.deployment.venues, planner.head())


@contextlib.contextmanager
def open_world(
    scenario: Scenario,
    config: Path,
    phase: Callable[[str], AbstractContextManager[None]],
    kinds: tuple[str, ...] = DEFAULT_KINDS,
) -> Iterator[World]:
    """Bring everything up, and take it down at the end of the block whatever ended it.

    Parameters
    ----------
    scenario
        Start time and price, book, seed and collateral.
    config
        Bounds, policy and costs, as ``config/localnet.toml`` has them.
    phase
        Makes a context that is entered while a named part is under way.
    kinds
        Protocols to hedge on, one market each.

    Raises
    ------
    DataError
        Another demonstration runs, or a part of the set-up refuses its input.

    """
    manifest_path, ledger_path, book_path = _prepare_directory(scenario.book)
    prices = scenario.prices
    with contextlib.ExitStack() as stage:
        protocols = " and ".join(VENUE_PROTOCOLS[kind].title for kind in kinds)
        with phase(f"Local chain with {protocols} and {'its' if len(kinds) == 1 else 'their'} ETH market"):
            localnet = stage.enter_context(
                Localnet.up(
                    LocalnetSettings(
                        port=free_port(),
                        seed=scenario.seed,
                        start_unix=Seconds(prices.start_unix - _LEAD_SECONDS),
                        start_price_usd=float(prices.prices_usd[0]),
                        state_directory=DEMO_DIRECTORY,
                        kept_transaction_blocks=_KEPT_TRANSACTION_BLOCKS,
                        kept_states=_KEPT_STATES,
                        kinds=kinds,
                    )
                )
            )
        with phase("Vault, guard, oracle and delta book deployed, positions registered"):
            localnet.deploy_evenkeel(book_path, manifest_path, config)
            settings = _settings(config, localnet.rpc_url, manifest_path, ledger_path)
            deployment = load_deployment(manifest_path, settings.chain.chain_id)
        with phase(f"${scenario.deposit_usd:,.0f} deposited, keeper started"):
            deposit_collateral(localnet, deployment, scenario.deposit_usd)
            keeper = stage.enter_context(Keeper.build(settings, load_book(book_path, prices.start_unix)))
        yield World(localnet, settings, deployment, keeper)


def _prepare_directory(book: Book) -> tuple[Path, Path, Path]:
    """Return where manifest, ledger and book go, the first two removed and the book written."""
    running = running_manifest(DEMO_DIRECTORY)
    if running is not None:
        raise DataError(f"another demonstration runs here (its Anvil is pid {running.pid}); wait for it or stop it")
    manifest_path, book_path = (DEMO_DIRECTORY / name for name in ("deployment.json", "book.toml"))
    try:
        DEMO_DIRECTORY.mkdir(parents=True, exist_ok=True)
        for path in (manifest_path, *DEMO_DIRECTORY.glob(f"{LEDGER_PATH.name}*")):
            path.unlink(missing_ok=True)
        book_path.write_text(book_toml(book), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{DEMO_DIRECTORY}: cannot be written ({error.strerror}); mend its permissions") from None
    return manifest_path, LEDGER_PATH, book_path


def _settings(config: Path, rpc_url: str, manifest_path: Path, ledger_path: Path) -> Settings:
    """Return the configuration with this chain's address, manifest and ledger in place of its own."""
    environment = {
        **os.environ,
        RPC_URLS_VARIABLE: rpc_url,
        MANIFEST_PATH_VARIABLE: str(manifest_path),
        LEDGER_URL_VARIABLE: f"sqlite:///{ledger_path}",
    }
    return load_settings(config, environment)
