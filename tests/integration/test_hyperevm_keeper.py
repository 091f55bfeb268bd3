"""The keeper on Hyperliquid, where nothing is told: margin leg by leg, a canary, orders, funding, a liquidation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from agent.chain.client import ChainClient
from agent.doctor.check import Verdict
from agent.doctor.vault import VaultDoctor
from agent.keeper.alerts import AlertEvent
from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.ledger.records import Acknowledgement, OrderState, Subject
from agent.localnet.governance import governor_call
from agent.status.risk import liquidation_distance
from agent.units import WAD, AssetUnits, Seconds
from agent.venues.maintenance import maintenance_of
from agent.venues.protocol import AccountEventKind
from tests.support.hyperevm_world import HyperEvmWorld, hyperevm_world
from tests.support.keeper_world import START_PRICE_USD
from tests.support.venue_cycles import cycles, net_delta

pytestmark = pytest.mark.chain

BAND = 5.0
LIMIT_ORDER = 1
USD = 10**6


@pytest.fixture(scope="module")
def chain(tmp_path_factory) -> Iterator[HyperEvmWorld]:
    with hyperevm_world(tmp_path_factory.mktemp("hyperevm")) as world:
        yield world


@pytest.fixture
def world(chain) -> Iterator[HyperEvmWorld]:
    with chain.fresh() as world:
        yield world


@pytest.fixture
def keeper(world) -> Iterator[Keeper]:
    with world.keeper() as keeper:
        yield keeper


@pytest.fixture
def hedged(world, keeper) -> Keeper:
    """A keeper that has brought an empty account to its hedge."""
    cycles(world, keeper, 8)
    return keeper


def test_empty_account__margin_then_canary_then_hedge__every_dollar_is_told(world, keeper):
    results = cycles(world, keeper, 9)
    assert "margin goes ahead of the trade" in results[0].reason
    errands = [result.errand.function for result in results if result.errand is not None]
    assert errands == ["advance", "advance", "canary", "canary", "canary"]
    bought, sold, hedge = keeper.ledger.orders()
    assert {order.state for order in (bought, sold, hedge)} == {OrderState.EXECUTED}
    assert (bought.filled_size_delta, sold.filled_size_delta) == (WAD // 100, -WAD // 100)
    assert hedge.filled_size_delta == world.size()
    assert hedge.filled_size_delta % (WAD // 10_000) == 0, "in whole lots"
    assert results[-1].outcome is Outcome.HELD
    assert abs(net_delta(results[-1])) < BAND
    assert all(result.nav.error_bps < 0.01 for result in results if result.nav is not None)
    assert keeper.ledger.funding() == []
    assert keeper.alerts.up == frozenset()


def test_funding__of_an_hour__is_booked_by_what_the_account_is_worth(world, hedged):
    for paid in (37, -12):
        world.core("fund(address,int64)", world.venue, -paid * USD)
        (result,) = cycles(world, hedged, 1)
        assert result.nav.error_bps < 0.01
        assert hedged.ledger.funding()[-1].paid == paid * WAD
    assert len(hedged.ledger.funding()) == 2
    assert hedged.alerts.up == frozenset()


def test_keeper__started_again__goes_on_with_the_ledger_that_it_left(world, hedged):
    world.core("fund(address,int64)", world.venue, -37 * USD)
    hedged.close()
    with world.keeper() as later:
        (result,) = cycles(world, later, 1)
        assert (result.outcome, [payment.paid for payment in later.ledger.funding()]) == (Outcome.HELD, [37 * WAD])
        assert result.nav.error_bps < 0.01


def test_ledger__lost__is_made_again_from_the_chain(world, hedged):
    world.core("fund(address,int64)", world.venue, -37 * USD)
    cycles(world, hedged, 1)
    known = hedged.ledger.accounts
    hedged.close()
    with world.keeper("another") as later:
        (result,) = cycles(world, later, 1)
        assert later.ledger.accounts == known
        assert result.nav.error_bps < 0.01


def test_liquidation__told_by_nobody__is_paged_booked_and_hedged_anew(world, hedged, monkeypatch):
    told: list[tuple[AlertEvent, str]] = []
    monkeypatch.setattr(hedged.alerts, "tell", lambda event, words: told.append((event, words)))
    size = world.size()
    world.core("liquidate(address,bool)", world.venue, False)
    cycles(world, hedged, 4)
    (event,) = hedged.ledger.account_events()
    assert (event.kind, event.size_delta) == (AccountEventKind.TRADE, -size)
    [(alert, words)] = told
    assert alert is AlertEvent.ACCOUNT_CHANGED
    assert words.startswith("account at hyper: trade in block ")
    assert f"position by {-size / WAD:+.6g}, cash by " in words
    results = cycles(world, hedged, 1)
    assert abs(net_delta(results[-1])) < BAND
    assert results[-1].nav.error_bps < 0.01


def test_liquidation_distance__cash_on_hyperevm__backs_no_position(world, hedged):
    """What waits here is no margin on HyperCore."""

    def seen() -> tuple[float | None, int]:
        with closing(ChainClient(world.settings().chain)) as client:
            block = client.head(float(world.now()))
            maintenance = maintenance_of(client, world.deployment.venues, block)[world.venue]
        [venue] = hedged.planner.reader.state(block).measurement.venues
        return liquidation_distance(venue, maintenance), maintenance.beside

    distance, before = seen()
    world.localnet.fund_usdc(world.venue, AssetUnits(5_000 * USD))
    later, beside = seen()
    assert beside - before == 5_000 * WAD
    assert distance is not None
    assert later == pytest.approx(distance, abs=1e-9)


def test_order__refused_without_a_word__expires_and_is_decided_anew(world, hedged):
    world.core("setRefusing(uint24,bool)", LIMIT_ORDER, True)
    world.price(START_PRICE_USD * 0.93)
    (asked,) = cycles(world, hedged, 1)
    assert asked.outcome is Outcome.EXECUTED
    (waits,) = cycles(world, hedged, 1)
    assert waits.outcome is Outcome.HELD
    assert "is requested" in waits.reason
    world.core("setRefusing(uint24,bool)", LIMIT_ORDER, False)
    world.price(START_PRICE_USD * 0.93)
    results = cycles(world, hedged, 4)
    assert [order.state for order in hedged.ledger.orders()[-2:]] == [OrderState.EXPIRED, OrderState.EXECUTED]
    assert abs(net_delta(results[-1])) < BAND
    assert results[-1].nav.error_bps < 0.01


def test_order__filled_in_part__the_rest_is_decided_anew(world, hedged):
    world.core("setFill(uint64,uint64)", 4_000, 0)
    world.price(START_PRICE_USD * 0.93)
    cycles(world, hedged, 1)
    world.core("setFill(uint64,uint64)", 10_000, 0)
    world.price(START_PRICE_USD * 0.93)
    results = cycles(world, hedged, 4)
    assert [order.state for order in hedged.ledger.orders()[-2:]] == [OrderState.EXPIRED, OrderState.EXECUTED]
    assert abs(net_delta(results[-1])) < BAND
    assert results[-1].nav.error_bps < 0.01


def test_gift__beyond_what_funding_can_be__stops_until_somebody_has_looked(world, hedged):
    world.core("give(address,uint64)", world.venue, 20_000 * 10**8)
    world.price(START_PRICE_USD * 1.07)
    (stopped,) = cycles(world, hedged, 1)
    assert AlertEvent.NAV_BREAK in hedged.alerts.up
    assert hedged.ledger.funding() == []
    word = Acknowledgement(Subject.NAV, str(stopped.nav.excess), Seconds(0), "a gift")
    hedged.ledger.acknowledge(word)
    results = cycles(world, hedged, 5)
    assert AlertEvent.NAV_BREAK not in hedged.alerts.up
    assert abs(net_delta(results[-1])) < BAND
    assert results[-1].nav.error_bps < 0.01


@pytest.mark.parametrize(("factor", "verdict"), [(4, Verdict.GOOD), (5, Verdict.FAILED)])
def test_doctor__margin_factor__is_compared_with_what_the_keeper_keeps(world, tmp_path, factor, verdict):
    """Between a leverage of 2 and the watermark of 2.5 every trade was refused with `MarginTooLow`."""
    market, governor = world.deployment.contract("HyperEvmMarket"), world.localnet.manifest.accounts["governor"]
    limits = (45 * 10**13, factor * 10**17, 10**16, 10**20, 60, 1_800)
    setting = market, "setLimits((uint64,uint64,uint128,uint128,uint32,uint32))", limits
    governor_call(world.localnet.chain, world.deployment.contract("VaultAccess"), governor, *setting)
    world.price(START_PRICE_USD)
    with closing(ChainClient(world.settings().chain)) as client:
        doctor = VaultDoctor(world.settings(), client, world.deployment, client.head(float(world.now())))
        [check] = [one for one in doctor.examine({}, tmp_path, None) if one.subject.startswith("margin of ")]
    assert check.verdict is verdict, check.found
    assert f"needs {factor / 10:g} of notional, the keeper keeps at least 0.4" in check.found
