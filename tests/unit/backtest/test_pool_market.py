"""A vault on a pool that follows the oracle: depth, gas by kind, and a range that a path may leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.backtest.gas_model import GasModel, GasUnits, RebalanceKind
from agent.backtest.mean_gas import MeanGas
from agent.backtest.pool_market import History, PoolDepth, PoolMarket
from agent.backtest.price_series import PriceSeries
from agent.backtest.vault_day import KeeperModel, replay_vault
from agent.decision.decide import decide
from agent.errors import DataError
from agent.policy.fixed_threshold import FixedThreshold
from agent.units import WEI_PER_GWEI, Seconds, Wei, from_wad
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
)

BOOK = short_calls()
KEEPER = KeeperModel(FixedThreshold(0.5), SETTINGS, lambda _: COSTS)
DEPTH = PoolDepth(SPOT_USD, 50.0, 20.0, 10.0, 0.25, 4.0)


def path(*prices_usd):
    times = NOW + 300 * np.arange(len(prices_usd), dtype=np.int64)
    return PriceSeries("ETHUSDT", times, np.array(prices_usd, dtype=float), Seconds(300), "test", None)


AS_SEEN = GasModel()


def market(prices, gas=AS_SEEN, base_fee_gwei=20.0, funding=None):
    history = History(np.full(len(prices), base_fee_gwei), funding)
    return PoolMarket(DEPTH, prices, history, wad(80), gas, lambda _: COSTS)


def test_curve__sale_of_the_stated_depth__costs_the_stated_slippage():
    assert DEPTH.curve(SPOT_USD).execution_price_usd(-50.0) == pytest.approx(SPOT_USD * (1.0 - 0.002), rel=1e-12)


def test_curve__price_doubles__liquidity_is_what_stays():
    """One range of liquidity: the reserve in the underlying shrinks with the root of the price."""
    assert DEPTH.curve(2.0 * SPOT_USD).base_reserve == pytest.approx(DEPTH.curve(SPOT_USD).base_reserve / 2.0**0.5)


def test_curve__price_beyond_the_range__is_refused_with_the_range():
    with pytest.raises(DataError, match="outside the pool's range of 750 to 12000"):
        DEPTH.curve(SPOT_USD * 4.0)


def test_replay_vault__price_leaves_the_range__ends_there_and_says_so():
    prices = path(SPOT_USD, SPOT_USD, SPOT_USD * 4.5, SPOT_USD)
    day = replay_vault(snapshot_of(BOOK), BOOK, KEEPER, prices, market(prices), may_end_early=True)
    assert (day.steps, day.pnl_hedged_usd.shape) == (2, (3,))
    assert str(day.ended_early).startswith("step 3: the price of ")
    with pytest.raises(DataError, match="outside the pool's range"):
        replay_vault(snapshot_of(BOOK), BOOK, KEEPER, prices, market(prices))


def test_gas_usd__next_block_is_cheaper__is_what_is_paid():
    prices = path(SPOT_USD, SPOT_USD)
    units = GasUnits(trade=1e6, margin_in=0.0, opening=0.0)
    day = replay_vault(snapshot_of(BOOK), BOOK, KEEPER, prices, market(prices, GasModel(units, 0.5)))
    assert day.rebalances == 1
    tip_gwei = COSTS.priority_fee_wei / 1e9
    opening = RebalanceKind(
        is_trade=True, is_opening=True, is_shrinking=False, is_short=False, goes_in=True, comes_home=False
    )
    burnt = 1e6 + MeanGas(prices, Seconds(15)).units(opening, Seconds(NOW + 1))
    assert day.gas_usd == pytest.approx((20.0 * 0.5 + tip_gwei) * 1e-9 * burnt * SPOT_USD)


def test_gas_usd__urgent_rebalance__pays_the_urgent_tip():
    """A worst case beyond the guard's urgent delta is sent at once, and dearer."""
    prices, history = path(SPOT_USD, SPOT_USD), History(np.full(2, 20.0))
    around = PoolMarket(
        DEPTH, prices, history, wad(80), GasModel(), lambda _: COSTS, urgent_tip_wei=Wei(50 * WEI_PER_GWEI)
    )
    snapshot = snapshot_of(BOOK)
    decision = decide(snapshot, BOOK, FixedThreshold(0.5), COSTS, SETTINGS)
    around.quotes(0, snapshot.measurement.price)
    urgent, usual = (around.gas(0, snapshot, replace(decision, urgent=urgent)) for urgent in (True, False))
    assert urgent.units == usual.units
    assert urgent.usd / usual.usd == pytest.approx((20.0 + 50.0) / (20.0 + COSTS.priority_fee_wei / 1e9))


UNITS = GasUnits(trade=1.0, shrinking=10.0, short=100.0, opening=1_000.0, margin_in=0.0, margin_out=0.0)


@pytest.mark.parametrize(
    ("held_size", "book", "expected"),
    [
        (0.0, short_calls(), 1_001.0),
        (20.0, short_calls(), 1.0),
        (80.0, short_calls(), 11.0),
        (0.0, short_calls(-100.0), 1_101.0),
        (-20.0, short_calls(-100.0), 101.0),
        (-80.0, short_calls(-100.0), 111.0),
        (20.0, short_calls(-100.0), 111.0),
        (-20.0, short_calls(), 11.0),
    ],
    ids=["opens", "grows", "shrinks", "opens short", "grows short", "shrinks short", "long to short", "short to long"],
)
def test_gas_units__what_becomes_of_the_position__is_told_apart(held_size, book, expected):
    snapshot = snapshot_of(book, VenueState(size=held_size, equity_usd=200_000.0))
    decision = decide(snapshot, book, FixedThreshold(0.5), COSTS, SETTINGS)
    assert UNITS.of(RebalanceKind.of(snapshot, decision)) == expected


def test_gas__first_funding_after_the_opening__writes_an_empty_slot_once():
    """The opening owes nothing; the next rebalance settles funding where nothing stood, later ones write over it."""
    book, prices = short_calls(), path(*[SPOT_USD] * 3)
    around, flat = market(prices, GasModel(GasUnits(owing=300_000.0))), snapshot_of(book)
    grown = snapshot_of(book, VenueState(size=20.0, equity_usd=200_000.0))
    opening, growing = (decide(own, book, FixedThreshold(0.5), COSTS, SETTINGS) for own in (flat, grown))
    units = []
    for step, (snapshot, decision) in enumerate([(flat, opening), (grown, growing), (grown, growing)]):
        around.quotes(step, snapshot.measurement.price)
        units.append(around.gas(step, snapshot, decision).units)
        around.traded(step, snapshot, decision)
    assert units[1] - units[2] == pytest.approx(300_000.0, abs=20_000.0)


def test_replay_vault__funding_history__is_paid_on_what_is_held():
    prices = path(*[SPOT_USD] * 3)
    still = market(prices, funding=np.zeros(3))
    rate = market(prices, funding=np.full(3, 0.01))
    book = held(-20.0)  # hedged by 20 long, which pay
    unpaid, paid = (replay_vault(snapshot_of(book), book, KEEPER, prices, around) for around in (still, rate))
    assert unpaid.funding_usd == 0.0
    assert paid.funding_usd == pytest.approx(20.0 * SPOT_USD * 0.01 * 600 / 86_400, rel=1e-3)
    assert paid.pnl_hedged_usd[-1] == pytest.approx(unpaid.pnl_hedged_usd[-1] - paid.funding_usd, abs=0.01)


def test_replay_vault__first_trade__executes_on_the_curve():
    prices = path(SPOT_USD, SPOT_USD)
    day = replay_vault(snapshot_of(BOOK), BOOK, KEEPER, prices, market(prices))
    size = day.turnover_usd / SPOT_USD
    curve = DEPTH.curve(SPOT_USD)
    assert day.slippage_usd == pytest.approx(size * (curve.execution_price_usd(size) - SPOT_USD), rel=0.02)
    assert from_wad(day.largest_worst) <= 2.0


def test_history__number_that_is_none__is_refused():
    with pytest.raises(DataError, match="base fee"):
        History(np.array([1.0, np.nan]))
    with pytest.raises(DataError, match="funding"):
        History(np.array([1.0]), np.array([np.inf]))
    with pytest.raises(DataError, match="2 base fees for 3 prices"):
        PoolMarket(DEPTH, path(1.0, 1.0, 1.0), History(np.ones(2)), wad(80), GasModel(), lambda _: COSTS)


def test_pool_depth__nonsense__is_refused():
    with pytest.raises(DataError):
        replace(DEPTH, depth_slippage_bps=0.0)
