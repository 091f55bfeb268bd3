"""A keeper over 100,000 blocks: what grows, what drifts, and what a second set of books makes of its vault.

One round is 100 real blocks, 12 s apart by the chain's clock: 98 empty ones, then the price moves, then the keeper, a
process of ``evenkeel run`` behind a server whose head flaps, must have seen the last of them before the next round
begins. It cycles as often as it likes meanwhile. Along the way three options expire, members come and go, the book's
file and the chain's book change, blocks are replaced, and the keeper is stopped and killed and started again: all that
in the first tenth as well, so that the last process lives through most of the run and its memory can be judged.

    python -m tests.soak.soak --blocks 100000
"""

from __future__ import annotations

import argparse
import json
import math
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from agent.chain.abi import load_abi
from agent.chain.deployment import load_deployment
from agent.ledger.records import IntentState
from agent.localnet.anvil import free_port
from agent.localnet.curie.contracts import CurieAddresses
from agent.localnet.deposit import deposit_collateral
from agent.localnet.session import Localnet, LocalnetSettings
from agent.units import WAD, Address
from tests.soak.event_ledger import TOPICS, EventLedger, Places, topic_of
from tests.soak.keeper_process import KeeperProcess
from tests.soak.measures import Line, descriptors, file_bytes, fit, memory_bytes
from tests.support.adversary import Adversary
from tests.support.fault_proxy import FaultProxy, stale_head
from tests.support.keeper_world import (
    CONFIG_NAME,
    DEPOSIT_USD,
    REPOSITORY,
    START_PRICE_USD,
    KeeperWorld,
    write_config,
)

BLOCKS_A_ROUND, EMPTY_BLOCKS = 100, 98
BLOCK_SECONDS = 12
ROUNDS_A_SAMPLE = 5
KEEPER_INTERVAL_SECONDS = 0.05
FLAPPING_SHARE, LAG_BLOCKS = 0.03, 2
RETENTION_DAYS = 1
"""Of cycles, so that retention is at work for most of the run."""
EXPIRY_SHARES = (0.25, 0.5, 0.75)
"""Of the run's time, at which an option expires."""
LEAD_SECONDS, LIFE_AFTER_SECONDS = 7_200, 30 * 86_400
"""Of the chain's time: until the run begins, and of the last option beyond its end."""
KEPT_TRANSACTION_BLOCKS = 1_000
"""Of the chain's memory: 100,000 blocks with all of their traces would take 9 GB."""
RESTART_SHARES = (0.02, 0.04, 0.06, 0.08, 0.1)
VOL_ANNUAL, YEAR_SECONDS, PULL = 0.65, 31_536_000, 0.002
REBALANCED = topic_of("Rebalanced(bytes32,address,uint256,uint256,uint256,uint256,uint256)")
MOST_ERROR_BPS = 1.0


@dataclass
class Sample:
    """The keeper's process and its files after so many blocks."""

    blocks: int
    process: int
    """Number of the keeper's process, counted from 0."""
    rss_bytes: int
    descriptors: int
    ledger_bytes: int
    anvil_bytes: int
    cycles: int


@dataclass
class Tally:
    """What happened and what was measured."""

    blocks: int = 0
    cycles: int = 0
    seconds: float = 0.0
    expiries: int = 0
    deposits: int = 0
    redemptions: int = 0
    reorganisations: int = 0
    hedges_reorganised: int = 0
    book_reloads: int = 0
    restarts: int = 0
    executed: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    guard_mirror_mismatches: int = 0
    ledger_nav_error_bps: float = 0.0
    """Of cycles in which no block was mined: a chain that mines a hundred at once answers them from mixed states."""
    moving_nav_error_bps: float = 0.0
    """Of the other cycles."""
    share_price_error_bps: float = 0.0
    share_prices_compared: int = 0
    chain_hedges: int = 0
    doubles: int = 0
    """Intents the vault took twice, and hedges that only one of chain and ledger knows."""
    open_intents: int = 0
    samples: list[Sample] = field(default_factory=list)
    cycle_ms: list[float] = field(default_factory=list)


class Soak:
    """One run on one chain."""

    def __init__(self, world: KeeperWorld, expiries: list[int], blocks: int, seed: int) -> None:
        self.world = world
        self._expiries = expiries
        self._dropped = 0
        """How many of the expired options have left the file."""
        self.rounds = math.ceil(blocks / BLOCKS_A_ROUND)
        self.tally = Tally()
        self._draw = random.Random(seed)
        self._people = Adversary(world)
        self._first_block = world.localnet.chain.head().number
        self._log_price = 0.0
        self._held = 0.0
        self._network = _network_file(world)
        self._places = _places(world)
        self._books = EventLedger(self._places)
        self._booked = -1
        self._intents: list[str] = []

    def run(self, report: Path | None = None) -> Tally:
        """Do all rounds; ``report`` is written as they go."""
        began = time.monotonic()
        with FaultProxy(self.world.localnet.rpc_url, seed=1) as server:
            server.on("eth_getBlockByNumber", stale_head(LAG_BLOCKS), chance=FLAPPING_SHARE)
            keeper = self._start(server)
            restarts = {max(int(share * self.rounds), 1) for share in RESTART_SHARES}
            try:
                for number in range(1, self.rounds + 1):
                    if number in restarts:
                        keeper.stop(self._draw.choice((signal.SIGKILL, signal.SIGTERM)))
                        self.tally.restarts += 1
                        keeper = self._start(server)
                    self._round(number, keeper)
                    server.asked.clear()
                    server.sent.clear()
                    if number % ROUNDS_A_SAMPLE == 0:
                        self._sample(keeper)
                        self.tally.seconds = time.monotonic() - began
                    if report is not None and number % 50 == 0 and len(self.tally.samples) > 2:
                        write_report(self.tally, report)
            finally:
                keeper.stop(signal.SIGKILL)
        self.tally.seconds = time.monotonic() - began
        self._close()
        return self.tally

    # --- one round ------------------------------------------------------------------------------------------------

    def _round(self, number: int, keeper: KeeperProcess) -> None:
        boundary = self.world.localnet.chain.head().number
        self._members(number)
        self._book(number)
        self.world.rpc("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
        self.world.rpc("anvil_mine", hex(EMPTY_BLOCKS), hex(BLOCK_SECONDS))
        self.world.rpc("anvil_setBlockTimestampInterval", 1)  # a hedge between two moves of the price takes no time
        if number % 40 == 0:
            self.world.rpc("anvil_reorg", 3, [])
            self.tally.reorganisations += 1
        self.world.step(self._price(), 2 * BLOCK_SECONDS)
        self._compare(boundary)
        head = self.world.localnet.chain.head().number
        cycles = keeper.until(head)
        if any(cycle["outcome"] == "executed" for cycle in cycles) and self._draw.random() < 0.1:
            self._replace_hedge(head, keeper)
        self._count(cycles)
        self.tally.blocks = self.world.localnet.chain.head().number - self._first_block

    def _replace_hedge(self, head: int, keeper: KeeperProcess) -> None:
        """Put empty blocks in the place of those that came after the price's own, the hedge's among them."""
        now = self.world.localnet.chain.head().number
        if now > head:
            self.world.rpc("anvil_reorg", now - head, [])
            self.tally.reorganisations += 1
            self.tally.hedges_reorganised += 1
            self._count(keeper.until(now))

    def _price(self) -> float:
        seconds = BLOCKS_A_ROUND * BLOCK_SECONDS
        shock = self._draw.gauss(0.0, VOL_ANNUAL * math.sqrt(seconds / YEAR_SECONDS))
        self._log_price += shock - PULL * self._log_price
        return START_PRICE_USD * math.exp(self._log_price)

    def _members(self, number: int) -> None:
        every = max(self.rounds // 40, 4)
        depositor = self.world.localnet.manifest.accounts["depositor"]
        if number % every == 1:
            self.tally.deposits += self._people.deposit(5_000.0, depositor)
        elif number % every == every // 2:
            shares = self._people.shares(depositor)
            self.tally.redemptions += self._people.redeem(shares // 100, depositor) > 0.0

    def _book(self, number: int) -> None:
        """Change the book on the chain and in the file; what has expired leaves the file some rounds later."""
        self.tally.expiries = sum(expiry <= self.world.now() for expiry in self._expiries)
        if number % max(self.rounds // 10, 5) == 2:
            self._wrap(self.world.localnet.manifest.weth)
            self._held += 0.5
        if number % 20 == 0:
            self._dropped = self.tally.expiries
        self._write(book_text(self._expiries, self._held, self._dropped))

    def _wrap(self, weth: Address) -> None:
        """Send WETH to the holder whose balance the book's chain sources count."""
        holder = self.world.localnet.manifest.accounts["depositor"]
        chain = self.world.localnet.chain
        self.world.rpc("evm_setAutomine", False)
        selector = topic_of("deposit()")[:10]
        self.world.rpc(
            "eth_sendTransaction",
            {"from": holder, "to": weth, "value": hex(WAD // 2), "data": selector, "maxFeePerGas": hex(10**14)},
        )
        chain.mine([])

    def _write(self, text: str) -> None:
        if text != self.world.book_path.read_text(encoding="utf-8"):
            draft = self.world.book_path.with_suffix(".draft")
            draft.write_text(text, encoding="utf-8")
            draft.replace(self.world.book_path)
            self.tally.book_reloads += 1

    # --- what is measured -----------------------------------------------------------------------------------------

    def _start(self, server: FaultProxy) -> KeeperProcess:
        manifest = self.world.directory / "deployment.json"
        urls = server.url, self.world.ledger_url()
        return KeeperProcess(self._network, self.world.book_path, manifest, *urls, KEEPER_INTERVAL_SECONDS)

    def _count(self, cycles: list[dict[str, Any]]) -> None:
        tally = self.tally
        for cycle in cycles:
            tally.cycles += 1
            tally.outcomes[cycle["outcome"]] = tally.outcomes.get(cycle["outcome"], 0) + 1
            tally.executed += cycle["outcome"] == "executed"
            tally.guard_mirror_mismatches += cycle["guard_mirror_mismatch"]
            error = cycle.get("ledger_nav_error_bps", 0.0)
            if cycle is cycles[-1]:
                tally.ledger_nav_error_bps = max(tally.ledger_nav_error_bps, error)
            else:
                tally.moving_nav_error_bps = max(tally.moving_nav_error_bps, error)
            if cycle["outcome"] == "held":
                tally.cycle_ms.append(cycle["cycle_ms"])

    def _sample(self, keeper: KeeperProcess) -> None:
        ledger = self.world.directory / "ledger.sqlite"
        self.tally.samples.append(
            Sample(
                blocks=self.tally.blocks,
                process=self.tally.restarts,
                rss_bytes=memory_bytes(keeper.pid),
                descriptors=descriptors(keeper.pid),
                ledger_bytes=file_bytes(ledger),
                anvil_bytes=memory_bytes(self.world.localnet.manifest.pid),
                cycles=self.tally.cycles,
            )
        )

    def _compare(self, block: int) -> None:
        """Book the logs up to a block that no reorganisation here reaches, and compare the price of a share there."""
        if block <= self._booked:
            return
        query = {
            "address": self._places.addresses,
            "topics": [[*TOPICS, REBALANCED]],
            "fromBlock": hex(self._booked + 1),
            "toBlock": hex(block),
        }
        logs = self.world.rpc("eth_getLogs", query)
        self._intents += [log["topics"][1] for log in logs if log["topics"][0] == REBALANCED]
        numbers = {int(log["blockNumber"], 16) for log in logs}
        self._books.take(logs, {number: self._unix_of(number) for number in numbers})
        self._booked = block
        nav, supply = self._chain_nav(block)
        books = self._books
        distance = abs(nav * books.supply - books.nav * supply)
        error = distance * 10_000 / (nav * books.supply)
        self.tally.share_price_error_bps = max(self.tally.share_price_error_bps, error)
        self.tally.share_prices_compared += 1

    def _unix_of(self, number: int) -> int:
        return int(self.world.rpc("eth_getBlockByNumber", hex(number), False)["timestamp"], 16)

    def _chain_nav(self, block: int) -> tuple[int, int]:
        """Return the vault's own NAV at the oracle's price, and its shares."""
        vault = load_abi("HedgeVault")
        outputs = []
        for name in ("measure", "totalSupply"):
            function = vault.function(name)
            call = function.at(self.world.vault)
            outputs.append(function.decode(self.world.rpc("eth_call", {"to": call.to, "data": call.data}, hex(block))))
        return int(outputs[0][0][5]), int(outputs[1][0])

    def _close(self) -> None:
        """Compare what the keeper's own ledger says at the end with the chain."""
        self._compare(self.world.localnet.chain.head().number)
        tally = self.tally
        with self.world.keeper() as keeper:
            keeper.cycle()
            tally.open_intents = len(keeper.ledger.open_intents())
            booked = [rebalance.intent_id for rebalance in keeper.ledger.rebalances()]
            executed = [intent for intent in booked if keeper.ledger.states_of(intent)[-1] is IntentState.EXECUTED]
        self._compare(self.world.localnet.chain.head().number)
        tally.chain_hedges = len(self._intents)
        taken = {intent.lower() for intent in self._intents}
        tally.doubles = len(self._intents) - len(taken) + len(booked) - len(set(booked))
        tally.doubles += len(taken ^ {str(intent).lower() for intent in executed})


# --- the stage --------------------------------------------------------------------------------------------------------


def book_text(expiries: list[int], held: float, without: int = 0) -> str:
    """Short 25 calls for each expiry, and WETH; ``without`` leaves out the first ones."""
    legs = "".join(
        f'\n[[option]]\ntype = "call"\nstrike_usd = {int(START_PRICE_USD)}\n'
        f'expiry = "{datetime.fromtimestamp(expiry, UTC):%Y-%m-%dT%H:%M:%SZ}"\nquantity = -25\n'
        "iv_annual = 0.65\niv_low_annual = 0.62\niv_high_annual = 0.68\n"
        for expiry in expiries[without:]
    )
    holding = f'\n[[holding]]\nlabel = "WETH"\nquantity = {held}\n' if held else ""
    return f'[book]\nunderlying = "ETH"\n{legs}{holding}'


@contextmanager
def soak_world(directory: Path, blocks: int) -> Iterator[tuple[KeeperWorld, list[int]]]:
    """A chain with a funded vault, and the expiries of its book: three during ``blocks``, and one after."""
    directory.mkdir(parents=True, exist_ok=True)
    book_path, manifest = directory / "book.toml", directory / "deployment.json"
    settings = LocalnetSettings(
        port=free_port(),
        state_directory=directory / "localnet",
        start_price_usd=START_PRICE_USD,
        kept_transaction_blocks=KEPT_TRANSACTION_BLOCKS,
    )
    start, span = int(settings.start_unix), blocks * BLOCK_SECONDS
    with Localnet.up(settings) as localnet:
        expiries = [start + LEAD_SECONDS + int(share * span) for share in EXPIRY_SHARES]
        expiries.append(start + span + LIFE_AFTER_SECONDS)
        book_path.write_text(book_text(expiries, 0.0), encoding="utf-8")
        localnet.deploy_evenkeel(book_path, manifest, write_config(directory))
        world = KeeperWorld(localnet, directory, load_deployment(manifest, 31_337), book_path)
        deposit_collateral(localnet, world.deployment, DEPOSIT_USD)
        localnet.step(START_PRICE_USD, start + LEAD_SECONDS)
        yield world, expiries


def _network_file(world: KeeperWorld) -> Path:
    """The local chain's configuration, with the retention of this run."""
    path = world.directory / CONFIG_NAME
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("cycle_retention_days = 30", f"cycle_retention_days = {RETENTION_DAYS}"), "utf-8")
    return path


def _places(world: KeeperWorld) -> Places:
    curie = CurieAddresses(**world.localnet.manifest.venues["curie"])
    return Places(
        vault=world.vault.lower(),
        account=world.venue.lower(),
        asset=world.localnet.manifest.usdc.lower(),
        clearing_house=curie.clearing_house.lower(),
        margin_vault=curie.vault.lower(),
        exchange=curie.exchange.lower(),
        feed=world.localnet.manifest.chainlink_aggregator.lower(),
    )


# --- the report -------------------------------------------------------------------------------------------------------


def lines(tally: Tally) -> dict[str, Line]:
    """Straight lines through what could grow: of the last process, in the second half of its life.

    Until then it meets for the first time what it keeps: kernels, an expiry, the settlement of a trade.
    """
    own = [sample for sample in tally.samples if sample.process == tally.samples[-1].process]
    own = own[len(own) // 2 :] if len(own) > 4 else tally.samples
    blocks = [sample.blocks for sample in own]
    return {
        "rss_bytes_per_block": fit(blocks, [sample.rss_bytes for sample in own]),
        "descriptors_per_block": fit(blocks, [sample.descriptors for sample in own]),
        "ledger_bytes_per_block": fit(blocks, [sample.ledger_bytes for sample in own]),
        "anvil_bytes_per_block": fit(blocks, [sample.anvil_bytes for sample in own]),
    }


def p99_ms(tally: Tally) -> tuple[float, float]:
    """99th percentile of the cycles that held, of the first tenth and of the last."""
    tenth = max(len(tally.cycle_ms) // 10, 1)
    first, last = np.array(tally.cycle_ms[:tenth]), np.array(tally.cycle_ms[-tenth:])
    return float(np.quantile(first, 0.99)), float(np.quantile(last, 0.99))


def failures(tally: Tally) -> list[str]:
    """What the run has shown to be wrong; speed and growth are figures, not verdicts."""
    wrong = {
        f"share price {tally.share_price_error_bps:.3g} bp off": tally.share_price_error_bps > MOST_ERROR_BPS,
        f"ledger's NAV {tally.ledger_nav_error_bps:.3g} bp off": tally.ledger_nav_error_bps > MOST_ERROR_BPS,
        f"{tally.guard_mirror_mismatches} verdicts of the guard foreseen wrongly": tally.guard_mirror_mismatches > 0,
        f"{tally.open_intents} intents left open": tally.open_intents > 0,
        f"{tally.doubles} hedges twice or unknown": tally.doubles > 0,
        f"{tally.expiries} of {len(EXPIRY_SHARES)} expiries": tally.expiries < len(EXPIRY_SHARES),
    }
    return [words for words, is_wrong in wrong.items() if is_wrong]


def write_report(tally: Tally, directory: Path) -> None:
    """Write ``soak.json`` and ``soak.md``."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "soak.json").write_text(json.dumps(asdict(tally)) + "\n", encoding="utf-8")
    first, last = p99_ms(tally)
    rows = [
        ("Blocks", f"{tally.blocks:,} in {tally.seconds / 60:.1f} min"),
        ("Cycles", f"{tally.cycles:,}: {', '.join(f'{count:,} {name}' for name, count in tally.outcomes.items())}"),
        ("Expiries crossed", f"{tally.expiries}"),
        ("Deposits, redemptions", f"{tally.deposits}, {tally.redemptions}"),
        ("Reorganisations", f"{tally.reorganisations}, of which took a hedge away: {tally.hedges_reorganised}"),
        ("Starts of the keeper anew", f"{tally.restarts}"),
        ("Books taken over while running", f"{tally.book_reloads}"),
        ("Share price against the second books", f"{tally.share_price_error_bps:.3g} bp at most, "
         f"{tally.share_prices_compared:,} comparisons"),
        ("Keeper's ledger against the chain", f"{tally.ledger_nav_error_bps:.3g} bp at most; "
         f"while blocks were mined, {tally.moving_nav_error_bps:.3g}"),
        ("Hedges on the chain; twice or unknown; open", f"{tally.chain_hedges}; {tally.doubles}; {tally.open_intents}"),
        ("Cycle p99, first and last tenth", f"{first:.0f} ms, {last:.0f} ms"),
    ]  # fmt: skip
    for name, line in lines(tally).items():
        rows.append((name.replace("_", " "), f"{line}; from {line.first:,.0f} to {line.last:,.0f}"))
    table = "".join(f"| {name} | {words} |\n" for name, words in rows)
    (directory / "soak.md").write_text(f"| What | Figure |\n| --- | --- |\n{table}", encoding="utf-8")


def main() -> None:
    """Run it and write ``build/soak``; the status is 1 where a figure that must hold does not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--blocks", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=20_240_805)
    options = parser.parse_args()
    directory = REPOSITORY / "build" / "soak"
    directory.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=directory) as stage,
        soak_world(Path(stage), options.blocks) as (world, expiries),
    ):
        tally = Soak(world, expiries, options.blocks, options.seed).run(directory)
    write_report(tally, directory)
    sys.stdout.write((directory / "soak.md").read_text(encoding="utf-8"))
    if wrong := failures(tally):
        raise SystemExit(f"soak: {'; '.join(wrong)}")


if __name__ == "__main__":
    main()
