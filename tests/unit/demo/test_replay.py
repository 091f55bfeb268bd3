"""Cycles become records: what was seen before the trade, what the trade did, and what is told of the whole."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from agent.chain.state import ChainState
from agent.chain.state import VenueState as VenueOnChain
from agent.decision.decide import decide
from agent.demo import replay as replay_module
from agent.demo.replay import INTERRUPTED, Recorder, replay
from agent.demo.scenario import seeded_scenario
from agent.demo.step_record import hedge_size, nav_at_oracle_usd
from agent.domain import Book, Exposure, OptionLeg, OptionType, Target, TradeCosts
from agent.errors import DataError, TransientError
from agent.keeper.planner import CycleView
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.accounting import NavCheck
from agent.ledger.records import BlockId, FillRecord, FundingRecord, LogId, Receipt
from agent.products.european import black76_greeks
from agent.report.replay_report import OutsideReason, StepAction
from agent.units import AssetUnits, BlockHash, IntentId, Seconds, Wad
from agent.vol.iv_path import IvPath
from tests.support.decision_builders import BOUNDS, COSTS, NOW, SETTINGS, VenueState, held, snapshot_of, wad

BOOK = held(-10.0)
PLACE = BlockId(1, BlockHash("0x" + "11" * 32))
INTENT = IntentId("0x" + "22" * 32)


class HoldPolicy:
    """Leaves everything as it is."""

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        del costs
        return Target(-3.0, 4.0, exposure.net_delta, "left alone")


def state_of(snapshot, funding_accrued=0.0):
    """The chain's state a snapshot was read from."""
    return ChainState(
        block=snapshot.block,
        measurement=snapshot.measurement,
        usage=snapshot.usage,
        bounds=snapshot.bounds,
        idle_assets=snapshot.idle_assets,
        net_flows=AssetUnits(0),
        deviation_bps=0,
        oracle_updated_at=Seconds(1),
        is_paused=False,
        is_keeper=True,
        venues=tuple(
            VenueOnChain(
                address=venue.address,
                name=venue.name,
                size=venue.size,
                mark_price=venue.mark_price,
                index_price=venue.index_price,
                funding_accrued=wad(funding_accrued),
                funding_rate_per_day=Wad(0),
                free_collateral=AssetUnits(0),
                max_funding_rate_per_day=Wad(0),
            )
            for venue in snapshot.venues
        ),
    )


def look(price_usd, size, at_unix, equity_usd=100_000.0):
    """Snapshot of a vault that holds ``size`` at one price, and the state behind it."""
    venue = VenueState(size=size, equity_usd=equity_usd, mark_usd=price_usd, index_usd=price_usd)
    snapshot = snapshot_of(BOOK, venue, spot_usd=price_usd, at_unix=at_unix, bounds=replace(BOUNDS, band=wad(100)))
    return snapshot, state_of(snapshot)


def cycle(outcome, snapshot, state, **fields):
    decision = decide(snapshot, BOOK, HoldPolicy(), COSTS, SETTINGS)
    nav = NavCheck(*(Wad(400_010 * 10**18),) * 2, *(Wad(400_000 * 10**18),) * 2)
    view = CycleView(snapshot, state, decision, decision_seconds=0.004, costs=None)
    return CycleResult(snapshot.block, outcome, decision.reason, 0.01, view, nav, **fields)


def fill(size, price_usd, fee_usd):
    return FillRecord(LogId(PLACE, "0x01", 0), INTENT, "venue", wad(size), wad(size), wad(price_usd), wad(fee_usd))


RECEIPT = Receipt("0x01", PLACE, is_success=True, gas_used=1_000_000, gas_price_wei=10**9)


class FakeLedger:
    """What the keeper's ledger would hold."""

    def __init__(self):
        self.held_fills, self.held_receipts, self.held_funding = [], [], []

    def fills(self):
        return list(self.held_fills)

    def receipts(self):
        return list(self.held_receipts)

    def funding(self):
        return list(self.held_funding)

    def orders(self):
        return []


@pytest.fixture
def ledger():
    return FakeLedger()


@pytest.fixture
def recorder(ledger, monkeypatch):
    monkeypatch.setattr(replay_module, "provenance", lambda scenario, world, bounds: {})
    scenario = replace(seeded_scenario(1, None), book=BOOK)
    keeper = SimpleNamespace(ledger=ledger)
    return Recorder(scenario, keeper, asset_decimals=6, gas_token_usd=lambda price_usd: price_usd, maintenance={})


@pytest.mark.parametrize("size", [12.0, -12.0, 0.0])
@pytest.mark.parametrize(("mark_usd", "index_usd"), [(2_990.0, 3_010.0), (3_010.0, 2_990.0), (3_000.0, 3_000.0)])
def test_nav_at_oracle__mark_and_index_either_way__values_the_size_at_the_oracle(size, mark_usd, index_usd):
    at_mark_usd = 100_000.0
    at_index_usd = at_mark_usd + size * (index_usd - mark_usd)
    low_usd = min(at_mark_usd, at_index_usd, at_mark_usd + size * (3_002.0 - mark_usd))
    venue = VenueState(size=size, equity_usd=low_usd, mark_usd=mark_usd, index_usd=index_usd)
    state = state_of(snapshot_of(BOOK, venue, spot_usd=3_002.0, idle_usd=300_000.0))
    assert nav_at_oracle_usd(state, 6) == pytest.approx(300_000 + at_mark_usd + size * (3_002.0 - mark_usd))


def test_hedge_size__several_venues__their_sum():
    snapshot = snapshot_of(BOOK, VenueState(size=7.0), VenueState(size=-2.5))
    assert hedge_size(state_of(snapshot)) == 4.5


def test_recorder__another_asset_is_hedged__gas_costs_what_its_own_token_does(recorder, ledger):
    """Gas paid in ether is no bitcoin: $772 were once told as $22,315."""
    recorder._gas_token_usd = lambda price_usd: 2_000.0
    snapshot, state = look(60_000.0, 0.0, NOW)
    ledger.held_receipts = [RECEIPT]
    recorder.record(cycle(Outcome.EXECUTED, snapshot, state, receipt=RECEIPT, after=state))
    report = recorder.report(None, wall_seconds=1.5, ended_early="no depth")
    assert report.summary.costs.gas_usd == pytest.approx(2.0)
    assert report.ended_early == "no depth"


def test_recorder__hedge_then_hold__books_the_trade_and_its_costs(recorder, ledger):
    snapshot, state = look(3_000.0, 0.0, NOW)
    _, after = look(3_000.0, 10.0, NOW + 1, equity_usd=100_000 - 30 - 10)
    ledger.held_fills, ledger.held_receipts = [fill(10.0, 3_001.0, 30.0)], [RECEIPT]
    first = recorder.record(
        cycle(Outcome.EXECUTED, snapshot, state, fills=tuple(ledger.held_fills), receipt=RECEIPT, after=after)
    )
    assert first.action is StepAction.HEDGED
    assert (first.net_delta, first.net_delta_after) == (-10.0, 0.0)
    assert (first.hedge_size_delta, first.hedge_size) == (10.0, 10.0)
    assert (first.band_low, first.band_high) == (-10.0, 4.0)
    assert first.pnl_hedged_usd == 0

    snapshot, state = look(3_100.0, 10.0, NOW + 300, equity_usd=100_000 - 30 - 10 + 1_000 - 2)
    ledger.held_funding = [FundingRecord(LogId(PLACE, "0x02", 0), "venue", wad(2))]
    second = recorder.record(cycle(Outcome.HELD, snapshot, state))
    assert second.action is StepAction.HOLD
    assert second.pnl_unhedged_usd == pytest.approx(-1_000)
    assert second.pnl_hedged_usd == pytest.approx(-30 - 10 - 2 - 3)
    assert second.costs.gas_usd == pytest.approx(3.0)

    report = recorder.report(None, wall_seconds=1.5)
    summary = report.summary
    assert (summary.steps, summary.rebalances, summary.rejected) == (2, 1, 0)
    assert summary.costs.fee_usd == pytest.approx(30)
    assert summary.costs.slippage_usd == pytest.approx(10)
    assert summary.costs.funding_usd == pytest.approx(2)
    assert report.unexplained_usd == pytest.approx(0, abs=1e-9)
    assert report.turnover_usd == pytest.approx(30_010)
    assert summary.max_abs_net_delta == pytest.approx(0, abs=1e-9)
    assert summary.vault_nav_usd == pytest.approx(500_000 + 100_958)
    assert summary.ledger_nav_error_bps == 0.25
    assert summary.p99_decision_ms == pytest.approx(4.0)
    assert summary.wall_s == 1.5
    assert summary.effectiveness is None


def test_recorder__iv_rises__the_mark_follows_and_the_decision_does_not(recorder):
    call = OptionLeg(OptionType.CALL, 3_000.0, NOW + 30 * 86_400, -1.0, 0.6, 0.5, 0.7, "call")
    path = IvPath(np.array([0, NOW + 300]), np.array([0.9, 1.0]), "iv.csv")
    prices = replace(recorder._scenario.prices, times_unix=np.array([NOW, NOW + 300]), prices_usd=np.full(2, 3_000.0))
    recorder._scenario = replace(recorder._scenario, book=Book("ETH", (call,)), iv_path=path, prices=prices)
    recorder.record(cycle(Outcome.HELD, *look(3_000.0, 0.0, NOW)))
    step = recorder.record(cycle(Outcome.HELD, *look(3_000.0, 0.0, NOW + 300)))
    values = [
        black76_greeks([True], 3_000.0, 3_000.0, (30 * 86_400 - age) / (365 * 86_400), iv).value[0]
        for age, iv in ((0, 0.6), (300, 0.7))
    ]
    assert step.pnl_unhedged_usd == pytest.approx(values[0] - values[1])
    assert step.iv_move.level_annual == pytest.approx((0.1,))
    report = recorder.report(None, 1.0)
    assert (report.iv_rule, report.inputs["iv"]) == ("iv.csv", "iv.csv")
    assert report.closing.iv_move.level_annual == pytest.approx((0.1,))


def test_recorder__nav_falls_for_no_known_reason__is_unexplained_and_no_funding(recorder, ledger):
    recorder.record(cycle(Outcome.HELD, *look(3_000.0, 10.0, NOW)))
    ledger.held_funding = [FundingRecord(LogId(PLACE, "0x02", 0), "venue", wad(2))]
    step = recorder.record(cycle(Outcome.HELD, *look(3_000.0, 10.0, NOW + 300, equity_usd=100_000 - 2 - 7)))
    assert step.costs.funding_usd == pytest.approx(2.0)
    report = recorder.report(None, 1.0)
    assert report.unexplained_usd == pytest.approx(-7.0)
    assert (report.closing.unix, report.closing.price_usd) == (NOW + 300, 3_000.0)


def test_recorder__trade_in_the_last_step__its_costs_are_in_the_total(recorder, ledger):
    snapshot, state = look(3_000.0, 0.0, NOW)
    _, after = look(3_000.0, 10.0, NOW + 1, equity_usd=100_000 - 40)
    ledger.held_fills, ledger.held_receipts = [fill(10.0, 3_001.0, 30.0)], [RECEIPT]
    recorder.record(cycle(Outcome.EXECUTED, snapshot, state, fills=tuple(ledger.held_fills), after=after))
    summary = recorder.report(None, 1.0).summary
    assert summary.pnl_hedged_usd == pytest.approx(-43)
    assert summary.costs.total_usd == pytest.approx(43)


def test_recorder__resumed_intent__its_fills_are_booked_though_the_cycle_names_none(recorder, ledger):
    snapshot, state = look(3_000.0, 0.0, NOW)
    recorder.record(cycle(Outcome.PENDING, snapshot, state))
    ledger.held_fills, ledger.held_receipts = [fill(10.0, 3_001.0, 30.0)], [RECEIPT]
    snapshot, state = look(3_000.0, 10.0, NOW + 300, equity_usd=99_960)
    recorder.record(cycle(Outcome.HELD, snapshot, state, resumed=object()))
    summary = recorder.report(None, 1.0).summary
    assert summary.costs.fee_usd == pytest.approx(30)
    assert summary.costs.gas_usd == pytest.approx(3)


@pytest.mark.parametrize(("band", "breaches"), [(9, 1), (10, 0)])
def test_recorder__worst_case_after_a_rebalance__counted_when_above_the_band(recorder, band, breaches):
    snapshot, state = look(3_000.0, 0.0, NOW)
    after = replace(state, bounds=replace(state.bounds, band=wad(band)))
    step = recorder.record(cycle(Outcome.EXECUTED, snapshot, state, after=after))
    assert recorder.report(None, 1.0).summary.band_breaches_after_rebalance == breaches
    assert (step.worst_after, step.governed_band) == (10.0, band)
    assert step.outside_reason is (OutsideReason.POLICY if breaches else None)


def test_recorder__rejection_and_mismatch__counted(recorder):
    snapshot, state = look(3_000.0, 0.0, NOW)
    step = recorder.record(cycle(Outcome.REJECTED, snapshot, state, guard_mirror_mismatch=True))
    summary = recorder.report(None, 1.0).summary
    assert (step.worst_before, step.worst_after, step.outside_reason) == (10.0, 10.0, None)
    assert step.action is StepAction.REJECTED
    assert (summary.rejected, summary.rebalances, summary.guard_mirror_mismatches) == (1, 0, 1)


def test_recorder__vault_cannot_be_read__one_line_says_which_step(recorder):
    snapshot, _ = look(3_000.0, 0.0, NOW)
    blind = CycleResult(snapshot.block, Outcome.REJECTED, "cannot be read: PriceOutOfRange()", 0.0)
    with pytest.raises(DataError, match=r"step 1: cannot be read: PriceOutOfRange\(\); choose prices"):
        recorder.record(blind)


def test_recorder__nothing_replayed__refused(recorder):
    with pytest.raises(DataError, match="no step was replayed"):
        recorder.report(None, 1.0)


def _failing(first, second=None):
    """A market that moves once and then fails; behind the second error is the first."""
    moves = iter([None, first])

    def step(*_):
        if (error := next(moves)) is None:
            return
        if second is not None:
            second.__context__ = error
        raise second or error

    return step


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ((DataError("no depth"),), "no depth"),
        ((KeyboardInterrupt(),), INTERRUPTED),
        ((KeyboardInterrupt(), TransientError("the node does not answer")), INTERRUPTED),
    ],
)
def test_replay__ends_in_its_second_step__reports_the_first(recorder, monkeypatch, errors, told):
    snapshot, state = look(3_000.0, 0.0, NOW)
    keeper = SimpleNamespace(cycle=lambda: cycle(Outcome.HELD, snapshot, state), ledger=recorder._ledger)
    world = SimpleNamespace(
        maintenance=dict,
        keeper=keeper,
        cycle=keeper.cycle,
        localnet=SimpleNamespace(step=_failing(*errors)),
        deployment=SimpleNamespace(asset=SimpleNamespace(decimals=6), venues=()),
        settings=SimpleNamespace(costs=SimpleNamespace(gas_token_usd=lambda price: price)),
    )
    monkeypatch.setattr(replay_module, "open_world", lambda *_: contextlib.nullcontext(world))
    observer = SimpleNamespace(phase=None, begin=lambda: None, step=lambda _: None)
    report = replay(recorder._scenario, None, observer)
    assert (report.summary.steps, report.ended_early) == (1, told)


def test_replay__ends_in_its_first_step__has_nothing_to_report(recorder, monkeypatch):
    step = SimpleNamespace(step=lambda *_: (_ for _ in ()).throw(DataError("no depth")))
    world = SimpleNamespace(
        maintenance=dict,
        keeper=SimpleNamespace(ledger=recorder._ledger),
        localnet=step,
        deployment=SimpleNamespace(asset=SimpleNamespace(decimals=6), venues=()),
        settings=SimpleNamespace(costs=SimpleNamespace(gas_token_usd=lambda price: price)),
    )
    monkeypatch.setattr(replay_module, "open_world", lambda *_: contextlib.nullcontext(world))
    with pytest.raises(DataError, match="no depth"):
        replay(recorder._scenario, None, SimpleNamespace(phase=None, begin=lambda: None))


def test_recorder__fills_and_an_order_asked_for__stand_with_their_venue(recorder, ledger):
    snapshot, state = look(3_000.0, 10.0, NOW)
    address = snapshot.venues[0].address
    recorder.record(cycle(Outcome.HELD, snapshot, state))
    ledger.held_fills = [replace(fill(2.0, 3_003.0, 4.0), venue=address), replace(fill(0.0, 0.0, 0.0), venue=address)]
    ledger.held_receipts = [RECEIPT]
    recorder.record(cycle(Outcome.EXECUTED, snapshot, state, receipt=RECEIPT))
    [found] = recorder.report(None, 1.0).venues
    assert (found.trades, found.turnover_usd, found.fee_usd, found.slippage_usd) == (1, 6_006.0, 4.0, 6.0)
    assert (found.size, found.equity_usd) == (10.0, 100_000.0)
