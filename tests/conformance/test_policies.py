"""What every policy of the registry must do; a new entry is tested unasked."""

from __future__ import annotations

import itertools
import math
from dataclasses import fields, replace
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain import Book, Exposure, HoldingLeg, Target, TradeCosts
from agent.errors import DataError
from agent.formatting import signed_delta
from agent.policy.base import Policy
from agent.policy.registry import POLICIES, build_policy
from agent.units import Seconds
from tests.support.option_exposure import COSTS, NOW, call, hedged, put

EXAMPLES = {
    "hedge_ratio": 0.9,
    "horizon_days": 1.0,
    "interval_hours": 4.0,
    "risk_aversion_per_usd": 0.0005,
    "spot_vol_correlation": -0.3,
    "static_horizon_days": 30.0,
    "static_vol_annual": 0.7,
    "threshold_underlying": 0.5,
    "vol_annual": 0.7,
    "vol_of_vol_annual": 0.8,
    "volatility_constant": 5.76,
    "watch_seconds": 60.0,
}
"""A number for each parameter that a policy may have; units of USD and underlying end the name."""
SIDES_DIFFER = {"leland", "optimal_band", "optimal_variance_band", "zakamouline"}
"""Short gamma is hedged to a larger volatility than long gamma; the others treat both sides alike."""
TRUSTS_THE_HEDGE_LESS = {"minimum_variance"}
"""Its centre follows the book's delta, so a put is not hedged as the call it differs from by a forward."""

NAMES = sorted(POLICIES)
each = pytest.mark.parametrize("name", NAMES)
FAR = 1_000.0
SPOT = 3_000.0
CALLS = Book("ETH", (call(-100.0),))
MIXED = Book("ETH", (call(-60.0, 2_800.0, 12.0, 0.8), call(45.0, 3_300.0, 40.0), put(-50.0, 2_500.0, 25.0)))
HELD = Book("ETH", (HoldingLeg(12.0, "coins"),))
EMPTY = Book("ETH", ())
BAD = [math.nan, math.inf, -math.inf]


def parameters_of(name: str) -> dict[str, float]:
    wanted = [field.name for field in fields(POLICIES[name])]
    assert set(wanted) <= set(EXAMPLES), f"give an example of {sorted(set(wanted) - set(EXAMPLES))} in EXAMPLES"
    return {field: EXAMPLES[field] for field in wanted}


def policy_of(name: str, **changes: float) -> Policy:
    return build_policy(name, parameters_of(name) | changes)


def takes(name: str, parameter: str) -> bool:
    return parameter in parameters_of(name)


class Edges(NamedTuple):
    low: float
    landing_low: float
    landing_high: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low


def edges_of(policy: Policy, exposure: Exposure, costs: TradeCosts = COSTS) -> Edges:
    """The band and its landings, found by asking from far on either side."""
    below, above = (
        policy.target(replace(exposure, hedge_size=net_delta - exposure.book_delta), costs) for net_delta in (-FAR, FAR)
    )
    assert (below.band_low, below.band_high) == (above.band_low, above.band_high)
    return Edges(below.band_low, below.target_net_delta, above.target_net_delta, above.band_high)


def assert_keeps_its_contract(target: Target, net_delta: float) -> None:
    assert all(math.isfinite(number) for number in (target.band_low, target.band_high, target.target_net_delta))
    assert target.band_low <= target.target_net_delta <= target.band_high
    if target.band_low <= net_delta <= target.band_high:
        assert target.target_net_delta == net_delta
    elif net_delta > target.band_high:
        assert target.target_net_delta < net_delta
    else:
        assert target.target_net_delta > net_delta


# --- the contract -------------------------------------------------------------------------------------------------


@each
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    quantities=st.tuples(st.floats(-200.0, 200.0), st.floats(-200.0, 200.0)),
    net_delta=st.floats(-250.0, 250.0),
    log_moneyness=st.floats(-3.0, 3.0),
    days=st.floats(2e-5, 400.0),
    cost=st.floats(-0.01, 0.05),
    gas_usd=st.floats(0.0, 500.0),
    funding=st.floats(-0.02, 0.02),
    urgency=st.floats(0.0, 1.0),
)
def test_target__any_book_and_costs__keeps_its_contract(
    name, quantities, net_delta, log_moneyness, days, cost, gas_usd, funding, urgency
):
    book = Book("ETH", (call(quantities[0], days=days), put(quantities[1], days=2.0 * days)))
    exposure = replace(hedged(book, SPOT * math.exp(log_moneyness), net_delta), urgency_ratio=urgency)
    costs = TradeCosts(cost, 0.0, funding, gas_usd, 2.0)
    try:
        target = policy_of(name).target(exposure, costs)
    except DataError as refusal:
        assert "is known up to" in str(refusal)  # noqa: PT017 - a policy out of its depth says so
    else:
        assert_keeps_its_contract(target, exposure.net_delta)


@each
@pytest.mark.parametrize("book", [CALLS, MIXED, HELD, EMPTY], ids=["calls", "mixed", "held", "empty"])
def test_target__from_either_side__lands_on_the_same_side_of_the_band(name, book):
    edges = edges_of(policy_of(name), hedged(book, SPOT, 0.0))
    assert edges.low <= edges.landing_low <= edges.landing_high <= edges.high
    assert edges.width < FAR


@each
@pytest.mark.parametrize("net_delta", [-40.0, 0.0, 40.0])
def test_target__same_question_twice__same_answer(name, net_delta):
    policy, exposure = policy_of(name), hedged(MIXED, SPOT, net_delta)
    assert policy.target(exposure, COSTS) == policy.target(exposure, COSTS)


@each
@pytest.mark.parametrize("net_delta", [-40.0, 1e-3, 40.0])
def test_target__any_answer__has_a_reason_with_the_policys_name_and_numbers(name, net_delta):
    target = policy_of(name).target(hedged(CALLS, SPOT, net_delta), COSTS)
    words = target.reason.lower().replace("-", " ")
    assert all(word in words for word in name.split("_"))
    assert signed_delta(net_delta) in target.reason
    if target.target_net_delta != pytest.approx(net_delta):
        assert signed_delta(target.target_net_delta) in target.reason


@each
@pytest.mark.parametrize("spot_usd", [3.0, 300.0, 30_000.0])
@pytest.mark.parametrize("seconds_left", [1, 60, 86_400])
def test_target__options_with_next_to_no_gamma__stay_close_to_their_delta(name, spot_usd, seconds_left):
    exposure = hedged(Book("ETH", (call(-100.0, days=seconds_left / 86_400.0),)), spot_usd, 20.0)
    target = policy_of(name).target(exposure, COSTS)
    assert_keeps_its_contract(target, exposure.net_delta)
    own = (1.0 - EXAMPLES["hedge_ratio"]) * abs(exposure.book_delta) if takes(name, "hedge_ratio") else 0.0
    static_only = spot_usd in (3.0, 300.0)
    assert abs(target.target_net_delta) <= own + (20.0 if static_only else 12.0)


@each
def test_target__all_options_expired__is_that_of_no_options(name):
    expired = replace(hedged(CALLS, SPOT, 0.0), at_unix=Seconds(NOW + 31 * 86_400))
    later = replace(hedged(EMPTY, SPOT, 7.0), at_unix=expired.at_unix)
    answers = [policy_of(name).target(replace(later, book=book), COSTS) for book in (EMPTY, CALLS)]
    assert answers[0] == answers[1]


@each
def test_target__empty_book_with_a_hedge_left__takes_it_off_but_for_the_band(name):
    target = policy_of(name).target(hedged(EMPTY, SPOT, 50.0), COSTS)
    assert_keeps_its_contract(target, 50.0)
    assert 0.0 <= target.target_net_delta < 50.0


# --- sides, scale and units ---------------------------------------------------------------------------------------


@each
def test_target__book_and_hedge_of_the_other_sign__is_mirrored_unless_sides_differ(name):
    policy = policy_of(name)
    short = edges_of(policy, hedged(Book("ETH", (call(-100.0, 3_200.0),)), SPOT, 0.0))
    long = edges_of(policy, hedged(Book("ETH", (call(100.0, 3_200.0),)), SPOT, 0.0))
    mirrored = tuple(-edge for edge in reversed(long))
    assert (short == pytest.approx(mirrored, rel=1e-12, abs=1e-12)) == (name not in SIDES_DIFFER)


@each
def test_target__puts_for_calls__same_band_unless_it_follows_the_delta(name):
    policy = policy_of(name)
    calls = edges_of(policy, hedged(Book("ETH", (call(-100.0, 3_200.0),)), SPOT, 0.0))
    puts = edges_of(policy, hedged(Book("ETH", (put(-100.0, 3_200.0),)), SPOT, 0.0))
    assert (calls == pytest.approx(puts, rel=1e-9, abs=1e-9)) == (name not in TRUSTS_THE_HEDGE_LESS)


def rescaled(name: str, per_usd: float, underlying: float) -> dict[str, float]:
    def factor(parameter: str) -> float:
        return per_usd if parameter.endswith("_per_usd") else underlying if parameter.endswith("_underlying") else 1.0

    return {parameter: number * factor(parameter) for parameter, number in parameters_of(name).items()}


@each
def test_target__book_gas_and_risk_tolerance_seven_times_as_large__scales_the_band(name):
    legs = tuple(replace(leg, quantity=7.0 * leg.quantity) for leg in MIXED.options)
    once = edges_of(policy_of(name), hedged(MIXED, SPOT, 0.0))
    large = build_policy(name, rescaled(name, per_usd=1.0 / 7.0, underlying=7.0))
    scaled = edges_of(large, hedged(Book("ETH", legs), SPOT, 0.0), replace(COSTS, gas_usd=7.0 * COSTS.gas_usd))
    assert tuple(edge / 7.0 for edge in scaled) == pytest.approx(tuple(once), rel=1e-9, abs=1e-9)


@each
def test_target__all_prices_in_cents__leaves_the_band_alone(name):
    legs = tuple(replace(leg, strike_usd=100.0 * leg.strike_usd) for leg in MIXED.options)
    usd = edges_of(policy_of(name), hedged(MIXED, SPOT, 0.0))
    in_cents = build_policy(name, rescaled(name, per_usd=0.01, underlying=1.0))
    costs = replace(COSTS, gas_usd=100.0 * COSTS.gas_usd)
    cents = edges_of(in_cents, hedged(Book("ETH", legs), 100.0 * SPOT, 0.0), costs)
    assert tuple(cents) == pytest.approx(tuple(usd), rel=1e-9, abs=1e-9)


# --- what widens and what narrows ---------------------------------------------------------------------------------


def widths(name: str, costs: list[TradeCosts], book: Book = CALLS, urgency: float = 0.0) -> list[float]:
    exposure = replace(hedged(book, SPOT, 0.0), urgency_ratio=urgency)
    return [edges_of(policy_of(name), exposure, cost).width for cost in costs]


def assert_ordered(name: str, numbers: list[float]) -> None:
    """Grow, strictly where the policy weighs risk against cost; stay the same where it does not."""
    if takes(name, "risk_aversion_per_usd"):
        assert all(first < second for first, second in itertools.pairwise(numbers)), numbers
    else:
        assert numbers == pytest.approx([numbers[0]] * len(numbers), abs=1e-12)


@each
@pytest.mark.parametrize("book", [CALLS, MIXED, HELD], ids=["calls", "mixed", "held"])
@pytest.mark.parametrize("field", ["fee_ratio", "impact_ratio"])
def test_target__dearer_trades__widen_the_band_of_a_policy_that_weighs_risk(name, book, field):
    assert_ordered(name, widths(name, [replace(COSTS, **{field: cost}) for cost in (1e-4, 5e-4, 2e-3, 8e-3)], book))


@each
@pytest.mark.parametrize("book", [CALLS, MIXED, HELD], ids=["calls", "mixed", "held"])
def test_target__dearer_gas__widens_the_band_of_a_policy_that_weighs_risk(name, book):
    assert_ordered(name, widths(name, [replace(COSTS, gas_usd=gas) for gas in (0.0, 1.0, 10.0, 100.0, 1_000.0)], book))


@each
def test_target__dearer_gas__does_not_land_nearer_to_the_edge(name):
    exposure = hedged(CALLS, SPOT, 0.0)
    inner = []
    for gas_usd in (0.0, 2.0, 20.0, 200.0):
        edges = edges_of(policy_of(name), exposure, replace(COSTS, gas_usd=gas_usd))
        inner.append(edges.landing_high - edges.landing_low)
    assert inner == sorted(inner, reverse=True)


@pytest.mark.parametrize("name", [name for name in sorted(POLICIES) if takes(name, "risk_aversion_per_usd")])
@pytest.mark.parametrize("book", [CALLS, MIXED, HELD], ids=["calls", "mixed", "held"])
def test_target__more_risk_aversion__narrows_the_band(name, book):
    exposure = hedged(book, SPOT, 0.0)
    found = [
        edges_of(policy_of(name, risk_aversion_per_usd=aversion), exposure).width for aversion in (1e-4, 5e-4, 1.5e-3)
    ]
    assert found == sorted(found, reverse=True)
    assert found[-1] < found[0]


@each
def test_target__urgency__narrows_the_band_of_a_policy_that_weighs_risk(name):
    assert_ordered(name, [widths(name, [COSTS], urgency=urgency)[0] for urgency in (1.0, 0.5, 0.0)])


@each
def test_target__funding_to_be_paid__widens_and_funding_received_narrows(name):
    costs = [replace(COSTS, funding_ratio=daily, funding_horizon_days=1.0) for daily in (-5e-4, 0.0, 5e-4)]
    assert_ordered(name, widths(name, costs))


@each
def test_target__funding_received_beyond_fee_and_impact__counts_no_trade_as_a_gain(name):
    costs = TradeCosts(0.0005, 0.0, -0.5, 0.0, 1.0)
    edges = edges_of(
        policy_of(name, **({"interval_hours": 24.0} if takes(name, "interval_hours") else {})),
        hedged(CALLS, SPOT, 0.0),
        costs,
    )
    assert all(math.isfinite(edge) for edge in edges)


@each
def test_target__interval_not_over__waits_whatever_the_net_delta(name):
    exposure = replace(hedged(CALLS, SPOT, 70.0), last_trade_unix=Seconds(NOW - 3_600))
    target = policy_of(name).target(exposure, COSTS)
    is_waiting = target.target_net_delta == exposure.net_delta
    assert is_waiting == takes(name, "interval_hours")


# --- bad input ----------------------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize(
    "field",
    ["spot_usd", "book_delta", "hedge_size", "book_gamma_per_usd", "book_theta_usd_per_year", "urgency_ratio"],
)
def test_target__exposure_not_finite__is_refused_by_field_and_value(name, field, bad):
    with pytest.raises(DataError, match=f"{field} is {bad}"):
        policy_of(name).target(replace(hedged(CALLS, SPOT, 3.0), **{field: bad}), COSTS)


@each
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("field", [field.name for field in fields(TradeCosts)])
def test_target__cost_not_finite__is_refused_by_field_and_value(name, field, bad):
    with pytest.raises(DataError, match=f"{field} is {bad}"):
        policy_of(name).target(hedged(CALLS, SPOT, 3.0), replace(COSTS, **{field: bad}))


@each
@pytest.mark.parametrize(
    ("field", "bad"), [("spot_usd", 0.0), ("spot_usd", -3_000.0), ("urgency_ratio", -0.1), ("urgency_ratio", 1.1)]
)
def test_target__exposure_out_of_domain__is_refused_by_field_and_value(name, field, bad):
    with pytest.raises(DataError, match=f"{field} is {bad}; expected"):
        policy_of(name).target(replace(hedged(CALLS, SPOT, 3.0), **{field: bad}), COSTS)


@each
@pytest.mark.parametrize("field", ["gas_usd", "funding_horizon_days"])
def test_target__negative_cost_that_cannot_be__is_refused_by_field_and_value(name, field):
    with pytest.raises(DataError, match=f"{field} is -1.0; expected no negative number"):
        policy_of(name).target(hedged(CALLS, SPOT, 3.0), replace(COSTS, **{field: -1.0}))


@each
@pytest.mark.parametrize("bad", [*BAD, -1.0])
def test_build_policy__parameter_out_of_domain__is_refused_by_name_and_value(name, bad):
    for parameter in parameters_of(name):
        with pytest.raises(DataError, match=f"{parameter} is {bad}"):
            policy_of(name, **{parameter: bad})


@each
def test_build_policy__unknown_or_missing_parameter__is_refused_by_name(name):
    with pytest.raises(DataError, match=rf"{name} takes .*unknown \['halflife'\]"):
        build_policy(name, parameters_of(name) | {"halflife": 1.0})
    for parameter in parameters_of(name):
        fewer = {key: number for key, number in parameters_of(name).items() if key != parameter}
        with pytest.raises(DataError, match=rf"missing \['{parameter}'\]"):
            build_policy(name, fewer)


@each
def test_build_policy__built_policy__cannot_be_changed(name):
    policy = policy_of(name)
    for parameter in parameters_of(name):
        with pytest.raises(AttributeError):
            setattr(policy, parameter, 1.0)
