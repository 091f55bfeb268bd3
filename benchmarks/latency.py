"""From a head to a signed transaction on disk, stage by stage: ``python -m benchmarks latency``.

A keeper with a book of 100 options on the local chain, whose price swings so that every cycle trades. What is waited
for servers is told apart: the agent's own share is the time in which no answer is outstanding. Wall time is what a
trade waits; CPU time is of the whole process, all its threads, and is what other work on the machine cannot blur.
Stages that run side by side, events and state, overlap: they add up to more than the whole.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from eth_account import Account
from eth_utils.address import to_checksum_address

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.chain.deployment import load_deployment
from agent.files.book_file import load_kept_book
from agent.keeper.keeper import Keeper
from agent.keeper.memory import Housekeeping
from agent.keeper.result import Outcome
from agent.ledger.config import LEDGER_URL_VARIABLE
from agent.localnet.anvil import free_port
from agent.localnet.deposit import deposit_collateral
from agent.localnet.session import Localnet, LocalnetSettings
from agent.routing.foreseen import Route
from agent.settings import Settings, config_path, load_settings
from benchmarks.decision_world import START, OptionColumns
from benchmarks.figure import Figure
from benchmarks.latency_probe import Probe, once

LEGS = 100
COLLATERAL_USD = 400_000.0
TRADES = 300
TRADES_A_KEEPER = 50
"""Then the chain goes back to where it began, and another keeper starts: costs of trading would trip the guard."""
MOST_CYCLES_A_KEEPER = 3 * TRADES_A_KEEPER
STEP_SECONDS = 1_800
SWING_RATIO = 0.1
USUAL_GAS_UNITS = 7_000_000
"""A rebalance measures the book twice; of 100 legs that takes some 4 million."""
SIGNATURES = 200
MILLISECONDS = 1_000.0
STAGES = (
    "events",
    "state and quotes",
    "decision",
    "guard mirror",
    "simulation",
    "nonce, gas and fees",
    "signing",
    "commit",
)


@dataclass
class Measured:
    """Milliseconds of each trading cycle, by what was measured."""

    wall_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def trades(self) -> int:
        """How many cycles were measured."""
        return len(self.wall_ms["all"])

    def add(self, name: str, wall_seconds: float, cpu_seconds: float | None = None) -> None:
        """Add one cycle's time."""
        self.wall_ms[name].append(wall_seconds * MILLISECONDS)
        if cpu_seconds is not None:
            self.cpu_ms[name].append(cpu_seconds * MILLISECONDS)

    def figures(self, name: str, title: str) -> Iterator[Figure]:
        """Return the middle and the slowest hundredth of both clocks."""
        for clock, times in (("wall", self.wall_ms), ("CPU", self.cpu_ms)):
            for percentile in (50, 99):
                if times[name]:
                    yield Figure(f"{title}, {clock} p{percentile}", float(np.percentile(times[name], percentile)), "ms")


def run() -> list[Figure]:
    """Trade on the local chain and say where the time went."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        book_path, manifest_path = directory / "book.toml", directory / "deployment.json"
        book_path.write_text(book_text(), encoding="utf-8")
        with Localnet.up(LocalnetSettings(port=free_port(), state_directory=directory / "localnet")) as localnet:
            localnet.deploy_evenkeel(book_path, manifest_path)
            deployment = load_deployment(manifest_path, localnet.manifest.chain_id)
            deposit_collateral(localnet, deployment, COLLATERAL_USD)
            measured, probe = Measured(), Probe()
            with probe.watching():
                _trade(localnet, _settings(localnet, directory), book_path, measured, probe)
    return [*_figures(measured), *_signing()]


def book_text() -> str:
    """Return the book of the decision benchmark as a keeper's file, in steps that the chain can hold."""
    columns = OptionColumns.drawn(LEGS)
    lines = ["[book]", 'underlying = "ETH"']
    for is_call, strike_usd, expiry, iv, quantity in zip(*(column.tolist() for column in columns), strict=True):
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expiry + 86_400 - START % 86_400))
        lines += ["[[option]]", f'type = "{"call" if is_call else "put"}"', f"strike_usd = {strike_usd}"]
        lines += [f'expiry = "{moment}"', f"quantity = {quantity}", f"iv_annual = {iv:.4f}"]
        lines += [f"iv_low_annual = {iv - 0.01:.4f}", f"iv_high_annual = {iv + 0.01:.4f}"]
    return "\n".join(lines) + "\n"


def _settings(localnet: Localnet, directory: Path) -> Settings:
    environment = {
        **os.environ,
        RPC_URLS_VARIABLE: localnet.rpc_url,
        MANIFEST_PATH_VARIABLE: str(directory / "deployment.json"),
        LEDGER_URL_VARIABLE: f"sqlite:///{directory}/ledger.sqlite",
    }
    settings = load_settings(config_path("localnet"), environment)
    execution = settings.execution.model_copy(update={"usual_gas_units": USUAL_GAS_UNITS})
    return settings.model_copy(update={"execution": execution})


def _trade(localnet: Localnet, settings: Settings, book_path: Path, measured: Measured, probe: Probe) -> None:
    """Let one keeper after the other trade from the same beginning until enough cycles were measured."""
    probe.time(Route, "judge", "guard mirror")
    for turn in range(TRADES // TRADES_A_KEEPER):
        snapshot = localnet.chain.rpc.request("evm_snapshot")
        own = settings.with_ledger_url(settings.ledger.url.replace("ledger.sqlite", f"ledger{turn}.sqlite"))
        with Keeper.build(own, load_kept_book(book_path), {}) as keeper:
            _cycles(localnet, keeper, measured, probe)
        localnet.chain.rpc.request("evm_revert", snapshot)


def _cycles(localnet: Localnet, keeper: Keeper, measured: Measured, probe: Probe) -> None:
    watch, housekeeping = _Watch(keeper, measured, probe), Housekeeping()
    price_usd, wanted = localnet.manifest.start_price_usd, measured.trades + TRADES_A_KEEPER
    is_first = True
    for number in range(MOST_CYCLES_A_KEEPER):
        factor = 1.0 + SWING_RATIO * (number % 2)
        localnet.step(price_usd * factor, localnet.chain.head().timestamp + STEP_SECONDS)
        result = keeper.cycle()
        if result.outcome is not Outcome.EXECUTED:
            watch.drop()
        elif is_first:
            watch.keep_first()
            is_first = False
        else:
            watch.keep()
        housekeeping.between_cycles()
        if measured.trades == wanted:
            return
    raise AssertionError(f"only {measured.trades} trades; the last cycle: {result.outcome.value}: {result.reason}")


class _Watch:
    """Measures a keeper's cycles from the head seen to the transaction ready to be sent."""

    def __init__(self, keeper: Keeper, measured: Measured, probe: Probe) -> None:
        self._measured = measured
        self._probe = probe
        self._begins = self._ends = (0.0, 0.0)
        self._is_sent = False
        planner, client, executor = keeper.planner, keeper.planner.client, keeper._executor
        probe.time(keeper._scanner, "scan", "events")
        probe.time(planner.reader, "snapshot", "state and quotes")
        probe.time(planner, "decide", "decision")
        probe.time(keeper._rebalancer, "_rejection", "simulation")
        probe.time(executor, "_plan", "nonce, gas and fees")
        probe.time(executor, "_sign", "signing")
        probe.time(keeper.ledger, "add_signed_intent", "commit")
        self._head, self._send = planner.head, client.send_raw
        planner.head = self._see_head
        client.send_raw = self._send_raw

    def _see_head(self, *arguments: object) -> object:
        head = self._head(*arguments)
        if not self._is_sent:
            self._probe.clear()
            self._begins = time.perf_counter(), time.process_time()
        return head

    def _send_raw(self, raw: str) -> object:
        if not self._is_sent:
            self._ends, self._is_sent = (time.perf_counter(), time.process_time()), True
            self._parts = [(part, self._probe.own_seconds(part), self._probe.cpu_seconds(part)) for part in STAGES]
            self._waited = self._probe.waited_seconds(self._begins[0], self._ends[0])
            self._pauses = list(self._probe.pauses_seconds)
        return self._send(raw)

    def drop(self) -> None:
        """Forget the cycle."""
        self._is_sent = False

    def keep_first(self) -> None:
        """Keep a keeper's first trade apart: it reads sizes, and compiles statements, for all that follow."""
        wall, cpu = self._took()
        self._measured.add("first", wall - self._waited, cpu)
        self._is_sent = False

    def _took(self) -> tuple[float, float]:
        wall, cpu = (end - begin for begin, end in zip(self._begins, self._ends, strict=True))
        return wall, cpu

    def keep(self) -> None:
        """Keep the cycle's times."""
        wall, cpu = self._took()
        self._measured.add("all", wall)
        self._measured.add("servers", self._waited)
        self._measured.add("own", wall - self._waited, cpu)
        self._measured.add("collector", sum(self._pauses))
        for part, own_seconds, cpu_seconds in self._parts:
            self._measured.add(part, own_seconds, cpu_seconds)
        self._is_sent = False


def _figures(measured: Measured) -> Iterator[Figure]:
    yield Figure("trading cycles measured, book of 100 legs", measured.trades, "cycles")
    yield from measured.figures("all", "head seen to signed and on disk")
    yield from measured.figures("servers", "of it waiting for servers")
    yield from measured.figures("own", "of it the agent's own share")
    for stage in STAGES:
        yield from measured.figures(stage, f"own: {stage}")
    yield Figure("first trade of a process, own share, CPU, median", float(np.median(measured.cpu_ms["first"])), "ms")
    yield from measured.figures("collector", "own: pauses of the garbage collector")


def _signing() -> Iterator[Figure]:
    """Sign the same transaction as the keeper does and as eth-account does, in turn; the least of many."""
    from agent.execution.fees import Fees  # noqa: PLC0415 - beside its peer
    from agent.execution.keys import LocalKey  # noqa: PLC0415
    from agent.execution.transaction import DynamicFeeTransaction  # noqa: PLC0415
    from agent.units import Address, Wei  # noqa: PLC0415

    account = Account.create("latency")
    to, data = Address(to_checksum_address("0x" + "11" * 20)), "0x" + "ab" * 480
    ours = DynamicFeeTransaction(31_337, 7, to, Wei(0), data, 2_600_000, Fees(Wei(3 * 10**9), Wei(10**9)))
    theirs = {
        "type": 2, "chainId": 31_337, "nonce": 7, "to": to, "value": 0, "data": data, "gas": 2_600_000,
        "maxFeePerGas": 3 * 10**9, "maxPriorityFeePerGas": 10**9,
    }  # fmt: skip
    key = LocalKey(bytes(account.key), "benchmark")
    best = [float("inf"), float("inf")]
    for _ in range(SIGNATURES):
        for index, act in enumerate((lambda: key.sign_transaction(ours), lambda: account.sign_transaction(theirs))):
            best[index] = min(best[index], once(act)[0])
    mine, peer = (seconds * MILLISECONDS for seconds in best)
    yield Figure.against("signing a rebalance, least", mine, "ms", "eth-account", peer)
