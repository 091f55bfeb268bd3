"""Orders that outlive their transaction: every allowed step and no other, whatever a reorganisation undoes."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product

import pytest

from agent.errors import DataError
from agent.ledger.database import Database
from agent.ledger.orders import Order, advance, is_final, replay
from agent.ledger.records import OrderState, OrderStep, VaultIdentity
from agent.units import Address, BlockHash, IntentId
from tests.support.pending_venue import PendingVenue

REQUESTED, PARTLY, EXECUTED = OrderState.REQUESTED, OrderState.PARTLY, OrderState.EXECUTED
CANCELLED, FROZEN, EXPIRED = OrderState.CANCELLED, OrderState.FROZEN, OrderState.EXPIRED
ALLOWED = {
    *product((REQUESTED, PARTLY), (PARTLY, EXECUTED, CANCELLED, FROZEN, EXPIRED)),
    *product((FROZEN,), (PARTLY, EXECUTED, CANCELLED, EXPIRED)),
}
FILLED = {REQUESTED: 0, PARTLY: 40, EXECUTED: 100, CANCELLED: 40, FROZEN: 40, EXPIRED: 40}
IDENTITY = VaultIdentity(31_337, Address("0x00000000000000000000000000000000000000A1"), 1, BlockHash("0x01"))


def steps(*told: tuple[OrderState, int], requested: int = 100) -> list[OrderStep]:
    venue = PendingVenue()
    for state, filled in told:
        venue.mine(("7", state, requested, filled))
    return list(venue.scan().order_steps)


def order_after(*told: tuple[OrderState, int], requested: int = 100) -> Order:
    [order] = replay(steps(*told, requested=requested)).values()
    return order


@pytest.mark.parametrize(("before", "after"), list(product(OrderState, OrderState)))
def test_advance__every_pair_of_states__is_allowed_or_refused(before, after):
    path = [(REQUESTED, 0)]
    if before is not REQUESTED:
        path.append((before, FILLED[before]))
    filled = max(FILLED[after], FILLED[before]) if after is not REQUESTED else 0
    if after is PARTLY and before is EXECUTED:
        filled = 40
    if (before, after) in ALLOWED:
        assert order_after(*path, (after, filled)).state is after
    else:
        with pytest.raises(DataError, match=f"was {before.value} and cannot become {after.value}"):
            order_after(*path, (after, filled))


def test_is_final__states_after_which_nothing_executes__are_three():
    assert {state for state in OrderState if is_final(state)} == {EXECUTED, CANCELLED, EXPIRED}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("told", "pending", "unfilled"),
    [
        ([(REQUESTED, 0)], 100, 0),
        ([(REQUESTED, 0), (PARTLY, 40)], 60, 0),
        ([(REQUESTED, 0), (PARTLY, 40), (FROZEN, 40)], 60, 0),
        ([(REQUESTED, 0), (FROZEN, 0), (EXECUTED, 100)], 0, 0),
        ([(REQUESTED, 0), (PARTLY, 40), (CANCELLED, 40)], 0, 60),
        ([(REQUESTED, 0), (EXPIRED, 0)], 0, 100),
    ],
)
def test_order__what_may_execute_and_what_is_left__add_up_with_what_is_filled(sign, told, pending, unfilled):
    order = order_after(*((state, sign * filled) for state, filled in told), requested=sign * 100)
    assert (order.pending_size_delta, order.unfilled_size_delta) == (sign * pending, sign * unfilled)
    assert order.filled_size_delta + order.pending_size_delta + order.unfilled_size_delta == sign * 100


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ([(PARTLY, 40)], "is partly and was never requested"),
        ([(EXECUTED, 100)], "is executed and was never requested"),
        ([(REQUESTED, 1)], "is requested with 1 of 100 filled"),
        ([(REQUESTED, 0), (PARTLY, 0)], "is partly with 0 of 100 filled"),
        ([(REQUESTED, 0), (PARTLY, 100)], "is partly with 100 of 100 filled"),
        ([(REQUESTED, 0), (EXECUTED, 99)], "is executed with 99 of 100 filled"),
        ([(REQUESTED, 0), (PARTLY, 101)], "has 101 filled of 100 requested"),
        ([(REQUESTED, 0), (CANCELLED, -1)], "has -1 filled of 100 requested"),
        ([(REQUESTED, 0), (PARTLY, 40), (CANCELLED, 39)], "had 40 filled and now 39"),
    ],
)
def test_replay__sizes_that_cannot_be__are_refused_in_one_line(told, fault):
    with pytest.raises(DataError, match=f"order 7 of venue 0x.*: {fault}; look at the venue's events") as caught:
        order_after(*told)
    assert "\n" not in str(caught.value)


def test_replay__asks_for_nothing__is_refused():
    with pytest.raises(DataError, match="asks for nothing"):
        order_after((REQUESTED, 0), requested=0)


def test_advance__id_used_for_another_size__is_refused():
    first, other = steps((REQUESTED, 0))[0], steps((REQUESTED, 0), (PARTLY, 40), requested=99)[1]
    with pytest.raises(DataError, match=r"was for 100 of intent 0x.* and is for another size or intent"):
        advance(advance(None, first), other)


def test_advance__id_used_for_another_intent__is_refused():
    first, other = steps((REQUESTED, 0), (PARTLY, 40))
    stranger = replace(other, intent_id=IntentId("0x" + "22" * 32))
    with pytest.raises(DataError, match=r"was for 100 of intent 0x11.* and is for another size or intent"):
        advance(advance(None, first), stranger)


# --- in the ledger ------------------------------------------------------------------------------------------------


@pytest.fixture
def database(ledger_url):
    with Database.open(ledger_url, "vault", "key") as opened:
        yield opened


@pytest.fixture
def ledger(database):
    return database.vault(IDENTITY)


def test_add_scan__step_that_is_not_allowed__records_nothing(ledger):
    venue = PendingVenue()
    venue.mine(("7", REQUESTED, 100, 0), ("8", REQUESTED, 5, 0))
    ledger.add_scan(venue.scan())
    before = ledger.orders()
    venue.mine(("7", CANCELLED, 100, 0), ("8", EXECUTED, 5, 5))
    venue.mine(("7", EXECUTED, 100, 100))
    with pytest.raises(DataError, match="was cancelled and cannot become executed"):
        ledger.add_scan(venue.scan(2))
    assert ledger.orders() == before
    assert ledger.last_scan().number == 1


def test_add_scan__events_come_twice_and_after_a_restart__count_once(database, ledger):
    venue = PendingVenue()
    venue.mine(("7", REQUESTED, 100, 0))
    venue.mine(("7", PARTLY, 100, 30), ("7", PARTLY, 100, 70))
    ledger.add_scan(venue.scan())
    ledger.add_scan(venue.scan())
    assert [(order.state, order.pending_size_delta) for order in ledger.orders()] == [(PARTLY, 30)]
    assert database.vault(IDENTITY).orders() == ledger.orders()
    assert len(ledger.order_steps()) == 3


def test_void__block_of_the_execution_replaced__order_is_pending_again(ledger):
    venue = PendingVenue()
    venue.mine(("7", REQUESTED, 100, 0))
    venue.mine(("7", EXECUTED, 100, 100))
    ledger.add_scan(venue.scan())
    ledger.void(venue.cut(1))
    assert [order.pending_size_delta for order in ledger.orders()] == [100]
    venue.mine(("7", EXPIRED, 100, 0))
    ledger.add_scan(venue.scan(2))
    assert [(order.state, order.unfilled_size_delta) for order in ledger.orders()] == [(EXPIRED, 100)]


def random_step(draw: random.Random, order: Order) -> tuple[str, OrderState, int, int]:
    """Something that the venue may do next with an order."""
    requested, filled = order.requested_size_delta, order.filled_size_delta
    state = draw.choice([after for before, after in sorted(ALLOWED, key=str) if before is order.state])
    if state is PARTLY:
        more = draw.randint(abs(filled), abs(requested) - 1)
        filled = max(more, 1) * (1 if requested > 0 else -1)
    return order.order_id, state, requested, requested if state is EXECUTED else filled


@pytest.mark.parametrize("seed", range(4))
def test_orders__venue_and_reorganisations_at_random__are_the_venues_own(ledger, seed):
    draw, venue, scanned = random.Random(seed), PendingVenue(), 0
    for block in range(60):
        if draw.random() < 0.2 and len(venue.blocks) > 1:
            gone = venue.cut(draw.randint(1, min(8, len(venue.blocks) - 1)))
            ledger.void(block_id for block_id in gone if block_id.number <= scanned)
            scanned = min(scanned, len(venue.blocks))
        told = replay(venue.scan().order_steps) if venue.blocks else {}
        living = [order for order in told.values() if not is_final(order.state)]
        said = [random_step(draw, order) for order in living if draw.random() < 0.5]
        if draw.random() < 0.4:
            size = draw.choice([-1, 1]) * draw.randint(2, 10**20)
            said.append((f"{block}", REQUESTED, size, 0))
        venue.mine(*said)
        if draw.random() < 0.7:
            ledger.add_scan(venue.scan(max(scanned + 1 - draw.randint(0, 3), 1)))
            scanned = len(venue.blocks)
            assert ledger.orders() == list(replay(venue.scan().order_steps).values())
