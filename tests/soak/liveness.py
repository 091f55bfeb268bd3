"""How soon a due hedge lands while 30 % of all requests to three servers fail and gas is ten times the usual.

A hedge is *due* from the block at which the worst-case net delta W, as the vault itself measures it, lies outside the
guard's band. It has *landed within 3 blocks* when the vault took a rebalance in one of the next three. Between two
price moves lie four hours of the chain, so that cooldown and turnover never are what holds a hedge back: those are
bounds, not faults.

Time. On a chain of 12 s blocks a keeper has 12 s a block. Here all waits of keeper and servers are a fifth of what
``config/mainnet.toml`` has (time-out 10 s, retry after 1 s), and so is the block: 2.4 s. A block passes whenever so
much time has gone by, by the machine's clock, in cycles and in the keeper's waits between them; the wait of a whole
block after a cycle that worked is counted without being waited for. Blocks come between cycles only: a transaction
sent early in one, which a real chain would take meanwhile, waits for its end. What the machine is slower than it might
be counts against the keeper. Not a fifth, and so five times as long as on a real chain: the rest of a server that has
failed. The keeper's interval is one block, where ``mainnet.toml`` has 60 s: with that no hedge can land within 36 s.

Faults. Each HTTP request, be it one call or a batch, meets one with a chance of 30 %: 429, 502, an answer that never
comes, one that breaks off, null, -32603, and for heads one of two blocks ago, all alike; each server draws for itself.
Two of three servers must agree.

Gas. 5 gwei is the usual here; the base fee wanders between 40 and 62.5, by up to an eighth a block as EIP-1559 lets it.
That is below ``max_fee_gwei``: above it only urgent hedges are sent, which is the operator's own decision.

    python -m tests.soak.liveness --due 3000
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from agent.chain.abi import load_abi
from agent.errors import TransientError
from agent.guard import effective_band, worst_net_delta
from agent.keeper.keeper import Keeper
from agent.units import WEI_PER_GWEI, Wei
from tests.soak.measures import wilson
from tests.support.fault_proxy import (
    Call,
    Fault,
    FaultProxy,
    error,
    hang,
    http_status,
    null,
    stale_head,
    too_many_requests,
    truncate,
)
from tests.support.keeper_world import REPOSITORY, START_PRICE_USD, KeeperWorld, keeper_world

SCALE = 5
BLOCK_SECONDS = 12.0 / SCALE
RPC_TIMEOUT_SECONDS = 10.0 / SCALE
RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1.0 / SCALE, 60.0 / SCALE
RECEIPT_TIMEOUT_SECONDS = 0.2
SERVERS, QUORUM = 3, 2
FAULTED_SHARE = 0.3
USUAL_BASE_FEE_GWEI, LEAST_TIMES, MOST_TIMES = 5.0, 8.0, 12.5
SECONDS_BETWEEN_MOVES = 4 * 3_600
DUE_A_WORLD = 40
"""Price moves before the world begins afresh: its options would come to an end."""
WITHIN_BLOCKS, MOST_BLOCKS = 3, 15
WANTED_SHARE = 0.999


class UnreliableServer(FaultProxy):
    """Fails with a chance for each HTTP request, as a whole; quiet while ``is_calm``."""

    def __init__(self, node_url: str, seed: int) -> None:
        super().__init__(node_url, seed)
        self.is_calm = True
        self._kinds: list[Fault] = [
            too_many_requests(),
            http_status(502),
            hang(2 * RPC_TIMEOUT_SECONDS),
            truncate(),
            null(),
            error(-32603, "Internal error"),
        ]
        self._head_kinds = [*self._kinds, stale_head(2)]

    def _struck(self, calls: list[Call]) -> list[Fault | None]:
        with self._lock:
            is_hit = not self.is_calm and self._random.random() < FAULTED_SHARE
            is_of_heads = all(call["method"] == "eth_getBlockByNumber" for call in calls)
            fault = self._random.choice(self._head_kinds if is_of_heads else self._kinds) if is_hit else None
        return [fault] * len(calls)


@dataclass
class Liveness:
    """What became of the hedges that were due."""

    due: int = 0
    within: int = 0
    seconds: float = 0.0
    cycles: int = 0
    failed_cycles: int = 0
    blocks_late: dict[int, int] = field(default_factory=dict)
    """How many landed how many blocks after becoming due; under `MOST_BLOCKS` + 1, those that did not."""
    late_reasons: list[list[str]] = field(default_factory=list)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share that landed in time."""
        return wilson(self.within, self.due)

    def __str__(self) -> str:
        low, high = self.interval
        share = self.within / self.due if self.due else 0.0
        return (
            f"{self.within:,} of {self.due:,} due hedges landed within {WITHIN_BLOCKS} blocks: {share:.3%} "
            f"(95 % interval {low:.3%} to {high:.3%}); {self.failed_cycles:,} of {self.cycles:,} cycles failed"
        )


class Trial:
    """One keeper on a fresh world, and the time that it has had."""

    def __init__(
        self, world: KeeperWorld, keeper: Keeper, servers: list[UnreliableServer], draw: random.Random
    ) -> None:
        self.world = world
        self.keeper = keeper
        self.servers = servers
        self.tally = Liveness()
        self._draw = draw
        self._times = 10.0
        self._elapsed = 0.0
        self._backoff = RETRY_SECONDS
        self._said: list[str] = []
        self._last_intent = load_abi("HedgeVault").function("lastIntent").at(world.vault, keeper.address)

    def move(self, price_usd: float) -> bool:
        """Move the price; return whether a hedge is due now."""
        world = self.world
        world.localnet.step(price_usd, world.now() + SECONDS_BETWEEN_MOVES, self._base_fee())
        world.rpc("evm_setAutomine", False)
        state = self.keeper.planner.reader.state(self.keeper.planner.client.head(world.now()))
        band = effective_band(state.bounds, state.measurement.firm_nav, state.measurement.price)
        return worst_net_delta(state.measurement) > band

    def hedge(self) -> None:
        """Let the keeper work until the hedge that is due has landed, or far too long."""
        due_at = self.world.localnet.chain.head().number
        self._said, self._elapsed = [], 0.0
        for server in self.servers:
            server.is_calm = False
        landed = self._landed()
        late = MOST_BLOCKS + 1
        while self.world.localnet.chain.head().number < due_at + MOST_BLOCKS:
            self._cycle()
            if self._landed() > max(landed, due_at):
                late = self._landed() - due_at
                break
        self._note(late)
        for server in self.servers:
            server.heal()
            server.is_calm = True

    def settle(self) -> None:
        """With servers that work, let the keeper book what became of its last hedge; none of it is measured."""
        for _ in range(4):
            self.world.rpc("evm_mine")
            try:
                if self.keeper.cycle().outcome.value == "held":
                    return
            except TransientError:
                time.sleep(RETRY_SECONDS)

    def _note(self, late: int) -> None:
        tally = self.tally
        tally.due += 1
        tally.within += late <= WITHIN_BLOCKS
        tally.blocks_late[late] = tally.blocks_late.get(late, 0) + 1
        if late > WITHIN_BLOCKS:
            tally.late_reasons.append(self._said)

    def _cycle(self) -> None:
        """Do one cycle, and let the blocks pass that its time and the wait after it would have taken."""
        began, wait = time.monotonic(), BLOCK_SECONDS
        self.tally.cycles += 1
        try:
            result = self.keeper.cycle()
            self._backoff = RETRY_SECONDS
            self._said.append(f"{result.outcome.value}: {result.reason}")
        except TransientError as trouble:
            self.tally.failed_cycles += 1
            self._said.append(str(trouble))
            wait, self._backoff = self._backoff, min(2 * self._backoff, LONGEST_RETRY_SECONDS)
            time.sleep(wait)
            wait = 0.0
        self._elapsed += time.monotonic() - began + wait
        while self._elapsed >= BLOCK_SECONDS:
            self._elapsed -= BLOCK_SECONDS
            self._mine()

    def _mine(self) -> None:
        self.world.rpc("anvil_setNextBlockBaseFeePerGas", hex(self._base_fee()))
        self.world.rpc("evm_setNextBlockTimestamp", self.world.now() + 12)
        self.world.rpc("evm_mine")

    def _base_fee(self) -> Wei:
        self._times = min(max(self._times * self._draw.uniform(0.875, 1.125), LEAST_TIMES), MOST_TIMES)
        return Wei(round(self._times * USUAL_BASE_FEE_GWEI * WEI_PER_GWEI))

    def _landed(self) -> int:
        """Block of the newest rebalance that the vault took."""
        call = self._last_intent
        output = call.function.decode(self.world.rpc("eth_call", {"to": call.to, "data": call.data}, "latest"))
        return int(output[1])


@contextmanager
def trial(world: KeeperWorld, draw: random.Random) -> Iterator[Trial]:
    """A keeper that has hedged its book and is healthy."""
    with ExitStack() as opened:
        opened.enter_context(world.fresh())
        servers = [
            opened.enter_context(UnreliableServer(world.localnet.rpc_url, draw.randrange(2**32)))
            for _ in range(SERVERS)
        ]
        settings = world.settings(receipt_timeout_seconds=RECEIPT_TIMEOUT_SECONDS, settling_seconds=0.1)
        settings = settings.with_rpc_urls(*(server.url for server in servers))
        chain = {"rpc_quorum": QUORUM, "rpc_timeout_seconds": RPC_TIMEOUT_SECONDS}
        settings = settings.model_copy(update={"chain": settings.chain.model_copy(update=chain)})
        keeper = opened.enter_context(Keeper.build(settings, world.book(), {}))
        keeper.cycle()
        yield Trial(world, keeper, servers, draw)


def measure(world: KeeperWorld, due: int, seed: int, report: Path | None = None, seconds: float = 1e9) -> Liveness:
    """Measure so many due hedges, or as many as there is time for."""
    draw, total, began = random.Random(seed), Liveness(), time.monotonic()
    late: Counter[int] = Counter()
    while total.due < due and time.monotonic() - began < seconds:
        with trial(world, draw) as one:
            price = START_PRICE_USD
            for _ in range(DUE_A_WORLD):
                if total.due + one.tally.due >= due or time.monotonic() - began >= seconds:
                    break
                sign = -1 if price > START_PRICE_USD else 1
                price *= 1 + sign * draw.uniform(0.03, 0.065)
                if one.move(price):
                    one.hedge()
                one.settle()
        for name in ("due", "within", "cycles", "failed_cycles"):
            setattr(total, name, getattr(total, name) + getattr(one.tally, name))
        late.update(one.tally.blocks_late)
        total.blocks_late, total.seconds = dict(sorted(late.items())), time.monotonic() - began
        total.late_reasons += one.tally.late_reasons
        if report is not None:
            write_report(total, report)
    return total


def write_report(total: Liveness, directory: Path) -> None:
    """Write ``liveness.json`` and ``liveness.md``."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "liveness.json").write_text(json.dumps(asdict(total)) + "\n", encoding="utf-8")
    rows = "".join(
        f"| {'never' if blocks > MOST_BLOCKS else blocks} | {count:,} |\n"
        for blocks, count in total.blocks_late.items()
    )
    text = f"{total}.\n\n| Blocks after becoming due | Hedges |\n| --- | --- |\n{rows}"
    (directory / "liveness.md").write_text(text, encoding="utf-8")


def main() -> None:
    """Measure, write ``build/soak/liveness.*``, and fail below 99.9 %."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--due", type=int, default=3_000)
    parser.add_argument("--minutes", type=float, default=1e6, help="stop after so long with what there is")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    directory = REPOSITORY / "build" / "soak"
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as stage, keeper_world(Path(stage)) as world:
        total = measure(world, options.due, options.seed, directory, 60 * options.minutes)
    sys.stdout.write((directory / "liveness.md").read_text(encoding="utf-8"))
    if total.within < WANTED_SHARE * total.due:
        raise SystemExit(f"liveness: {total.within} of {total.due} is less than {WANTED_SHARE:.1%}")


if __name__ == "__main__":
    main()
