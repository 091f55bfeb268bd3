"""The mirror is compared with the chain: the verdict foreseen, and the judgement of what was measured."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from agent.chain.abi import ARTIFACT_DIRECTORY
from agent.chain.block_id import BlockId
from agent.chain.state import ChainState, VenueState
from agent.domain import (
    Action,
    BlockRef,
    Budget,
    Decision,
    Exposure,
    Measurement,
    Target,
    TradeCosts,
    VenueMeasurement,
)
from agent.errors import RejectedError
from agent.guard import GuardError
from agent.keeper.guard_check import execution_mismatch, simulation_mismatch
from agent.ledger.records import FillRecord, LogId
from agent.units import Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei
from tests.support.decision_builders import BOUNDS, BUDGET, NOW, wad

VENUE = Address("0x00000000000000000000000000000000000000A1")


def decision(guard_error: str | None = None) -> Decision:
    return Decision(
        action=Action.REBALANCE,
        exposure=Exposure(3_000.0, -50.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        costs=TradeCosts(0.0, 0.0, 0.0, 0.0),
        target=Target(-1.0, 1.0, 0.0, "because"),
        legs=(),
        expected_fills=(),
        urgent=False,
        guard_error=guard_error,
        reason="because",
    )


@pytest.mark.parametrize(
    ("foreseen", "answered", "is_mismatch"),
    [
        (None, None, False),
        (None, "NetDeltaExceeded", True),
        ("NetDeltaExceeded", None, True),
        ("NetDeltaExceeded", "NetDeltaExceeded", False),
        ("NetDeltaExceeded", "TurnoverExceeded", True),
        (None, "PriceStale", False),
        (None, "LimitPriceViolated", False),
    ],
)
def test_simulation_mismatch__verdicts__differ_only_on_the_guards_own_errors(foreseen, answered, is_mismatch):
    rejection = None if answered is None else RejectedError(answered)
    assert simulation_mismatch(decision(foreseen), rejection) is is_mismatch


def test_guard_errors__compiled_interface__has_them_all():
    entries = {entry["name"] for entry in _errors_of("IRebalanceGuard")}
    assert entries >= set(GuardError)
    assert entries - set(GuardError) == {
        "OnlyBoundVault",
        "VaultAlreadyBound",
        "BoundOutsideHardLimit",
        "BoundLooser",
    }


def _errors_of(name: str):
    entries = json.loads((ARTIFACT_DIRECTORY / f"{name}.json").read_text(encoding="utf-8"))["abi"]
    return [entry for entry in entries if entry["type"] == "error"]


def state(size: float, at_unix: int, budget: Budget, nav: float = 400_000.0, price: float = 3_000.0) -> ChainState:
    notional = Wad(abs(wad(size)) * wad(price) // 10**18)
    venue = VenueMeasurement(wad(size), wad(size), notional, wad(100_000), wad(100_000))
    return ChainState(
        block=BlockRef(9, BlockHash("0x09"), Seconds(at_unix), Wei(1)),
        measurement=Measurement(wad(price), wad(-50), wad(-50), wad(nav), wad(nav), (venue,)),
        budget=budget,
        bounds=BOUNDS,
        idle_assets=AssetUnits(0),
        pending_donation=AssetUnits(0),
        is_paused=False,
        venues=(VenueState(VENUE, "one", wad(size), wad(price), wad(price), Wad(0), Wad(0), AssetUnits(0)),),
    )


FILLS = (
    FillRecord(
        LogId(BlockId(9, BlockHash("0x09")), "0x", 0), IntentId("0x"), VENUE, wad(50), wad(50), wad(3_000), wad(10)
    ),
)
BOOKED = Budget(Wad(BUDGET.turnover_available - wad(150_000)), Seconds(NOW), Seconds(NOW))
BEFORE = state(0.0, NOW - 1, BUDGET)
AFTER = state(50.0, NOW, BOOKED)


def test_execution_mismatch__chain_judged_as_the_mirror__is_none():
    assert not execution_mismatch(BEFORE, AFTER, FILLS)


def test_execution_mismatch__chain_booked_another_budget__is_seen():
    wrong = replace(BOOKED, turnover_available=Wad(BOOKED.turnover_available + 1))
    assert execution_mismatch(BEFORE, replace(AFTER, budget=wrong), FILLS)


def test_execution_mismatch__chain_accepted_what_the_mirror_refuses__is_seen():
    assert execution_mismatch(BEFORE, state(-50.0, NOW, BOOKED), FILLS)


def test_execution_mismatch__price_moved_in_between__cannot_be_judged():
    assert not execution_mismatch(BEFORE, state(-50.0, NOW, BOOKED, price=3_001.0), FILLS)
