"""The keeper on GMX v2: orders that GMX's keepers execute with the account's ether, and all that nobody tells."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from agent.chain.client import ChainClient
from agent.doctor.check import Verdict
from agent.doctor.vault import VaultDoctor
from agent.domain import HoldingLeg, OrderGas
from agent.errors import FatalError
from agent.keeper.alerts import AlertEvent
from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.records import Acknowledgement, OrderState, Subject
from agent.localnet.codec import encode_call
from agent.localnet.evm import Transaction
from agent.localnet.governance import governor_call
from agent.status.risk import liquidation_distance
from agent.units import WAD, AssetUnits, Seconds, Wei
from agent.venues.maintenance import maintenance_of
from agent.venues.protocol import AccountEventKind
from tests.support.gmx_world import BASE_FEE_WEI, ETHER_WEI, GMX_PRICE, MARKET, GmxWorld, gmx_world
from tests.support.keeper_world import START_PRICE_USD
from tests.support.venue_cycles import cycles, net_delta

pytestmark = pytest.mark.chain

BAND = 5.0
MOST_ERROR_BPS = 0.1
ETHER_OF_ONE_ORDER_WEI = 13 * 10**14
"""Of 5.1 million gas at 0.21 gwei, the first bid at a base fee of 0.1, and not of the 6.1 million of a close after."""
SHOULD_NOT_BE_LIQUIDATED = "0xee919dd9"
"""`PositionShouldNotBeLiquidated`."""
UP, DOWN = START_PRICE_USD * 1.045, START_PRICE_USD * 0.955
"""Moves that leave the band."""


@pytest.fixture(scope="module")
def chain(tmp_path_factory) -> Iterator[GmxWorld]:
    with gmx_world(tmp_path_factory.mktemp("gmx")) as world:
        yield world


@pytest.fixture
def world(chain) -> Iterator[GmxWorld]:
    release = chain.release
    with chain.fresh():
        chain.give_ether()
        yield chain
    chain.release, chain.executes = release, True


@pytest.fixture
def keeper(world) -> Iterator[Keeper]:
    with world.keeper() as keeper:
        yield keeper


@pytest.fixture
def client(world) -> Iterator[ChainClient]:
    with closing(ChainClient(world.settings().chain)) as client:
        yield client


def require_hedged(result: CycleResult) -> None:
    assert result.outcome is Outcome.HELD, result.reason
    assert abs(net_delta(result)) < BAND
    assert result.nav is not None
    assert result.nav.error_bps < MOST_ERROR_BPS


def states(keeper: Keeper) -> list[OrderState]:
    return [order.state for order in keeper.ledger.orders()]


@pytest.fixture
def told(keeper, monkeypatch) -> list[tuple[AlertEvent, str]]:
    """What the keeper tells once, beside alerts that stand."""
    heard: list[tuple[AlertEvent, str]] = []
    monkeypatch.setattr(keeper.alerts, "tell", lambda event, words: heard.append((event, words)))
    return heard


@pytest.fixture
def hedged(world, keeper) -> Keeper:
    """A keeper with its first hedge."""
    require_hedged(cycles(world, keeper, 2)[-1])
    return keeper


def test_first_hedge__from_cash__every_dollar_is_told(world, keeper, told):
    asked, held = cycles(world, keeper, 2)
    assert asked.outcome is Outcome.EXECUTED, asked.reason
    require_hedged(held)
    (order,) = keeper.ledger.orders()
    assert (order.state, order.filled_size_delta) == (OrderState.EXECUTED, world.size())
    (ether,) = keeper.ledger.account_events()
    assert (ether.kind, ether.cash) == (AccountEventKind.DEPOSIT, ETHER_WEI * int(START_PRICE_USD))
    assert [event for event, _ in told] == [AlertEvent.ACCOUNT_CHANGED]
    assert keeper.alerts.up == frozenset()


@pytest.mark.parametrize("ratio", [0.998, 1.0004])
def test_order__filled_at_another_price__is_whole_at_the_size_it_came_to(world, keeper, ratio):
    world.executes = False
    cycles(world, keeper, 1)
    world.execute(START_PRICE_USD * ratio)
    world.executes = True
    require_hedged(cycles(world, keeper, 1)[-1])
    (order,) = keeper.ledger.orders()
    assert (order.state, order.filled_size_delta) == (OrderState.EXECUTED, order.requested_size_delta)
    assert keeper.ledger.accounts.venues[world.venue].size == world.size()
    assert world.size() / order.requested_size_delta == pytest.approx(1 / ratio, rel=1e-6)


def test_order__beyond_its_limit__is_cancelled_and_decided_anew(world, hedged):
    world.executes = False
    world.step(DOWN)
    (asked,) = cycles(world, hedged, 1)
    assert asked.outcome is Outcome.EXECUTED, asked.reason
    world.execute(DOWN * 0.9)
    world.executes = True
    world.step(DOWN)
    results = cycles(world, hedged, 2)
    assert states(hedged)[-2:] == [OrderState.CANCELLED, OrderState.EXECUTED]
    require_hedged(results[-1])


def test_order__frozen__is_paged_and_cancelled_once_gmx_lets_go_of_it(world, hedged):
    world.executes = False
    world.step(DOWN)
    cycles(world, hedged, 1)
    (key,) = world.open_keys()
    world.gmx(world.release.handler, "freeze(bytes32)", key)
    (waits,) = cycles(world, hedged, 1)
    assert "is frozen" in waits.reason
    assert AlertEvent.ORDER_STUCK in hedged.alerts.up
    world.executes = True
    world.step(DOWN)
    results = cycles(world, hedged, 2)
    assert states(hedged)[-2:] == [OrderState.CANCELLED, OrderState.EXECUTED]
    require_hedged(results[-1])
    assert hedged.alerts.up == frozenset()


def test_book__turned_over__is_followed_through_zero_by_one_order(world, hedged):
    holder, weth = world.localnet.manifest.accounts["depositor"], world.localnet.manifest.weth
    wrap = Transaction("wrap", holder, weth, encode_call("deposit()"), 100_000, value_wei=Wei(60 * WAD))
    world.localnet.chain.mine([wrap])
    hedged.close()
    book = world.book()
    longer = replace(book, positions=(*book.positions, HoldingLeg(60.0, "wrapped ether")))
    with world.keeper(book=longer) as keeper:
        world.step(START_PRICE_USD, 86_400)
        world.executes = False
        cycles(world, keeper, 1)
        close_key, _ = world.open_keys()
        price = round(world.localnet.published_price()[0] * 0.9995 * 10**8) * GMX_PRICE // 10**8
        world.gmx(world.release.handler, "execute(bytes32,uint256)", close_key, price)
        (waits,) = cycles(world, keeper, 1)
        assert (states(keeper)[-1], world.size()) == (OrderState.PARTLY, 0)
        assert "is partly" in waits.reason
        world.executes = True
        world.execute()
        require_hedged(cycles(world, keeper, 1)[-1])
        assert world.size() < 0
        assert states(keeper) == [OrderState.EXECUTED, OrderState.EXECUTED]


def test_fees__funding_and_borrowing__are_booked_while_they_accrue(world, hedged):
    usd, before = world.size() * int(START_PRICE_USD) / WAD, sum(one.paid for one in hedged.ledger.funding())
    world.step(START_PRICE_USD, 3_600)
    world.set_uint(3 * 10**26, "CUMULATIVE_BORROWING_FACTOR", "address,bool", MARKET, True)
    world.set_uint(2 * 10**17, "FUNDING_FEE_AMOUNT_PER_SIZE", "address,address,bool", MARKET, world.doubles.usdc, True)
    (result,) = cycles(world, hedged, 1)
    require_hedged(result)
    paid = sum(one.paid for one in hedged.ledger.funding()) - before
    assert paid / WAD == pytest.approx(usd * (3e-4 + 2e-4), rel=1e-3)
    world.step(DOWN)
    require_hedged(cycles(world, hedged, 2)[-1])
    assert hedged.alerts.up == frozenset()


def test_liquidation__told_by_nobody__is_paged_booked_and_hedged_anew(world, hedged, told):
    size = world.size()
    price = round(START_PRICE_USD * 0.934) * GMX_PRICE
    world.gmx(world.release.handler, "liquidate(address,bool,uint256)", world.venue, True, price)
    results = cycles(world, hedged, 3)
    event = hedged.ledger.account_events()[-1]
    assert (event.kind, event.size_delta) == (AccountEventKind.TRADE, -size)
    assert [alert for alert, _ in told] == [AlertEvent.ACCOUNT_CHANGED]
    assert f"position by {-size / WAD:+.6g}, cash by " in told[0][1]
    require_hedged(results[-1])


def test_deleveraging__of_a_third__is_booked_and_hedged_anew(world, hedged, told):
    size = world.size()
    price = round(START_PRICE_USD) * GMX_PRICE
    usd = size * price // 3
    world.gmx(world.release.handler, "deleverage(address,bool,uint256,uint256)", world.venue, True, usd, price)
    results = cycles(world, hedged, 3)
    event = hedged.ledger.account_events()[-1]
    assert (event.kind, event.size_delta / WAD) == (AccountEventKind.TRADE, pytest.approx(-size / 3 / WAD, rel=1e-6))
    require_hedged(results[-1])


def test_callback__lost__the_keeper_reconciles(world, hedged):
    world.gmx(world.release.handler, "setDeaf(bool)", True)
    world.step(UP)
    cycles(world, hedged, 1)
    (result,) = cycles(world, hedged, 1)
    assert [care.act.value for care in result.orders] == ["reconcile"]
    require_hedged(result)
    assert states(hedged) == [OrderState.EXECUTED, OrderState.EXECUTED]


def owed_by_a_deaf_close(world: GmxWorld, keeper: Keeper) -> int:
    """Close a part at an impact beyond GMX's cap while callbacks are lost; return the hour of what comes back later."""
    world.set_uint(8 * 10**27, "POSITION_IMPACT_FACTOR", "address,bool", MARKET, False)
    world.set_uint(5 * 10**26, "MAX_POSITION_IMPACT_FACTOR", "address,bool", MARKET, False)
    world.gmx(world.release.handler, "setDeaf(bool)", True)
    world.step(DOWN)
    require_hedged(cycles(world, keeper, 2)[-1])
    hours = [hour for hour in (world.now() // 3_600, world.now() // 3_600 - 1) if world.owed(hour)]
    assert len(hours) == 1
    return hours[0]


def noted(results: list[CycleResult]) -> list[str]:
    return [str(result.errand) for result in results if result.errand is not None]


@pytest.mark.parametrize("is_restarted", [False, True])
def test_delayed_collateral__callback_lost__is_noted_and_claimed_by_itself(world, hedged, is_restarted):
    hour, keeper = owed_by_a_deaf_close(world, hedged), hedged
    owed = world.owed(hour)
    assert owed > 10**8
    worth = world.equity()
    world.step(DOWN, (hour + (3 if is_restarted else 1)) * 3_600 + 60 - world.now())
    if is_restarted:
        assert worth - world.equity() == pytest.approx(owed * 10**12, rel=1e-3), "out of the account's own hours"
        keeper.close()
        keeper = world.keeper().__enter__()
    assert noted(cycles(world, keeper, 2)) == ["noteCollateral of venue gmx: executed"]
    world.step(DOWN, 5 * 3_600)
    assert world.equity() == pytest.approx(worth, abs=10**16)
    assert noted(cycles(world, keeper, 1)) == []
    world.step(DOWN, 6 * 86_400)
    assert noted(cycles(world, keeper, 3)) == ["claimCollateral of venue gmx: executed"]
    assert world.owed(hour) == 0
    assert world.equity() == pytest.approx(worth, abs=10**16)
    assert keeper.alerts.up == frozenset()
    keeper.close()


def test_funding__claimable__is_claimed_once_it_is_worth_it_and_made_cash_and_ether(world, hedged):
    """It was left until somebody called `claimFunding` and `unwrap` by hand."""
    wnt, usdc, worth = world.doubles.wnt, world.doubles.usdc, world.equity()
    claimable = "CLAIMABLE_FUNDING_AMOUNT", "address,address,address", MARKET
    world.gmx(wnt, "deposit()", value_wei=Wei(WAD))
    world.gmx(wnt, "transfer(address,uint256)", world.doubles.pool, WAD)
    world.set_uint(99 * 10**6, *claimable, usdc, world.venue)
    world.step(START_PRICE_USD, 7_200)
    assert noted(cycles(world, hedged, 1)) == []
    world.set_uint(30 * 10**6, *claimable, usdc, world.venue)
    world.set_uint(WAD // 25, *claimable, wnt, world.venue)
    acts: list[str] = []
    for _ in range(3):
        world.step(START_PRICE_USD, 7_200)
        results = cycles(world, hedged, 2)
        acts += noted(results)
        require_hedged(results[-1])
    assert acts == ["claimFunding of venue gmx: executed", "unwrap of venue gmx: executed"]
    assert world.equity() / WAD == pytest.approx(worth / WAD + 30 + START_PRICE_USD / 25, abs=0.01)
    assert [event.kind for event in hedged.ledger.account_events()] == [AccountEventKind.DEPOSIT]
    assert hedged.alerts.up == frozenset()


def test_keeper__started_again__goes_on_with_the_ledger_that_it_left(world, hedged):
    world.executes = False
    world.step(UP)
    cycles(world, hedged, 1)
    hedged.close()
    world.execute()
    world.executes = True
    with world.keeper() as later:
        require_hedged(cycles(world, later, 1)[-1])
        assert states(later) == [OrderState.EXECUTED, OrderState.EXECUTED]


def test_ledger__lost__is_made_again_from_the_chain(world, hedged):
    world.step(UP)
    cycles(world, hedged, 2)
    known = hedged.ledger.accounts.venues[world.venue]
    hedged.close()
    with world.keeper("another") as later:
        require_hedged(cycles(world, later, 1)[-1])
        found = later.ledger.accounts.venues[world.venue]
        assert (found.size, found.margin_assets, found.traded, found.fees) == (
            known.size,
            known.margin_assets,
            known.traded,
            known.fees,
        )
        assert later.alerts.up == frozenset()


def set_limits(world: GmxWorld, margin_factor: int) -> None:
    """Have the governor set the market's limits anew, those of ether and gas as they were."""
    access, accounts = world.deployment.contract("VaultAccess"), world.localnet.manifest.accounts
    market, limits = world.deployment.contract("GmxV2Market"), (2 * 10**15, margin_factor, 750_000)
    setting = market, "setLimits((uint96,uint96,uint32))", limits
    governor_call(world.localnet.chain, access, accounts["governor"], *setting)
    world.step(START_PRICE_USD)


def test_margin__all_of_it_in_a_position__what_opens_next_is_paid_for(world, keeper):
    """A wide margin factor left no cash, and leverage asked for none: `MarginTooLow` for ever, and no hedge."""
    set_limits(world, 6 * 10**17)
    price = START_PRICE_USD
    for _ in range(5):
        require_hedged(cycles(world, keeper, 2)[-1])
        price *= 1.03
        world.step(price)
    assert world.size() > 70 * WAD
    assert keeper.alerts.up == frozenset()


def test_release__replaced_with_an_order_open__no_exit_is_missed(world, hedged):
    size = world.size()
    world.rotate()
    world.executes = False
    world.step(DOWN)
    cycles(world, hedged, 1)
    assert len(world.open_keys()) == 1
    world.rotate()
    world.executes = True
    world.execute()
    assert world.size() < size - int(BAND) * WAD
    world.step(DOWN)
    require_hedged(cycles(world, hedged, 2)[-1])
    assert set(states(hedged)) == {OrderState.EXECUTED}
    world.step(UP)
    require_hedged(cycles(world, hedged, 2)[-1])


def test_gift__beyond_what_ether_it_holds__stops_until_somebody_has_looked(world, hedged):
    world.localnet.fund_usdc(world.venue, AssetUnits(2_000 * 10**6))
    world.step(DOWN)
    (stopped,) = cycles(world, hedged, 1)
    assert hedged.alerts.up == {AlertEvent.NAV_BREAK}
    assert stopped.nav is not None
    assert -stopped.nav.excess / WAD == pytest.approx(2_000, rel=0.01)
    hedged.ledger.acknowledge(Acknowledgement(Subject.NAV, str(stopped.nav.excess), Seconds(0), "a gift"))
    world.step(DOWN)
    require_hedged(cycles(world, hedged, 2)[-1])
    assert hedged.alerts.up == frozenset()


def test_ether__runs_out__is_named_and_nothing_sent_until_there_is_some(world, keeper):
    world.rpc("anvil_setBalance", world.venue, hex(ETHER_OF_ONE_ORDER_WEI))
    require_hedged(cycles(world, keeper, 2)[-1])
    nonce = world.rpc("eth_getTransactionCount", keeper.address, "latest")
    world.step(DOWN)
    (refused,) = cycles(world, keeper, 1)
    assert refused.outcome is Outcome.REJECTED
    assert refused.rejection is not None
    assert refused.rejection.name == "EtherTooLow"
    assert f"send some to {world.venue}, the account on venue gmx" in refused.reason
    assert keeper.alerts.up == {AlertEvent.ACCOUNT_NEEDS_ETHER}
    assert world.rpc("eth_getTransactionCount", keeper.address, "latest") == nonce
    world.give_ether()
    require_hedged(cycles(world, keeper, 2)[-1])
    assert keeper.alerts.up == frozenset()


def test_gas__dearer_than_an_execution_may_cost__is_waited_out(world, hedged):
    nonce = world.rpc("eth_getTransactionCount", hedged.address, "latest")
    world.localnet.step(DOWN, world.now() + 300, Wei(10 * BASE_FEE_WEI))
    (refused,) = cycles(world, hedged, 1)
    assert refused.rejection is not None
    assert refused.rejection.name == "ExecutionFeeTooHigh"
    assert world.rpc("eth_getTransactionCount", hedged.address, "latest") == nonce
    world.step(DOWN)
    require_hedged(cycles(world, hedged, 2)[-1])


def test_decision__reckons_with_the_ether_of_an_execution(world, keeper):
    """5.1 million gas to open and 6.1 to close, at what gas costs: the policy's fixed cost of a trade."""
    view = keeper.planner.look(keeper.planner.head(lambda: float(world.now())))
    [venue] = view.snapshot.venues
    opening, closing = 5_100_000, 6_100_000
    assert venue.order_gas == OrderGas(opening, closing, 2 * closing)
    gas_usd = (view.block.base_fee_wei + view.costs.priority_fee_wei) * view.costs.eth_price_usd / WAD
    assert view.decision.costs.gas_usd == pytest.approx((view.costs.gas_units + opening) * gas_usd, rel=1e-9)


@pytest.mark.parametrize("price", [START_PRICE_USD, UP, DOWN])
def test_liquidation_distance__of_a_position__is_where_gmx_liquidates(world, hedged, client, price):
    """On the position's own margin, whatever waits beside it; told nearer by what the feed may lag: lower equity."""
    world.step(price)
    block = client.head(float(world.now()))
    maintenance = maintenance_of(client, world.deployment.venues, block)[world.venue]
    assert maintenance.ratio == 0.005
    state = hedged.planner.reader.state(block)
    [venue] = state.measurement.venues
    distance = liquidation_distance(venue, maintenance)
    assert distance is not None
    assert distance < 0.2
    lag, rounding = state.deviation_bps / 1e4, 1e-3
    near, beyond = (round(price * (1 - move)) * GMX_PRICE for move in (distance, distance + lag + rounding))
    liquidate = world.release.handler, "liquidate(address,bool,uint256)", world.venue, True
    with pytest.raises(FatalError, match=SHOULD_NOT_BE_LIQUIDATED):
        world.gmx(*liquidate, near)
    world.gmx(*liquidate, beyond)
    assert world.size() == 0


@pytest.mark.parametrize(
    ("wei", "verdict", "left"),
    [(0, Verdict.FAILED, 0), (10**16, Verdict.WARNING, 2), (ETHER_WEI, Verdict.GOOD, 24)],
)
def test_doctor__ether_of_the_account__says_how_many_trades_it_pays_for(world, client, tmp_path, wei, verdict, left):
    world.rpc("anvil_setBalance", world.venue, hex(wei))
    doctor = VaultDoctor(world.settings(), client, world.deployment, client.head(float(world.now())))
    (check,) = [one for one in doctor.examine({}, tmp_path, None) if one.subject == "ether of gmx"]
    assert check.verdict is verdict
    assert f"ETH of {world.venue} pay for {left} trades at the most each may cost" in check.found


def test_days__of_moves_fees_and_lost_callbacks__leave_no_difference(world, keeper):
    draw, price, owed = random.Random(20_261_128), START_PRICE_USD, 0
    for _ in range(40):
        price *= 1 + draw.gauss(0, 0.015)
        owed += draw.randrange(10**24)
        world.step(price, draw.choice((300, 3_600)))
        for side in (True, False):
            world.set_uint(owed, "CUMULATIVE_BORROWING_FACTOR", "address,bool", MARKET, side)
        world.gmx(world.release.handler, "setDeaf(bool)", draw.random() < 0.3)
        world.executes = False
        (result,) = cycles(world, keeper, 1)
        assert result.nav is not None
        assert result.nav.error_bps < MOST_ERROR_BPS
        world.execute(price * draw.choice((1.0, 0.9995, 1.0005, 0.98, 1.02)))
    assert {OrderState.EXECUTED, OrderState.CANCELLED} <= set(states(keeper))
    assert [event.kind for event in keeper.ledger.account_events()] == [AccountEventKind.DEPOSIT]
    assert keeper.alerts.up == frozenset()
