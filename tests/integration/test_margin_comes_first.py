"""An account on its way to liquidation is saved whatever else fails: book, quotes, market, price."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.state import StateCalls, read_state
from agent.domain import Book
from agent.errors import AgentError
from agent.guard import venue_leverage
from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.units import WAD
from tests.support.adversary import Adversary
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

HIGH_LEVERAGE = 2.5
"""Watermark of config/localnet.toml, above which margin is due."""


@pytest.fixture
def adversary(keeper_chain: KeeperWorld):
    """A hedge at as much leverage as the guard allows."""
    with keeper_chain.fresh() as fresh:
        one = Adversary(fresh)
        assert one.hedge() > 50
        assert one.lever_up()
        one.pass_time(12)
        assert leverage(fresh) > 3.5
        yield one


def leverage(world: KeeperWorld) -> float:
    with world.keeper(ledger="reader") as keeper:
        calls = StateCalls(world.deployment, is_without_book=True)
        state = read_state(keeper.planner.client, calls, keeper.planner.head())
    return venue_leverage(state.measurement.venues[0]) / WAD


def half(book: Book) -> Book:
    return replace(book, positions=tuple(replace(leg, quantity=leg.quantity / 2) for leg in book.options))


def no_tick(adversary: Adversary):
    return adversary.curie.base_token, 0


def cycle(keeper: Keeper):
    """One cycle, whatever comes after the margin."""
    try:
        return keeper.cycle()
    except AgentError as error:
        return error


def assert_saved(world: KeeperWorld, size: int) -> None:
    assert leverage(world) < HIGH_LEVERAGE
    assert world.size() == size, "margin alone has moved"


def test_margin__book_and_chain_disagree__is_topped_up(adversary):
    world = adversary.world
    size = world.size()
    with world.keeper(book=half(world.book())) as keeper:
        cycle(keeper)
    assert_saved(world, size)


def test_margin__venue_quotes_nothing__is_topped_up(adversary):
    """Curie lets the pool move by no tick, while the price asks for a trade."""
    world = adversary.world
    world.step(START_PRICE_USD * 1.03)
    size = world.size()
    adversary.as_owner(adversary.curie.exchange, "setMaxTickCrossedWithinBlock(address,uint24)", *no_tick(adversary))
    with world.keeper() as keeper:
        cycle(keeper)
    assert_saved(world, size)


def test_margin__market_paused__is_topped_up(adversary):
    world = adversary.world
    size = world.size()
    adversary.as_owner(adversary.curie.base_token, "pause()")
    with world.keeper() as keeper:
        cycle(keeper)
    assert_saved(world, size)


def test_margin__vault_paused_and_books_apart__is_topped_up(adversary):
    world = adversary.world
    size = world.size()
    assert adversary.as_guardian(world.vault, "pause()")
    with world.keeper(book=half(world.book())) as keeper:
        cycle(keeper)
    assert_saved(world, size)


def test_margin__price_stale__is_topped_up(adversary):
    world = adversary.world
    size = world.size()
    adversary.pass_time(7_200)
    with world.keeper() as keeper:
        result = keeper.cycle()
    assert_saved(world, size)
    assert result.margin_first.outcome is Outcome.EXECUTED
    assert result.rejection.name == "PriceStale"


def test_margin__topped_up__is_followed_by_the_hedge_in_the_next_block(adversary):
    world = adversary.world
    world.step(START_PRICE_USD * 1.08)
    with world.keeper() as keeper:
        first = keeper.cycle()
        adversary.pass_time(12)
        second = keeper.cycle()
    assert first.margin_first.outcome is Outcome.EXECUTED
    assert first.margin_first.fills == ()
    assert (first.outcome, first.fills) == (Outcome.HELD, ())
    assert (second.outcome, second.margin_first) == (Outcome.EXECUTED, None)
    assert second.fills


def test_margin__collateral_used_up__position_is_cut_inside_the_guards_leverage(adversary):
    world = adversary.world
    adversary.leave(adversary.accounts["depositor"])
    world.step(START_PRICE_USD * 0.965)
    size, bound = world.size(), float(world.settings().bounds.max_venue_leverage_ratio)
    assert leverage(world) > bound
    with world.keeper(book=half(world.book())) as keeper:
        cycle(keeper)
    assert 0 < world.size() < size
    assert 0.75 * bound <= leverage(world) <= bound


def test_margin__account_in_order__costs_no_transaction(adversary):
    world = adversary.world
    with world.keeper() as keeper:
        keeper.cycle()
        done = len(world.events("Rebalanced"))
        result = keeper.cycle()
    assert result.margin_first is None
    assert len(world.events("Rebalanced")) == done
