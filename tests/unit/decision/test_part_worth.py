"""A part of a trade: worth its transaction, or left for later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.backtest.price_series import PriceSeries
from agent.backtest.vault_day import KeeperModel, replay_vault
from agent.decision.decide import decide
from agent.decision.part_worth import GAS_SHARE, Part, Refill, less_than_an_edge, too_early
from agent.domain import Action, Book
from agent.policy.fixed_threshold import FixedThreshold
from agent.units import Seconds
from tests.support.decision_builders import (
    COSTS,
    NOW,
    SETTINGS,
    SPOT_USD,
    VenueState,
    short_calls,
    snapshot_of,
    usage_of,
    wad,
    with_bounds,
)

BOOK = short_calls()
PART = Part(size=10.0, whole=60.0, gas_usd=80.0, spot_usd=3_000.0, refill=None)
REFILL = Refill(usd_per_hour=1_000.0, capacity_usd=1e6)


@pytest.mark.parametrize(("size", "is_worth"), [(0.2, False), (0.21, True), (60.0, True)])
def test_less_than_an_edge__far_outside__does_as_much_as_a_trade_from_the_edge(size, is_worth):
    """60^2 - (60 - x)^2 reaches 5^2 at x = 0.2087."""
    assert (less_than_an_edge(replace(PART, size=size), 60.0, 5.0) is None) is is_worth


@pytest.mark.parametrize(("distance", "is_worth"), [(4.99, False), (5.01, True)])
def test_less_than_an_edge__band_out_of_reach__is_centred_from_its_edge_on(distance, is_worth):
    assert (less_than_an_edge(replace(PART, size=distance), distance, 5.0) is None) is is_worth


@pytest.mark.parametrize(("gas_usd", "is_early"), [(299.0, False), (301.0, True)])
def test_too_early__budget_refills__gas_takes_a_hundredth_at_most(gas_usd, is_early):
    part = replace(PART, gas_usd=gas_usd, refill=REFILL)
    assert (too_early(part) is not None) is is_early
    assert too_early(replace(part, refill=None)) is None, "waiting would not help"


def test_too_early__waits__says_how_long():
    part = replace(PART, size=1.0, gas_usd=80.0, refill=REFILL)
    assert too_early(part) == (
        "gas of $80.00 is more than 1% of the $3,000 that the budget allows; $8,000 are there in about 5 h"
    )


@pytest.mark.parametrize(("size", "is_early"), [(2.9, True), (3.1, False)])
def test_too_early__budget_too_small_for_the_gas__is_used_when_it_is_full(size, is_early):
    """$800 of gas ask for $80,000, but the budget never holds more than $10,000: no book waits for ever."""
    part = replace(PART, size=size, gas_usd=800.0, refill=replace(REFILL, capacity_usd=10_000.0))
    assert (too_early(part) is not None) is is_early


def test_too_early__little_is_left_to_do__waits_for_the_whole_alone():
    part = replace(PART, size=1.0, whole=1.5, gas_usd=800.0, refill=REFILL)
    assert "$4,500 are there in about 1.5 h" in str(too_early(part))
    assert too_early(replace(part, size=1.5)) is None


def test_decide__turnover_nearly_spent_and_gas_dear__waits_and_says_until_when():
    used = usage_of(turnover_used=wad(999_000))
    dear = replace(COSTS, gas_units=COSTS.gas_units * 1_000)
    decision = decide(snapshot_of(BOOK, usage=used), BOOK, FixedThreshold(0.5), dear, SETTINGS)
    assert decision.action is Action.HOLD
    assert "does not come inside the chain's band" in decision.reason
    assert "are there in about" in decision.reason


def test_decide__turnover_that_never_refills__is_used_up_whatever_the_gas():
    used = usage_of(turnover_used=wad(990_000))
    dear = replace(COSTS, gas_units=COSTS.gas_units * 1_000)
    still = with_bounds(snapshot_of(BOOK, usage=used), turnover_refill_per_day=0)
    assert decide(still, BOOK, FixedThreshold(0.5), dear, SETTINGS).action is Action.REBALANCE


def test_replay_vault__budget_spent_for_a_day__does_not_dribble():
    """A book that has doubled against an empty bucket: before, each cooldown traded what had come back since."""
    bounds = {"turnover_capacity": wad(40_000), "turnover_refill_per_day": wad(120_000), "cooldown_seconds": 300}
    start = with_bounds(snapshot_of(BOOK, usage=usage_of(turnover_used=wad(40_000))), **bounds)
    times = NOW + 300 * np.arange(288, dtype=np.int64)
    rising = PriceSeries("ETHUSDT", times, SPOT_USD * np.linspace(1.0, 1.3, 288), Seconds(300), "test", None)
    gas = replace(COSTS, gas_units=COSTS.gas_units * 20)
    day = replay_vault(start, BOOK, KeeperModel(FixedThreshold(0.5), SETTINGS, lambda _: gas), rising)
    assert day.rebalances > 3
    assert day.gas_usd <= GAS_SHARE * day.turnover_usd
    assert day.turnover_usd > 100_000.0, "the day's budget is used all the same"


def test_decide__inside_the_band_and_loss_budget_short__waits_for_a_worthy_part():
    """Nothing is left of a book, and its hedge cannot be closed at once: 16 trades of $1,000 paid $100 of gas each."""
    used = usage_of(loss_used=wad("0.0304"))
    start = snapshot_of(Book("ETH", ()), VenueState(size=1.5, equity_usd=20_000.0), usage=used, deviation_bps=100)
    gas = replace(COSTS, gas_units=COSTS.gas_units * 20)
    decision = decide(start, Book("ETH", ()), FixedThreshold(0.5), gas, SETTINGS)
    assert decision.action is Action.HOLD
    assert "cannot be traded at once: gas of" in decision.reason
    cheap = decide(start, Book("ETH", ()), FixedThreshold(0.5), replace(COSTS, gas_units=1), SETTINGS)
    assert (cheap.action, cheap.reason.split("; ")[-1]) == (Action.REBALANCE, "reduced to avoid LossBudgetExceeded")
