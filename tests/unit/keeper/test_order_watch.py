"""While an order is open its venue takes no other, and one that keeps failing takes none at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from agent.domain import BlockRef, Intent
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.order_watch import OrderWatch
from agent.keeper.planner import Sight
from agent.ledger.database import Database
from agent.ledger.orders import failed_in_a_row
from agent.ledger.records import Acknowledgement, IntentRecord, OrderState, Subject, VaultIdentity
from agent.settings.keeper import KeeperSettings
from agent.units import Address, BlockHash, IntentId, Seconds, Wei
from tests.support.pending_venue import INTENT_ID, VENUE, PendingVenue

REQUESTED, PARTLY, EXECUTED = OrderState.REQUESTED, OrderState.PARTLY, OrderState.EXECUTED
CANCELLED, FROZEN, EXPIRED = OrderState.CANCELLED, OrderState.FROZEN, OrderState.EXPIRED
OTHER = Address("0x00000000000000000000000000000000000000D4")
NAMES = {VENUE: "later"}
DECIDED_UNIX = 1_700_000_000
SETTINGS = KeeperSettings(
    interval_seconds=12,
    retry_initial_seconds=1,
    retry_max_seconds=60,
    max_nav_error_bps=5,
    max_order_age_seconds=600,
    max_failed_orders_in_row=3,
)


@dataclass(frozen=True)
class VenueDouble:
    address: Address
    quotes: tuple[str, ...]


@dataclass(frozen=True)
class SnapshotDouble:
    block: BlockRef
    venues: tuple[VenueDouble, ...]
    paused: bool = False


@pytest.fixture
def ledger(tmp_path):
    identity = VaultIdentity(31_337, Address("0x00000000000000000000000000000000000000A1"), 1, BlockHash("0x01"))
    with Database.open(f"sqlite:///{tmp_path}/ledger.sqlite", "vault", "key") as database:
        opened = database.vault(identity)
        block = BlockRef(1, BlockHash("0x" + "01" * 32), Seconds(DECIDED_UNIX), Wei(1))
        intent = Intent(INTENT_ID, identity.address, (), Seconds(DECIDED_UNIX + 240), block)
        opened.add_intent(IntentRecord(intent, False, "0x" + "22" * 32, "because"))
        yield opened


@pytest.fixture
def alerts():
    return AlertLog()


def sight(*venues: Address, age: int = 0) -> Sight:
    """A sight of these venues, each with a quote, so long after the orders were decided."""
    quoting = tuple(VenueDouble(address, ("a quote",)) for address in venues)
    block = BlockRef(9, BlockHash("0x" + "09" * 32), Seconds(DECIDED_UNIX + age), Wei(1))
    return Sight(SnapshotDouble(block, quoting), SimpleNamespace())


def told(ledger, *steps: tuple[str, OrderState, int, int]) -> None:
    venue = PendingVenue()
    for step in steps:
        venue.mine(step)
    ledger.add_scan(venue.scan())


def failed(*order_ids: str, state: OrderState = EXPIRED, filled: int = 0) -> list[tuple[str, OrderState, int, int]]:
    return [step for order_id in order_ids for step in ((order_id, REQUESTED, 100, 0), (order_id, state, 100, filled))]


def test_restrain__no_orders__changes_nothing(ledger, alerts):
    seen = sight(VENUE)
    assert OrderWatch(ledger, alerts, SETTINGS, NAMES).restrain(seen, {}) is seen


@pytest.mark.parametrize("state", [REQUESTED, PARTLY, FROZEN])
def test_restrain__open_order__its_venue_quotes_nothing_and_others_do(ledger, alerts, state):
    told(ledger, ("7", REQUESTED, 100, 0), *([("7", state, 100, 40)] if state is not REQUESTED else []))
    seen = OrderWatch(ledger, alerts, SETTINGS, NAMES).restrain(sight(VENUE, OTHER), {})
    assert [venue.quotes for venue in seen.snapshot.venues] == [(), ("a quote",)]
    assert seen.snapshot.paused is False
    assert f"order 7 on venue later is {state.value}" in seen.restraint


def test_restrain__open_order_on_the_only_venue__leaves_margin_alone(ledger, alerts):
    told(ledger, ("7", REQUESTED, 100, 0))
    seen = OrderWatch(ledger, alerts, SETTINGS, NAMES).restrain(sight(VENUE), {})
    assert seen.snapshot.paused is True


# A rescue, a relayed intent, an adapter's own order: no decision of this ledger.
def test_restrain__order_of_somebody_else__is_as_old_as_it_has_been_seen(ledger, alerts):
    venue = PendingVenue()
    venue.mine(("7", REQUESTED, 100, 0))
    [step] = venue.blocks[0]
    venue.blocks[0] = [replace(step, intent_id=IntentId("0x" + "00" * 32))]
    ledger.add_scan(venue.scan())
    watch = OrderWatch(ledger, alerts, SETTINGS, NAMES)
    assert "order 7" in watch.restrain(sight(VENUE, age=9_000), {}).restraint
    watch.restrain(sight(VENUE, age=9_600), {})
    assert alerts.up == frozenset()
    watch.restrain(sight(VENUE, age=9_601), {})
    assert alerts.up == {AlertEvent.ORDER_STUCK}


@pytest.mark.parametrize(("state", "filled"), [(EXECUTED, 100), (CANCELLED, 40), (EXPIRED, 0)])
def test_restrain__order_has_ended__the_rest_is_decided_anew(ledger, alerts, state, filled):
    told(ledger, ("7", REQUESTED, 100, 0), ("7", state, 100, filled))
    seen = sight(VENUE)
    assert OrderWatch(ledger, alerts, SETTINGS, NAMES).restrain(seen, {}) is seen


def test_restrain__orders_fail_alike_in_a_row__venue_is_left_alone(ledger, alerts):
    watch = OrderWatch(ledger, alerts, SETTINGS, NAMES)
    told(ledger, *failed("1", "2", "3"))
    seen = watch.restrain(sight(VENUE, OTHER), {})
    assert [venue.quotes for venue in seen.snapshot.venues] == [(), ("a quote",)]
    assert "the last 3 orders on venue" in seen.restraint
    assert alerts.up == {AlertEvent.ORDERS_FAILING}
    ledger.acknowledge(Acknowledgement(Subject.ORDERS, f"{VENUE} 3", Seconds(1), "the venue was upgraded"))
    assert watch.restrain(sight(VENUE, OTHER), {}).restraint == ""
    assert alerts.up == frozenset()


@pytest.mark.parametrize(
    "steps",
    [
        failed("1", "2"),
        [*failed("1", "2"), *failed("3", state=CANCELLED)],
        [*failed("1", "2"), *failed("3", filled=40)],
        [*failed("1"), *failed("2", state=EXECUTED, filled=100), *failed("3", "4")],
    ],
    ids=["fewer than the limit", "another end", "a part was filled", "one was executed"],
)
def test_restrain__not_the_same_failure_often_enough__the_venue_is_used_on(ledger, alerts, steps):
    told(ledger, *steps)
    assert OrderWatch(ledger, alerts, SETTINGS, NAMES).restrain(sight(VENUE), {}).restraint == ""
    assert alerts.up == frozenset()


@pytest.mark.parametrize(("age", "is_told"), [(600, False), (601, True)])
def test_restrain__order_is_open_for_too_long__is_told(ledger, alerts, age, is_told):
    told(ledger, ("7", REQUESTED, 100, 0))
    OrderWatch(ledger, alerts, SETTINGS, NAMES).restrain(sight(VENUE, age=age), {})
    assert (AlertEvent.ORDER_STUCK in alerts.up) is is_told


def test_restrain__order_that_cannot_be_cancelled__is_told_with_why_and_what_to_type(ledger, alerts, caplog):
    told(ledger, ("7", REQUESTED, 100, 0))
    refusals = {"7": "cancel it (it expired 90 s ago): Halted"}
    OrderWatch(ledger, alerts, SETTINGS, NAMES).restrain(sight(VENUE, age=700), refusals)
    assert "the keeper cannot cancel it (it expired 90 s ago): Halted; " in caplog.text
    assert """evenkeel gov call 'later.cancel ["7"]', or evenkeel gov close later""" in caplog.text


def test_restrain__frozen_order__is_told_at_once_and_over_when_it_ends(ledger, alerts):
    watch = OrderWatch(ledger, alerts, SETTINGS, NAMES)
    venue = PendingVenue()
    venue.mine(("7", REQUESTED, 100, 0))
    venue.mine(("7", FROZEN, 100, 0))
    ledger.add_scan(venue.scan())
    watch.restrain(sight(VENUE), {})
    assert alerts.up == {AlertEvent.ORDER_STUCK}
    venue.mine(("7", CANCELLED, 100, 0))
    ledger.add_scan(venue.scan(3))
    watch.restrain(sight(VENUE), {})
    assert alerts.up == frozenset()


def test_restrain__step_is_taken_back_by_a_reorganisation__the_order_is_open_again(ledger, alerts):
    watch = OrderWatch(ledger, alerts, SETTINGS, NAMES)
    venue = PendingVenue()
    venue.mine(("7", REQUESTED, 100, 0))
    venue.mine(("7", EXECUTED, 100, 100))
    ledger.add_scan(venue.scan())
    assert watch.restrain(sight(VENUE), {}).restraint == ""
    ledger.void(venue.cut(1))
    assert "is requested" in watch.restrain(sight(VENUE), {}).restraint


def test_failed_in_a_row__open_order_after_them__is_left_out(ledger):
    told(ledger, *failed("1", "2"), ("3", REQUESTED, 100, 0))
    assert [order.order_id for order in failed_in_a_row(ledger.orders())] == ["2", "1"]
