"""Why a cycle left the net delta outside, told from what the decision core and the chain really say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.decision.decide import decide
from agent.decision.part_worth import Part, Refill, less_than_an_edge, too_early
from agent.demo.left_outside import outside_reason
from agent.domain import Action
from agent.errors import RejectedError
from agent.keeper.planner import CycleView
from agent.keeper.result import CycleResult, Outcome
from agent.policy.fixed_threshold import FixedThreshold
from agent.report.replay_report import OutsideReason
from tests.support.decision_builders import (
    COSTS,
    NOW,
    SETTINGS,
    VenueState,
    held,
    snapshot_of,
    usage_of,
    wad,
    with_bounds,
)

BOOK = held(-35.0)
LONG = VenueState(size=30.0, equity_usd=45_000.0, free_collateral_usd=30_000.0)


def result_of(snapshot, outcome=Outcome.HELD, rejection=None, book=BOOK, threshold=1.0):
    decision = decide(snapshot, book, FixedThreshold(threshold), COSTS, SETTINGS)
    view = CycleView(snapshot, None, decision, 0.0, None)
    return CycleResult(snapshot.block, outcome, decision.reason, 0.0, view, rejection=rejection)


def test_outside_reason__cooldown_of_the_guard__is_the_cooldown():
    held_back = result_of(snapshot_of(BOOK, LONG, usage=usage_of(last_trade_at=NOW - 60)))
    assert outside_reason(held_back) is OutsideReason.COOLDOWN


def test_outside_reason__turnover_is_spent__is_the_turnover():
    spent = snapshot_of(held(-50.0), usage=usage_of(turnover_used=wad(1_000_000), updated_at=NOW))
    found = result_of(spent, book=held(-50.0))
    assert found.decision.action is Action.HOLD
    assert outside_reason(found) is OutsideReason.TURNOVER


def test_outside_reason__traded_what_turnover_left__is_the_turnover():
    short = snapshot_of(held(-50.0), usage=usage_of(turnover_used=wad(900_000), updated_at=NOW))
    found = result_of(short, Outcome.EXECUTED, book=held(-50.0))
    assert found.decision.action is Action.REBALANCE
    assert outside_reason(found) is OutsideReason.TURNOVER


@pytest.mark.parametrize(
    "bound", [{"max_size_delta": wad(10)}, {"max_notional": wad(30_000)}], ids=["size", "notional"]
)
def test_outside_reason__cut_by_a_size_of_the_guard__is_not_the_venues(bound):
    found = result_of(with_bounds(snapshot_of(held(-50.0)), **bound), Outcome.EXECUTED, book=held(-50.0))
    assert found.decision.action is Action.REBALANCE
    assert "limited by the guard's" in found.reason
    assert outside_reason(found) is OutsideReason.ANOTHER_BOUND


def test_outside_reason__loss_budget_cut_the_trade__is_the_loss_budget():
    book = held(-60.0)
    full = snapshot_of(book, VenueState(size=30.0, equity_usd=90_000.0), deviation_bps=50)
    used = wad("0.03") - wad(200) * 10**18 // full.measurement.firm_nav
    found = result_of(replace(full, usage=usage_of(loss_used=used, updated_at=NOW)), Outcome.EXECUTED, book=book)
    assert "reduced to avoid" in found.reason
    assert outside_reason(found) is OutsideReason.LOSS_BUDGET


def test_outside_reason__venues_quote_little__is_the_venue():
    thin = snapshot_of(held(-50.0), VenueState(max_quote=5.0))
    found = result_of(thin, Outcome.EXECUTED, book=held(-50.0))
    assert "what venues quote" in found.reason
    assert outside_reason(found) is OutsideReason.VENUE


@pytest.mark.parametrize(
    "words",
    [
        less_than_an_edge(Part(0.2, 60.0, 80.0, 3_000.0, None), 60.0, 5.0),
        too_early(Part(1.0, 60.0, 301.0, 3_000.0, Refill(1_000.0, 1e6))),
    ],
)
def test_outside_reason__part_not_worth_its_transaction__is_the_cost(words):
    found = result_of(snapshot_of(BOOK, LONG))
    assert words is not None
    assert outside_reason(replace(found, reason=f"held; {words}")) is OutsideReason.COST


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("GasPriceExceeded", OutsideReason.COST),
        ("SlippageExceeded", OutsideReason.VENUE),
        ("CH_NEMRM", OutsideReason.VENUE),
        ("LeverageExceeded", OutsideReason.ANOTHER_BOUND),
        ("TurnoverExceeded", OutsideReason.TURNOVER),
    ],
)
def test_outside_reason__refused__is_who_refused(error, reason):
    refused = result_of(snapshot_of(BOOK, LONG), Outcome.REJECTED, RejectedError(error, {}))
    assert outside_reason(refused) is reason


def test_outside_reason__leverage_cut_the_trade__is_another_bound():
    book = held(-100.0)
    found = result_of(
        with_bounds(snapshot_of(book, idle_usd=100_000), max_leverage=wad(1)), Outcome.EXECUTED, book=book
    )
    assert "reduced to avoid LeverageExceeded" in found.reason
    assert outside_reason(found) is OutsideReason.ANOTHER_BOUND


def test_outside_reason__on_its_way__is_pending_whatever_the_words():
    assert outside_reason(result_of(snapshot_of(BOOK, LONG), Outcome.PENDING)) is OutsideReason.PENDING


def test_outside_reason__nobody_said_no__is_the_policy():
    assert outside_reason(result_of(snapshot_of(BOOK, LONG), threshold=50.0)) is OutsideReason.POLICY
