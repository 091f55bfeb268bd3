"""Every fault of the campaign: how it strikes, how it is healed, and what an operator must be told of it.

A server that lies is one alone: two of three that tell the same lie are the truth by definition (``rpc_quorum``). What
refuses, lags, hangs or breaks off may be all of them at once.
"""

from __future__ import annotations

import random
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from agent.chain.abi import load_abi
from agent.keeper.alerts import AlertEvent
from agent.localnet.evm import Transaction
from agent.localnet.price_feed import feed_answer, publish
from agent.observability.alerts import AlertName
from agent.units import Seconds
from tests.chaos.schedule import CALM, Use
from tests.chaos.world import QUORUM, SERVERS, SOON_UNIX
from tests.support import fault_proxy as proxy

if TYPE_CHECKING:
    from tests.chaos.run import Run

NOTHING: frozenset[str] = frozenset()
DEEPEST_REORG = 64
REFUSING_CODE = "0x5f5ffd"
"""PUSH0 PUSH0 REVERT: an adapter that answers nothing."""
USUAL_BASE_FEE_WEI = 20 * 10**9


class ChaosFault:
    """One kind of fault; ``levels`` is the worst."""

    name = ""
    levels = 1
    delays = False
    """A transaction may be mined later than it was meant to be, or on another state: perhaps in vain."""
    is_of_servers = False

    def strike(self, run: Run, use: Use) -> None:
        """Make it so, at the start of its first round."""

    def before_cycle(self, run: Run, use: Use) -> None:
        """Keep it so."""

    def between(self, run: Run, use: Use) -> None:
        """Strike between the two cycles of a round."""

    def again(self, run: Run, use: Use) -> None:
        """Make it so once more, where a reorganisation may have undone it."""

    def heal(self, run: Run, use: Use) -> None:
        """End it, after its last round."""

    def explains_reverts(self, use: Use) -> bool:
        """Return whether a transaction may be mined in vain under it."""
        return self.delays

    def alerts(self, use: Use) -> frozenset[str]:
        """Return the alerts of which one must have been told; none where an operator need not know.

        What any fault can come to, cycles that fail and a hedge outside the band, the judge looks for by itself.
        """
        return NOTHING


class Calm(ChaosFault):
    """Nothing strikes."""

    name, is_of_servers = CALM, True


# --- servers ------------------------------------------------------------------------------------------------------


class ServerFault(ChaosFault):
    """Servers fail in one way: as many as the level says, always or now and then.

    ``spares_receipts``: two servers that know of no receipt would be a quorum that lies.
    """

    is_of_servers = True

    def __init__(
        self,
        name: str,
        methods: tuple[str, ...],
        make: Callable[[random.Random], proxy.Fault],
        levels: int = SERVERS,
        spares_receipts: bool = False,
        shows_the_past: bool = False,
    ) -> None:
        self.name, self.levels, self._shows_the_past = name, levels, shows_the_past
        self._methods, self._make, self._spares_receipts = methods, make, spares_receipts

    def explains_reverts(self, use: Use) -> bool:
        """A quorum that shows the chain as it was has decisions made on it."""
        return self._shows_the_past and use.level >= QUORUM

    def struck(self, use: Use) -> list[int]:
        draw = random.Random(f"servers of {use.draw}")
        return sorted(draw.sample(range(SERVERS), use.level))

    def strike(self, run: Run, use: Use) -> None:
        draw = random.Random(use.draw)
        chance = draw.choice((0.3, 0.7, 1.0))
        for index in self.struck(use):
            server = run.world.servers[index]
            if self._spares_receipts:
                server.on("eth_getTransactionReceipt", proxy.Fault())
            for method in self._methods:
                server.on(method, self._make(draw), chance=chance)

    def heal(self, run: Run, use: Use) -> None:
        run.heal_servers()


class Lie(ServerFault):
    """The first server lies about state, logs, receipts, nonces, balances, fees or what was sent.

    Not about the chain's id: a keeper that is started on a server of another chain refuses, by design, as on bad input.
    """

    LIES: tuple[tuple[str, Any], ...] = (
        ("eth_call", "0x" + "11" * 64),
        ("eth_call", "0x"),
        ("eth_getLogs", []),
        ("eth_getTransactionReceipt", None),
        ("eth_getTransactionCount", "0x0"),
        ("eth_getTransactionCount", "0xffff"),
        ("eth_getBalance", "0x0"),
        ("eth_feeHistory", {"reward": [["0xffffffffffff"]]}),
        ("eth_sendRawTransaction", "0x" + "22" * 32),
    )

    def __init__(self) -> None:
        super().__init__("lie", (), lambda _: proxy.Fault(), levels=1)

    def struck(self, use: Use) -> list[int]:
        return [0]

    def strike(self, run: Run, use: Use) -> None:
        draw = random.Random(use.draw)
        for method, result in draw.sample(self.LIES, 4):
            run.world.servers[0].on(method, proxy.answer(result), chance=draw.choice((0.5, 1.0)))


SEND = "eth_sendRawTransaction"
SERVER_FAULTS: tuple[ServerFault, ...] = (
    ServerFault("http_429", ("*",), lambda _: proxy.too_many_requests()),
    ServerFault("bad_gateway", ("*",), lambda draw: draw.choice((proxy.http_status(502), proxy.html()))),
    ServerFault("truncated", ("*",), lambda _: proxy.truncate()),
    ServerFault("null", ("*",), lambda _: proxy.null(), spares_receipts=True),
    ServerFault("reordered", ("*",), lambda _: proxy.reorder()),
    ServerFault("hanging", ("*",), lambda _: proxy.hang()),
    ServerFault("batch_limit", ("*",), lambda draw: proxy.batch_limit(draw.randint(1, 9))),
    ServerFault("range_limit", ("eth_getLogs",), lambda draw: proxy.range_limit(draw.randint(1, 50))),
    ServerFault("pruned", ("eth_call", "eth_getTransactionCount"), lambda draw: proxy.pruned(draw.choice((-1, 0, 2)))),
    ServerFault(
        "lagging",
        ("eth_getBlockByNumber",),
        lambda draw: proxy.stale_head(draw.randint(1, 3)),
        shows_the_past=True,
    ),
    ServerFault("dropped", (SEND,), lambda _: proxy.accept_and_drop()),
    ServerFault(
        "send_refused",
        (SEND,),
        lambda draw: draw.choice((proxy.error(-32000, "txpool is full"), proxy.error(-32000, "already known"))),
    ),
    ServerFault("internal_error", ("*",), lambda _: proxy.error(-32603, "Internal error"), spares_receipts=True),
    Lie(),
)


# --- chain --------------------------------------------------------------------------------------------------------


class BaseFee(ChaosFault):
    """Blocks cost 25 or 100 times as much: at the urgent cap, and far above it."""

    name, levels, delays = "base_fee", 2, True
    RATIOS = (25, 100)

    def strike(self, run: Run, use: Use) -> None:
        run.base_fee_wei = self.RATIOS[use.level - 1] * USUAL_BASE_FEE_WEI
        self.before_cycle(run, use)

    def before_cycle(self, run: Run, use: Use) -> None:
        run.world.rpc("anvil_setNextBlockBaseFeePerGas", hex(run.base_fee_wei))

    def heal(self, run: Run, use: Use) -> None:
        run.base_fee_wei = USUAL_BASE_FEE_WEI
        run.world.rpc("anvil_setNextBlockBaseFeePerGas", hex(USUAL_BASE_FEE_WEI))


class Reorg(ChaosFault):
    """The newest blocks are replaced by empty ones, after a cycle: a level is a block. What keepers sent may return."""

    name, levels, delays = "reorg", DEEPEST_REORG, True

    def between(self, run: Run, use: Use) -> None:
        head = run.world.base.localnet.chain.head().number
        depth = min(use.level, head - run.first_block)
        sent = list(dict.fromkeys(raw for server in run.world.servers for raw in server.sent))
        run.try_rpc("anvil_reorg", depth, [])  # Anvil has no state from before a snapshot that was gone back to
        for _, other in run.active:
            FAULTS[other.fault].again(run, other)
        if use.draw % 2:
            for raw in sent:
                run.try_rpc("eth_sendRawTransaction", raw)


class Unmined(ChaosFault):
    """What is sent waits until the round is over; on the second level it is lost then."""

    name, levels, delays = "unmined", 2, True

    def before_cycle(self, run: Run, use: Use) -> None:
        run.world.rpc("evm_setAutomine", False)

    def between(self, run: Run, use: Use) -> None:
        if use.level == 2:
            run.world.rpc("anvil_dropAllTransactions")

    def heal(self, run: Run, use: Use) -> None:
        if use.level == 2:
            run.world.rpc("anvil_dropAllTransactions")
        run.world.rpc("evm_setAutomine", True)


class NonceTaken(ChaosFault):
    """The key sends something of its own: before the keeper does, in the place of what waits, or waiting itself."""

    name, levels = "nonce_taken", 3

    def strike(self, run: Run, use: Use) -> None:
        if use.level == 2:
            run.world.rpc("evm_setAutomine", False)
            was_waiting = run.cycle() is not None and run.keeper is not None and bool(run.keeper.ledger.open_intents())
            run.world.rpc("anvil_dropAllTransactions")
            run.took_nonce = was_waiting
        self._transfer(run)
        if use.level < 3:
            run.world.pass_block()
            run.world.rpc("evm_setAutomine", True)

    def explains_reverts(self, use: Use) -> bool:
        return use.level == 3

    def before_cycle(self, run: Run, use: Use) -> None:
        if use.level == 3:
            run.world.rpc("evm_setAutomine", False)

    def heal(self, run: Run, use: Use) -> None:
        run.world.rpc("evm_setAutomine", True)
        run.world.pass_block()

    def alerts(self, use: Use) -> frozenset[str]:
        return frozenset({AlertName.KEY_USED_ELSEWHERE.value}) if use.level == 2 else NOTHING

    def _transfer(self, run: Run) -> None:
        key = run.world.account("keeper")
        run.world.rpc("evm_setAutomine", False)
        transfer = Transaction("transfer", key, key, "0x", 21_000).parameters()
        run.try_rpc("eth_sendTransaction", transfer)


class Rival(ChaosFault):
    """A second keeper that shares no ledger with the first: in turn with it, or at once with it."""

    levels, delays = 2, True

    def __init__(self, name: str, role: str) -> None:
        self.name, self._role = name, role

    def strike(self, run: Run, use: Use) -> None:
        run.add_rival(self._role)

    def before_cycle(self, run: Run, use: Use) -> None:
        if use.level == 2:
            run.world.rpc("evm_setAutomine", False)
        run.rival_cycles()

    def between(self, run: Run, use: Use) -> None:
        run.rival_cycles()
        if use.level == 2:
            run.world.rpc("evm_mine")

    def heal(self, run: Run, use: Use) -> None:
        run.close_rivals()
        run.world.rpc("evm_mine")
        run.world.rpc("evm_setAutomine", True)


# --- oracle -------------------------------------------------------------------------------------------------------


class OracleFrozen(ChaosFault):
    """No price is published any more."""

    name, delays = "oracle_frozen", True
    SECONDS = 3_700

    def strike(self, run: Run, use: Use) -> None:
        run.is_frozen = True
        run.world.pass_block(self.SECONDS)

    def heal(self, run: Run, use: Use) -> None:
        run.is_frozen = False

    def alerts(self, use: Use) -> frozenset[str]:
        return frozenset({AlertName.ORACLE_UNHEALTHY.value})


class OracleSplit(ChaosFault):
    """The second source says something else: a level is 3 %."""

    name, levels, delays = "oracle_split", 3, True

    def strike(self, run: Run, use: Use) -> None:
        run.secondary_ratio = 1.0 + 0.03 * use.level * (1 if use.draw % 2 else -1)
        run.publish_faults()

    def again(self, run: Run, use: Use) -> None:
        run.publish_faults()

    def heal(self, run: Run, use: Use) -> None:
        run.secondary_ratio = 1.0

    def alerts(self, use: Use) -> frozenset[str]:
        return frozenset({AlertName.ORACLE_UNHEALTHY.value})


class OracleWrong(ChaosFault):
    """Both sources are wrong together: by 3 %, by 10 %, or far out of the range that the vault believes."""

    name, levels, delays = "oracle_wrong", 3, True
    RATIOS = (1.03, 0.9, 100.0)

    def strike(self, run: Run, use: Use) -> None:
        run.oracle_ratio = self.RATIOS[use.level - 1]
        run.publish_faults()

    def again(self, run: Run, use: Use) -> None:
        run.publish_faults()

    def heal(self, run: Run, use: Use) -> None:
        run.oracle_ratio = 1.0

    def alerts(self, use: Use) -> frozenset[str]:
        """Only a price that cannot be true shows itself."""
        return frozenset({AlertName.ORACLE_UNHEALTHY.value}) if use.level == 3 else NOTHING


# --- venue --------------------------------------------------------------------------------------------------------


class VenuePaused(ChaosFault):
    """Curie's owner stops all trading."""

    name, delays = "venue_paused", True

    def strike(self, run: Run, use: Use) -> None:
        self.again(run, use)

    def again(self, run: Run, use: Use) -> None:
        run.adversary.attempt(run.world.account("deployer"), run.adversary.curie.clearing_house, "pause()")

    def heal(self, run: Run, use: Use) -> None:
        run.open_market()


class VenueSilent(ChaosFault):
    """The venue's adapter answers nothing."""

    name, delays = "venue_silent", True

    def strike(self, run: Run, use: Use) -> None:
        self.again(run, use)

    def again(self, run: Run, use: Use) -> None:
        run.world.rpc("anvil_setCode", run.world.base.venue, REFUSING_CODE)

    def heal(self, run: Run, use: Use) -> None:
        run.restore_venue()

    def alerts(self, use: Use) -> frozenset[str]:
        return frozenset({AlertName.VENUE_SILENT.value})


class PartlyFilled(ChaosFault):
    """The venue fills every order in part: a half, a third or a quarter of it."""

    name, levels, delays = "partly_filled", 3, True
    COPY = "0x00000000000000000000000000000000000c0fee"

    def strike(self, run: Run, use: Use) -> None:
        self.again(run, use)

    def again(self, run: Run, use: Use) -> None:
        run.world.rpc("anvil_setCode", self.COPY, run.venue_code)
        run.world.rpc("anvil_setCode", run.world.base.venue, _halving_code(self.COPY, 1 + use.level))

    def heal(self, run: Run, use: Use) -> None:
        run.restore_venue()


def _halving_code(target: str, divisor: int) -> str:
    """Return an adapter that delegates everything to ``target``, with the size of ``execute`` divided."""
    selector = load_abi("IPerpVenue").function("execute").selector.hex()
    head = f"365f5f375f5160e01c63{selector}1415"  # copy the call in; is it execute?
    divide = f"60{divisor:02x}60045105600452"  # its first argument, divided with its sign
    skip = _bytes(head) + 3 + _bytes(divide)
    delegate = f"5b5f5f365f73{target[2:]}5af43d5f5f3e"
    good = skip + _bytes(delegate) + 6
    return f"0x{head}60{skip:02x}57{divide}{delegate}60{good:02x}573d5ffd5b3d5ff3"


def _bytes(code: str) -> int:
    return len(code) // 2


class Liquidated(ChaosFault):
    """Curie asks for more margin than the account has, and a liquidator takes half of the position over."""

    name, delays = "liquidated", True
    STRICT_RATIO = 900_000
    """1e-6; the account stands near 1 / 1.5."""

    def strike(self, run: Run, use: Use) -> None:
        run.was_liquidated = run.liquidate(self.STRICT_RATIO)

    def alerts(self, use: Use) -> frozenset[str]:
        return frozenset({AlertEvent.ACCOUNT_LIQUIDATED.value})


class ExpiryCrossed(ChaosFault):
    """The small leg expires: between two cycles, or while a transaction waits."""

    name, levels, delays = "expiry_crossed", 2, True

    def strike(self, run: Run, use: Use) -> None:
        left = SOON_UNIX - 60 - max(run.world.base.now(), run.world.clock.unix)
        if left <= 60:
            return
        run.jump(left)
        run.cycle()
        if use.level == 2:
            run.world.rpc("evm_setAutomine", False)
            run.cycle()
        run.world.base.localnet.chain.mine([], Seconds(max(SOON_UNIX + 5, run.world.base.now() + 1)))
        run.world.follow_clock()


# --- process, machine, ledger -------------------------------------------------------------------------------------


class Killed(ChaosFault):
    """SIGKILL before or after something leaves the process: a request, or a commit of the ledger."""

    name, levels = "killed", 2
    POINTS = 140

    def strike(self, run: Run, use: Use) -> None:
        run.disturb(signal.SIGKILL, use.draw % self.POINTS, is_after=use.level == 2)


class Stopped(ChaosFault):
    """SIGSTOP at such a point; another keeper takes over, and SIGCONT wakes the first when all is over."""

    name, levels, delays = "stopped", 2, True
    POINTS = 140

    def strike(self, run: Run, use: Use) -> None:
        run.disturb(signal.SIGSTOP, use.draw % self.POINTS, is_after=use.level == 2)

    def heal(self, run: Run, use: Use) -> None:
        run.wake()


class ClockAstray(ChaosFault):
    """The machine's clock is an hour ahead, or behind."""

    name, levels = "clock_astray", 2

    def strike(self, run: Run, use: Use) -> None:
        run.world.clock.offset = 3_600 if use.level == 1 else -3_600

    def heal(self, run: Run, use: Use) -> None:
        run.world.clock.offset = 0


class DiskFull(ChaosFault):
    """The ledger cannot grow: SQLite's own limit is reached, or the system refuses to write further (EFBIG)."""

    name, levels = "disk_full", 2

    def strike(self, run: Run, use: Use) -> None:
        if use.level == 2:
            path = run.ledger_path()
            sizes = [part.stat().st_size for part in path.parent.glob(path.name + "*")] or [0]
            resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes), resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        self.before_cycle(run, use)

    def before_cycle(self, run: Run, use: Use) -> None:
        engine = None if run.keeper is None else run.keeper._database.engine
        if use.level == 1 and engine is not None and engine is not run.full_engine:
            event.listen(engine, "connect", _forbid_growth)
            engine.dispose()
            run.full_engine = engine

    def heal(self, run: Run, use: Use) -> None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        if run.full_engine is not None:
            event.remove(run.full_engine, "connect", _forbid_growth)
            run.full_engine.dispose()
            run.full_engine = None


def _forbid_growth(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA max_page_count = 1")  # SQLite takes it as: as many as there are now


class LedgerDeleted(ChaosFault):
    """The ledger's files are gone: from under a keeper at work, or between two runs."""

    name, levels = "ledger_deleted", 2

    def strike(self, run: Run, use: Use) -> None:
        run.was_at_work = use.level == 1 and run.keeper is not None
        if use.level == 2:
            run.close_keeper()
        _delete(run.ledger_path())
        run.ledger_lost = True

    def alerts(self, use: Use) -> frozenset[str]:
        return frozenset({AlertName.PROCESS_HALTED.value}) if use.level == 1 else NOTHING


def _delete(path: Path) -> None:
    for part in path.parent.glob(path.name + "*"):
        part.unlink()


FAULTS: dict[str, ChaosFault] = {
    fault.name: fault
    for fault in (
        Calm(),
        *SERVER_FAULTS,
        BaseFee(),
        Reorg(),
        Unmined(),
        NonceTaken(),
        Rival("two_keepers_one_key", "keeper"),
        Rival("two_keepers_two_keys", "spare"),
        OracleFrozen(),
        OracleSplit(),
        OracleWrong(),
        VenuePaused(),
        VenueSilent(),
        PartlyFilled(),
        Liquidated(),
        ExpiryCrossed(),
        Killed(),
        Stopped(),
        ClockAstray(),
        DiskFull(),
        LedgerDeleted(),
    )
}
LEVELS = {name: fault.levels for name, fault in FAULTS.items()}
GENTLE = tuple(fault.name for fault in SERVER_FAULTS)
"""Faults of which one server at a time must not be noticed."""


def feeds(run: Run, price_usd: float, secondary_usd: float) -> list[Transaction]:
    """Return what publishes a price on both feeds."""
    publisher = run.world.account("publisher")
    primary = run.world.base.localnet.manifest.chainlink_aggregator
    return [
        publish(publisher, primary, feed_answer(price_usd)),
        publish(publisher, run.world.secondary_feed, feed_answer(secondary_usd)),
    ]


def struck_servers(uses: list[Use]) -> set[int]:
    """Return the servers that fail under these uses."""
    faults = [(FAULTS[use.fault], use) for use in uses]
    return {index for fault, use in faults if isinstance(fault, ServerFault) for index in fault.struck(use)}
