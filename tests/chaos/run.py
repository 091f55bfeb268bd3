"""Runs one schedule: the market moves, faults strike and are healed, keepers cycle, a watcher looks."""

from __future__ import annotations

import contextlib
import io
import logging
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import structlog
from eth_utils.crypto import keccak
from prometheus_client import CollectorRegistry

from agent.chain.client import ChainClient
from agent.chain.state import ChainState
from agent.domain import BlockRef
from agent.errors import AgentError, DataError, FatalError, TransientError
from agent.guard import worst_net_delta
from agent.keeper.keeper import Keeper
from agent.keeper.planner import Planner
from agent.keeper.result import CycleResult, Outcome
from agent.localnet.codec import encode_call
from agent.localnet.evm import Transaction
from agent.localnet.rpc import RpcError
from agent.observability.alerts import Alert
from agent.observability.heartbeat import Heartbeat
from agent.observability.keeper_observer import KeeperObserver
from agent.observability.log import configure_logging
from agent.observability.observation import _tell_halt
from agent.observability.watcher import Watcher
from agent.settings.observability import ObservabilitySettings
from agent.status.reading import StatusReader
from tests.chaos.faults import DEEPEST_REORG, FAULTS, USUAL_BASE_FEE_WEI, ServerFault, feeds, struck_servers
from tests.chaos.forked import Zygote
from tests.chaos.probe import refused
from tests.chaos.schedule import Schedule, Use
from tests.chaos.world import CLOCK_TOLERANCE_SECONDS, ChaosWorld
from tests.support.adversary import Adversary
from tests.support.keeper_world import START_PRICE_USD

LOWEST_PRICE_USD, HIGHEST_PRICE_USD = 2_700.0, 3_800.0
BLOCKS_TO_HEAL = 5
LOCK_PATIENCE_SECONDS = 0.1
_LEDGER = "ledger"


class Recorder:
    """Takes every alert as a pager would, and remembers its name."""

    undelivered_count = 0

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()

    def tell(self, alert: Alert) -> bool:
        self.told[alert.name] += 1
        return True

    def resolve(self, name: str, text: str) -> None:
        """What is over was told all the same."""


@contextmanager
def paging(recorder: Recorder) -> Iterator[None]:
    """Have critical lines of the log told to the recorder, as `agent.observability` does; the lines go nowhere."""
    root, was_configured, structured = logging.getLogger(), structlog.is_configured(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    configure_logging(None, recorder, io.StringIO())  # type: ignore[arg-type]
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)
        structlog.contextvars.clear_contextvars()
        if was_configured:
            structlog.configure(**structured)
        else:
            structlog.reset_defaults()


@dataclass(frozen=True)
class Note:
    """One cycle of the first keeper, or a start that was refused: when, by the true clock, and why it failed."""

    unix: int
    failure: str | None


@dataclass
class Period:
    """A round: from this block on these faults were there."""

    first_block: int
    uses: tuple[Use, ...]


@dataclass
class Healing:
    """How it went when all was healed: blocks until W was inside the band, None when it was not."""

    blocks: int | None = None
    last: CycleResult | None = None
    refused_by: str | None = None
    """The chain's error, where it let no hedge bring W in."""


@dataclass
class Run:
    """One schedule at work on a fresh world."""

    world: ChaosWorld
    zygote: Zygote
    schedule: Schedule
    mutant: str | None = None
    recorder: Recorder = field(default_factory=Recorder)
    violations: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    healing: Healing = field(default_factory=Healing)
    cycles: int = 0
    keeper: Keeper | None = None
    base_fee_wei: int = USUAL_BASE_FEE_WEI
    secondary_ratio: float = 1.0
    oracle_ratio: float = 1.0
    is_frozen: bool = False
    took_nonce: bool = False
    was_liquidated: bool = False
    was_at_work: bool = False
    ledger_lost: bool = False
    """Hedges decided before another key's, and executed after it."""
    full_engine: Any = None

    def __post_init__(self) -> None:
        self.price = START_PRICE_USD
        self.adversary = Adversary(self.world.base)
        self.venue_code = self.world.rpc("eth_getCode", self.world.base.venue, "latest")
        self.active: list[tuple[int, Use]] = []
        self._observer: KeeperObserver | None = None
        self._has_cycled = False
        self._is_ready = False
        self._rivals: list[Keeper] = []
        self._sleeper: str | None = None
        self.eyes = Planner.open(self.world.base.settings(), self.world.base.book())
        self._watch_client = ChainClient(self.world.base.settings().chain)
        self._watcher = self._watch()
        self.first_block = 0

    # --- the whole ------------------------------------------------------------------------------------------------

    def go(self) -> None:
        """Run the schedule to its end, all healed."""
        try:
            self.world.rpc("anvil_mine", hex(DEEPEST_REORG), hex(1))
            self.first_block = self.head_number() - DEEPEST_REORG
            for index in range(self.schedule.rounds):
                self._round(index)
            self._heal_all()
            self._recover()
        finally:
            self._heal_all()

    def close(self) -> None:
        """End every keeper and connection."""
        self.close_keeper()
        self.close_rivals()
        self.eyes.close()
        self._watch_client.close()

    def _round(self, index: int) -> None:
        """Strike, cycle, strike again, cycle, look, and heal what has lasted its time."""
        new = self.schedule.uses[index : index + 1]
        for use in new:
            self.price = min(max(self.price * (1.0 + use.move_bps / 10_000), LOWEST_PRICE_USD), HIGHEST_PRICE_USD)
        self.advance()
        self.active += [(index + use.lasts - 1, use) for use in new]
        self.periods.append(Period(self.head_number(), tuple(use for _, use in self.active)))
        for use in new:
            FAULTS[use.fault].strike(self, use)
        self.cycle()
        for _, one in list(self.active):
            FAULTS[one.fault].between(self, one)
        self.world.pass_block()
        self.cycle()
        self._watcher.look()
        self._require_bearable_borne(index)
        for end, one in list(self.active):
            if end <= index:
                self._heal(one)

    def _require_bearable_borne(self, index: int) -> None:
        """One server of three may fail in any way: W is inside all the same, where the contracts allow it.

        One that has healed, and had asked for a rest that is not over, is another that fails: no round lasts as long.
        """
        so_far = self.schedule.uses[: index + 1]
        is_bearable = all(FAULTS[use.fault].is_of_servers and use.level == 1 for use in so_far)
        failing = struck_servers([use for _, use in self.active]) | self._resting_servers()
        if is_bearable and len(failing) == 1 and not self.is_inside() and None in refused(self):
            faults = ", ".join(use.fault for _, use in self.active)
            self.violations.append(f"liveness: one server of three failed ({faults}), and W stayed outside")

    def _resting_servers(self) -> set[int]:
        if self.keeper is None:
            return set()
        endpoints = self.keeper.planner.client._pool.endpoints
        return {index for index, endpoint in enumerate(endpoints) if endpoint.must_be_left_alone}

    def _heal(self, use: Use) -> None:
        self.active = [(end, one) for end, one in self.active if one is not use]
        FAULTS[use.fault].heal(self, use)

    def _heal_all(self) -> None:
        for _, use in list(self.active):
            self._heal(use)
        self.restore_venue()  # a reorganisation may have taken the end of a fault away
        if not self._is_market_open():
            self.open_market()

    def _recover(self) -> None:
        """Let the market publish once, and then count blocks until W is inside and nothing is open."""
        self.periods.append(Period(self.head_number(), ()))
        self.advance()
        for block in range(1, BLOCKS_TO_HEAL + 1):
            self.healing.last = self.cycle()
            if self.is_inside() and self.is_settled():
                self.healing.blocks = block
                break
            self.world.pass_block()
        self._watcher.look()

    # --- what is so -----------------------------------------------------------------------------------------------

    def head_number(self) -> int:
        return self.world.base.localnet.chain.head().number

    def head(self) -> BlockRef:
        """The head as the node itself has it."""
        return self.eyes.client.block(self.head_number())

    def state(self) -> ChainState:
        return self.eyes.reader.state(self.head())

    def is_inside(self) -> bool:
        state = self.state()
        return worst_net_delta(state.measurement) <= state.bounds.band

    def is_settled(self) -> bool:
        return (
            self.keeper is not None
            and self.notes[-1].failure is None
            and not [intent for intent in self.intents() if not self.keeper.ledger.states_of(intent)[-1].is_final]
        )

    def intents(self) -> list[Any]:
        """Ids of all intents of the ledger, read without the keeper's help; none where there is no ledger."""
        with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(self._database()) as database:
            return [row[0] for row in database.execute("SELECT intent_id FROM intents ORDER BY id")]
        return []

    def ledger_path(self) -> Path:
        return self.world.directory / f"{_LEDGER}.sqlite"

    def _database(self) -> sqlite3.Connection:
        """Open the ledger's file, and make none."""
        return sqlite3.connect(f"file:{self.ledger_path()}?mode=rw", uri=True, timeout=LOCK_PATIENCE_SECONDS)

    # --- market ---------------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Let 300 seconds pass, as far as market and feeds are alive."""
        self.jump(300)

    def jump(self, seconds: int) -> None:
        """Let time pass, as far as market and feeds are alive."""
        if self.is_frozen or not self._is_market_open():
            self.world.pass_block(seconds)
        else:
            self.world.step(self.price, seconds, self.base_fee_wei)
        self.publish_faults()

    def open_market(self) -> None:
        """Let Curie's owner end a halt."""
        self.adversary.attempt(self.world.account("deployer"), self.adversary.curie.clearing_house, "unpause()")

    def _is_market_open(self) -> bool:
        """As the chain has it: a reorganisation may take a halt, or its end, away."""
        chain, venue = self.world.base.localnet.chain, self.adversary.curie.clearing_house
        return not chain.call(venue, "paused()", returns="(bool)")[0]

    def publish_faults(self) -> None:
        """Publish what the feeds say that are wrong or stand alone."""
        is_true = self.oracle_ratio == 1.0 and self.secondary_ratio == 1.0
        if self.is_frozen or (is_true and self._is_market_open()):
            return
        price = self.price * self.oracle_ratio
        self.world.base.localnet.chain.mine(feeds(self, price, price * self.secondary_ratio))
        self.world.follow_clock()

    def restore_venue(self) -> None:
        self.world.rpc("anvil_setCode", self.world.base.venue, self.venue_code)

    def heal_servers(self) -> None:
        """Heal all servers, and strike again what is still there."""
        for server in self.world.servers:
            server.heal()
        for _, use in self.active:
            if isinstance(fault := FAULTS[use.fault], ServerFault):
                fault.strike(self, use)

    def try_rpc(self, method: str, *params: object) -> None:
        """Ask the node for something that it may refuse."""
        with contextlib.suppress(RpcError):
            self.world.rpc(method, *params)

    def liquidate(self, strict_ratio: int) -> bool:
        """Have Curie ask for so much margin, 1e-6, that the account can be taken over, and half of it taken over."""
        curie, liquidator = self.adversary.curie, self.world.account("arbitrageur")
        slot, word = self._margin_ratio_slot()
        strict = word & ~(0xFFFFFF << 32) | strict_ratio << 32
        self.world.rpc("anvil_setStorageAt", curie.clearing_house_config, hex(slot), f"0x{strict:064x}")
        data = encode_call("liquidate(address,address)", self.world.base.venue, curie.base_token)
        call = Transaction("liquidate", liquidator, curie.clearing_house, data, 12_000_000).parameters()
        self.world.rpc("evm_setAutomine", False)
        sent = self.world.rpc("eth_sendTransaction", call)
        self.world.pass_block()
        self.world.rpc("evm_setAutomine", True)
        self.world.rpc("anvil_setStorageAt", curie.clearing_house_config, hex(slot), f"0x{word:064x}")
        return int(self.world.rpc("eth_getTransactionReceipt", sent)["status"], 16) == 1

    def _margin_ratio_slot(self) -> tuple[int, int]:
        """Find Curie's packed word of most markets (8 bits), initial (24 bits) and minimum margin ratio (24 bits)."""
        config = self.adversary.curie.clearing_house_config
        for slot in range(256):
            word = int(self.world.rpc("eth_getStorageAt", config, hex(slot), "latest"), 16)
            if word & 0xFFFFFF00 == 100_000 << 8 and word >> 32 & 0xFFFFFF == 62_500:
                return slot, word
        raise AssertionError("Curie's margin ratios are in none of its first slots")

    # --- the first keeper -----------------------------------------------------------------------------------------

    def cycle(self) -> CycleResult | None:
        """Let the first keeper do a cycle, started anew where it has ended."""
        for _, use in list(self.active):
            FAULTS[use.fault].before_cycle(self, use)
        self.world.follow_clock()
        if not self._is_up():
            return None
        self.cycles += 1
        try:
            result = self.keeper.cycle()
        except TransientError as trouble:
            self._failed(trouble)
        except DataError as trouble:
            if self._has_cycled:
                self._failed(trouble)
            else:
                self._halted(trouble)
        except FatalError as trouble:
            self._halted(trouble)
        except Exception as defect:
            self.violations.append(f"defect: {type(defect).__name__}: {defect}")
            self._halted(defect)
        else:
            self._has_cycled = True
            self._observer.on_result(result)
            is_blind = result.view is None and result.outcome is Outcome.REJECTED
            self._note(result.reason if is_blind else None)
            if result.guard_mirror_mismatch and not any(use.fault == "partly_filled" for _, use in self.active):
                self.violations.append(f"the guard's mirror disagrees with the chain: {result.reason}")
            return result
        return None

    def _is_up(self) -> bool:
        if self._sleeper == "locks the ledger":
            self._note("the keeper is stopped")
            return False
        if self.keeper is not None:
            return True
        try:
            self.keeper = self._build(_LEDGER, "keeper")
        except TransientError as trouble:
            self._note(f"not started: {trouble}")
        except AgentError as trouble:
            self._note(f"not started: {trouble}")
            _tell_halt(self.recorder, trouble)  # type: ignore[arg-type]
        if self.keeper is None:
            return False
        self._has_cycled = False
        clock = lambda: float(self.world.clock.unix)  # noqa: E731
        heartbeat = Heartbeat(CLOCK_TOLERANCE_SECONDS, clock)
        self._observer = KeeperObserver(self.keeper, CollectorRegistry(), self.recorder, heartbeat, "run", clock)  # type: ignore[arg-type]
        if self._sleeper is not None:
            self._sleeper = "was replaced"
        return True

    def _build(self, ledger: str, role: str) -> Keeper:
        world = self.world
        return Keeper.build(world.settings(ledger), world.base.book(), world.key(role), world.clock.timer())

    def _failed(self, trouble: AgentError) -> None:
        self._observer.on_trouble(trouble)
        self._note(" ".join(str(trouble).split()))

    def _halted(self, failure: Exception) -> None:
        _tell_halt(self.recorder, failure)  # type: ignore[arg-type]
        self._note(f"halted: {' '.join(str(failure).split())}")
        self.close_keeper()

    def _note(self, failure: str | None) -> None:
        self._is_ready = failure is None
        self.notes.append(Note(self.world.clock.unix, failure))

    def close_keeper(self) -> None:
        """End the first keeper as a signal of an operator would."""
        keeper, self.keeper = self.keeper, None
        if keeper is not None:
            keeper.close()

    # --- keepers that are killed or stopped -----------------------------------------------------------------------

    def disturb(self, number: int, index: int, is_after: bool) -> None:
        """Have a keeper in a process of its own send itself a signal at one of its operations."""
        self.wake()
        self.close_keeper()
        settings = self.world.settings()
        told = self.zygote.keeper(
            index,
            is_after,
            [server.url for server in self.world.servers],
            signal=int(number),
            may_fail=True,
            mutant=self.mutant,
            execution={"receipt_timeout_seconds": 0.3, "receipt_poll_seconds": 0.02, "replace_after_blocks": 1},
            alerts=str(self._alerts_path()),
            chain={"rpc_quorum": settings.chain.rpc_quorum, "rpc_timeout_seconds": settings.chain.rpc_timeout_seconds},
        )
        self._hear_told()
        self.cycles += max(len(told.get("outcomes") or ()), 1)
        if told["stopped"]:
            self._sleeper = "can be replaced" if self._lapse_lease() else "locks the ledger"
        elif told["exit"] > 0:
            self.violations.append("defect: a keeper in a process of its own ended with a traceback")
        self._check_at_rest()

    def wake(self) -> None:
        """Wake the stopped keeper. While its successor is there it must not send anything that this does not know.

        Between the fence and the wire it may have been stopped, so what it had written before may still go out. Where
        the successor has ended the lease is free, and whoever wakes may take it again.
        """
        if self._sleeper is None:
            return
        sent_before, known = self._sent(), self._signed()
        told = self.zygote.wake()
        self._hear_told()
        self.cycles += len(told.get("outcomes") or ())
        is_fenced = self._sleeper == "was replaced" and self.keeper is not None
        if is_fenced and self._sent() - sent_before - known:
            self.violations.append("fence: a keeper that had lost its lease sent what no other knows")
        self._sleeper = None

    def _alerts_path(self) -> Path:
        return self.world.directory / "alerts"

    def _hear_told(self) -> None:
        """Count what the keeper in a process of its own has told before it ended."""
        with contextlib.suppress(FileNotFoundError):
            self.recorder.told.update(self._alerts_path().read_text().split())
            self._alerts_path().unlink()

    def _sent(self) -> set[str]:
        """Hashes of all raw transactions that have reached the node."""
        return {"0x" + keccak(hexstr=raw).hex() for server in self.world.servers for raw in server.sent}

    def _signed(self) -> set[str]:
        """Hashes of all transactions that the ledger knows."""
        with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(self._database()) as database:
            return {row[0] for row in database.execute("SELECT transaction_hash FROM transactions")}
        return set()

    def _lapse_lease(self) -> bool:
        """Make it long ago that the lease was renewed; False while the stopped keeper keeps the ledger locked."""
        if not self.ledger_path().exists():
            return True
        try:
            with contextlib.closing(self._database()) as database, database:
                database.execute("UPDATE leases SET renewed_at = renewed_at - 1000")
        except sqlite3.OperationalError as error:
            return "no such table" in str(error)
        return True

    def _check_at_rest(self) -> None:
        """Whatever instant a keeper ended at: what its ledger calls executed, it has booked."""
        if not self.ledger_path().exists():
            return
        statement = (
            "SELECT intent_id FROM transitions WHERE state = 'executed' AND intent_id NOT IN "
            "(SELECT intent_id FROM rebalances)"
        )
        with contextlib.closing(self._database()) as database, contextlib.suppress(sqlite3.OperationalError):
            for (intent_id,) in database.execute(statement):
                self.violations.append(f"lost intent: {intent_id} is executed in a ledger that has not booked it")

    # --- rivals and the watcher -----------------------------------------------------------------------------------

    def add_rival(self, role: str) -> None:
        """Start another keeper, on a ledger of its own."""
        try:
            self._rivals.append(self._build(f"rival-{role}", role))
        except AgentError:
            return

    def rival_cycles(self) -> None:
        """Let the rivals do a cycle each."""
        for rival in self._rivals:
            self.cycles += 1
            self.world.follow_clock()
            with contextlib.suppress(AgentError):
                rival.cycle()

    def close_rivals(self) -> None:
        for rival in self._rivals:
            rival.close()
        self._rivals.clear()

    def _watch(self) -> Watcher:
        observation = SimpleNamespace(
            settings=ObservabilitySettings(), pager=self.recorder, run_id="watch", registry=CollectorRegistry()
        )
        reader = StatusReader(self.eyes.settings, self._watch_client, self.eyes.deployment)
        watcher = Watcher(
            lambda: reader.read(self._watch_client.head(self.world.clock.unix)),
            observation,  # type: ignore[arg-type]
            {},
            "http://the.keeper",
            lambda: float(self.world.clock.unix),
        )
        watcher._keepers_complaint = lambda _: None if self._is_ready else "not ready"  # type: ignore[method-assign]
        return watcher
