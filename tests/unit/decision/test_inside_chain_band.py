"""What of a wanted size the chain's rules let pass, by the rules themselves, in whole units of 1e-18."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.decision.chain_band import as_known, inside_chain_band, inside_delta_rule, net_delta_limits
from agent.decision.decide import decide
from agent.decision.forced_landing import landing_under_limit
from agent.domain import Action, Target, TradeCosts
from agent.policy.fixed_threshold import FixedThreshold
from agent.risk.exposure import book_exposure
from agent.risk.settlement import SettlingBook
from agent.units import WAD, Wad, from_wad
from tests.support.decision_builders import (
    COSTS,
    NOW,
    SETTINGS,
    SPOT_USD,
    held,
    snapshot_of,
    usage_of,
    wad,
    with_bounds,
)

FREE = TradeCosts(fee_ratio=0.001, impact_ratio=0.0, funding_ratio=0.0, gas_usd=0.0)
DEAR = replace(FREE, gas_usd=40.0)
BOOK = held(0.0)


def seen(low, high, band="2", improvement="0.5"):
    """A vault without a hedge whose net delta the chain knows from ``low`` to ``high``."""
    snapshot = with_bounds(snapshot_of(BOOK), band=wad(band), min_improvement=wad(improvement))
    measured = replace(snapshot.measurement, book_delta_low=wad(low), book_delta_high=wad(high))
    return replace(snapshot, measurement=measured)


@pytest.mark.parametrize(
    ("low", "high", "wanted", "allowed"),
    [
        ("1", "1", "3", "1"),
        ("1", "1", "-5", "-3"),
        ("1", "1", "-2", "-2"),
        ("1", "1", "0", "0"),
        ("6", "6", "-10", "-10"),
        ("6", "6", "-20", "-11.5"),
        ("6", "6", "1", "0"),
        ("-6", "-6", "20", "11.5"),
        ("-2", "2", "-1", "0"),
        ("-1", "2", "5", "0"),
        ("-2", "1", "5", "1"),
        ("-5", "5", "-1", "0"),
    ],
)
def test_inside_delta_rule__band_of_2__leaves_what_it_accepts(low, high, wanted, allowed):
    """W at most 2, or at least 0.5 less than it was; never a size of the other side."""
    assert inside_delta_rule(seen(low, high), wad(wanted)) == wad(allowed)


def test_inside_delta_rule__interval_as_wide_as_is_allowed__leaves_one_size():
    """From -1 to 5 with a band of 3: only -2 makes -3 to 3 of it."""
    snapshot = seen("-1", "5", band="3", improvement="3")
    assert inside_delta_rule(snapshot, wad(-4)) == wad(-2)
    assert inside_delta_rule(replace_high(snapshot, 1), wad(-4)) == 0


def replace_high(snapshot, more):
    measured = snapshot.measurement
    return replace(snapshot, measurement=replace(measured, book_delta_high=Wad(measured.book_delta_high + more)))


def sized(snapshot, net_delta, target, costs=FREE, headroom_bps=1_000):
    """Size, and the target as it was moved, for an agent that knows the net delta."""
    exposure = replace(book_exposure(BOOK, SPOT_USD, NOW, 0.0), book_delta=net_delta)
    wanted = Target(min(target, 0.0) - 0.25, max(target, 0.0) + 0.25, target, "because")
    return inside_chain_band(snapshot, exposure, costs, wanted, headroom_bps)


THOUSANDTHS = st.integers(-8_000, 8_000)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(middle=THOUSANDTHS, half=st.integers(0, 3_000), target=THOUSANDTHS, headroom_bps=st.integers(1, 9_999))
def test_inside_chain_band__any_wish__never_adds_risk_and_keeps_the_headroom(middle, half, target, headroom_bps):
    """Band 2: what is left of it for the middle, less the headroom, is where a trade ends, or nearer than it began."""
    milli = WAD // 1_000
    snapshot = seen(0, 0)
    low, high = (middle - half) * milli, (middle + half) * milli
    snapshot = replace(snapshot, measurement=replace(snapshot.measurement, book_delta_low=low, book_delta_high=high))
    size, moved = sized(snapshot, middle / 1_000, target / 1_000, headroom_bps=headroom_bps)
    before, after = middle * milli, middle * milli + size
    room = max(2_000 - half, 0) * milli
    inside = room * (10_000 - headroom_bps) // 10_000
    assert abs(after) <= abs(before) + 1
    if size and abs(before) > inside:
        assert abs(after) <= inside + 1
    wanted = target * milli
    if abs(wanted) <= min(inside, abs(before)):
        assert abs(after - wanted) <= 4_096, "nothing stands in its way but the floats of the wish"
        assert moved.reason == "because"
    if target == middle and abs(before) <= room:
        assert size == 0
    assert moved.target_net_delta == middle / 1_000 + from_wad(size)
    assert moved.band_low <= moved.target_net_delta <= moved.band_high


@pytest.mark.parametrize(("net_delta", "target"), [(0.3, 0.1), (-0.3, -0.1), (0.7, 0.6), (1.1, 0.2)])
def test_inside_chain_band__nothing_in_the_way__does_not_say_that_it_was_moved(net_delta, target):
    """Sums of floats miss these targets by a last bit, which the band has not moved."""
    size, moved = sized(seen(net_delta, net_delta), net_delta, target)
    assert moved.reason == "because"
    assert abs(size - (wad(target) - wad(net_delta))) <= 256


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_inside_chain_band__wish_beyond_the_band__is_moved_and_said(side):
    size, moved = sized(seen(side * 5.0, side * 5.0), side * 5.0, side * 4.0)
    assert size == -side * wad("3.2")
    assert moved.reason == f"because; the chain's band of 2.0000 moves that to {side * 1.8:+.4f}"


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_inside_chain_band__forced_with_dear_gas__lands_where_trading_costs_least(side):
    """A limit of 2, $40 a trade and 0.1 % of 3,000 a unit."""
    size, _ = sized(seen(side * 5.0, side * 5.0), side * 5.0, side * 5.0, DEAR)
    assert from_wad(size) * side + 5.0 == pytest.approx(landing_under_limit(2.0, 40.0, 3.0), abs=1e-12)


def test_inside_chain_band__wish_inside_with_dear_gas__goes_where_the_policy_says():
    size, _ = sized(seen(1.9, 1.9), 1.9, 1.7, DEAR)
    assert size == pytest.approx(wad("-0.2"), rel=1e-9)


@pytest.mark.parametrize(("low", "high", "net_delta"), [("1", "2", 1.5), ("1", "2", 1.25), ("-3", "-1", -2.5)])
def test_net_delta_limits__band_of_2__are_where_the_chain_calls_as_the_agent_counts(low, high, net_delta):
    """The middle may go 2 less half of the interval's width; the agent's own net delta stands beside the middle."""
    exposure = replace(book_exposure(BOOK, SPOT_USD, NOW, 0.0), book_delta=net_delta)
    limits = net_delta_limits(seen(low, high), exposure)
    middle, half = (float(low) + float(high)) / 2, (float(high) - float(low)) / 2
    assert (limits.low, limits.high) == pytest.approx(
        (net_delta - middle - (2 - half), net_delta - middle + (2 - half)), abs=1e-12
    )


@pytest.mark.parametrize("high", ["1", "5"], ids=["as wide", "wider"])
def test_net_delta_limits__interval_fills_the_band__are_none(high):
    exposure = replace(book_exposure(BOOK, SPOT_USD, NOW, 0.0), book_delta=1.0)
    assert net_delta_limits(seen("-3", high), exposure) is None


def test_as_known__nothing_settles__is_the_chains_own_view():
    snapshot = seen("1", "2")
    assert as_known(snapshot, SettlingBook(BOOK, low=0.0, high=0.0, delta=0.0)) is snapshot


def test_as_known__leg_that_settles__narrows_each_end_by_its_own_doubt():
    """Of -1 to 3 the settling legs may be 0 to 2 and are 0.5: -0.5 to 1.5 is left."""
    known = as_known(seen("-1", "3"), SettlingBook(BOOK, low=0.0, high=2.0, delta=0.5)).measurement
    assert (known.book_delta_low, known.book_delta_high) == (wad("-0.5"), wad("1.5"))


# --- a part of a trade outside the band ------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("half_width", "action"), [("0.5", Action.HOLD), ("0", Action.REBALANCE)])
def test_decide__part_that_brings_one_end_alone_inside__is_a_part(side, half_width, action):
    """$1,900 of turnover close some 0.62 of 2.6: with doubt of 0.5 the worst case ends beyond the band of 2.

    Without doubt it ends inside, and then no part is too small.
    """
    book = held(side * 2.6)
    used = usage_of(turnover_used=wad(1_000_000 - 1_900), updated_at=NOW)
    snapshot = snapshot_of(book, usage=used)
    measured = snapshot.measurement
    wide = replace(
        measured,
        book_delta_low=Wad(measured.book_delta_low - wad(half_width)),
        book_delta_high=Wad(measured.book_delta_high + wad(half_width)),
    )
    decision = decide(replace(snapshot, measurement=wide), book, FixedThreshold(50.0), COSTS, SETTINGS)
    assert decision.action is action
    assert ("takes away less risk than a trade from the edge" in decision.reason) is (action is Action.HOLD)


# --- what a policy is told --------------------------------------------------------------------------------------------


class Told:
    """A policy that stays, and remembers what it was shown."""

    def target(self, exposure, costs):
        self.exposure = exposure
        return Target(-99.0, 99.0, exposure.net_delta, "stays")


@pytest.mark.parametrize(
    ("net_delta", "urgent", "ratio"),
    [
        (1.0, "10", 0.0),
        (2.0, "10", 0.0),
        (4.0, "10", 0.25),
        (-6.0, "10", 0.5),
        (12.0, "10", 1.0),
        (1.9, "2", 0.0),
        (2.0, "2", 1.0),
        (0.9, "1", 0.0),
        (1.5, "1", 1.0),
    ],
)
def test_decide__policy__is_told_how_urgent_the_worst_case_is(net_delta, urgent, ratio):
    """From the band of 2 to the urgent delta; where there is no room between them, from that on."""
    book, policy = held(net_delta), Told()
    decide(with_bounds(snapshot_of(book), urgent_delta=wad(urgent)), book, policy, COSTS, SETTINGS)
    assert policy.exposure.urgency_ratio == pytest.approx(ratio)


@pytest.mark.parametrize(("last", "told"), [(0, None), (NOW - 60, NOW - 60)])
def test_decide__policy__is_told_when_the_vault_last_traded(last, told):
    policy = Told()
    decide(snapshot_of(held(1.0), usage=usage_of(last_trade_at=last)), held(1.0), policy, COSTS, SETTINGS)
    assert policy.exposure.last_trade_unix == told
