"""Loss budget is kept for options that end: what is closed at once then is not naked for hours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.backtest.price_series import PriceSeries
from agent.backtest.vault_day import KeeperModel, replay_vault
from agent.decision.decide import decide
from agent.decision.expiry_reserve import charge_ratio, expiry_reserve, held_for_expiry
from agent.domain import Action, Book, OptionLeg, OptionType, TradeCosts
from agent.policy.fixed_threshold import FixedThreshold
from agent.risk.exposure import book_exposure
from agent.units import Seconds
from tests.support.decision_builders import (
    COSTS,
    NOW,
    SETTINGS,
    SPOT_USD,
    VenueState,
    snapshot_of,
    usage_of,
    wad,
    with_bounds,
)

PAID = TradeCosts(fee_ratio=0.001, impact_ratio=0.0005, funding_ratio=0.0, gas_usd=50.0)
HOUR = 3_600


def calls(hours, quantity=-20.0, strike_usd=2_000.0):
    """Calls deep in the money: their delta is their size."""
    leg = OptionLeg(OptionType.CALL, strike_usd, Seconds(NOW + hours * HOUR), quantity, 0.6, 0.59, 0.61, f"{hours} h")
    return Book("ETH", (leg,))


def reserve_of(book, **changes):
    bounds = {"loss_capacity_bps": 150, "loss_refill_bps_per_day": 150, **changes}
    snapshot = with_bounds(snapshot_of(book, deviation_bps=100), **bounds)
    return expiry_reserve(snapshot, book_exposure(book, SPOT_USD, NOW, 20.0), PAID)


def test_expiry_reserve__end_is_near__is_the_charge_less_the_refill():
    """20 x 3,000 at 1.15 % is $690; an hour of 150 bps of $500,000 a day refills $312.50."""
    kept = reserve_of(calls(1))
    assert kept is not None
    assert kept.kept_usd == pytest.approx(690.0 - 312.5, rel=1e-3)
    assert (kept.delta, kept.seconds) == (pytest.approx(20.0, rel=1e-3), HOUR)


@pytest.mark.parametrize(
    ("book", "changes"),
    [
        (calls(3), {}),
        (calls(25), {}),
        (calls(1), {"loss_refill_bps_per_day": 0}),
        (Book("ETH", (*calls(1).positions, *calls(1, quantity=20.0).positions)), {}),
        (Book("ETH", ()), {}),
    ],
    ids=["refilled by then", "farther than a refill", "no refill", "legs that cancel", "no options"],
)
def test_expiry_reserve__nothing_needed__is_none(book, changes):
    assert reserve_of(book, **changes) is None


def test_expiry_reserve__slowest_refill_that_there_is__counts_too():
    """One basis point a day of $500,000 refills $2.08 in an hour."""
    assert reserve_of(calls(1), loss_refill_bps_per_day=1).kept_usd == pytest.approx(690.0 - 50.0 / 24.0, rel=1e-3)


@pytest.mark.parametrize("seconds", [HOUR, 24 * HOUR])
def test_expiry_reserve__expiry_exactly_a_refill_away__is_the_last_that_counts(seconds):
    """150 bps at 3,600 or 150 bps a day take an hour or a day."""
    per_day = 150 * 24 * HOUR // seconds
    book = calls(seconds // HOUR, quantity=-5_000.0)
    assert reserve_of(book, loss_refill_bps_per_day=per_day) is not None
    assert reserve_of(book, loss_refill_bps_per_day=per_day + 1) is None


def test_expiry_reserve__legs_of_two_expiries__are_those_of_the_first_alone():
    both = Book("ETH", (*calls(1).positions, *calls(1, -5.0, 1_900.0).positions, *calls(2, -30.0).positions))
    kept = reserve_of(both)
    assert (kept.delta, kept.seconds) == (pytest.approx(25.0, rel=1e-3), HOUR)


def test_held_for_expiry__trade_that_leaves_exactly_the_reserve__may_go():
    """All of the budget of $7,500 is kept, and a trade of no size leaves all of it."""
    book = calls(1, quantity=-5_000.0)
    snapshot = with_bounds(snapshot_of(book, deviation_bps=100), loss_capacity_bps=150, loss_refill_bps_per_day=150)
    exposure = book_exposure(book, SPOT_USD, NOW, 20.0)
    assert held_for_expiry(snapshot, exposure, PAID, 0.0) is None
    words = held_for_expiry(snapshot, exposure, PAID, 0.01)
    assert words.startswith("$7,500 of the loss budget of $7,500 are kept to close the hedge of")
    assert words.endswith("that expires in 1 h")


def test_expiry_reserve__more_than_the_budget_holds__is_all_of_it():
    kept = reserve_of(calls(1, quantity=-5_000.0))
    assert kept is not None
    assert kept.kept_usd == pytest.approx(500_000 * 0.015)


def test_charge_ratio__impact_earns__is_not_counted_on():
    snapshot = snapshot_of(calls(1), deviation_bps=100)
    assert charge_ratio(snapshot, replace(PAID, impact_ratio=-0.01)) == pytest.approx(0.011)


def decided(hours, hedge, used):
    book = calls(hours)
    snapshot = snapshot_of(
        book,
        VenueState(size=hedge, equity_usd=30_000.0, free_collateral_usd=10_000.0),
        deviation_bps=100,
        usage=usage_of(loss_used=wad(used), updated_at=Seconds(NOW)),
    )
    return decide(with_bounds(snapshot, band=wad(5)), book, FixedThreshold(0.5), COSTS, SETTINGS)


def test_decide__policy_alone_asks_shortly_before_the_end__keeps_the_budget():
    decision = decided(1, 18.0, "0.0291")
    assert decision.action is Action.HOLD
    assert "of the loss budget of $" in decision.reason
    assert "kept to close the hedge of 20.0000 that expires in 1 h" in decision.reason


def test_decide__budget_is_full_or_the_chains_band_forces__trades():
    assert decided(1, 18.0, "0").action is Action.REBALANCE
    assert decided(1, 12.0, "0.0291").action is Action.REBALANCE
    assert decided(25, 18.0, "0.0291").action is Action.REBALANCE


def test_replay_vault__straddle_that_ends__is_closed_sooner_with_the_reserve(monkeypatch):
    legs = [
        OptionLeg(right, SPOT_USD, Seconds(NOW + 12 * HOUR), -20.0, 0.65, 0.64, 0.66, right.name)
        for right in OptionType
    ]
    book = Book("ETH", tuple(legs))
    steps = np.arange(288)
    path = SPOT_USD * np.exp(0.02 * np.sin(steps / 7.0) + 0.04 * steps / 288)
    prices = PriceSeries("ETHUSDT", NOW + 300 * steps.astype(np.int64), path, Seconds(300), "test", None)
    start = with_bounds(
        snapshot_of(book, idle_usd=120_000.0, deviation_bps=100),
        band=wad(7), loss_capacity_bps=150, loss_refill_bps_per_day=150, cooldown_seconds=240,
    )  # fmt: skip
    keeper = KeeperModel(FixedThreshold(2.0), SETTINGS, lambda _: COSTS)
    kept = replay_vault(start, book, keeper, prices)
    monkeypatch.setattr("agent.decision.decide.held_for_expiry", lambda *_: None)
    spent = replay_vault(start, book, keeper, prices)
    assert kept.steps_outside < spent.steps_outside
