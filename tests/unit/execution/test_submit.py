"""The state machine on a scripted chain: what servers say is never taken for what the chain has done."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from eth_utils.crypto import keccak

from agent.chain.rollup import Rollup, RollupKind
from agent.chain.send_outcomes import SendOutcome
from agent.domain import BlockRef, Intent, Leg
from agent.errors import DataError, FatalError, RejectedError, TransientError
from agent.execution.config import KEEPER_KEY_VARIABLE, ExecutionSettings
from agent.execution.intents import call_on, rebalance_call
from agent.execution.settlement import Timer
from agent.execution.signer import load_signer
from agent.execution.submit import Executor, Terms
from agent.ledger.acknowledging import find
from agent.ledger.database import Database
from agent.ledger.records import Acknowledgement, IntentRecord, IntentState, Purpose, Subject, VaultIdentity
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

    def simulate(self, sender: str, call: Any, gas: int, at: BlockRef) -> RejectedError | None:
        self.simulated.append(call.data)
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

    def scan(self, to: BlockRef) -> None:
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


@pytest.fixture
def chain() -> FakeChain:
    return FakeChain()


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime()


@pytest.fixture
def scanner() -> FakeScanner:
    return FakeScanner()


@pytest.fixture
def ledger(tmp_path):
    with Database.open(f"sqlite:///{tmp_path}/ledger.sqlite", "vault", "key") as database:
        yield database.vault(VaultIdentity(31_337, VAULT, 1, block(1).hash))


def executor_of(chain, ledger, clock, scanner=None, **settings) -> Executor:
    changed = SETTINGS.model_copy(update=settings)
    signer, rollup = load_signer({}, 31_337), Rollup(chain, RollupKind.NONE)
    return Executor(chain, ledger, scanner or FakeScanner(), signer, changed, clock.timer(), rollup)


@pytest.fixture
def executor(chain, ledger, scanner, clock) -> Executor:
    return executor_of(chain, ledger, clock, scanner)


def states(ledger, number: int = 1) -> list[str]:
    return [state.value for state in ledger.states_of(record(number).intent.intent_id)]


def test_execute__mined_at_once__is_booked_before_it_counts_as_executed(executor, chain, ledger, scanner):
    settlement = executor.execute(record(), block(10))
    assert settlement.state is IntentState.EXECUTED
    assert states(ledger) == ["decided", "signed", "sent", "mined", "executed"]
    assert scanner.scanned == [11]
    [signed] = ledger.transactions_of(record().intent.intent_id)
    assert chain.sent == [signed.raw]
    assert (signed.nonce, signed.gas_limit, signed.max_fee_wei) == (4, 1_500_000, 41 * 10**9)
    assert settlement.receipt.gas_used == 900_000


def test_execute__written_before_it_is_sent(executor, chain, ledger, monkeypatch):
    seen: list[list[str]] = []
    send = chain.send_raw
    monkeypatch.setattr(chain, "send_raw", lambda raw: seen.append(states(ledger)) or send(raw))
    executor.execute(record(), block(10))
    assert seen == [["decided", "signed"]]


def test_execute__rollup_charges_for_data__price_recorded_holds_it_rounded_up(chain, ledger, clock):
    class ChargingRollup(Rollup):
        def charged(self, receipt: Any, block: BlockRef) -> Wei:
            return Wei(900_001)

    signer, rollup = load_signer({}, 31_337), ChargingRollup(chain, RollupKind.NONE)
    executor = Executor(chain, ledger, FakeScanner(), signer, SETTINGS, clock.timer(), rollup)
    receipt = executor.execute(record(), block(10)).receipt
    assert receipt.gas_price_wei == 21 * 10**9 + 2
    assert receipt.gas_used == 900_000


def test_execute__no_answer_to_the_send__leaves_intent_open_and_finds_it_mined_later(executor, chain, ledger):
    chain.send_outcome = TransientError("timed out")
    with pytest.raises(TransientError):
        executor.execute(record(), block(10))
    assert states(ledger) == ["decided", "signed"]
    assert executor.resume(record(), lambda: True).state is IntentState.EXECUTED
    assert len(chain.sent) == 1


def test_execute__send_lost__is_sent_again_byte_for_byte(executor, chain, ledger):
    chain.mines, chain.send_outcome = False, TransientError("timed out")
    with pytest.raises(TransientError):
        executor.execute(record(), block(10))
    chain.mines, chain.send_outcome = True, SendOutcome.ACCEPTED
    assert executor.resume(record(), lambda: True).state is IntentState.EXECUTED
    assert chain.sent[0] == chain.sent[1]
    assert len(ledger.transactions_of(record().intent.intent_id)) == 1


def test_execute__another_intent_open__is_a_defect_that_stops_the_keeper(executor, chain, ledger):
    ledger.add_intent(record(1))
    with pytest.raises(FatalError, match="two intents of one vault must not live"):
        executor.execute(record(2), block(10))
    assert chain.sent == []


@pytest.mark.parametrize(
    ("changes", "failure", "message"),
    [
        ({"refusal": RejectedError("NetDeltaExceeded")}, RejectedError, "NetDeltaExceeded"),
        ({"gas": 1_333_334}, RejectedError, r"GasLimitExceeded\(gasLimit=2000001, maxGasLimit=2000000\)"),
        ({"balance": 61_499_999_999_999_999}, DataError, "holds 0.061500 ETH and a rebalance may cost 0.061500 ETH"),
        ({"waiting": 5}, TransientError, r"a transaction waiting that this ledger does not know \(nonces 4 to 4\)"),
    ],
)
def test_execute__refused_before_signing__leaves_no_trace(executor, chain, ledger, changes, failure, message):
    for name, value in changes.items():
        setattr(chain, name, value)
    with pytest.raises(failure, match=message):
        executor.execute(record(), block(10))
    assert chain.sent == []
    assert ledger.open_intents() == []
    assert states(ledger) == []


def test_execute__usual_gas_suffices__is_not_estimated(executor, chain, ledger, monkeypatch):
    chain.gas = 900_000
    monkeypatch.setattr(chain, "estimate_gas", None)
    executor.execute(record(), block(10))
    assert ledger.transactions_of(record().intent.intent_id)[0].gas_limit == 1_350_000


def test_execute__exactly_enough_gas_money__goes_out(executor, chain):
    chain.balance = 1_500_000 * 41 * 10**9
    assert executor.execute(record(), block(10)).state is IntentState.EXECUTED


def passing_blocks(chain: FakeChain, clock: FakeTime) -> None:
    """Let an empty block pass each second."""

    def tick() -> None:
        chain.number += 1

    clock.tick = tick


def test_execute__never_mined__bumps_by_policy_and_then_leaves_it_open(executor, chain, ledger, clock):
    chain.mines = False
    passing_blocks(chain, clock)
    settlement = executor.execute(record(), block(10))
    assert settlement.state is None
    assert clock.now == SETTINGS.receipt_timeout_seconds
    signed = ledger.transactions_of(record().intent.intent_id)
    assert [one.nonce for one in signed] == [4, 4, 4, 4]
    assert [one.max_fee_wei for one in signed] == [41 * 10**9, 51_250_000_000, 64_062_500_000, 80_078_125_000]
    assert len(ledger.open_intents()) == 1


def test_execute__no_block_passes__is_not_bumped_however_long_it_takes(executor, chain, ledger, clock):
    chain.mines = False
    assert executor.execute(record(), block(10)).state is None
    assert len(ledger.transactions_of(record().intent.intent_id)) == 1


def test_execute__base_fee_leaves_the_bid_behind__is_bumped_at_the_next_block(chain, ledger, clock):
    chain.mines = False
    patient = executor_of(chain, ledger, clock, replace_after_blocks=50)

    def dearer() -> None:
        chain.number, chain.base_fee = 11, 42 * 10**9

    clock.then[3.0] = dearer
    patient.execute(record(), block(10))
    first, second = ledger.transactions_of(record().intent.intent_id)
    assert first.max_fee_wei == 41 * 10**9
    assert second.max_fee_wei >= 43 * 10**9


def test_execute__grows_urgent_while_it_waits__next_bid_has_the_urgent_cap(chain, ledger, clock):
    chain.mines, chain.base_fee = False, 60 * 10**9
    passing_blocks(chain, clock)
    terms = Terms(lambda head: head.number > 11)
    executor_of(chain, ledger, clock, max_replacements=1).execute(record(), chain.head(0), terms)
    first, second = ledger.transactions_of(record().intent.intent_id)
    assert first.max_fee_wei <= 100 * 10**9
    assert second.max_fee_wei > 100 * 10**9
    assert second.priority_fee_wei == 3 * 10**9


def test_execute__dearer_than_the_hedge_is_worth__is_refused_unless_it_is_urgent(chain, ledger, clock):
    worth = Wei(20 * 10**9)
    with pytest.raises(RejectedError, match="GasPriceExceeded"):
        executor_of(chain, ledger, clock).execute(record(), chain.head(0), Terms(lambda _: False, worth))
    assert chain.sent == []
    settlement = executor_of(chain, ledger, clock).execute(record(), chain.head(0), Terms(lambda _: True, worth))
    assert settlement.state is IntentState.EXECUTED


def test_execute__others_pay_less_for_a_place__so_does_the_keeper(chain, ledger, clock):
    chain.tip = Wei(3 * 10**8)
    executor_of(chain, ledger, clock, tip_percentile=50.0).execute(record(), block(10))
    [signed] = ledger.transactions_of(record().intent.intent_id)
    assert signed.priority_fee_wei == 3 * 10**8


def test_execute__servers_silent_while_it_waits__goes_on_waiting_and_finds_it(executor, chain, ledger, clock):
    chain.mines = False

    def silent() -> None:
        chain.trouble = TransientError("429")

    def back() -> None:
        chain.trouble = None
        chain.mine(chain.sent[0])

    clock.then[2.0], clock.then[9.0] = silent, back
    assert executor.execute(record(), block(10)).state is IntentState.EXECUTED


def test_execute__servers_silent_to_the_end__leaves_it_open_and_says_why(executor, chain, ledger, clock):
    chain.mines = False

    def silent() -> None:
        chain.trouble = TransientError("429")

    clock.then[2.0] = silent
    settlement = executor.execute(record(), block(10))
    assert (settlement.state, settlement.detail[-3:]) == (None, "429")
    assert len(ledger.open_intents()) == 1


def test_execute__first_bid_mined_after_a_bump__counts(executor, chain, ledger, clock):
    chain.mines = False
    passing_blocks(chain, clock)
    clock.then[4.0] = lambda: chain.mine(chain.sent[0])
    settlement = executor.execute(record(), block(10))
    assert settlement.state is IntentState.EXECUTED
    signed = ledger.transactions_of(record().intent.intent_id)
    assert len(signed) == 2
    assert settlement.receipt.transaction_hash == signed[0].transaction_hash


def test_execute__bump_above_the_cap__waits_on_with_what_there_is(executor, chain, ledger):
    chain.mines, clock = False, FakeTime()
    passing_blocks(chain, clock)
    assert executor_of(chain, ledger, clock, max_fee_gwei=22).execute(record(), block(10)).state is None
    assert len(ledger.transactions_of(record().intent.intent_id)) == 1


def test_execute__mined_and_reverted__is_final_with_its_reason(executor, chain, ledger, monkeypatch):
    chain.status = 0
    monkeypatch.setattr(chain, "simulate", lambda *_: RejectedError("EnforcedPause"))
    settlement = executor.execute(record(), block(10))
    assert (settlement.state, settlement.detail) == (IntentState.REVERTED, "EnforcedPause()")
    assert ledger.open_intents() == []
    assert [receipt.is_success for receipt in ledger.receipts()] == [False]


def test_resume__never_signed_and_wanted__is_signed_now(executor, chain, ledger):
    ledger.add_intent(record())
    assert executor.resume(record(), lambda: True).state is IntentState.EXECUTED
    assert states(ledger) == ["decided", "signed", "sent", "mined", "executed"]


@pytest.mark.parametrize("reason", ["unwanted", "refused"])
def test_resume__never_signed_and_no_more_possible__is_abandoned(executor, chain, ledger, reason):
    ledger.add_intent(record())
    if reason == "refused":
        chain.refusal = RejectedError("NetDeltaExceeded")
    assert executor.resume(record(), lambda: reason == "refused").state is IntentState.ABANDONED
    assert chain.sent == []
    assert ledger.open_intents() == []


def test_resume__past_the_deadline__is_expired_by_chain_time_alone(executor, chain, ledger, clock):
    chain.mines = False
    executor.execute(record(), block(10))
    clock.now = 10_000.0
    chain.number = 240
    assert executor.resume(record(), lambda: True).state is None
    chain.number = 241
    assert executor.resume(record(), lambda: True).state is IntentState.EXPIRED


def test_resume__block_left_the_last_256__is_expired(executor, chain, ledger):
    chain.mines = False
    late = replace(record(), intent=replace(record().intent, deadline=Seconds(START + 10_000)))
    executor.execute(late, block(10))
    chain.number = 265
    assert executor.resume(late, lambda: True).state is None
    chain.number = 266
    settlement = executor.resume(late, lambda: True)
    assert settlement.state is IntentState.EXPIRED
    assert settlement.detail == "block 10 left the last 256 unmined"


def test_execute__simulated_on_its_own_block__is_bound_to_the_parent(executor, chain):
    executor.execute(record(), block(10))
    signed = rebalance_call(record().intent)
    assert chain.simulated[0] == call_on(record().intent, block(10)).data
    assert chain.simulated[0] != signed.data
    assert signed.data.removeprefix("0x") in chain.sent[0]


def test_resume__unwanted__takes_the_nonce_and_is_cancelled(executor, chain, ledger):
    chain.mines = False
    executor.execute(record(), block(10))
    chain.mines = True
    settlement = executor.resume(record(), lambda: False)
    assert settlement.state is IntentState.CANCELLED
    cancel = ledger.transactions_of(record().intent.intent_id)[-1]
    assert (cancel.purpose, cancel.nonce, cancel.gas_limit) == (Purpose.CANCEL, 4, 31_500)  # a transfer, and half of it
    assert cancel.max_fee_wei * 4 >= ledger.transactions_of(record().intent.intent_id)[-2].max_fee_wei * 5


def test_resume__cancellation_under_way__is_not_turned_back_into_a_rebalance(executor, chain, ledger):
    chain.mines = False
    executor.execute(record(), block(10))
    executor.resume(record(), lambda: False)
    chain.mines = True
    assert executor.resume(record(), lambda: True).state is IntentState.CANCELLED


def test_resume__intent_used_by_transaction_nobody_knows__executed_when_it_stays_so(executor, chain, ledger, scanner):
    chain.mines = False
    executor.execute(record(), block(10))
    chain.nonce, chain.waiting = 5, 5
    chain.last_intent = bytes.fromhex(record().intent.intent_id[2:])[:24]
    settlement = executor.resume(record(), lambda: True)
    assert settlement.state is IntentState.EXECUTED
    assert settlement.receipt is None
    assert scanner.scanned == [10]


def test_resume__state_before_receipt__waits_for_the_receipt(executor, chain, ledger, clock):
    chain.mines = False
    executor.execute(record(), block(10))
    last = chain.sent[-1]
    chain.last_intent = bytes.fromhex(record().intent.intent_id[2:])[:24]
    clock.then[clock.now + 0.1] = lambda: chain.mine(last)
    settlement = executor.resume(record(), lambda: True)
    assert settlement.state is IntentState.EXECUTED
    assert settlement.receipt is not None


def test_resume__nonce_taken_by_a_stranger__is_superseded(executor, chain, ledger):
    chain.mines = False
    executor.execute(record(), block(10))
    chain.nonce, chain.waiting = 5, 5
    assert executor.resume(record(), lambda: True).state is IntentState.SUPERSEDED


def test_execute__nonce_said_to_be_used__believes_the_chain(executor, chain, ledger):
    """Another node had the transaction already and mined it."""
    chain.send_outcome = SendOutcome.NONCE_USED
    assert executor.execute(record(), block(10)).state is IntentState.EXECUTED
    assert states(ledger) == ["decided", "signed", "mined", "executed"]


def test_execute__receipt_of_a_block_that_was_replaced__is_not_believed(executor, chain, ledger, monkeypatch):
    monkeypatch.setattr(chain, "block", lambda number: replace(block(number), hash=BlockHash("0xother")))
    settlement = executor.execute(record(), block(10))
    assert settlement.state is None
    assert "block 11 was replaced while its receipt was read" in settlement.detail
    assert len(ledger.open_intents()) == 1


def test_execute__expired_rival_with_the_same_nonce_waits__outbids_it(executor, chain, ledger):
    chain.mines = False
    executor_of(chain, ledger, FakeTime(), max_replacements=0).execute(record(1), block(10))
    chain.number = 241
    assert executor.resume(record(1), lambda: True).state is IntentState.EXPIRED
    chain.waiting, chain.mines = 5, True
    later = replace(record(2), intent=replace(record(2).intent, deadline=Seconds(START + 500)))
    assert executor.execute(later, block(241)).state is IntentState.EXECUTED
    highest = max(one.max_fee_wei for one in ledger.transactions_of(record(1).intent.intent_id))
    [outbid] = ledger.transactions_of(later.intent.intent_id)
    assert outbid.max_fee_wei * 4 >= highest * 5


def test_resume__unwanted_where_a_transfer_takes_more_gas__cancellation_has_it(executor, chain, ledger):
    """Arbitrum charges for data in gas: 21,000 would be refused."""
    chain.mines = False
    executor.execute(record(), block(10))
    chain.mines, chain.transfer_gas = True, 95_000
    assert executor.resume(record(), lambda: False).state is IntentState.CANCELLED
    assert ledger.transactions_of(record().intent.intent_id)[-1].gas_limit == 142_500


def test_resume__bid_at_its_cap_and_unwanted__cancellation_has_a_cap_of_its_own(chain, ledger, clock):
    chain.mines, chain.base_fee = False, 98 * 10**9
    executor = executor_of(chain, ledger, clock, urgent_max_fee_gwei=100, max_replacements=0)
    executor.execute(record(), chain.head(0))
    chain.mines = True
    assert executor.resume(record(), lambda: False).state is IntentState.CANCELLED
    stuck, cancel = ledger.transactions_of(record().intent.intent_id)
    assert stuck.max_fee_wei >= 99 * 10**9
    assert stuck.max_fee_wei * 1.125 <= cancel.max_fee_wei <= 200 * 10**9


@pytest.mark.parametrize("trouble", [TransientError("missing trie node"), FatalError("no such method")])
def test_execute__reverted_and_no_server_tells_why__is_closed_all_the_same(executor, chain, ledger, trouble):
    def pruned(of: BlockRef) -> BlockRef:
        raise trouble

    chain.status, chain.parent = 0, pruned
    settlement = executor.execute(record(), block(10))
    assert settlement.state is IntentState.REVERTED
    assert settlement.detail == f"reverted; why, no server tells any more ({trouble})"
    assert ledger.open_intents() == []


def reverting_records(count: int) -> list[IntentRecord]:
    later = [replace(record(number).intent, deadline=Seconds(START + 500)) for number in range(1, count + 1)]
    return [replace(record(), intent=intent) for intent in later]


def test_execute__reverts_in_a_row__stops_after_the_limit_and_says_until_when(chain, ledger, clock):
    chain.status, executor = 0, executor_of(chain, ledger, clock, max_reverts_in_row=3)
    first_three, others = reverting_records(50)[:3], reverting_records(50)[3:]
    for one in first_three:
        assert executor.execute(one, chain.head(0)).state is IntentState.REVERTED
    for one in others:
        words = rf"RevertsInRow\(.*maxReverts=3, nextTryUnix={START + 500 + 3_600}, newest=reverted for a reason"
        with pytest.raises(RejectedError, match=words):
            executor.execute(one, chain.head(0))
    assert len(chain.sent) == 3


def test_execute__operator_has_looked_at_the_reverts__counts_anew_from_there(chain, ledger, clock):
    chain.status, executor = 0, executor_of(chain, ledger, clock, max_reverts_in_row=2)
    first, second, third, fourth, fifth = reverting_records(5)
    executor.execute(first, chain.head(0))
    executor.execute(second, chain.head(0))
    with pytest.raises(RejectedError, match="RevertsInRow"):
        executor.execute(third, chain.head(0))
    found = find(ledger, Subject.REVERTS, 5.0)
    assert found.references == (second.intent.intent_id,)
    ledger.acknowledge(Acknowledgement(Subject.REVERTS, found.references[0], Seconds(1), "the bound is back"))
    with pytest.raises(DataError, match="nothing to acknowledge of reverts"):
        find(ledger, Subject.REVERTS, 5.0)
    executor.execute(third, chain.head(0))
    executor.execute(fourth, chain.head(0))
    with pytest.raises(RejectedError, match="RevertsInRow"):
        executor.execute(fifth, chain.head(0))
    assert len(chain.sent) == 4


def test_execute__rest_after_reverts_is_over__one_more_may_try(chain, ledger, clock):
    chain.status, executor = 0, executor_of(chain, ledger, clock, max_reverts_in_row=2, revert_rest_seconds=100)
    first, second, third, fourth = reverting_records(4)
    executor.execute(first, chain.head(0))
    executor.execute(second, chain.head(0))
    chain.number = 599
    with pytest.raises(RejectedError, match="RevertsInRow"):
        executor.execute(third, chain.head(0))
    chain.number, chain.status = 600, 1
    assert executor.execute(third, chain.head(0)).state is IntentState.EXECUTED
    assert executor.execute(fourth, chain.head(0)).state is IntentState.EXECUTED


def test_execute__success_between_reverts__starts_the_count_anew(chain, ledger, clock):
    executor = executor_of(chain, ledger, clock, max_reverts_in_row=2)
    for one, status in zip(reverting_records(6), [0, 1, 0, 1, 0, 1], strict=True):
        chain.status = status
        executor.execute(one, chain.head(0))
    assert len(chain.sent) == 6


# --- what is on disk when -----------------------------------------------------------------------------------------


def test_execute__signed_bytes_cannot_be_written__leaves_no_decision_behind(executor, chain, ledger, monkeypatch):
    insert = ledger._insert

    def failing(connection, table, values):
        if table.name == "transactions":
            raise TransientError("no room")
        return insert(connection, table, values)

    monkeypatch.setattr(ledger, "_insert", failing)
    with pytest.raises(TransientError, match="no room"):
        executor.execute(record(), block(10))
    assert ledger.open_intents() == []
    assert chain.sent == []


def test_execute__mined__is_executed_only_after_its_fills_were_read(executor, ledger, scanner, monkeypatch):
    at_scan: list[list[str]] = []
    monkeypatch.setattr(scanner, "scan", lambda to: at_scan.append(states(ledger)))
    executor.execute(record(), block(10))
    assert at_scan == [["decided", "signed", "sent", "mined"]]


def test_execute__lease_lost_after_the_commit__broadcasts_nothing(executor, chain, ledger, monkeypatch):
    def lost() -> None:
        raise TransientError("another keeper has taken over")

    monkeypatch.setattr(ledger, "require_lease", lost)
    with pytest.raises(TransientError, match="taken over"):
        executor.execute(record(), block(10))
    assert states(ledger) == ["decided", "signed"]
    assert chain.sent == []


# --- signed by a keeper with another key --------------------------------------------------------------------------

OTHER_KEY = "0x" + "77" * 32


@pytest.fixture
def successor(executor, chain, ledger, scanner, clock, monkeypatch) -> Executor:
    """A keeper with a key of its own, whose nonce is higher, after `executor` has sent and ended unmined."""
    chain.mines = False
    executor.execute(record(), block(10))
    first = load_signer({}, 31_337).address
    monkeypatch.setattr(chain, "nonce_at", lambda address, _: chain.nonce if address == first else 50)
    signer = load_signer({KEEPER_KEY_VARIABLE: OTHER_KEY}, 31_337)
    assert signer.address != first
    chain.sent.clear()
    return Executor(chain, ledger, scanner, signer, SETTINGS, clock.timer(), Rollup(chain, RollupKind.NONE))


@pytest.mark.parametrize("is_wanted", [True, False])
def test_resume__of_another_key__is_never_replaced_and_blocks_what_is_new(successor, chain, ledger, is_wanted):
    signed = ledger.transactions_of(record().intent.intent_id)
    settlement = successor.resume(record(), lambda: is_wanted)
    assert settlement.state is None
    assert "may still be mined" in settlement.detail
    assert chain.sent == ([signed[-1].raw] if is_wanted else [])
    assert ledger.transactions_of(record().intent.intent_id) == signed
    with pytest.raises(FatalError, match="two intents of one vault must not live"):
        successor.execute(record(2), block(10))


def test_resume__of_another_key_and_mined__is_executed(successor, chain, ledger):
    chain.mine(ledger.transactions_of(record().intent.intent_id)[-1].raw)
    assert successor.resume(record(), lambda: True).state is IntentState.EXECUTED


def test_resume__of_another_key_and_past_its_deadline__is_over(successor, chain):
    chain.number = 241
    assert successor.resume(record(), lambda: True).state is IntentState.EXPIRED
