"""The loop with orders that outlive their transaction: one at a time, the rest decided anew, no endless retry."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from agent.chain.block_id import BlockId
from agent.keeper.alerts import AlertEvent
from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.records import Acknowledgement, OrderState, Subject
from agent.units import WAD, Seconds
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld
from tests.support.pending_venue import PendingOrders

pytestmark = pytest.mark.chain

ASKED = -20 * WAD


@dataclass
class Hedged:
    """A hedged book whose hedge the market has left behind, its keeper, and the orders of its venue."""

    world: KeeperWorld
    keeper: Keeper
    orders: PendingOrders

    def cycle(self, *said: tuple[str, OrderState, int, int]) -> CycleResult:
        """Let a block come in which the venue says this of its orders, and the keeper do a cycle on it."""
        self.world.localnet.chain.mine([], self.world.now() + 300)
        if said:
            head = self.keeper.planner.head()
            self.keeper._scanner.scan(head)  # up to it, so that what the venue says comes after what was read
            self.orders.say(BlockId.of(head), *said)
        return self.keeper.cycle()


@pytest.fixture
def hedged(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as world, world.keeper() as keeper:
        for _ in range(5):  # a busy machine may not see the receipt at once
            keeper.cycle()
        [first] = keeper.ledger.rebalances()
        for ratio in (0.96, 0.92):
            world.step(START_PRICE_USD * ratio)
        yield Hedged(world, keeper, PendingOrders(keeper.ledger, world.venue, first.intent_id))


def test_cycle__order_is_open__nothing_more_is_sent_until_it_has_ended(hedged):
    size, half = hedged.world.size(), ASKED // 2
    for state, filled in ((OrderState.REQUESTED, 0), (OrderState.PARTLY, half), (OrderState.FROZEN, half)):
        result = hedged.cycle(("7", state, ASKED, filled))
        assert result.outcome is Outcome.HELD
        assert result.reason.startswith(f"order 7 on venue curie is {state.value}, ")
    assert hedged.world.size() == size
    assert hedged.keeper.alerts.up == {AlertEvent.ORDER_STUCK}
    result = hedged.cycle(("7", OrderState.CANCELLED, ASKED, half))
    assert result.outcome is Outcome.EXECUTED, result.reason
    assert hedged.world.size() != size
    assert hedged.keeper.alerts.up == frozenset()


def test_cycle__orders_expire_in_a_row__stops_until_somebody_has_looked(hedged):
    for order_id in ("1", "2", "3"):
        result = hedged.cycle((order_id, OrderState.REQUESTED, ASKED, 0), (order_id, OrderState.EXPIRED, ASKED, 0))
        if order_id == "1":
            assert result.outcome is Outcome.EXECUTED, "one failure stops nothing"
    assert result.outcome is Outcome.HELD
    assert "the last 3 orders on venue" in result.reason
    assert hedged.keeper.alerts.up == {AlertEvent.ORDERS_FAILING}
    hedged.world.step(START_PRICE_USD * 0.85)
    assert hedged.cycle().outcome is Outcome.HELD
    word = Acknowledgement(Subject.ORDERS, f"{hedged.world.venue} 3", Seconds(0), "the venue is back")
    hedged.keeper.ledger.acknowledge(word)
    assert hedged.cycle().outcome is Outcome.EXECUTED
    assert hedged.keeper.alerts.up == frozenset()


def test_cycle__keeper_is_started_again__minds_the_open_order(hedged):
    hedged.cycle(("7", OrderState.REQUESTED, ASKED, 0))
    hedged.keeper.close()
    with hedged.world.keeper() as later:
        result = later.cycle()
        assert result.outcome is Outcome.HELD
        assert "order 7 on venue" in result.reason
