"""The keeper on a local chain: it hedges, keeps true books, and refuses what it must."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from agent.budgets import available, loss_bounds
from agent.domain import Action, Book
from agent.errors import DataError, TransientError
from agent.guard import worst_net_delta
from agent.keeper.keeper import Keeper
from agent.keeper.planner import Planner
from agent.keeper.result import Outcome
from agent.ledger.accounting import Accounts, check_nav
from agent.ledger.records import CashFlowKind, IntentState
from agent.localnet.deposit import deposit_collateral
from agent.prediction import predict
from agent.units import BPS, WAD, from_wad
from tests.support.keeper_world import DEPOSIT_USD, START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

PRICES_USD = (3_200.0, 3_150.0, 3_060.0, 3_120.0, 2_950.0, 2_800.0, 2_900.0)


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield fresh


def test_cycle__unhedged_book__hedges_it_once_and_holds_then(world):
    with world.keeper() as keeper:
        first = keeper.cycle()
        second = keeper.cycle()
    assert first.outcome is Outcome.EXECUTED
    assert second.outcome is Outcome.HELD
    assert len(world.events("Rebalanced")) == 1
    assert world.size() == sum(fill.size_delta for fill in first.fills) > 50 * WAD
    assert worst_net_delta(first.measurement_after) <= first.snapshot.bounds.band
    assert not first.guard_mirror_mismatch
    assert first.receipt.is_success
    assert keeper.ledger.states_of(first.intent_id) == [
        IntentState.DECIDED,
        IntentState.SIGNED,
        IntentState.SENT,
        IntentState.MINED,
        IntentState.EXECUTED,
    ]


def test_cycle__falling_prices__stays_in_the_band_with_true_books_and_a_true_mirror(world):
    with world.keeper() as keeper:
        results = []
        for price_usd in PRICES_USD:
            world.step(price_usd)
            results.append(keeper.cycle())
        executed = [result for result in results if result.outcome is Outcome.EXECUTED]
        assert len(executed) >= 4
        assert all(worst_net_delta(result.measurement_after) <= result.snapshot.bounds.band for result in executed)
        assert not any(result.guard_mirror_mismatch for result in results)
        for result in executed:
            assert_foreseen(result)
        assert max(result.nav.error_bps for result in results) <= 1.0
        assert_chain_foresees_the_same(world, keeper.planner.reader.state(keeper.planner.head()))
        fills = keeper.ledger.fills()
        assert sum(fill.size_delta for fill in fills) == world.size()
        legs = [leg for leg in world.events("LegExecuted") if leg["filledSizeDelta"] != 0]
        assert [(leg["filledSizeDelta"], leg["executionPrice"], leg["fee"]) for leg in legs] == [
            (fill.size_delta, fill.execution_price, fill.fee) for fill in fills
        ]
        assert len(keeper.ledger.funding()) >= 1
        assert [cycle.outcome for cycle in keeper.ledger.cycles()] == [result.outcome.value for result in results]


def assert_foreseen(result):
    """What was predicted of NAV and equity, and what the vault measured: seconds of funding and of mark apart."""
    predicted = predict(result.snapshot, result.decision.legs, result.decision.expected_fills)
    measured = result.after.measurement
    assert predicted.nav == pytest.approx(measured.nav, rel=1e-4)
    assert predicted.idle == measured.idle
    for foreseen, found in zip(predicted.venues, measured.venues, strict=True):
        assert (foreseen.size_low, foreseen.notional) == (found.size_low, found.notional)
        for name in ("equity", "equity_low", "equity_high"):
            assert getattr(foreseen, name) == pytest.approx(getattr(found, name), rel=1e-3)


def test_check_nav__ledger_blind_to_fees__is_caught(world):
    """The NAV of the books is their own: leave out one entry, and it no longer meets the chain's."""
    with world.keeper() as keeper:
        keeper.cycle()
        world.step(3_100.0)
        result = keeper.cycle()
        ledger = keeper.ledger
        before_trade = [fill for fill in ledger.fills() if fill.at.block.number <= result.block.number]
        free = [replace(fill, fee=0) for fill in before_trade]
        funding = [payment for payment in ledger.funding() if payment.at.block.number <= result.block.number]
        flows = [flow for flow in ledger.cash_flows() if flow.at.block.number <= result.block.number]
        whole = check_nav(Accounts().booked(before_trade, flows, funding), result.view.state, 6)
        blind = check_nav(Accounts().booked(free, flows, funding), result.view.state, 6)
    assert whole.error_bps <= 0.01
    assert blind.error_bps > 1.0


def test_keeper__ledger_deleted__is_rebuilt_from_the_chain(world):
    with world.keeper() as keeper:
        keeper.cycle()
        world.step(3_050.0)
        keeper.cycle()
        fills, flows = keeper.ledger.fills(), keeper.ledger.cash_flows()
    with world.keeper(ledger="another") as keeper:
        result = keeper.cycle()
        assert result.outcome is Outcome.HELD
        assert keeper.ledger.fills() == fills
        assert keeper.ledger.cash_flows() == flows
        assert result.nav.error_bps <= 1.0
    deposits = [flow.assets for flow in flows if flow.kind is CashFlowKind.DEPOSIT]
    assert deposits == [DEPOSIT_USD * 10**6]


def test_keeper__deposits_withdrawals_and_donations__are_booked(world):
    depositor = world.localnet.manifest.accounts["depositor"]
    with world.keeper() as keeper:
        keeper.cycle()
        deposit_collateral(world.localnet, world.deployment, 50_000.0)
        world.send("depositor", world.vault, "withdraw(uint256,address,address)", 20_000 * 10**6, depositor, depositor)
        world.localnet.fund_usdc(world.vault, 1_000 * 10**6)
        donated = keeper.cycle()
        kinds = [flow.kind for flow in keeper.ledger.cash_flows()]
    width = world.size() * START_PRICE_USD * world.settings().oracle.deviation_bps / BPS
    assert donated.nav.error_bps <= 1.0
    nav = donated.nav.chain_low + width + 1_000 * WAD
    assert donated.view.snapshot.measurement.nav == pytest.approx(nav, rel=0.0001)
    assert kinds.count(CashFlowKind.DEPOSIT) == 2
    assert kinds.count(CashFlowKind.WITHDRAWAL) == 1


def test_cycle__stale_oracle__is_rejected_and_sends_nothing(world):
    world.localnet.chain.mine([], world.now() + 7_200)
    with world.keeper() as keeper:
        result = keeper.cycle()
    assert result.outcome is Outcome.REJECTED
    assert result.rejection.name == "PriceStale"
    assert world.events("Rebalanced") == []


def test_cycle__paused_vault__holds(world):
    world.send("guardian", world.vault, "pause()")
    with world.keeper() as keeper:
        result = keeper.cycle()
    assert result.outcome is Outcome.HELD
    assert "paused" in result.reason


def test_cycle__gas_dearer_than_the_cap__is_rejected_before_anything_is_recorded(world):
    half = Decimal("0.5")
    with world.keeper(max_fee_gwei=half, priority_fee_gwei=half, urgent_max_fee_gwei=half) as keeper:
        result = keeper.cycle()
        assert keeper.ledger.open_intents() == []
    assert result.outcome is Outcome.REJECTED
    assert result.rejection.name == "GasPriceExceeded"
    assert world.events("Rebalanced") == []


def test_build__another_chain_id__is_refused_in_one_line(world):
    settings = world.settings()
    chain = settings.chain.model_copy(update={"chain_id": 1})
    with pytest.raises(DataError, match=r"chain_id is 1, but http://127\.0\.0\.1:\d+ answers for chain 31337"):
        Keeper.build(
            settings.model_copy(update={"chain": chain}), world.book(), {"EVENKEEL_KEEPER_KEY": "0x" + "11" * 32}
        )


def test_build__key_without_gas_money__is_refused_in_one_line(world):
    keeper_address = world.localnet.manifest.accounts["keeper"]
    world.rpc("anvil_setBalance", keeper_address, hex(10**12))
    with pytest.raises(DataError, match=rf"keeper {keeper_address} holds 0\.000001 ETH .* send it gas money"):
        world.keeper()


def test_build__key_of_a_stranger__is_refused_in_one_line(world):
    world.rpc("anvil_setBalance", "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A", hex(10**20))
    with pytest.raises(DataError, match=r"is no keeper of the vault .*NotKeeper.* which waits 86400 s"):
        Keeper.build(world.settings(), world.book(), {"EVENKEEL_KEEPER_KEY": "0x" + "11" * 32})


def test_build__venue_silent__is_a_fault_of_the_moment_in_one_line(world):
    code = world.rpc("eth_getCode", world.venue, "latest")
    world.rpc("anvil_setCode", world.venue, "0x5f5ffd")
    try:
        with pytest.raises(TransientError, match=rf"a venue does not answer, .* of {world.venue}: UnknownRevert"):
            world.keeper()
    finally:
        world.rpc("anvil_setCode", world.venue, code)
    with world.keeper() as keeper:
        assert keeper.cycle().outcome is Outcome.EXECUTED


def test_build__second_keeper_on_one_ledger__is_refused(world):
    with world.keeper(), pytest.raises(DataError, match=r"in use by another keeper \(pid \d+ on .*, epoch 1\)"):
        world.keeper()


def test_run__book_that_contradicts_the_chain__refuses_to_start(world):
    book = world.book()
    halved = Book(book.underlying, tuple(type(leg)(**{**_fields(leg), "quantity": -50.0}) for leg in book.options))
    with world.keeper(book=halved) as keeper, pytest.raises(DataError, match="lies outside the chain's interval"):
        keeper.run(lambda result: None, lambda trouble: None, cycles=3, interval_seconds=0.0)
    assert world.events("Rebalanced") == []


def test_desk__no_key__sees_and_decides_and_sends_nothing(world):
    with Planner.open(world.settings(), world.book()) as planner:
        view = planner.look(planner.head())
        keeper_address = world.localnet.manifest.accounts["keeper"]
        assert view.decision.action is Action.REBALANCE
        assert planner.simulate(planner.intent(view), keeper_address, view.block) is None
        assert_chain_foresees_the_same(world, planner.reader.state(planner.head()))
        stranger = world.localnet.manifest.accounts["attacker"]
        assert planner.simulate(planner.intent(view), stranger, view.block).name == "NotKeeper"
    assert world.size() == 0
    assert from_wad(view.snapshot.measurement.price) == 3_200.0


def assert_chain_foresees_the_same(world, state):
    """What keys can lose and what is left of the budgets, as the guard's own views say at the head."""
    guard = world.deployment.contract("RebalanceGuard")
    call, rates = world.localnet.chain.call, [venue.max_funding_rate_per_day for venue in state.venues]
    expected = loss_bounds(state.bounds, state.measurement, rates)
    found = call(guard, "lossBounds()", returns="((uint256,uint256,uint256,uint256))")[0]
    assert found == (expected.keeper_key, expected.all_keeper_keys, expected.funding, expected.total)
    keeper_address, firm_nav = world.localnet.manifest.accounts["keeper"], state.measurement.firm_nav
    for is_urgent in (True, False):
        left = available(state.bounds, state.usage, firm_nav, state.block.timestamp, is_urgent=is_urgent)
        answer = call(guard, "available(address,bool)", keeper_address, is_urgent, returns="(uint256,uint256)")
        assert answer == pytest.approx((left.turnover, left.loss), rel=1e-9)


def _fields(leg) -> dict[str, object]:
    return {name: getattr(leg, name) for name in type(leg).__slots__}
