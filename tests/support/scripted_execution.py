"""A chain, a scanner and a clock whose answers a test sets, and an executor on them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from eth_utils.crypto import keccak

from agent.chain.rollup import Rollup, RollupKind
from agent.chain.send_outcomes import SendOutcome
from agent.domain import BlockRef, Intent, Leg
from agent.errors import RejectedError
from agent.execution.config import ExecutionSettings
from agent.execution.settlement import Timer
from agent.execution.signer import load_signer
from agent.execution.submit import Executor
from agent.ledger.records import IntentRecord
from agent.units import Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei

VAULT = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
VENUE = Address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512")
START = 1_700_000_000
SETTINGS = ExecutionSettings(
    deadline_seconds=240,
    receipt_timeout_seconds=20,
    receipt_poll_seconds=1,
    replace_after_blocks=2,
    max_replacements=3,
    fee_bump_ratio=1.25,
    priority_fee_gwei=1,
    urgent_priority_fee_gwei=3,
    max_fee_gwei=100,
    urgent_max_fee_gwei=500,
    gas_limit_ratio=1.5,
    usual_gas_units=900_000,
    max_gas_units=2_000_000,
)


def block(number: int) -> BlockRef:
    parent = BlockHash(f"0x{number - 1:064x}")
    return BlockRef(number, BlockHash(f"0x{number:064x}"), Seconds(START + number), Wei(20 * 10**9), parent)


def record(number: int = 1) -> IntentRecord:
    intent = Intent(
        IntentId(f"0x{number:064x}"),
        VAULT,
        (Leg(VENUE, AssetUnits(1), Wad(2), Wad(3)),),
        Seconds(START + 240),
        block(10),
    )
    return IntentRecord(intent, is_urgent=False, book_digest="0x", reason="because")


@dataclass
class FakeChain:
    """A chain whose answers a test sets; it mines what it is sent unless told otherwise."""

    number: int = 10
    nonce: int = 4
    waiting: int = 4
    balance: int = 10**18
    gas: int = 1_000_000
    transfer_gas: int = 21_000
    tip: Wei | None = None
    base_fee: int = 20 * 10**9
    mines: bool = True
    status: int = 1
    send_outcome: SendOutcome | Exception = SendOutcome.ACCEPTED
    last_intent: bytes | None = None
    mined: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    refusal: RejectedError | None = None
    trouble: Exception | None = None
    simulated: list[str] = field(default_factory=list)
    refusal_at: Callable[[Wei], RejectedError] | None = None

    def head(self, now_unix: float) -> BlockRef:
        if self.trouble is not None:
            raise self.trouble
        return replace(block(self.number), base_fee_wei=Wei(self.base_fee))

    def block(self, number: int) -> BlockRef:
        return block(number)

    def parent(self, of: BlockRef) -> BlockRef:
        return block(of.number - 1)

    def account(self, address: str, at: BlockRef) -> tuple[int, int, Wei]:
        return self.nonce, self.waiting, Wei(self.balance)

    def nonce_at(self, address: str, at: BlockRef) -> int:
        return self.nonce

    def estimate_gas(self, sender: str, call: Any) -> int:
        if call.data == "0x":
            return self.transfer_gas
        if self.refusal is not None:
            raise self.refusal
        return self.gas

    def within(self, seconds: float) -> Any:
        return nullcontext()

    def market_tip(self, percentile: float) -> Wei | None:
        return self.tip

    def simulate(
        self, sender: str, call: Any, gas: int, at: BlockRef, gas_price: Wei | None = None
    ) -> RejectedError | None:
        self.simulated.append(call.data)
        if gas_price is not None and self.refusal_at is not None:
            return self.refusal_at(gas_price)
        return RejectedError("UnknownRevert") if gas < self.gas else self.refusal

    def read(self, calls: Any, at: BlockRef) -> list[tuple[bytes, int]]:
        answer = (bytes(24), 0) if self.last_intent is None else (self.last_intent, at.number + 1)
        return [answer for _ in calls]

    def receipts(self, hashes: list[str]) -> list[dict[str, Any] | None]:
        return [self.mined.get(one) for one in hashes]

    def send_raw(self, raw: str) -> SendOutcome:
        self.sent.append(raw)
        if self.mines:
            self.mine(raw)
        if isinstance(self.send_outcome, Exception):
            raise self.send_outcome
        return self.send_outcome

    def mine(self, raw: str) -> None:
        self.number += 1
        self.nonce += 1
        self.waiting = self.nonce
        self.mined["0x" + keccak(hexstr=raw).hex()] = {
            "blockNumber": hex(self.number),
            "blockHash": block(self.number).hash,
            "status": hex(self.status),
            "gasUsed": hex(900_000),
            "effectiveGasPrice": hex(21 * 10**9),
            "logs": [],
        }


class FakeScanner:
    """Remembers up to where the ledger was brought."""

    def __init__(self) -> None:
        self.scanned: list[int] = []

    def reach(self, to: BlockRef) -> None:
        self.scanned.append(to.number)


class FakeTime:
    """A wall clock that only sleeping moves; ``then`` may change the chain while time passes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.then: dict[float, Any] = {}
        self.tick: Any = lambda: None

    def timer(self) -> Timer:
        return Timer(lambda: START + self.now, lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.tick()
        for at in [at for at in self.then if at <= self.now]:
            self.then.pop(at)()


def executor_of(chain, ledger, clock, scanner=None, **settings) -> Executor:
    changed = SETTINGS.model_copy(update=settings)
    signer, rollup = load_signer({}, 31_337), Rollup(chain, RollupKind.NONE)
    return Executor(chain, ledger, scanner or FakeScanner(), signer, changed, clock.timer(), rollup)


def states(ledger, number: int = 1) -> list[str]:
    return [state.value for state in ledger.states_of(record(number).intent.intent_id)]


def passing_blocks(chain: FakeChain, clock: FakeTime) -> None:
    """Let an empty block pass each second."""

    def tick() -> None:
        chain.number += 1

    clock.tick = tick


def reverting_records(count: int) -> list[IntentRecord]:
    later = [replace(record(number).intent, deadline=Seconds(START + 500)) for number in range(1, count + 1)]
    return [replace(record(), intent=intent) for intent in later]
