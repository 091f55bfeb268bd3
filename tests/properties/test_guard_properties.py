"""What holds of every verdict: rounding never admits what exact arithmetic refuses."""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from agent.domain import Budget, Fill, Measurement, Usage, VenueMeasurement
from agent.errors import RejectedError
from agent.guard import evaluate, gross_notional, worst_net_delta
from tests.support.decision_builders import BOUNDS, NOW, TRACK

MANY = settings(max_examples=300, deadline=None, derandomize=True)
WAD = 10**18
DAY = 86_400
small = st.integers(0, 40)
signed = st.integers(-40, 40)


@st.composite
def venue_measurements(draw, price):
    low, equity = draw(signed), draw(st.integers(-5, 600))
    return VenueMeasurement(
        is_silent=False,
        is_closing=draw(st.sampled_from([False, False, True])),
        price=price,
        price_low=price - draw(st.integers(0, WAD // 2)),
        price_high=price + draw(st.integers(0, WAD // 2)),
        size_low=low,
        size_high=low + draw(st.integers(0, 3)),
        notional=draw(small),
        equity=equity + draw(st.integers(0, 9)),
        equity_low=equity,
        equity_high=equity + draw(st.integers(9, 20)),
        cap=draw(st.sampled_from([10**36, 10**36, 300])),
    )


@st.composite
def measurements(draw, price, count):
    """Numbers of few units, so that every division leaves a remainder worth rounding."""
    low, nav = draw(signed), draw(st.integers(100, 900))
    return Measurement(
        price=price,
        is_reduce_only=draw(st.sampled_from([False, False, True])),
        book_delta_low=low,
        book_delta_high=low + draw(small),
        idle=draw(small),
        nav=nav,
        firm_nav=nav - draw(st.integers(0, 9)),
        net_flows=nav,
        venues=tuple(draw(venue_measurements(price)) for _ in range(count)),
    )


@st.composite
def budgets(draw, elapsed):
    return Budget(draw(small), draw(st.integers(0, WAD // 2)), NOW - elapsed, NOW - elapsed)


@st.composite
def cases(draw):
    bounds = replace(
        BOUNDS,
        band=draw(small),
        min_improvement=draw(st.integers(0, 3)),
        urgent_delta=draw(small),
        max_size_delta=draw(st.integers(20, 40)),
        min_notional=draw(st.integers(0, 20)),
        max_notional=draw(st.integers(0, 2_000)),
        max_gross_notional=draw(st.integers(0, 100)),
        turnover_capacity=draw(st.integers(0, 2_000)),
        turnover_refill_per_day=draw(st.integers(0, 200_000)),
        max_venue_leverage=draw(st.integers(0, 60)) * WAD // 30,
        max_leverage=draw(st.integers(0, 400)) * WAD // 30,
        max_slippage_bps=draw(st.integers(0, 9_999)),
        max_fee_bps=draw(st.integers(0, 9_999)),
        max_nav_loss_bps=draw(st.integers(0, 9_999)),
        loss_capacity_bps=draw(st.integers(0, 9_999)),
        loss_refill_bps_per_day=draw(st.integers(0, 9_999)),
        max_drawdown_bps=9_999,
        idle_floor_bps=draw(st.integers(0, 500)),
        urgent_reserve_bps=draw(st.integers(0, 9_000)),
        keeper_share_bps=draw(st.integers(1, 10_000)),
        cooldown_seconds=draw(st.integers(0, 100)),
    )
    elapsed = draw(st.integers(0, 200))
    usage = Usage(draw(budgets(elapsed)), draw(budgets(elapsed)), TRACK)
    price, count = draw(st.integers(1, 40)) * WAD, draw(st.integers(1, 2))
    fills = draw(
        st.lists(
            st.builds(Fill, st.just(0), signed, st.integers(1, 40 * WAD), st.integers(0, 5)), min_size=0, max_size=2
        )
    )
    return bounds, usage, draw(measurements(price, count)), tuple(fills), draw(measurements(price, count))


def verdict(case):
    try:
        usage = evaluate(*case, NOW)
    except RejectedError as rejection:
        event(rejection.name)
        return None
    event("accepted")
    return usage


def part(amount, bps):
    return Fraction(amount * bps, 10_000)


@MANY
@given(cases())
def test_evaluate__accepted__meets_every_rule_in_exact_arithmetic(case):
    bounds, usage, before, fills, after = case
    new = verdict(case)
    assume(new is not None)
    assert_bears_its_leverage(bounds, before, after)
    assert before.nav - after.nav <= part(before.nav, bounds.max_nav_loss_bps)
    firm_nav = min(before.firm_nav, after.firm_nav)
    assert after.idle >= before.idle or after.idle + 1 > part(firm_nav, bounds.idle_floor_bps)
    for old, venue in zip(before.venues, after.venues, strict=True):
        assert venue.equity <= max(venue.cap, old.equity, 0)
    lag = sum(exact_lag(before, fill) for fill in fills)
    notional = Fraction(0) if closes_alone(before, fills, after) else sum(map(exact_notional, fills), Fraction(0))
    assert_budgets(bounds, usage, new, firm_nav, before.nav + lag - after.nav, notional)
    if fills:
        assert_traded_well(bounds, before, fills, after, firm_nav)


def assert_bears_its_leverage(bounds, before, after):
    for old, venue in zip(before.venues, after.venues, strict=True):
        is_inside = venue.notional * WAD <= bounds.max_venue_leverage * max(venue.equity_low, 0)
        # Beyond the bound the position has not grown, and no less equity stands behind each unit of it.
        is_eased = venue.notional <= old.notional and (
            old.equity_low <= 0 or venue.notional * old.equity_low <= old.notional * max(venue.equity_low, 0) + WAD
        )
        assert is_inside or is_eased
    gross, firm_nav = gross_notional(after), min(before.firm_nav, after.firm_nav)
    assert gross * WAD <= bounds.max_leverage * firm_nav or gross <= gross_notional(before)


def closes_alone(before, fills, after):
    """Positions that only moved toward 0 need no turnover."""
    pairs = zip(before.venues, after.venues, strict=True)
    is_shrunk = all(
        new.size_low >= min(old.size_low, 0) and new.size_high <= max(old.size_high, 0) for old, new in pairs
    )
    sizes = [before.venues[fill.venue_index].size_low for fill in fills]
    return is_shrunk and all(
        fill.size_delta == 0 or (fill.size_delta > 0) == (size < 0) for fill, size in zip(fills, sizes, strict=True)
    )


def exact_notional(fill):
    return Fraction(abs(fill.size_delta) * fill.execution_price, WAD)


def exact_lag(before, fill):
    venue = before.venues[fill.venue_index]
    width = venue.price - venue.price_low if fill.size_delta > 0 else venue.price_high - venue.price
    return Fraction(abs(fill.size_delta) * width, WAD)


def assert_budgets(bounds, usage, new, firm_nav, loss, notional):
    elapsed = NOW - usage.all.updated_at
    for old, budget, bps in ((usage.all, new.all, 10_000), (usage.own, new.own, bounds.keeper_share_bps)):
        refilled = part(bounds.turnover_refill_per_day, bps) * elapsed / DAY
        assert budget.turnover_used >= max(old.turnover_used - refilled, 0) + notional
        assert budget.turnover_used <= part(bounds.turnover_capacity, bps) or not notional
        loss_refilled = part(part(WAD, bounds.loss_refill_bps_per_day), bps) * elapsed / DAY
        assert budget.loss_used >= max(old.loss_used - loss_refilled, 0) + Fraction(max(loss, 0) * WAD, firm_nav)
        # Booked rounded up, so at most one unit beyond.
        assert budget.loss_used <= part(part(WAD, bounds.loss_capacity_bps), bps) + 1 or loss <= 0


def assert_traded_well(bounds, before, fills, after, firm_nav):
    relief = sum(
        max(max(abs(old.size_low), abs(old.size_high)) - max(abs(new.size_low), abs(new.size_high)), 0)
        for old, new in zip(before.venues, after.venues, strict=True)
    )
    worst_before, band = worst_net_delta(before), min(bounds.band, part(firm_nav, 2_500) * WAD / before.price)
    assert worst_net_delta(after) <= max(band, worst_before - bounds.min_improvement, worst_before + relief)
    assert gross_notional(after) <= max(bounds.max_gross_notional, gross_notional(before))
    for fill in fills:
        assert abs(fill.size_delta) <= bounds.max_size_delta
        move = Fraction(bounds.max_slippage_bps, 10_000)
        if fill.size_delta > 0:
            assert fill.execution_price <= before.price * (1 + move)
        else:
            assert fill.execution_price >= before.price * (1 - move)
    assert sum(map(exact_notional, fills)) <= bounds.max_notional


LOOSER_DOWNWARD = {
    "min_improvement",
    "urgent_delta",
    "min_notional",
    "idle_floor_bps",
    "urgent_reserve_bps",
    "cooldown_seconds",
}
"""Fields that loosen downward; all others loosen upward."""
NEITHER = {"band", "max_drawdown_bps", "max_venue_leverage"}
"""Fields of which more is not looser throughout: a wider band takes away the exemption of a small trade that reaches
it, a breaker that has not tripped and a leverage that is not exceeded give no relief."""


@MANY
@given(
    cases(),
    st.sampled_from([field.name for field in fields(BOUNDS) if field.name not in NEITHER]),
    st.integers(0, 10_000),
)
def test_evaluate__looser_bound__never_refuses_what_was_accepted(case, name, step):
    bounds = case[0]
    assume(verdict(case) is not None)
    looser = getattr(bounds, name) + (-step if name in LOOSER_DOWNWARD else step)
    looser = min(max(looser, 0), 9_999) if name.endswith("bps") else max(looser, 0)
    assume(name != "keeper_share_bps" or looser >= bounds.keeper_share_bps)
    assert verdict((replace(bounds, **{name: looser}), *case[1:])) is not None
