"""What others do to the vault's account on the real Curie is read, booked to the wei, and told."""

from __future__ import annotations

import logging

import pytest

from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.ledger.acknowledging import find
from agent.ledger.reading import reading, vault_of
from agent.ledger.records import Acknowledgement, Subject
from agent.units import WAD, Seconds
from agent.venues.protocol import AccountEventKind
from tests.support.adversary import Adversary
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

GAP = (0.93, 0.87, 0.82, 0.78)
"""The market follows in steps: Curie refuses trades that move it farther at once."""
RECONCILED_BPS = 0.05
"""Curie rounds an account's value down to one unit of collateral; nothing else may be left."""


@pytest.fixture
def adversary(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield Adversary(fresh)


@pytest.fixture
def alerts(caplog):
    caplog.set_level(logging.WARNING, logger="evenkeel.keeper")
    return lambda: [record.alert for record in caplog.records if record.levelno == logging.CRITICAL]


@pytest.fixture
def liquidatable(adversary):
    """As much leverage as the guard allows, and a gap while nobody looks."""
    adversary.hedge()
    assert adversary.lever_up()
    for ratio in GAP:
        adversary.world.step(START_PRICE_USD * ratio)
    return adversary


def take_over_once(adversary: Adversary) -> None:
    """One liquidation, of as much as Curie lets be taken at once: half of the position."""
    world = adversary.world
    liquidator = adversary.accounts["arbitrageur"]
    adversary.fund(1_000_000, liquidator)
    target = (world.venue, adversary.curie.base_token)
    assert adversary.attempt(liquidator, adversary.curie.clearing_house, "liquidate(address,address)", *target)
    world.step(START_PRICE_USD * GAP[-1])


def kinds(keeper) -> list[AccountEventKind]:
    return [event.kind for event in keeper.ledger.account_events()]


def test_liquidation__half_of_the_position__is_booked_and_told(liquidatable, alerts):
    world, size = liquidatable.world, liquidatable.world.size()
    take_over_once(liquidatable)
    assert 0 < abs(world.size()) < abs(size), "a real liquidation, of a part"
    with world.keeper() as keeper:
        result = keeper.cycle()
        assert result.nav.error_bps <= RECONCILED_BPS
        assert kinds(keeper) == [AccountEventKind.TRADE, AccountEventKind.LIQUIDATION]
        trade, penalty = keeper.ledger.account_events()
        assert trade.size_delta == world_before_keeper(world, size, keeper)
        assert penalty.cash < 0
    assert "account_liquidated" in alerts()


def world_before_keeper(world, size, keeper) -> int:
    """What was taken: the position now, less what the keeper traded since, less what it was."""
    own = sum(fill.size_delta for fill in keeper.ledger.fills())
    return world.size() - own


def test_liquidation__whole_position_with_bad_debt__is_booked_and_told(liquidatable, alerts):
    world = liquidatable.world
    world.step(START_PRICE_USD * 0.70)
    liquidatable.liquidate()
    assert world.size() == 0
    world.step(START_PRICE_USD * 0.70)
    with world.keeper() as keeper:
        first = keeper.cycle()
        assert first.nav.error_bps <= RECONCILED_BPS
        assert AccountEventKind.BAD_DEBT in kinds(keeper)
        assert "positions may only shrink" not in first.reason
    assert {"account_liquidated", "account_bad_debt"} <= set(alerts())


def test_deposit__by_a_stranger__is_booked_and_told(adversary, alerts):
    world = adversary.world
    adversary.hedge()
    assert adversary.send_dollars(20_000)
    with world.keeper() as keeper:
        result = keeper.cycle()
        assert result.nav.error_bps <= RECONCILED_BPS
        (event,) = keeper.ledger.account_events()
    assert (event.kind, event.cash, event.size_delta) == (AccountEventKind.DEPOSIT, 20_000 * WAD, 0)
    assert alerts() == ["account_changed"]


def test_deposit__of_another_token__counts_nothing_and_is_told(adversary, alerts):
    world = adversary.world
    adversary.hedge()
    adversary.accept_weth()
    assert adversary.send_dust(10**15)
    with world.keeper() as keeper:
        result = keeper.cycle()
        (event,) = keeper.ledger.account_events()
    assert result.nav.error_bps <= RECONCILED_BPS
    assert event.cash == 0
    assert alerts() == ["account_changed"]


def test_market_closed__position_paid_out__is_booked(adversary):
    world, base = adversary.world, adversary.curie.base_token
    adversary.hedge()
    adversary.as_owner(base, "pause()")
    adversary.as_owner(base, "close(uint256)", int(3_100 * WAD))
    quit_market = "quitMarket(address,address)"
    assert adversary.attempt(adversary.account, adversary.curie.clearing_house, quit_market, world.venue, base)
    assert world.size() == 0
    world.localnet.chain.mine([], world.now() + 12)
    with world.keeper() as keeper:
        keeper._see_head()
        assert kinds(keeper) == [AccountEventKind.CLOSED]
        account = keeper.ledger.accounts.venues[world.venue]
    assert account.size == 0
    low, _ = adversary.equity_usd()
    assert account.worth(0, 0, 6) / WAD == pytest.approx(low, abs=0.01)


def test_own_trades_and_margin__are_no_events_of_others(adversary, alerts):
    world = adversary.world
    with world.keeper() as keeper:
        for ratio in (1.0, 0.97, 0.94):
            world.step(START_PRICE_USD * ratio)
            keeper.cycle()
        assert kinds(keeper) == []
    assert [event for event in alerts() if event.startswith("account")] == []


# --- what nobody has understood -----------------------------------------------------------------------------------


def blind(keeper: Keeper) -> Keeper:
    """A keeper that does not know of liquidations, as of an event that a venue adds one day."""
    keeper._scanner._account_events = []
    return keeper


@pytest.fixture
def taken(liquidatable):
    """Half of the hedge is gone, and the price calls for more of it again."""
    take_over_once(liquidatable)
    liquidatable.world.step(START_PRICE_USD * 0.84)
    liquidatable.world.step(START_PRICE_USD * 0.90)
    return liquidatable.world


def test_nav_break__not_understood__lets_positions_only_shrink(taken, alerts):
    size = taken.size()
    with taken.keeper() as keeper:
        blind(keeper).cycle()  # margin first
        taken.localnet.chain.mine([], taken.now() + 12)
        result = keeper.cycle()
    assert result.nav.error_bps > 20
    assert "so positions may only shrink" in result.reason
    assert taken.size() == size
    assert "nav_break" in alerts()


def test_nav_break__not_understood__still_lets_the_hedge_be_reduced(taken):
    size = taken.size()
    for ratio in (0.84, 0.79, 0.75):
        taken.step(START_PRICE_USD * ratio)
    with taken.keeper() as keeper:
        results = [blind(keeper).cycle()]
        for _ in range(3):
            taken.localnet.chain.mine([], taken.now() + 300)
            results.append(keeper.cycle())
    assert all(result.nav.error_bps > 20 for result in results)
    assert 0 <= taken.size() < size, [result.reason for result in results]


def test_nav_break__books_reconciled__trades_again(taken):
    """The same vault read anew, by a keeper that knows the event."""
    with taken.keeper() as keeper:
        blind(keeper).cycle()
        taken.localnet.chain.mine([], taken.now() + 12)
        assert "positions may only shrink" in keeper.cycle().reason
    size = taken.size()
    taken.localnet.chain.mine([], taken.now() + 12)
    with taken.keeper(ledger="rebuilt") as keeper:
        result = keeper.cycle()
    assert result.nav.error_bps <= RECONCILED_BPS
    assert result.outcome is Outcome.EXECUTED
    assert taken.size() > size


def test_nav_break__acknowledged__is_corrected_once_and_trades_again(taken, alerts):
    size = taken.size()
    with taken.keeper() as keeper:
        blind(keeper).cycle()  # margin first
        taken.localnet.chain.mine([], taken.now() + 12)
        assert "positions may only shrink" in keeper.cycle().reason
        acknowledge_nav(taken)  # beside the keeper at work
        taken.localnet.chain.mine([], taken.now() + 12)
        result = keeper.cycle()
        assert result.nav.error_bps <= RECONCILED_BPS
        assert result.outcome is Outcome.EXECUTED, result.reason
        assert alerts()[-1] == "nav_corrected"
    assert taken.size() > size
    taken.step(START_PRICE_USD * 0.86)  # a position that was missing would show
    with taken.keeper() as keeper:
        assert blind(keeper).cycle().nav.error_bps <= RECONCILED_BPS


def test_nav_break__correction_loses_its_block__is_made_again(taken):
    with taken.keeper() as keeper:
        blind(keeper).cycle()
        taken.localnet.chain.mine([], taken.now() + 12)
        keeper.cycle()
        acknowledge_nav(taken)
        fork = taken.rpc("evm_snapshot")
        blocks = []
        for seconds in (12, 13):
            taken.localnet.chain.mine([], taken.now() + seconds)
            keeper.cycle()
            [block] = {
                one.at.block for one in keeper.ledger.account_events() if one.kind is AccountEventKind.CORRECTION
            }
            blocks.append(block)
            taken.rpc("evm_revert", fork)
            fork = taken.rpc("evm_snapshot")
            taken.localnet.chain.mine([], taken.now() + 100)
        assert blocks[1].number > blocks[0].number, "the first one's block is gone"


def acknowledge_nav(world: KeeperWorld) -> None:
    settings = world.settings()
    with reading(settings.ledger.url) as engine:
        ledger = vault_of(engine, settings.chain.chain_id, None)
        found = find(ledger, Subject.NAV, settings.keeper.max_nav_error_bps)
        [reference] = found.references
        ledger.acknowledge(Acknowledgement(Subject.NAV, reference, Seconds(0), "a liquidation before this version"))
