"""What holds of every verdict: rounding never admits what exact arithmetic refuses."""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from agent.domain import Fill, Measurement, VenueMeasurement
from agent.errors import RejectedError
from agent.guard import evaluate, worst_net_delta
from tests.support.decision_builders import BOUNDS, BUDGET, NOW

MANY = settings(max_examples=300, deadline=None, derandomize=True)
WAD = 10**18
small = st.integers(0, 40)
signed = st.integers(-40, 40)


@st.composite
def measurements(draw):
    """Numbers of few units, so that every division leaves a remainder worth rounding."""
    low = draw(signed)
    venues = tuple(
        VenueMeasurement(draw(signed), draw(signed), draw(small), draw(st.integers(-5, 600)), draw(small))
        for _ in range(draw(st.integers(1, 2)))
    )
    return Measurement(draw(st.integers(1, 40)) * WAD, low, low + draw(small), draw(small), draw(small), venues)


@st.composite
def cases(draw):
    bounds = replace(
        BOUNDS,
        band=draw(small),
        min_improvement=draw(st.integers(0, 3)),
        urgent_delta=draw(small),
        max_size_delta=draw(st.integers(20, 40)),
        max_notional=draw(st.integers(0, 2_000)),
        turnover_capacity=draw(st.integers(0, 2_000)),
        turnover_refill_per_day=draw(st.integers(0, 200_000)),
        max_venue_leverage=draw(st.integers(0, 60)) * WAD // 30,
        max_leverage=draw(st.integers(0, 400)) * WAD // 30,
        max_slippage_bps=draw(st.integers(0, 9_999)),
        max_fee_bps=draw(st.integers(0, 9_999)),
        max_nav_loss_bps=draw(st.integers(0, 9_999)),
        cooldown_seconds=draw(st.integers(0, 100)),
    )
    elapsed = draw(st.integers(0, 200))
    budget = replace(BUDGET, turnover_available=draw(small), updated_at=NOW - elapsed, last_trade_at=NOW - elapsed)
    before = draw(measurements())
    fills = draw(
        st.lists(
            st.builds(Fill, st.just(0), signed, st.integers(1, 40 * WAD), st.integers(0, 5)), min_size=0, max_size=2
        )
    )
    return bounds, budget, before, tuple(fills), draw(measurements())


def verdict(case):
    try:
        budget = evaluate(*case, NOW)
    except RejectedError as rejection:
        event(rejection.name)
        return None
    event("accepted")
    return budget


@MANY
@given(cases())
def test_evaluate__accepted__meets_every_rule_in_exact_arithmetic(case):
    bounds, budget, before, fills, after = case
    new_budget = verdict(case)
    assume(new_budget is not None)
    for venue in after.venues:
        assert venue.notional * WAD <= bounds.max_venue_leverage * max(venue.equity_low, 0)
    assert sum(venue.notional for venue in after.venues) * WAD <= bounds.max_leverage * after.nav_low
    assert (before.nav_low - after.nav_low) * 10_000 <= before.nav_low * bounds.max_nav_loss_bps
    if not fills:
        assert new_budget == budget
        return
    assert worst_net_delta(after) <= max(bounds.band, worst_net_delta(before) - bounds.min_improvement)
    exact = Fraction(0)
    for fill in fills:
        traded = Fraction(abs(fill.size_delta) * fill.execution_price, WAD)
        exact += traded
        assert abs(fill.size_delta) <= bounds.max_size_delta
        move = Fraction(bounds.max_slippage_bps, 10_000)
        if fill.size_delta > 0:
            assert fill.execution_price <= before.price * (1 + move)
        else:
            assert fill.execution_price >= before.price * (1 - move)
    assert exact <= bounds.max_notional
    refill = Fraction(bounds.turnover_refill_per_day * (NOW - budget.updated_at), 86_400)
    assert exact <= min(bounds.turnover_capacity, budget.turnover_available + refill)
    assert 0 <= new_budget.turnover_available <= bounds.turnover_capacity - exact


LOOSER = {"min_improvement": -1, "urgent_delta": -1, "cooldown_seconds": -1}
"""Fields that loosen downward; all others loosen upward."""


@MANY
@given(cases(), st.sampled_from([field.name for field in fields(BOUNDS)]), st.integers(0, 10_000))
def test_evaluate__looser_bound__never_refuses_what_was_accepted(case, name, step):
    bounds = case[0]
    assume(verdict(case) is not None)
    looser = getattr(bounds, name) + LOOSER.get(name, 1) * step
    looser = min(max(looser, 0), 9_999) if name.endswith("bps") else max(looser, 0)
    assert verdict((replace(bounds, **{name: looser}), *case[1:])) is not None
