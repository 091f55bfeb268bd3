"""The alternatives of a cycle: complete, priced as the venues quote, measured as stated, judged by the guard."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.alternatives import Kind, OptionOffers, Yardstick, explain, yardstick_of
from agent.costs.quotes import ladder_of, quoted_ratios
from agent.decision.decide import decide
from agent.errors import DataError
from agent.policy.fixed_threshold import FixedThreshold
from agent.policy.registry import POLICIES
from agent.policy.whalley_wilmott import WhalleyWilmott
from agent.products.european import black76_greeks
from tests.support.decision_builders import (
    COSTS,
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
from tests.support.listed_chain import chain_at

BOOK = short_calls()
POLICY = WhalleyWilmott(risk_aversion_per_usd=0.05, static_horizon_days=30.0, static_vol_annual=0.7)
BOOK_DELTA = -sum(delta_interval(BOOK, 3_000.0, NOW)) / 2.0
WATCH_SECONDS = 300.0


def hedged(gap, **changes):
    size = BOOK_DELTA + gap
    return VenueState(
        **({"size": size, "equity_usd": abs(size) * 1_500, "free_collateral_usd": abs(size) * 1_000} | changes)
    )


def explained(snapshot, policy=POLICY, name="whalley_wilmott", book=BOOK, costs=COSTS, yardstick=None):
    decision = decide(snapshot, book, policy, costs, SETTINGS)
    measure = yardstick or yardstick_of(decision, policy, costs)
    return decision, explain(snapshot, book, name, policy, costs, SETTINGS, decision, measure, WATCH_SECONDS)


def named(explanation, name):
    (found,) = [alternative for alternative in explanation.alternatives if alternative.name == name]
    return found


def test_explain__unhedged_book__every_policy_is_there_or_says_what_it_needs():
    _, explanation = explained(snapshot_of(BOOK))
    policies = {own.name for own in explanation.alternatives if own.kind is Kind.POLICY}
    assert policies | set(explanation.left_out) == set(POLICIES)
    assert not policies & set(explanation.left_out)
    assert "hedge_ratio" in explanation.left_out["minimum_variance"]
    others = [own.name for own in explanation.alternatives if own.kind is not Kind.POLICY]
    assert sorted(others) == ["full neutralisation", "hold", "lower edge of the band", "upper edge of the band"]


@pytest.mark.parametrize("gap", [-8.0, 0.3, 4.0])
def test_explain__chosen__is_the_decision_and_alone(gap):
    decision, explanation = explained(snapshot_of(BOOK, hedged(gap)))
    assert [own.is_chosen for own in explanation.alternatives].count(True) == 1
    chosen = explanation.chosen
    assert chosen.reason == decision.reason
    assert chosen.size_delta == pytest.approx(sum(fill.size_delta for fill in decision.expected_fills) / 1e18)
    assert chosen.costs.fee_usd == pytest.approx(sum(fill.fee for fill in decision.expected_fills) / 1e18)


def test_explain__hold__costs_nothing_removes_nothing_and_has_no_price_of_risk():
    _, explanation = explained(snapshot_of(BOOK, hedged(5.0)))
    hold = named(explanation, "hold")
    assert (hold.costs.total_usd, hold.risk_removed_usd, hold.cost_per_risk_removed) == (0.0, 0.0, None)
    assert hold.risk_after_usd == explanation.risk_before_usd
    assert "stays outside the chain's band" in hold.reason
    assert "outside" not in named(explained(snapshot_of(BOOK, hedged(0.3)))[1], "hold").reason


def test_explain__order__accepted_by_objective_then_refused():
    snapshot = with_bounds(snapshot_of(BOOK, idle_usd=100_000), max_leverage=wad(1))
    _, explanation = explained(snapshot)
    keys = [(not own.is_accepted, own.objective_usd) for own in explanation.alternatives]
    assert keys == sorted(keys)
    refused = named(explanation, "full neutralisation")
    assert refused.refused_by == "LeverageExceeded"
    assert "the guard would refuse" in refused.reason
    assert explanation.chosen.is_accepted
    assert "reduced to avoid LeverageExceeded" in explanation.chosen.reason


def test_explain__landing_that_enlarges_the_worst_case__refused_by_the_delta_rule():
    snapshot = with_bounds(snapshot_of(BOOK, hedged(0.3)), band=wad("0.5"))
    decision, explanation = explained(
        snapshot, FixedThreshold(50.0), "fixed_threshold", yardstick=Yardstick(1, 0.7, 1e-3)
    )
    wide = replace(decision, target=replace(decision.target, band_high=9.0))
    found = explain(
        snapshot, BOOK, "fixed_threshold", FixedThreshold(50.0), COSTS, SETTINGS, wide, explanation.yardstick, 300.0
    )
    upper = named(found, "upper edge of the band")
    assert upper.refused_by == "NetDeltaExceeded"
    assert upper.risk_removed_usd < 0.0
    assert upper.cost_per_risk_removed is None
    assert not found.alternatives[-1].is_accepted


@pytest.mark.parametrize("gap", [6.0, -6.0])
@pytest.mark.parametrize("mark_usd", [2_996.0, 3_004.0])
def test_explain__figures__agree_with_each_other_and_with_the_quotes(gap, mark_usd):
    snapshot = snapshot_of(BOOK, hedged(gap, mark_usd=mark_usd, funding_per_day=0.002))
    decision, explanation = explained(snapshot, yardstick=Yardstick(0.5, 0.8, 2e-3))
    exposure, measure = decision.exposure, explanation.yardstick
    gas_usd = named(explanation, "full neutralisation").costs.gas_usd
    assert gas_usd == pytest.approx(decision.costs.gas_usd)
    for own in explanation.alternatives:
        variance = measure.variance_usd2(own.net_delta_after, exposure.book_gamma_per_usd, 3_000.0)
        assert own.net_delta_after == pytest.approx(exposure.net_delta + own.size_delta)
        assert own.risk_after_usd == pytest.approx(math.sqrt(variance))
        assert own.risk_removed_usd == pytest.approx(explanation.risk_before_usd - own.risk_after_usd)
        assert own.objective_usd == pytest.approx(own.costs.total_usd + 1e-3 * variance)
        for trade in own.trades:
            ladder = ladder_of(snapshot.venues[0], trade.size_delta > 0)
            size = wad(f"{abs(trade.size_delta):.18f}")
            fee, impact = quoted_ratios(ladder, size, snapshot.venues[0].mark_price, snapshot.measurement.price)
            notional_usd = abs(trade.size_delta) * 3_000.0
            assert own.costs.fee_usd == pytest.approx(fee * notional_usd, rel=1e-9)
            assert own.costs.impact_usd == pytest.approx(impact * notional_usd, rel=1e-9)
            assert own.costs.funding_usd == pytest.approx(trade.size_delta * 3_000.0 * 0.002 * 0.5, rel=1e-12)


def test_explain__neutralisation__leaves_gamma_alone_and_no_less_risk_is_possible():
    decision, explanation = explained(snapshot_of(BOOK, hedged(6.0)))
    neutral = named(explanation, "full neutralisation")
    assert neutral.net_delta_after == pytest.approx(0.0, abs=1e-12)
    alone = explanation.yardstick.variance_usd2(0.0, decision.exposure.book_gamma_per_usd, 3_000.0)
    assert neutral.risk_after_usd == pytest.approx(math.sqrt(alone))
    assert neutral.risk_after_usd <= min(own.risk_after_usd for own in explanation.alternatives) * (1 + 1e-12)


def test_explain__two_venues__each_alone_costs_no_less_than_the_split():
    venues = (hedged(-20.0, depth_usd=8e6, funding_per_day=0.001), VenueState(depth_usd=12e6, fee_ratio=0.0008))
    _, explanation = explained(snapshot_of(BOOK, *venues))
    chosen = explanation.chosen
    assert {trade.venue for trade in chosen.trades} == {"venue 0", "venue 1"}
    alone = [own for own in explanation.alternatives if own.kind is Kind.VENUE]
    assert [own.name for own in sorted(alone, key=lambda own: own.name)] == ["venue 0 alone", "venue 1 alone"]
    for own in alone:
        assert {trade.venue for trade in own.trades} == {own.name.removesuffix(" alone")}
        assert own.size_delta == pytest.approx(chosen.size_delta)
        assert own.costs.total_usd > chosen.costs.total_usd


def test_explain__venue_too_small_for_the_size__says_what_limits_it():
    venues = (hedged(-20.0), VenueState(max_quote=5.0))
    _, explanation = explained(snapshot_of(BOOK, *venues))
    small = named(explanation, "venue 1 alone")
    assert small.size_delta == pytest.approx(5.0)
    assert "limited to 5.0000 by what venues quote" in small.reason


def test_explain__nothing_to_trade_with__no_capacity_and_the_reason():
    spent = usage_of(turnover_used=wad(1_000_000), updated_at=NOW)
    snapshot = with_bounds(snapshot_of(BOOK, usage=spent), turnover_refill_per_day=0)
    _, explanation = explained(snapshot)
    neutral = named(explanation, "full neutralisation")
    assert (neutral.refused_by, neutral.trades, neutral.costs.total_usd) == ("NoCapacity", (), 0.0)
    assert "the guard's turnover left" in neutral.reason


def test_explain__paused__only_holding_is_possible():
    _, explanation = explained(snapshot_of(BOOK, paused=True))
    assert {own.refused_by for own in explanation.alternatives if own.trades} == {"Paused"}
    assert explanation.cheapest.size_delta == 0.0
    assert explanation.chosen.reason == "the vault is paused"


def test_explain__gas__further_legs_pay_for_themselves():
    costs = replace(COSTS, leg_gas_units=300_000)
    venues = (hedged(-20.0, depth_usd=4e6), VenueState(depth_usd=6e6))
    _, explanation = explained(snapshot_of(BOOK, *venues), costs=costs)
    two, one = explanation.chosen, named(explanation, "venue 1 alone")
    assert len(two.trades) == 2
    leg_gas = 300_000 * 1.1e9 / 1e18 * 3_000.0
    assert two.costs.gas_usd - one.costs.gas_usd == pytest.approx(leg_gas)


def test_explain__comparable_settings__are_those_of_the_chosen_policy():
    own = FixedThreshold(3.5)
    snapshot = snapshot_of(BOOK, hedged(1.5))
    _, explanation = explained(snapshot, own, "fixed_threshold", yardstick=Yardstick(0.25, 0.7, 0.05))
    expected = decide(snapshot, BOOK, WhalleyWilmott(0.05, 0.25, 0.7), COSTS, SETTINGS)
    assert named(explanation, "whalley_wilmott").reason == expected.reason
    assert named(explanation, "fixed_threshold").is_chosen


def test_explain__policy_that_cannot_answer__left_out_with_reason_and_hides_no_other(monkeypatch):
    class Broken(FixedThreshold):
        def target(self, exposure, costs):
            raise DataError("out of its depth")

    monkeypatch.setitem(POLICIES, "fixed_threshold", Broken)
    _, explanation = explained(snapshot_of(BOOK))
    assert explanation.left_out["fixed_threshold"] == "cannot answer: out of its depth"
    assert named(explanation, "continuous").is_accepted


def test_explain__same_inputs__same_answer():
    snapshot = snapshot_of(BOOK, hedged(3.0), VenueState())
    assert explained(snapshot) == explained(snapshot)


# --- with options -------------------------------------------------------------------------------------------------


def with_offers(chain, contracts=20.0, snapshot=None, book=BOOK):
    snapshot = snapshot or snapshot_of(BOOK)
    decision = decide(snapshot, BOOK, POLICY, COSTS, SETTINGS)
    measure = yardstick_of(decision, POLICY, COSTS)
    offers = OptionOffers(chain, contracts)
    found = explain(
        snapshot, book, "whalley_wilmott", POLICY, COSTS, SETTINGS, decision, measure, WATCH_SECONDS, offers
    )
    return decision, found, named(found, "perps and options")


def test_explain__options_offered__remove_gamma_that_no_perp_can():
    decision, explanation, mixed = with_offers(chain_at(3_000.0, NOW))
    assert mixed.kind is Kind.OPTIONS
    assert mixed.option_trades
    assert decision.exposure.book_gamma_per_usd < mixed.gamma_after_per_usd < 0.0
    assert mixed.risk_after_usd < named(explanation, "full neutralisation").risk_after_usd
    assert mixed.objective_usd <= explanation.chosen.objective_usd


def test_explain__options_offered__what_is_left_is_the_sum_of_all_trades():
    decision, explanation, mixed = with_offers(chain_at(3_000.0, NOW))
    delta, gamma, fee = decision.exposure.net_delta + mixed.size_delta, decision.exposure.book_gamma_per_usd, 0.0
    for trade in mixed.option_trades:
        assert abs(trade.size_delta) <= 20.0 * (1 + 1e-9)
        _, strike, right = trade.instrument.split("-")
        greeks = black76_greeks(right == "C", 3_000.0, float(strike), 20 / 365, 0.7)
        delta += trade.size_delta * float(greeks.delta)
        gamma += trade.size_delta * float(greeks.gamma)
        fee += abs(trade.size_delta) * min(0.0003 * 3_000.0, 0.125 * trade.execution_price_usd)
        mark_usd = float(greeks.value)
        assert trade.execution_price_usd == pytest.approx(mark_usd * (1.01 if trade.size_delta > 0 else 0.99), rel=1e-6)
    assert mixed.net_delta_after == pytest.approx(delta, rel=1e-6)
    assert mixed.gamma_after_per_usd == pytest.approx(gamma, rel=1e-6)
    perp_fee = sum(trade.fee_usd for trade in mixed.trades)
    assert mixed.costs.fee_usd == pytest.approx(perp_fee + fee, rel=1e-6)
    variance = explanation.yardstick.variance_usd2(delta, gamma, 3_000.0)
    assert mixed.risk_after_usd == pytest.approx(math.sqrt(variance), rel=1e-6)


def test_explain__options_and_a_bound_that_forbids_all__refused_by_its_name():
    forbidding = with_bounds(snapshot_of(BOOK), max_size_delta=wad(1), min_improvement=wad(30))
    _, _, mixed = with_offers(chain_at(3_000.0, NOW), snapshot=forbidding)
    assert (mixed.refused_by, mixed.option_trades, mixed.costs.total_usd) == ("NetDeltaExceeded", (), 0.0)
    assert "no trade respects the bounds" in mixed.reason


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        (replace(chain_at(3_000.0, NOW), underlying="BTC"), "chain is of BTC, the book of ETH"),
        (chain_at(3_100.0, NOW), r"price of 3,100.00 USD, the snapshot of 3,000.00"),
        (chain_at(3_000.0, NOW - 3_600.0), "3,600 s older than the snapshot"),
        (chain_at(3_000.0, NOW + 3_600.0), "3,600 s younger than the snapshot"),
    ],
)
def test_explain__options_of_another_market__refused(chain, message):
    with pytest.raises(DataError, match=message):
        with_offers(chain)


@pytest.mark.parametrize("contracts", [0.0, -1.0, math.nan, math.inf])
def test_option_offers__size_out_of_domain__refused(contracts):
    with pytest.raises(DataError, match="contracts_per_quote"):
        OptionOffers(chain_at(3_000.0, NOW), contracts)


# --- the yardstick ------------------------------------------------------------------------------------------------


def test_yardstick__variance__is_that_of_simulated_residuals():
    measure, net_delta, gamma, spot = Yardstick(2.0, 0.8, 1e-3), -3.0, -0.05, 3_000.0
    moves = spot * 0.8 * math.sqrt(2 / 365) * np.random.default_rng(7).standard_normal(2_000_000)
    residual = net_delta * moves + 0.5 * gamma * moves**2
    assert measure.variance_usd2(net_delta, gamma, spot) == pytest.approx(float(residual.var()), rel=0.01)


@given(
    st.floats(-100.0, 100.0), st.floats(-1.0, 1.0), st.floats(0.01, 30.0), st.floats(0.05, 3.0), st.floats(1.1, 10.0)
)
def test_yardstick__variance__grows_with_everything_but_the_sign(net_delta, gamma, days, vol, factor):
    measure = Yardstick(days, vol, 1e-3)
    variance = measure.variance_usd2(net_delta, gamma, 3_000.0)
    assert variance == measure.variance_usd2(-net_delta, -gamma, 3_000.0)
    assert variance <= measure.variance_usd2(net_delta * factor, gamma, 3_000.0)
    assert variance <= Yardstick(days * factor, vol, 1e-3).variance_usd2(net_delta, gamma, 3_000.0)
    assert variance <= Yardstick(days, vol * factor, 1e-3).variance_usd2(net_delta, gamma, 3_000.0)


def test_yardstick_of__nothing_given__book_vol_funding_horizon_policy_aversion():
    decision = decide(snapshot_of(BOOK), BOOK, POLICY, COSTS, SETTINGS)
    measure = yardstick_of(decision, POLICY, COSTS)
    assert (measure.horizon_days, measure.risk_aversion_per_usd) == (COSTS.funding_horizon_days, 0.05)
    assert measure.vol_annual == pytest.approx(0.7)
    assert yardstick_of(decision, POLICY, COSTS, 3.0, 0.9, 0.1) == Yardstick(3.0, 0.9, 0.1)


def test_yardstick_of__book_without_options__the_policys_vol_or_a_refusal():
    book = held(5.0)
    decision = decide(snapshot_of(book), book, POLICY, COSTS, SETTINGS)
    assert yardstick_of(decision, POLICY, COSTS).vol_annual == POLICY.static_vol_annual
    with pytest.raises(DataError, match="vol_annual is unknown"):
        yardstick_of(decision, FixedThreshold(1.0), COSTS)


def test_yardstick_of__no_horizon__asks_for_one():
    decision, costs = decide(snapshot_of(BOOK), BOOK, POLICY, COSTS, SETTINGS), replace(COSTS, funding_horizon_days=0.0)
    with pytest.raises(DataError, match="give horizon_days"):
        yardstick_of(decision, POLICY, costs)
    assert yardstick_of(decision, POLICY, costs, 2.0).horizon_days == 2.0


@pytest.mark.parametrize("name", ["horizon_days", "vol_annual", "risk_aversion_per_usd"])
@pytest.mark.parametrize("number", [0.0, -1.0, math.nan, math.inf])
def test_yardstick__number_out_of_domain__refused_by_name(name, number):
    with pytest.raises(DataError, match=name):
        replace(Yardstick(1.0, 0.7, 1e-3), **{name: number})
