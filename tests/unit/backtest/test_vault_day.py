"""A replayed day is the decisions of a day: what they cost, and what other bounds would have done to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.backtest.price_series import PriceSeries
from agent.backtest.seeded_day import seeded_day
from agent.backtest.vault_day import KeeperModel, replay_vault
from agent.domain import Book
from agent.errors import DataError
from agent.guard import worst_net_delta
from agent.policy.fixed_threshold import FixedThreshold
from agent.units import Seconds, from_wad
from tests.support.decision_builders import (
    COSTS,
    NOW,
    SETTINGS,
    SPOT_USD,
    VenueState,
    held,
    short_calls,
    snapshot_of,
    wad,
    with_bounds,
)

BOOK = short_calls()
KEEPER = KeeperModel(FixedThreshold(0.5), SETTINGS, lambda _: COSTS)
DAY = seeded_day(4, SPOT_USD, NOW)


def path(*prices_usd: float, interval_seconds: int = 300) -> PriceSeries:
    times = NOW + interval_seconds * np.arange(len(prices_usd), dtype=np.int64)
    return PriceSeries("ETHUSDT", times, np.array(prices_usd, dtype=float), Seconds(interval_seconds), "test", None)


def test_replay_vault__seeded_day__hedges_it_within_the_band():
    day = replay_vault(with_bounds(snapshot_of(BOOK), cooldown_seconds=300), BOOK, KEEPER, DAY)
    assert day.rebalances > 10
    assert (day.steps_outside, day.refusals) == (0, {})
    assert from_wad(day.largest_worst) <= 2.0  # the band of the bounds
    hedged, unhedged = np.diff(day.pnl_hedged_usd[:-1:12]), np.diff(day.pnl_unhedged_usd[:-1:12])
    assert np.var(hedged) < 0.05 * np.var(unhedged)


def test_replay_vault__only_ratios_count__another_level_gives_the_same_day():
    shifted = replace(DAY, prices_usd=DAY.prices_usd / 7.0)
    one, other = (replay_vault(snapshot_of(BOOK), BOOK, KEEPER, prices) for prices in (DAY, shifted))
    assert other.rebalances == one.rebalances
    assert other.pnl_hedged_usd == pytest.approx(one.pnl_hedged_usd, abs=1e-6)


def test_replay_vault__wider_band__fewer_trades_and_more_exposure():
    narrow = replay_vault(snapshot_of(BOOK), BOOK, replace(KEEPER, policy=FixedThreshold(9.0)), DAY)
    start = with_bounds(snapshot_of(BOOK), band=wad(8))
    wide = replay_vault(start, BOOK, replace(KEEPER, policy=FixedThreshold(9.0)), DAY)
    assert wide.rebalances < narrow.rebalances
    assert wide.largest_worst > narrow.largest_worst


def test_replay_vault__no_slippage_allowed__is_refused_and_outside():
    start = with_bounds(snapshot_of(BOOK, VenueState(mark_usd=SPOT_USD * 1.01)), max_slippage_bps=0)
    day = replay_vault(start, BOOK, KEEPER, path(SPOT_USD, SPOT_USD, SPOT_USD))
    assert day.rebalances == 0
    assert (day.steps_outside, day.seconds_outside) == (3, 900)


def test_replay_vault__cooldown__is_the_guards_refusal():
    start = with_bounds(snapshot_of(held(20.0)), cooldown_seconds=3_600, max_size_delta=wad(8), urgent_delta=wad(500))
    day = replay_vault(start, Book("ETH", ()), KEEPER, path(*[SPOT_USD] * 14))
    assert day.rebalances == 2  # 8 of 20 at once, and 8 when the hour is over at step 12
    assert day.refusals == {"CooldownActive": 12}


def test_replay_vault__money__is_what_trades_and_moves_explain():
    day = replay_vault(snapshot_of(held(20.0)), Book("ETH", ()), KEEPER, path(3_000.0, 3_000.0, 3_300.0))
    assert day.rebalances >= 1
    kept = day.pnl_hedged_usd[-1]
    # What is hedged gains 6,000, and the hedge loses as much on all but the half unit that it leaves.
    assert day.pnl_unhedged_usd[-1] == pytest.approx(6_000.0)
    assert -day.cost_usd - 1.0 <= kept <= 0.5 * 300.0
    assert day.cost_usd == pytest.approx(day.fee_usd + day.slippage_usd + day.gas_usd)


def test_replay_vault__nothing_traded__is_the_book_alone_to_the_last_digit():
    """A float of the vault's size must not round the book's P&L: it would be a hedge that moved the variance."""
    book = short_calls(1.0)
    wide = replace(KEEPER, policy=FixedThreshold(5.0))
    day = replay_vault(snapshot_of(book), book, wide, path(*[3_000.0] * 50))
    assert day.rebalances == 0
    assert day.pnl_unhedged_usd[-1] != 0.0
    assert day.pnl_hedged_usd.tolist() == day.pnl_unhedged_usd.tolist()


def test_replay_vault__gas__is_taken_off_the_hedged_pnl():
    start, prices = snapshot_of(held(20.0)), path(3_000.0, 3_000.0)
    free = replace(KEEPER, costs=lambda _: replace(COSTS, gas_units=0))
    paid, unpaid = (replay_vault(start, Book("ETH", ()), keeper, prices) for keeper in (KEEPER, free))
    assert paid.gas_usd > 0.0 == unpaid.gas_usd
    assert unpaid.pnl_hedged_usd[-1] - paid.pnl_hedged_usd[-1] == pytest.approx(paid.gas_usd)


def test_replay_vault__funding__is_paid_by_who_is_long():
    states = [VenueState(size=size, equity_usd=50_000.0, funding_per_day=0.01) for size in (10.0, -10.0)]
    books = held(-10.0), held(10.0)
    days = [
        replay_vault(snapshot_of(book, state), Book("ETH", ()), KEEPER, path(3_000.0, 3_000.0, interval_seconds=86_400))
        for book, state in zip(books, states, strict=True)
    ]
    assert [day.funding_usd for day in days] == pytest.approx([300.0, -300.0])
    assert [day.pnl_hedged_usd[-1] for day in days] == pytest.approx([-300.0, 300.0])


def test_replay_vault__first_step__is_the_snapshot_itself():
    start = snapshot_of(BOOK, VenueState(size=50.0, equity_usd=60_000.0), deviation_bps=50)
    hold = replace(KEEPER, policy=FixedThreshold(90.0))
    day = replay_vault(with_bounds(start, band=wad(90)), BOOK, hold, path(SPOT_USD, SPOT_USD))
    assert day.rebalances == 0
    assert day.largest_worst == pytest.approx(worst_net_delta(start.measurement), rel=1e-6)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (snapshot_of(BOOK, paused=True), "the vault is paused"),
        (snapshot_of(BOOK, idle_usd=0.0), "no collateral"),
    ],
)
def test_replay_vault__cannot_trade__says_why(start, words):
    with pytest.raises(DataError, match=words):
        replay_vault(start, BOOK, KEEPER, DAY)


def test_replay_vault__one_price__is_refused():
    with pytest.raises(DataError, match="prices of the path"):
        replay_vault(snapshot_of(BOOK), BOOK, KEEPER, path(SPOT_USD))
