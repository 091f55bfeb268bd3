"""One cycle's decision."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest

from agent.decision.decide import decide
from agent.domain import Action, Target
from agent.errors import DataError, VenuesSilentError
from agent.guard import evaluate, leverage, net_delta_interval, worst_net_delta
from agent.policy.fixed_threshold import FixedThreshold
from agent.policy.whalley_wilmott import WhalleyWilmott
from agent.policy.zakamouline import Zakamouline
from agent.prediction import predict
from tests.support.decision_builders import (
    COSTS,
    EXPIRY,
    NOW,
    SETTINGS,
    VenueState,
    delta_interval,
    held,
    short_calls,
    snapshot_of,
    usage_of,
    wad,
    with_bounds,
)

BOOK = short_calls()
POLICY = WhalleyWilmott(risk_aversion_per_usd=0.05, static_horizon_days=30.0, static_vol_annual=0.7)
WIDE = replace(POLICY, risk_aversion_per_usd=1e-4)
BOOK_DELTA = -sum(delta_interval(BOOK, 3_000.0, NOW)) / 2.0
"""Hedge that centres the chain's interval."""


def hedged(gap: float, **changes) -> VenueState:
    """A venue whose hedge misses neutral by ``gap``, at a leverage between the watermarks."""
    size = BOOK_DELTA + gap
    state = {"size": size, "equity_usd": abs(size) * 3_000 / 2, "free_collateral_usd": abs(size) * 1_000}
    return VenueState(**(state | changes))


def run(snapshot, policy=POLICY, book=BOOK, costs=COSTS, settings=SETTINGS):
    return decide(snapshot, book, policy, costs, settings)


def after(snapshot, decision):
    return predict(snapshot, decision.legs, decision.expected_fills)


def test_decide__unhedged_book__buys_to_the_inner_edge_and_is_urgent():
    snapshot = snapshot_of(BOOK)
    decision = run(snapshot)
    assert decision.action is Action.REBALANCE
    assert decision.urgent
    assert decision.guard_error is None
    assert decision.target.band_low < decision.target.target_net_delta < 0.0
    landed = decision.exposure.net_delta + sum(fill.size_delta for fill in decision.expected_fills) / 1e18
    assert landed == pytest.approx(decision.target.target_net_delta, abs=1e-12)
    assert worst_net_delta(after(snapshot, decision)) <= snapshot.bounds.band
    assert "buy" in decision.reason


def test_decide__net_delta_inside_the_band__holds():
    decision = run(snapshot_of(BOOK, hedged(0.3)))
    assert decision.action is Action.HOLD
    assert (decision.legs, decision.expected_fills, decision.guard_error) == ((), (), None)
    assert "inside" in decision.reason


@pytest.mark.parametrize(("gap", "sign"), [(1.6, -1), (-1.6, 1)])
def test_decide__outside_the_policy_but_inside_the_chains_band__trades_back(gap, sign):
    snapshot = snapshot_of(BOOK, hedged(gap))
    decision = run(snapshot, replace(POLICY, risk_aversion_per_usd=0.5))
    assert decision.action is Action.REBALANCE
    assert not decision.urgent
    assert math.copysign(1, decision.expected_fills[0].size_delta) == sign
    assert worst_net_delta(after(snapshot, decision)) < worst_net_delta(snapshot.measurement)


FREE_GAS = replace(COSTS, eth_price_usd=0.0)
"""Without a fixed cost a trade that the chain forces goes no farther than it must."""


@pytest.mark.parametrize("gap", [2.5, -2.5])
def test_decide__policy_content_but_chain_not__lands_inside_chain_band_with_room(gap):
    snapshot = snapshot_of(BOOK, hedged(gap))
    decision = run(snapshot, FixedThreshold(50.0), costs=FREE_GAS)
    low, high = net_delta_interval(snapshot.measurement)
    half_width = (high - low) / 2
    expected = (wad(2) - half_width) * 0.95 + half_width
    assert decision.action is Action.REBALANCE
    assert worst_net_delta(after(snapshot, decision)) == pytest.approx(expected, rel=1e-12)
    assert "chain's band" in decision.reason


def test_decide__forced_trade_and_dear_gas__lands_farther_inside_than_with_free_gas():
    snapshot = snapshot_of(BOOK, hedged(2.5))
    worst = [
        worst_net_delta(after(snapshot, run(snapshot, FixedThreshold(50.0), costs=replace(COSTS, eth_price_usd=price))))
        for price in (0.0, 300.0, 3_000.0, 30_000.0)
    ]
    assert worst == sorted(worst, reverse=True)
    assert len(set(worst)) == len(worst)
    low, high = net_delta_interval(snapshot.measurement)
    assert worst[-1] < (high - low) / 2 + wad("0.2")


def test_decide__policy_narrower_than_the_chains_band__lands_where_the_policy_says():
    snapshot = snapshot_of(BOOK, hedged(2.5))
    decision = run(snapshot, FixedThreshold(1.0))
    landed = decision.exposure.net_delta + sum(fill.size_delta for fill in decision.expected_fills) / 1e18
    assert landed == pytest.approx(FixedThreshold(1.0).target(decision.exposure, decision.costs).target_net_delta)


def test_decide__chain_interval_wider_than_band__centres_when_that_improves_enough():
    book = short_calls(iv_spread=0.3)
    snapshot = with_bounds(snapshot_of(book, hedged(-4.0)), band=wad("0.5"))
    low, high = net_delta_interval(snapshot.measurement)
    assert high - low > wad(1)
    decision = run(snapshot, FixedThreshold(50.0), book)
    assert decision.action is Action.REBALANCE
    assert worst_net_delta(after(snapshot, decision)) == pytest.approx((high - low) / 2, rel=1e-12)


def test_decide__chain_interval_wider_than_the_band_and_centred__holds_naming_rule():
    book = short_calls(iv_spread=0.3)
    snapshot = with_bounds(snapshot_of(book, hedged(0.2)), band=wad("0.5"), min_improvement=wad(3))
    decision = run(snapshot, FixedThreshold(50.0), book)
    assert decision.action is Action.HOLD
    assert decision.guard_error == "NetDeltaExceeded"


@pytest.mark.parametrize("policy", [FixedThreshold(5.0), WIDE, Zakamouline(1e-4, 30.0, 0.7, 5.76)])
@pytest.mark.parametrize("gap", [0.4, -0.4])
def test_decide__band_out_of_reach_and_nearly_centred__is_not_worth_its_gas(policy, gap):
    """No trade reaches the band, so a policy that narrows its own by it would pay gas for every crumb."""
    book = short_calls(iv_spread=0.3)
    snapshot = with_bounds(snapshot_of(book, hedged(gap)), band=wad("0.5"), min_improvement=wad("0.01"))
    decision = run(snapshot, policy, book)
    assert decision.action is Action.HOLD, decision.reason


@dataclass(frozen=True)
class Fixed:
    """A policy that always asks for one landing point."""

    landing: float

    def target(self, exposure, costs):
        return Target(min(self.landing, 0.0), max(self.landing, 0.0), self.landing, f"always {self.landing}")


@pytest.mark.parametrize("landing", [40.0, -40.0, 1.7, -1.7])
def test_decide__policy_asks_for_more_risk__never_enlarges_the_worst_case(landing):
    snapshot = snapshot_of(BOOK, hedged(0.5))
    decision = run(snapshot, Fixed(landing))
    if decision.action is Action.REBALANCE:
        assert worst_net_delta(after(snapshot, decision)) <= worst_net_delta(snapshot.measurement)


@pytest.mark.parametrize(("quantity", "fee_ratio"), [(3.0, 0.001), (-3.0, 0.004)])
def test_decide__buying_is_dearer__policy_reckons_with_its_own_side(quantity, fee_ratio):
    """A long book is sold against, a short one is bought for."""
    book = held(quantity)
    snapshot = snapshot_of(book)
    quotes = [replace(one, fee=4 * one.fee) if one.size_delta > 0 else one for one in snapshot.venues[0].quotes]
    snapshot = replace(snapshot, venues=(replace(snapshot.venues[0], quotes=tuple(quotes)),))
    assert run(snapshot, book=book).costs.fee_ratio == pytest.approx(fee_ratio, rel=1e-2)


def test_decide__trade_below_the_least_size__holds():
    snapshot = snapshot_of(BOOK, hedged(0.5))
    landing = run(snapshot).exposure.net_delta - 0.009
    assert run(snapshot, Fixed(landing)).action is Action.HOLD
    assert run(snapshot, Fixed(landing - 0.002)).action is Action.REBALANCE


@pytest.mark.parametrize(("quantity", "urgent"), [(10.0, True), (9.999999, False)])
def test_decide__worst_case_at_the_urgent_delta__is_urgent(quantity, urgent):
    book = held(quantity)
    assert run(snapshot_of(book), book=book).urgent is urgent


@pytest.mark.parametrize(("quantity", "action"), [(2.0, Action.HOLD), (2.000001, Action.REBALANCE)])
def test_decide__worst_case_at_the_chains_band__is_left_alone(quantity, action):
    book = held(quantity)
    assert run(snapshot_of(book), FixedThreshold(50.0), book).action is action


def test_decide__policy_lands_beside_the_chains_band__keeps_the_headroom():
    book = held(1.99)
    decision = run(snapshot_of(book), Fixed(1.95), book)
    assert decision.expected_fills[0].size_delta == pytest.approx(-wad("0.09"))


def test_decide__outside_the_chains_band__trades_even_below_the_least_size():
    book = held(2.05)
    choosy = replace(SETTINGS, min_trade_underlying=0.5)
    decision = run(snapshot_of(book), FixedThreshold(50.0), book, FREE_GAS, choosy)
    assert decision.expected_fills[0].size_delta == pytest.approx(-wad("0.15"))


def test_decide__paused__holds():
    decision = run(snapshot_of(BOOK, paused=True))
    assert (decision.action, decision.reason) == (Action.HOLD, "the vault is paused")


def test_decide__no_collateral__holds_and_says_so():
    snapshot = snapshot_of(BOOK)
    empty = replace(snapshot, idle_assets=0, measurement=replace(snapshot.measurement, nav=0, firm_nav=0, idle=0))
    decision = run(empty)
    assert decision.action is Action.HOLD
    assert decision.reason == "the vault holds no collateral to hedge with; deposit first"


def test_decide__cooldown__holds_until_urgent():
    usage = usage_of(last_trade_at=NOW - 60)
    calm = snapshot_of(BOOK, hedged(5.0), usage=usage)
    decision = run(calm)
    assert (decision.action, decision.guard_error) == (Action.HOLD, "CooldownActive")
    assert not decision.urgent
    urgent = snapshot_of(BOOK, hedged(12.0), usage=usage)
    assert run(urgent).urgent
    assert run(urgent).action is Action.REBALANCE


def test_decide__turnover_nearly_spent__trades_what_is_left():
    snapshot = snapshot_of(BOOK, usage=usage_of(turnover_used=wad(970_000), updated_at=NOW))
    decision = run(snapshot)
    assert decision.action is Action.REBALANCE
    assert 9.0 < decision.expected_fills[0].size_delta / 1e18 < 10.0
    assert "turnover left" in decision.reason


def test_decide__turnover_spent__holds_and_says_so():
    decision = run(snapshot_of(BOOK, usage=usage_of(turnover_used=wad(1_000_000), updated_at=NOW)))
    assert decision.action is Action.HOLD
    assert "turnover left" in decision.reason


def test_decide__leverage_bound_binds__finds_the_largest_accepted_size():
    snapshot = with_bounds(snapshot_of(BOOK, idle_usd=100_000), max_leverage=wad(1))
    decision = run(snapshot)
    assert decision.action is Action.REBALANCE
    assert "LeverageExceeded" in decision.reason
    measured = after(snapshot, decision)
    ratio = leverage(measured.venues[0].notional, measured.firm_nav)
    assert 0.99 * 10**18 < ratio <= 10**18


def test_decide__leverage_and_improvement_bind__finds_the_narrow_sizes_between():
    snapshot = snapshot_of(BOOK, idle_usd=100_000)
    tight = with_bounds(snapshot, max_leverage=wad(1), min_improvement=wad(32))
    decision = run(tight)
    assert decision.action is Action.REBALANCE
    assert 32.0 < decision.expected_fills[0].size_delta / 1e18 < 33.4
    impossible = run(with_bounds(snapshot, max_leverage=wad(1), min_improvement=wad(34)))
    assert (impossible.action, impossible.guard_error) == (Action.HOLD, "LeverageExceeded")


def test_decide__idle_too_small_for_any_hedge__holds_naming_the_rule():
    decision = run(snapshot_of(BOOK, idle_usd=10))
    assert decision.action is Action.HOLD
    assert decision.guard_error == "VenueLeverageExceeded"


def test_decide__fee_above_the_bound__holds_without_trying_sizes():
    decision = run(snapshot_of(BOOK, VenueState(fee_ratio=0.002)))
    assert (decision.action, decision.guard_error) == (Action.HOLD, "FeeExceeded")


def test_decide__quotes_beyond_the_price_limit__holds_and_says_so():
    decision = run(snapshot_of(BOOK, VenueState(mark_usd=3_100.0)))
    assert decision.action is Action.HOLD
    assert "inside the guard's size and price limits" in decision.reason


def test_decide__leverage_high_without_a_trade__moves_margin_alone():
    snapshot = snapshot_of(BOOK, hedged(0.3, equity_usd=40_000.0))
    decision = run(snapshot)
    assert decision.action is Action.REBALANCE
    assert decision.expected_fills == ()
    assert [leg.size_delta for leg in decision.legs] == [0]
    measured = after(snapshot, decision).venues[0]
    assert leverage(measured.notional, measured.equity_low) == pytest.approx(wad(2), rel=1e-6)
    assert "margin alone" in decision.reason


def test_decide__trade_held_back_by_cooldown__still_tops_up_margin():
    usage = usage_of(last_trade_at=NOW - 60)
    decision = run(snapshot_of(BOOK, hedged(5.0, equity_usd=40_000.0), usage=usage))
    assert decision.action is Action.REBALANCE
    assert decision.expected_fills == ()


def test_decide__account_beyond_saving__is_eased_as_far_as_idle_reaches():
    decision = run(snapshot_of(BOOK, hedged(0.3, equity_usd=1.0), idle_usd=5_000))
    assert decision.action is Action.REBALANCE
    assert [leg.margin_delta for leg in decision.legs] == [5_000 * 10**6]
    assert decision.expected_fills == ()


def test_decide__account_beyond_saving_and_a_floor__keeps_the_floor():
    snapshot = with_bounds(snapshot_of(BOOK, hedged(0.3, equity_usd=1.0), idle_usd=5_000), idle_floor_bps=2_000)
    (leg,) = run(snapshot).legs
    floor = snapshot.measurement.firm_nav // 5 // 10**12
    assert snapshot.idle_assets - leg.margin_delta == pytest.approx(floor, abs=1)


def test_decide__book_expired__unwinds_the_hedge():
    snapshot = snapshot_of(BOOK, VenueState(size=20, equity_usd=30_000), at_unix=EXPIRY)
    decision = run(snapshot)
    assert decision.exposure.book_delta == 0.0
    assert decision.expected_fills[0].size_delta < -wad("19.9")


def test_decide__holdings_alone__are_hedged_within_the_static_band():
    book = held(5.0)
    snapshot = snapshot_of(book)
    decision = run(snapshot, book=book)
    assert decision.action is Action.REBALANCE
    assert 0.0 < decision.target.target_net_delta < decision.target.band_high < 0.1


def test_decide__pending_orders__count_as_done():
    snapshot = snapshot_of(BOOK, hedged(0.0))
    venue = snapshot.measurement.venues[0]
    pending = replace(venue, size_high=venue.size_high + wad(1))
    snapshot = replace(snapshot, measurement=replace(snapshot.measurement, venues=(pending,)))
    assert run(snapshot).exposure.hedge_size == pytest.approx(BOOK_DELTA + 1.0)


@pytest.mark.parametrize("shift", ["1", "-1"])
def test_decide__book_and_chain_disagree__refuses(shift):
    snapshot = snapshot_of(BOOK)
    moved = replace(
        snapshot.measurement,
        book_delta_low=snapshot.measurement.book_delta_low + wad(shift),
        book_delta_high=snapshot.measurement.book_delta_high + wad(shift),
    )
    with pytest.raises(DataError, match="outside the chain's interval"):
        run(replace(snapshot, measurement=moved))


@pytest.mark.parametrize("shift", ["0.0009", "-0.0009"])
def test_decide__disagreement_within_tolerance__decides(shift):
    snapshot = snapshot_of(short_calls(iv_spread=0.0))
    slack = wad(shift)
    moved = replace(
        snapshot.measurement,
        book_delta_low=snapshot.measurement.book_delta_low + slack,
        book_delta_high=snapshot.measurement.book_delta_high + slack,
    )
    assert run(replace(snapshot, measurement=moved), book=short_calls(iv_spread=0.0)).action is Action.REBALANCE


def test_decide__measurement_contradicts_itself__is_refused():
    snapshot = snapshot_of(BOOK)
    measured = snapshot.measurement
    swapped = replace(measured, book_delta_low=measured.book_delta_high, book_delta_high=measured.book_delta_low)
    cases = {
        "venues but": replace(measured, venues=()),
        "measured price is 0; expected a positive": replace(measured, price=wad(0)),
        "low <= high": swapped,
        "outside its measured": replace(
            measured, venues=(replace(measured.venues[0], size_low=wad(1), size_high=wad(1)),)
        ),
    }
    for message, broken in cases.items():
        with pytest.raises(DataError, match=message):
            run(replace(snapshot, measurement=broken))


@pytest.mark.parametrize("name", ["band_low", "band_high", "target_net_delta"])
def test_decide__policy_answers_nan__is_refused_by_name(name):
    class Broken:
        def target(self, exposure, costs):
            return replace(Target(-1.0, 1.0, 0.0, "broken"), **{name: math.nan})

    with pytest.raises(DataError, match=f"{name} of the policy"):
        run(snapshot_of(BOOK), Broken())


def test_decide__no_venue_quotes_the_side__is_refused():
    with pytest.raises(DataError, match="no venue quotes buys"):
        run(snapshot_of(BOOK, VenueState(max_quote=0.0)))


def test_decide__no_venue_answers__is_refused_by_their_names():
    snapshot = snapshot_of(BOOK, hedged(3.0))
    venues = tuple(replace(venue, is_silent=True) for venue in snapshot.measurement.venues)
    silent = replace(snapshot, measurement=replace(snapshot.measurement, venues=venues))
    with pytest.raises(VenuesSilentError, match=f"{snapshot.venues[0].name} does not answer"):
        run(silent)


def test_decide__same_inputs__same_decision():
    snapshot = snapshot_of(BOOK, hedged(3.0))
    assert run(snapshot) == run(snapshot)


def test_decide__accepted_decision__passes_the_mirror_again():
    snapshot = snapshot_of(BOOK)
    decision = run(snapshot)
    usage = evaluate(
        snapshot.bounds,
        snapshot.usage,
        snapshot.measurement,
        decision.expected_fills,
        after(snapshot, decision),
        snapshot.block.timestamp,
    )
    assert usage.own.last_trade_at == NOW


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"delta_tolerance_underlying": 0.0}, "delta_tolerance_underlying"),
        ({"delta_tolerance_underlying": math.nan}, "delta_tolerance_underlying"),
        ({"min_trade_underlying": 0.0}, "min_trade_underlying"),
        ({"band_headroom_bps": 0}, "band_headroom_bps"),
        ({"band_headroom_bps": 10_000}, "band_headroom_bps"),
    ],
)
def test_decision_settings__out_of_domain__are_refused_by_name(changes, message):
    with pytest.raises(DataError, match=message):
        replace(SETTINGS, **changes)
