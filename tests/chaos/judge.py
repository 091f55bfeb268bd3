"""What must hold after every schedule, judged from the chain, the ledger and the alerts that were told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from eth_abi.abi import decode

from agent.chain.abi import Log, load_abi
from agent.keeper.alerts import AlertEvent
from agent.ledger.accounting import check_nav
from agent.ledger.records import IntentState
from agent.observability.alerts import AlertName
from agent.units import Address, IntentId
from tests.chaos.faults import FAULTS, struck_servers
from tests.chaos.probe import refused
from tests.chaos.run import BLOCKS_TO_HEAL, Run
from tests.chaos.world import QUORUM

MOST_NAV_ERROR_BPS = 1.0
NEVER_TRUE = frozenset(
    {
        AlertEvent.NAV_BREAK.value,
        AlertEvent.BOOK_MISMATCH.value,
        AlertEvent.ACCOUNT_BAD_DEBT.value,
        AlertName.GUARD_MIRROR_DISAGREES.value,
        AlertName.KEEPER_DISMISSED.value,
        AlertName.GAS_MONEY_LOW.value,
    }
)
"""Alerts of what no fault brings about: told all the same, they are false."""
FAILING_SECONDS = 300
"""[observability] max_failing_seconds: cycles that fail for longer must be told."""


@dataclass(frozen=True)
class Rebalanced:
    """One rebalance that stands on the chain."""

    intent_id: str
    sender: Address
    block: int
    decided_at: int
    is_trade: bool
    worst_before: int
    worst_after: int


def violations(run: Run) -> list[str]:
    """Return all that does not hold, each as a line that begins with what is broken."""
    done = rebalanced(run)
    found = [
        *run.violations,
        *_double_hedges(run, done),
        *_bounds(run, done),
        *_reverts(run),
        *_alerts(run),
        *_liveness(run),
    ]
    if run.keeper is None:
        return [*found, "liveness: no keeper is at work at the end"]
    return [*found, *_intents(run, done), *_nav(run)]


def rebalanced(run: Run) -> list[Rebalanced]:
    """Return the rebalances of the chain in its order, with who sent them and what they were decided on."""
    vault = load_abi("HedgeVault")
    event, function = vault.event("Rebalanced"), vault.function("rebalance")
    query = {"address": run.world.base.vault, "topics": [event.topic], "fromBlock": hex(run.first_block)}
    found = []
    for entry in run.world.rpc("eth_getLogs", query):
        log, fields = Log.from_rpc(entry), event.decode(Log.from_rpc(entry))
        sent = run.world.rpc("eth_getTransactionByHash", log.transaction_hash)
        intent, legs = decode(function.inputs, bytes.fromhex(sent["input"][10:]))
        found.append(
            Rebalanced(
                intent_id="0x" + fields["intentId"].hex(),
                sender=Address(sent["from"].lower()),
                block=log.block_number,
                decided_at=intent[1],
                is_trade=any(size_delta for _, _, size_delta, _ in legs),
                worst_before=fields["worstNetDeltaBefore"],
                worst_after=fields["worstNetDeltaAfter"],
            )
        )
    return found


def _double_hedges(run: Run, done: list[Rebalanced]) -> Iterator[str]:
    """No intent is executed twice; none was decided before its key's last act, or before any key's last trade."""
    for sender in {one.sender for one in done}:
        ids = [one.intent_id for one in done if one.sender == sender]
        for intent_id in {one for one in ids if ids.count(one) > 1}:
            yield f"double hedge: intent {intent_id} was executed {ids.count(intent_id)} times"
    for number, second in enumerate(done):
        for first in done[:number]:
            if second.decided_at < first.block and (first.is_trade or first.sender == second.sender):
                yield f"double hedge: {second.intent_id} was decided at {second.decided_at}, before {first.block}"


def _bounds(run: Run, done: list[Rebalanced]) -> Iterator[str]:
    """No hedge overshoots, whoever sent it: W ends inside the band, or below where it was."""
    band = run.state().bounds.band
    for one in done:
        if one.worst_after > max(band, one.worst_before):
            yield f"bound broken: {one.intent_id} moved W from {one.worst_before} to {one.worst_after}, band {band}"


def _reverts(run: Run) -> Iterator[str]:
    """Each transaction of a keeper that was mined in vain has a fault that explains it."""
    keys = {run.world.account(role).lower() for role in ("keeper", "spare")}
    numbers = range(run.first_block + 1, run.head_number() + 1)
    blocks = run.world.base.localnet.chain.rpc.batch([("eth_getBlockReceipts", [hex(number)]) for number in numbers])
    for number, receipts in zip(numbers, blocks, strict=True):
        for receipt in receipts or ():
            if receipt["from"] not in keys or int(receipt["status"], 16) != 0:
                continue
            if not _is_explained(run, number) and not _is_of_lost_branch(run, receipt["transactionHash"], number):
                yield f"bound broken: {receipt['transactionHash']}, refused in block {number}: no fault explains it"


def _is_explained(run: Run, block: int) -> bool:
    periods = [period for period in run.periods if period.first_block <= block]
    return any(FAULTS[use.fault].explains_reverts(use) for period in periods[-2:] for use in period.uses) or any(
        len(struck_servers(list(period.uses))) >= QUORUM and "lagging" in {use.fault for use in period.uses}
        for period in periods[-2:]
    )


def _is_of_lost_branch(run: Run, transaction_hash: str, block: int) -> bool:
    """Return whether a reorganisation may have put off a transaction to beyond its deadline, as by a gap of nonces."""
    if not any(use.fault == "reorg" for period in run.periods if period.first_block <= block for use in period.uses):
        return False
    sent = run.world.rpc("eth_getTransactionByHash", transaction_hash)
    intent, _ = decode(load_abi("HedgeVault").function("rebalance").inputs, bytes.fromhex(sent["input"][10:]))
    return int(run.world.rpc("eth_getBlockByNumber", hex(block), False)["timestamp"], 16) > intent[3]


# --- ledger -------------------------------------------------------------------------------------------------------


def _intents(run: Run, done: list[Rebalanced]) -> Iterator[str]:
    """Ledger and chain tell the same: each rebalance is booked once, each intent has ended, fills make the position."""
    ledger, on_chain = run.keeper.ledger, [one.intent_id for one in done]
    own = [one.intent_id for one in done if one.sender == run.keeper.address.lower()]
    booked = [record.intent_id for record in ledger.rebalances()]
    if booked != on_chain:
        yield f"lost intent: the ledger has {len(booked)} rebalances, the chain {len(on_chain)}"
    for intent_id in run.intents():
        states = ledger.states_of(IntentId(intent_id))
        last = states[-1] if states else None
        if last is None or not last.is_final:
            yield f"lost intent: {intent_id} is {last} for ever"
        elif (last is IntentState.EXECUTED) != (intent_id in own):
            yield f"lost intent: {intent_id} is {last} in the ledger, {'' if intent_id in own else 'not '}on the chain"
    size = sum(fill.size_delta for fill in ledger.fills()) + sum(one.size_delta for one in ledger.account_events())
    if size != run.world.base.size():
        yield f"lost intent: fills make a position of {size}, the venue has {run.world.base.size()}"


def _nav(run: Run) -> Iterator[str]:
    keeper = run.keeper
    decimals = keeper.planner.deployment.asset.decimals
    nav = check_nav(keeper.ledger.accounts, run.state(), decimals)
    if nav.error_bps > MOST_NAV_ERROR_BPS:
        yield f"nav: the ledger's is {nav.error_bps:.2f} bps from the chain's"


# --- alerts -------------------------------------------------------------------------------------------------------


def _alerts(run: Run) -> Iterator[str]:
    """What an operator must know of was told: what the fault itself demands, and cycles that failed for too long."""
    for use in run.schedule.uses:
        wanted = FAULTS[use.fault].alerts(use)
        if wanted and _was_felt(run, use.fault) and not wanted & set(run.recorder.told):
            yield f"alert: {use.fault} and nobody was told {' or '.join(sorted(wanted))}"
    never = NEVER_TRUE
    if any(use.fault == "partly_filled" for use in run.schedule.uses):
        never -= {AlertName.GUARD_MIRROR_DISAGREES.value}  # the venue does not do what it has quoted
    for name in sorted(never & set(run.recorder.told)):
        yield f"alert: {name} was told, and is not true"
    lasted = longest_failure(run)
    told = {AlertName.CYCLES_FAILING.value, AlertName.KEEPER_UNHEALTHY.value, AlertName.PROCESS_HALTED.value}
    if lasted >= 2 * FAILING_SECONDS and not told & set(run.recorder.told):
        yield f"alert: cycles failed for {lasted} s, and nobody was told"


def _was_felt(run: Run, fault: str) -> bool:
    """Return whether a fault of which the schedule is told came about at all: there may have been nothing to strike."""
    felt = {"liquidated": run.was_liquidated, "ledger_deleted": run.was_at_work, "nonce_taken": run.took_nonce}
    return felt.get(fault, True)


def longest_failure(run: Run) -> int:
    """Return how long cycles failed one after another, seconds of the true clock."""
    longest, since = 0, None
    for note in run.notes:
        since = None if note.failure is None else (note.unix if since is None else since)
        longest = longest if since is None else max(longest, note.unix - since)
    return longest


# --- liveness -----------------------------------------------------------------------------------------------------


def _liveness(run: Run) -> Iterator[str]:
    if run.healing.blocks is not None:
        return
    last = run.notes[-1].failure if run.notes else "no cycle"
    if run.is_inside():
        yield f"liveness: inside the band, but not settled {BLOCKS_TO_HEAL} blocks after healing: {last}"
        return
    refusals = list(refused(run))
    if None in refusals:
        said = run.healing.last.reason if run.healing.last is not None else last
        yield f"liveness: outside the band {BLOCKS_TO_HEAL} blocks after healing, and the chain would let it in: {said}"
        return
    run.healing.refused_by = str(refusals[0]).partition("(")[0]
