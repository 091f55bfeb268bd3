"""Options held as a hedge in a replay: a line of their own, which with the others adds up to the change of NAV."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from agent.chain.block_id import BlockId
from agent.chain.state import ChainState, VenueState
from agent.decision.decide import decide
from agent.demo import replay as replay_module
from agent.demo.replay import Recorder
from agent.demo.scenario import seeded_scenario
from agent.domain import VenueSnapshot
from agent.keeper.planner import CycleView
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.accounting import NavCheck
from agent.ledger.records import LogId, OptionEventKind, OptionEventRecord
from agent.option_venue import HeldOption
from agent.policy.fixed_threshold import FixedThreshold
from agent.report.attribution import CAUSES, OPTIONS, TOTAL, attribute_replay
from agent.report.html import render_html
from agent.report.replay_report import ReplayReport
from agent.report.summary import summary_json
from agent.units import Address, AssetUnits, Seconds, Wad, Wei
from tests.support.decision_builders import COSTS, NOW, SETTINGS, held, snapshot_of, wad
from tests.support.decision_builders import VenueState as Venue

BOOK = held(-10.0)
POSITION, STRIKE_ID = 7, 12
CASH_USD = 20_000.0
"""What the venue of options had before the first purchase."""
CENT_USD = 0.01


class Ledger:
    """Tells of options what a test has it tell, and counts how often it is asked."""

    def __init__(self) -> None:
        self.events: list[OptionEventRecord] = []
        self.asked = 0

    def option_events(self) -> list[OptionEventRecord]:
        self.asked += 1
        return list(self.events)

    def fills(self) -> list[object]:
        return []

    receipts = funding = orders = fills

    def tell(self, state: ChainState, kind: OptionEventKind, size: float, cash_usd: float, fee_usd: float = 0) -> None:
        at = LogId(BlockId.of(state.block), "0x02", len(self.events))
        sums = wad(size), wad(cash_usd), wad(fee_usd)
        venue = state.venues[-1].address
        self.events.append(OptionEventRecord(at, venue, kind, POSITION, *sums, strike_id=STRIKE_ID, is_call=True))


def state_at(
    number: int, price_usd: float, cash_usd: float = CASH_USD, size: float = 0.0, bid_usd: float = 0.0
) -> ChainState:
    """A perp without a position and a venue of options, whose equity the registry counts at the ask, 5 % above."""
    perp, options = Venue(equity_usd=100_000.0, mark_usd=price_usd, index_usd=price_usd), Venue(equity_usd=cash_usd)
    snapshot = snapshot_of(BOOK, perp, options, spot_usd=price_usd, at_unix=Seconds(NOW + 300 * number))
    measured, low, high = snapshot.measurement, wad(cash_usd + bid_usd), wad(cash_usd + 1.05 * bid_usd)
    account = replace(measured.venues[1], size_low=Wad(0), size_high=Wad(0), notional=Wad(0))
    account = replace(account, equity=high, equity_low=low, equity_high=high)
    option = HeldOption(
        POSITION, STRIKE_ID, True, wad(size), wad(3_000), Seconds(NOW + 86_400), wad(bid_usd), wad(1.05 * bid_usd)
    )
    held_options: list[tuple[HeldOption, ...] | None] = [None, (option,) if size else ()]
    return ChainState(
        block=replace(snapshot.block, number=number, base_fee_wei=Wei(1)),
        measurement=replace(measured, venues=(measured.venues[0], account)),
        usage=snapshot.usage,
        bounds=snapshot.bounds,
        idle_assets=snapshot.idle_assets,
        net_flows=AssetUnits(0),
        deviation_bps=0,
        oracle_updated_at=Seconds(1),
        is_paused=False,
        is_keeper=True,
        venues=tuple(account_of(own, options) for own, options in zip(snapshot.venues, held_options, strict=True)),
    )


def account_of(venue: VenueSnapshot, options: tuple[HeldOption, ...] | None) -> VenueState:
    prices, nothing = (venue.mark_price, venue.index_price), (Wad(0), Wad(0), AssetUnits(0), Wad(0))
    return VenueState(Address(venue.address), venue.name, Wad(0), *prices, *nothing, options=options)


def cycle(state: ChainState, before: ChainState | None = None) -> CycleResult:
    snapshot = replace(snapshot_of(BOOK, Venue()), block=state.block, measurement=state.measurement)
    decision = decide(snapshot_of(BOOK, Venue()), BOOK, FixedThreshold(50.0), COSTS, SETTINGS)
    view = CycleView(snapshot, state, decision, decision_seconds=0.004, costs=COSTS)
    nav = NavCheck(*(wad(1),) * 4)
    return CycleResult(state.block, Outcome.HELD, "because", 0.01, view, nav, before_options=before)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def recorder(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setattr(replay_module, "provenance", lambda scenario, world, bounds: {})
    scenario = replace(seeded_scenario(1, None), book=BOOK)
    return Recorder(scenario, SimpleNamespace(ledger=ledger), 6, lambda price_usd: price_usd, {})


def a_purchase_a_fall_and_a_payoff(recorder: Recorder, ledger: Ledger) -> ReplayReport:
    """$1,500 are paid, the bid is $1,400 then and $900 later; a half is sold for $430, a half pays $800."""
    bought = state_at(2, 3_000.0, CASH_USD - 1_500.0, 4.0, 1_400.0)
    ledger.tell(bought, OptionEventKind.TRADED, 4.0, -1_500.0, 30.0)
    recorder.record(cycle(bought, before=state_at(1, 3_000.0)))
    recorder.record(cycle(state_at(3, 2_900.0, CASH_USD - 1_500.0, 4.0, 900.0)))
    sold = state_at(5, 2_950.0, CASH_USD - 1_070.0, 2.0, 500.0)
    ledger.tell(sold, OptionEventKind.TRADED, -2.0, 430.0, 10.0)
    recorder.record(cycle(sold, before=state_at(4, 2_950.0, CASH_USD - 1_500.0, 4.0, 950.0)))
    settled = state_at(6, 3_400.0, CASH_USD - 270.0)
    ledger.tell(settled, OptionEventKind.SETTLED, -2.0, 800.0)
    recorder.record(cycle(settled))
    return recorder.report(None, 1.0)


def test_recorder__options_traded_and_settled__causes_add_up_to_the_change_of_nav(recorder, ledger):
    report = a_purchase_a_fall_and_a_payoff(recorder, ledger)
    found, nav_change_usd = attribute_replay(report), -1_500.0 + 430.0 + 800.0
    assert found.causes == (*CAUSES[:4], OPTIONS, *CAUSES[4:])
    assert found.hedged[OPTIONS].tolist() == pytest.approx([0.0, -600.0, -550.0, -270.0, -270.0])
    assert found.hedge_usd(TOTAL) == pytest.approx(nav_change_usd, abs=CENT_USD)
    assert sum(found.hedge_usd(cause) for cause in found.causes) == pytest.approx(nav_change_usd, abs=CENT_USD)
    assert (found.hedge_usd("unexplained"), report.unexplained_usd) == pytest.approx((0.0, 0.0), abs=CENT_USD)


def test_recorder__options_traded__told_as_premiums_fees_payoffs_and_value(recorder, ledger):
    report = a_purchase_a_fall_and_a_payoff(recorder, ledger)
    gains = report.options
    assert (gains.premium_paid_usd, gains.premium_received_usd, gains.fee_usd) == (1_500.0, 430.0, 40.0)
    assert (gains.payoff_usd, gains.value_usd, gains.total_usd) == (800.0, 0.0, -270.0)
    assert report.steps[0].options is None, "a step tells what was there before its own trade"
    assert report.steps[1].options.value_usd == 900.0
    assert report.summary.costs.total_usd == pytest.approx(0.0), "what options cost is no cost of the perp"
    told = json.loads(summary_json(report))
    assert (told["options"]["total_usd"], told["attribution_usd"]["hedged"]["options"]) == pytest.approx((-270, -270))
    assert [step["options_usd"] for step in told["step_records"]] == [None, -600.0, -550.0, -270.0]
    page = render_html(report)
    assert "<h2>Options held as a hedge</h2>" in page
    assert "7, call of strike 12" in page
    assert "<td>Options held as a hedge</td>" in page


def test_recorder__options_bought__vault_counts_them_at_what_a_sale_would_bring(recorder, ledger):
    bought = state_at(2, 3_000.0, CASH_USD - 1_500.0, 4.0, 1_400.0)
    ledger.tell(bought, OptionEventKind.TRADED, 4.0, -1_500.0, 30.0)
    recorder.record(cycle(bought, before=state_at(1, 3_000.0)))
    summary = recorder.report(None, 1.0).summary
    assert summary.pnl_hedged_usd == pytest.approx(-100.0)
    assert summary.vault_nav_usd == pytest.approx(500_000.0 + 100_000.0 + CASH_USD - 100.0)


def test_recorder__options_held_from_before__only_what_follows_is_gained(recorder, ledger):
    first = state_at(2, 3_000.0, CASH_USD - 1_500.0, 4.0, 1_400.0)
    ledger.tell(first, OptionEventKind.TRADED, 4.0, -1_500.0, 30.0)
    recorder.record(cycle(first))
    recorder.record(cycle(state_at(3, 3_000.0, CASH_USD - 1_500.0, 4.0, 1_450.0)))
    report = recorder.report(None, 1.0)
    assert (report.options.before_usd, report.options.total_usd) == (-100.0, 50.0)
    assert report.summary.pnl_hedged_usd == pytest.approx(50.0)
    assert attribute_replay(report).hedged[OPTIONS][-1] == pytest.approx(50.0)


def test_recorder__ledger_is_ahead_of_the_state__what_comes_later_does_not_count_yet(recorder, ledger):
    ledger.tell(state_at(3, 3_000.0), OptionEventKind.TRADED, 4.0, -1_500.0, 30.0)
    recorder.record(cycle(state_at(2, 3_000.0)))
    assert recorder.report(None, 1.0).options is None


@pytest.mark.parametrize("has_venue", [True, False])
def test_recorder__no_option_was_ever_held__there_is_no_line_of_them(recorder, ledger, has_venue):
    for number in (1, 2):
        state = state_at(number, 3_000.0)
        venues = state.venues if has_venue else tuple(replace(own, options=None) for own in state.venues)
        recorder.record(cycle(replace(state, venues=venues)))
    report = recorder.report(None, 1.0)
    assert (report.options, report.option_positions) == (None, ())
    assert attribute_replay(report).causes == CAUSES
    assert "ptions held as a hedge" not in render_html(report)
    told = json.loads(summary_json(report))
    assert (told["options"], OPTIONS in told["attribution_usd"]["hedged"]) == (None, False)
    assert (ledger.asked > 0) is has_venue
