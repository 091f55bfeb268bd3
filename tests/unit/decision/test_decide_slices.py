"""A trade that is dear at once, cut into slices by the decision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.costs.impact import ImpactCoefficients
from agent.decision.decide import decide
from agent.domain import Action
from agent.policy.fixed_threshold import FixedThreshold
from agent.routing import SlicingParameters
from tests.support.decision_builders import (
    COSTS,
    NOW,
    SETTINGS,
    VenueState,
    delta_interval,
    short_calls,
    snapshot_of,
    usage_of,
    wad,
    with_bounds,
)

BOOK = short_calls()
BOOK_DELTA = -sum(delta_interval(BOOK, 3_000.0, NOW)) / 2.0
POLICY = FixedThreshold(1.0)

SLICED = replace(
    SETTINGS,
    slicing=SlicingParameters(interval_seconds=300.0, max_slices=10, vol_annual=0.7, risk_aversion_per_usd=1e-5),
)
LONG_AGO = usage_of(last_trade_at=NOW - 3_600)


def run(snapshot, costs=COSTS, settings=SETTINGS):
    return decide(snapshot, BOOK, POLICY, costs, settings)


def wide(gap, usage=LONG_AGO, **changes):
    """A net delta that misses neutral by ``gap``, far inside the chain's band, at a leverage of 2."""
    size = BOOK_DELTA + gap
    hedged = VenueState(size=size, equity_usd=abs(size) * 1_500, free_collateral_usd=abs(size) * 1_000)
    return with_bounds(snapshot_of(BOOK, hedged, usage=usage), band=wad(40), urgent_delta=wad(60), **changes)


def traded(decision):
    return sum(fill.size_delta for fill in decision.expected_fills) / 1e18


@pytest.mark.parametrize("gap", [25.0, -25.0])
def test_decide__dear_at_once_inside_the_chains_band__trades_a_slice_toward_target(gap):
    snapshot = wide(gap)
    whole, sliced = run(snapshot), run(snapshot, settings=SLICED)
    assert sliced.action is Action.REBALANCE
    assert 0.0 < traded(sliced) / traded(whole) < 0.9
    assert sliced.target == whole.target
    assert "slice 1 of" in sliced.reason
    assert "slice" not in whole.reason


def test_decide__slice_after_slice__arrives_at_the_target():
    gap, count = 25.0, 0
    while True:
        decision = run(wide(gap), settings=SLICED)
        if decision.action is Action.HOLD:
            break
        gap += traded(decision)
        count += 1
    assert 2 < count <= 10
    assert abs(gap) < 1.1


@pytest.mark.parametrize(
    ("gap", "bounds"),
    [
        (25.0, {"band": wad(20)}),
        (25.0, {"band": wad(20), "urgent_delta": wad(20)}),
    ],
    ids=["outside the chain's band", "urgent"],
)
def test_decide__risk_the_chain_forbids__is_never_delayed_nor_cut(gap, bounds):
    snapshot = wide(gap, usage_of(last_trade_at=NOW - 10), cooldown_seconds=0)
    snapshot = with_bounds(snapshot, **bounds)
    assert run(snapshot, settings=SLICED) == run(snapshot)
    assert run(snapshot).action is Action.REBALANCE


@pytest.mark.parametrize(("seconds", "action"), [(299, Action.HOLD), (300, Action.REBALANCE)])
def test_decide__last_trade_just_now__gives_the_market_its_time(seconds, action):
    snapshot = wide(25.0, usage_of(last_trade_at=NOW - seconds), cooldown_seconds=0)
    decision = run(snapshot, settings=SLICED)
    assert decision.action is action
    assert ("1 s more to recover" in decision.reason) is (action is Action.HOLD)
    assert decision.guard_error is None


def test_decide__slices_not_worth_their_gas__trades_as_without_slicing():
    snapshot = wide(25.0)
    dear = replace(COSTS, gas_units=10**9)
    assert run(snapshot, costs=dear, settings=SLICED) == run(snapshot, costs=dear)


def test_decide__slice_below_the_least_size__trades_the_least_size():
    choosy = replace(SLICED, min_trade_underlying=20.0)
    assert traded(run(wide(25.0), settings=choosy)) == pytest.approx(-20.0)


def test_decide__own_estimate_of_impact__replaces_the_quotes():
    flat = ImpactCoefficients(0.0, 1e-9, 0.0)
    own = replace(SLICED, slicing=replace(SLICED.slicing, impact=flat))
    assert run(wide(25.0), settings=own) == run(wide(25.0))


def test_decide__slice_and_notional_bound__says_both():
    decision = run(wide(25.0, max_notional=wad(60_000)), settings=SLICED)
    assert "limited by the guard's notional" in decision.reason
    assert "slice 1 of" in decision.reason
