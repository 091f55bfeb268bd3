"""The mirror is compared with the chain: the verdict foreseen, and the judgement of what was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.artifacts import load_artifact
from agent.chain.block_id import BlockId
from agent.chain.orders import OrderStatus, VenueOrder
from agent.chain.state import ChainState, VenueState
from agent.domain import (
    Action,
    BlockRef,
    Budget,
    Decision,
    Exposure,
    Fill,
    Leg,
    Measurement,
    Target,
    Track,
    TradeCosts,
    Usage,
)
from agent.errors import RejectedError
from agent.guard import GuardError, evaluate, leverage, limit_price
from agent.keeper.guard_check import execution_mismatch, simulation_mismatch
from agent.ledger.records import FillRecord, LogId, RebalanceRecord
from agent.result_track import NO_HIGH
from agent.units import Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei
from tests.support.decision_builders import BOUNDS, NOW, USAGE, measured_venue, wad
from tests.support.decision_builders import VenueState as Venue

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
        "DeadlinePassed",
        "BlockHashMismatch",
        "IntentOutdated",
    }


def _errors_of(name: str):
    return [entry for entry in load_artifact(name)["abi"] if entry["type"] == "error"]


def state(size: float, at_unix: int, usage: Usage, nav: float = 400_000.0, price: float = 3_000.0) -> ChainState:
    measured = measured_venue(Venue(size, 100_000.0, mark_usd=price, index_usd=price), wad(price))
    worth = wad(nav)
    venue = VenueState(VENUE, "one", wad(size), wad(price), wad(price), Wad(0), Wad(0), AssetUnits(0), Wad(0))
    return ChainState(
        block=BlockRef(9, BlockHash("0x09"), Seconds(at_unix), Wei(1)),
        measurement=Measurement(
            wad(price), False, wad(-50), wad(-50), wad(300_000), worth, worth, wad(400_000), (measured,)
        ),
        usage=usage,
        bounds=BOUNDS,
        idle_assets=AssetUnits(0),
        net_flows=AssetUnits(0),
        deviation_bps=0,
        oracle_updated_at=Seconds(1),
        is_paused=False,
        is_keeper=True,
        venues=(venue,),
    )


PLACE = LogId(BlockId(9, BlockHash("0x09")), "0x", 0)
FILLS = (FillRecord(PLACE, IntentId("0x"), VENUE, wad(50), wad(50), wad(3_000), wad(10)),)
REBALANCE = RebalanceRecord(PLACE, IntentId("0x"), wad(3_000), wad(50), wad(0), wad(400_000), wad(399_990))
LOST = Wad(-(-wad(10) * 10**18 // wad(399_990)))
BUDGET_AFTER = Budget(wad(150_000), LOST, Seconds(NOW), Seconds(NOW))
TRACK_AFTER = Track(wad(50), wad(0), wad(3_000), NOW // 28_800, wad(400_000), (0, NO_HIGH, NO_HIGH, NO_HIGH))
BOOKED = Usage(BUDGET_AFTER, BUDGET_AFTER, TRACK_AFTER)
BEFORE = state(0.0, NOW - 1, USAGE)
AFTER = state(50.0, NOW, BOOKED, nav=399_990.0)


def test_execution_mismatch__chain_judged_as_the_mirror__is_none():
    assert not execution_mismatch(BEFORE, AFTER, FILLS, REBALANCE)


def test_execution_mismatch__nav_moved_with_time__is_taken_from_the_event():
    earlier = state(0.0, NOW - 1, USAGE, nav=400_007.0)
    assert not execution_mismatch(earlier, AFTER, FILLS, REBALANCE)


def test_execution_mismatch__book_delta_moved_with_time__is_the_blocks_own():
    """An order may leave the worst case as it was, to the wei: the block before has another one."""
    waiting = replace(REBALANCE, nav_after=wad(400_000))
    earlier = replace(BEFORE.measurement, book_delta_low=wad("-49.99"), book_delta_high=wad("-49.99"))
    assert not execution_mismatch(replace(BEFORE, measurement=earlier), with_order_pending(), WAITING, waiting, [ORDER])


def test_execution_mismatch__worst_case_before_was_another__cannot_be_judged():
    other = replace(REBALANCE, worst_net_delta_before=wad(49))
    assert not execution_mismatch(BEFORE, state(-50.0, NOW, BOOKED, nav=399_990.0), FILLS, other)


@pytest.mark.parametrize("name", ["all", "own"])
def test_execution_mismatch__chain_booked_another_budget__is_seen(name):
    wrong = replace(BOOKED, **{name: replace(BUDGET_AFTER, loss_used=LOST + 1)})
    assert execution_mismatch(BEFORE, replace(AFTER, usage=wrong), FILLS, REBALANCE)


def test_execution_mismatch__chain_kept_another_track__is_seen():
    wrong = replace(BOOKED, track=replace(TRACK_AFTER, highs=(1, NO_HIGH, NO_HIGH, NO_HIGH)))
    assert execution_mismatch(BEFORE, replace(AFTER, usage=wrong), FILLS, REBALANCE)


def test_execution_mismatch__chain_accepted_what_the_mirror_refuses__is_seen():
    assert execution_mismatch(BEFORE, state(-50.0, NOW, BOOKED, nav=399_990.0), FILLS, REBALANCE)


@pytest.mark.parametrize(
    ("after", "rebalance"),
    [
        (state(-50.0, NOW, BOOKED, nav=399_990.0, price=3_001.0), REBALANCE),
        (state(-50.0, NOW, BOOKED, nav=399_991.0), REBALANCE),
        (state(-50.0, NOW, BOOKED, nav=399_990.0), None),
    ],
)
def test_execution_mismatch__state_no_block_shows__cannot_be_judged(after, rebalance):
    assert not execution_mismatch(BEFORE, after, FILLS, rebalance)


WAITING = (replace(FILLS[0], size_delta=wad(0), execution_price=wad(0), fee=wad(0)),)
ORDER = VenueOrder(
    *(VENUE, "0x01", OrderStatus.PENDING, wad(50), wad(0), wad(3_003), wad(0), wad(0), wad(94)),
    *(Seconds(NOW), Seconds(NOW + 31)),
)


def with_order_pending(limit: Wad = ORDER.limit_price) -> ChainState:
    """The state after the order was asked for, with the usage that the guard books for it."""
    seen = state(0.0, NOW, USAGE)
    venue = replace(seen.measurement.venues[0], size_high=wad(50), notional=wad(150_000))
    measured = replace(seen.measurement, venues=(venue,))
    fill = Fill(0, ORDER.size_delta, limit, ORDER.max_fee, is_pending=True)
    usage = evaluate(BOUNDS, USAGE, BEFORE.measurement, [fill], measured, Seconds(NOW))
    return replace(seen, measurement=measured, usage=usage)


def test_execution_mismatch__leg_left_an_order__is_judged_by_its_terms():
    rebalance = replace(REBALANCE, nav_after=wad(400_000))
    after = with_order_pending()
    assert not execution_mismatch(BEFORE, after, WAITING, rebalance, [ORDER])
    assert execution_mismatch(BEFORE, after, WAITING, rebalance, [replace(ORDER, max_fee=wad(95))])
    assert execution_mismatch(BEFORE, after, WAITING, rebalance, [replace(ORDER, limit_price=wad(3_004))])


# The venue keeps a limit on its tick and a size in its lots; the guard was shown the leg's own.
def test_execution_mismatch__venue_keeps_tighter_terms__is_judged_by_the_leg():
    rebalance = replace(REBALANCE, nav_after=wad(400_000))
    kept = replace(ORDER, limit_price=wad(3_002), size_delta=wad(49.99))
    waiting = (replace(WAITING[0], requested_size_delta=wad(50)),)
    leg = Leg(VENUE, AssetUnits(0), wad(50), wad(3_003))
    assert not execution_mismatch(BEFORE, with_order_pending(), waiting, rebalance, [kept], [leg])
    assert execution_mismatch(BEFORE, with_order_pending(), waiting, rebalance, [kept])
    beyond_guard = replace(leg, limit_price=wad(9_000))
    guards = limit_price(BEFORE.measurement.venues[0].price, wad(50), BOUNDS.max_slippage_bps)
    as_if = with_order_pending(guards)
    assert not execution_mismatch(BEFORE, as_if, waiting, rebalance, [kept], [beyond_guard])


def test_execution_mismatch__order_is_not_known__cannot_be_judged():
    rebalance = replace(REBALANCE, nav_after=wad(400_000))
    assert not execution_mismatch(BEFORE, replace(AFTER, usage=USAGE), WAITING, rebalance)
    elsewhere = replace(ORDER, venue=Address("0x" + "22" * 20))
    assert not execution_mismatch(BEFORE, with_order_pending(), WAITING, rebalance, [elsewhere])


def test_execution_mismatch__young_money_in_nav__bears_no_leverage_on_either_side():
    """99,990 USD came in a moment ago: the position of 150,000 rests on 299,990 before and on 300,000 after."""
    young, nav_before = wad(99_990), wad(399_980)
    measured = replace(AFTER.measurement, firm_nav=Wad(AFTER.measurement.nav - young))
    judged = replace(BEFORE.measurement, nav=nav_before, firm_nav=Wad(nav_before - young))
    fills = [Fill(0, FILLS[0].size_delta, FILLS[0].execution_price, FILLS[0].fee)]
    after = replace(AFTER, measurement=measured, usage=evaluate(BOUNDS, USAGE, judged, fills, measured, Seconds(NOW)))
    rebalance = replace(REBALANCE, nav_before=nav_before)

    def is_mismatch(max_leverage: int) -> bool:
        before = replace(BEFORE, bounds=replace(BOUNDS, max_leverage=Wad(max_leverage)))
        return execution_mismatch(before, after, FILLS, rebalance)

    least = leverage(wad(150_000), wad(299_990))
    assert not is_mismatch(least)
    assert is_mismatch(least - 1)
