"""The guard's mirror, rule by rule: accepted at the limit, refused one unit beyond, in the chain's order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.budgets import available, settled
from agent.domain import Fill, Measurement, VenueMeasurement
from agent.errors import DataError, RejectedError
from agent.guard import (
    UINT256_MAX,
    GuardError,
    effective_band,
    evaluate,
    fill_notional,
    leverage,
    limit_price,
    net_delta_interval,
    worst_net_delta,
)
from agent.prediction import predict
from agent.units import Wad
from tests.support.decision_builders import (
    BOUNDS,
    BUDGET,
    NOW,
    UNCAPPED,
    USAGE,
    VenueState,
    held,
    snapshot_of,
    usage_of,
    wad,
)

PRICE = wad(3000)


def venue_of(size=0, equity=0, notional=None, price=PRICE, **changes):
    low, high = changes.pop("sizes", (size, size))
    worth = fill_notional(max(abs(low), abs(high)), price) if notional is None else notional
    usual = VenueMeasurement(False, False, price, price, price, low, high, worth, equity, equity, equity, UNCAPPED)
    return replace(usual, **changes)


def measured(hedge="0", *, book=("-54", "-53"), nav="500000", equity="100000", notional=None, price=PRICE, **changes):
    venue = venue_of(wad(hedge), wad(equity), None if notional is None else wad(notional), price)
    usual = Measurement(
        price, False, wad(book[0]), wad(book[1]), wad("400000"), wad(nav), wad(nav), wad(500_000), (venue,)
    )
    return replace(usual, **changes)


def buy(size="50", price="3003", fee="150"):
    return Fill(0, wad(size), wad(price), wad(fee))


BEFORE = measured()
AFTER = measured("50")
FILLS = (buy(),)


def judge(bounds=BOUNDS, usage=USAGE, before=BEFORE, fills=FILLS, after=AFTER, timestamp=NOW):
    return evaluate(bounds, usage, before, fills, after, timestamp)


def refusal(**case):
    with pytest.raises(RejectedError) as caught:
        judge(**case)
    return caught.value.name, caught.value.arguments


def test_evaluate__ordinary_hedge__accepted_and_budgets_used():
    usage = judge(after=measured("50", nav="499850"))
    notional = fill_notional(wad(50), wad(3003))
    for budget in (usage.all, usage.own):
        assert (budget.turnover_used, budget.loss_used) == (notional, -(-wad(150) * 10**18 // wad(499_850)))
        assert (budget.updated_at, budget.last_trade_at) == (NOW, NOW)
    assert (usage.track.size, usage.track.price) == (wad(50), PRICE)


def test_evaluate__cooldown__ends_exactly_at_ready_time():
    calm = replace(BOUNDS, urgent_delta=wad(60))
    assert judge(bounds=calm, usage=usage_of(last_trade_at=NOW - 600)).own.last_trade_at == NOW
    late = usage_of(last_trade_at=NOW - 599)
    assert refusal(bounds=calm, usage=late) == ("CooldownActive", {"timestamp": NOW, "readyAt": NOW + 1})


def test_evaluate__cooldown__is_of_the_keeper_alone():
    calm = replace(BOUNDS, urgent_delta=wad(60))
    fresh = replace(BUDGET, last_trade_at=NOW)
    assert judge(bounds=calm, usage=replace(USAGE, all=fresh)).own.last_trade_at == NOW
    assert refusal(bounds=calm, usage=replace(USAGE, own=fresh))[0] == "CooldownActive"


def test_evaluate__cooldown__waived_from_urgent_delta_on():
    usage = usage_of(last_trade_at=NOW - 1)
    assert judge(bounds=replace(BOUNDS, urgent_delta=wad(54)), usage=usage).own.last_trade_at == NOW
    assert refusal(bounds=replace(BOUNDS, urgent_delta=wad(54) + 1), usage=usage)[0] == "CooldownActive"


def test_evaluate__cooldown__does_not_hold_before_the_first_trade():
    calm = replace(BOUNDS, urgent_delta=wad(60), cooldown_seconds=NOW + 1)
    assert judge(bounds=calm, usage=usage_of(last_trade_at=0)).own.last_trade_at == NOW


@pytest.mark.parametrize("sign", [1, -1])
def test_evaluate__size__limited_per_fill(sign):
    at_limit = replace(BOUNDS, max_size_delta=wad(50))
    fill = Fill(0, sign * wad(50), PRICE, wad(0))
    judge(bounds=at_limit, fills=(fill,))
    beyond = replace(fill, size_delta=sign * (wad(50) + 1))
    assert refusal(bounds=at_limit, fills=(fill, beyond)) == (
        "SizeDeltaExceeded",
        {"sizeDelta": wad(50) + 1, "maxSizeDelta": wad(50)},
    )


def test_limit_price__odd_price__rounds_toward_the_oracle_on_both_sides():
    assert limit_price(10_001, 1, 1) == 10_002
    assert limit_price(9_999, 1, 1) == 9_999
    assert limit_price(10_001, -1, 1) == 10_000
    assert limit_price(9_999, -1, 1) == 9_999
    assert limit_price(9_999, 0, 1) == 9_999


@pytest.mark.parametrize(("sign", "limit"), [(1, wad(3045)), (-1, wad(2955))])
def test_evaluate__price__accepted_at_the_limit_and_refused_beyond(sign, limit):
    fill = Fill(0, sign * wad(50), limit, wad(0))
    judge(fills=(fill,))
    beyond = replace(fill, execution_price=limit + sign)
    assert refusal(fills=(beyond,)) == ("SlippageExceeded", {"executionPrice": limit + sign, "limitPrice": limit})


def test_evaluate__fee__limited_to_the_notional_rounded_down():
    fill = Fill(0, wad(50), wad(3000), wad(225))
    judge(fills=(fill,))
    assert refusal(fills=(replace(fill, fee=wad(225) + 1),)) == (
        "FeeExceeded",
        {"fee": wad(225) + 1, "maxFee": wad(225)},
    )


def test_fill_notional__fraction_of_a_unit__rounds_up():
    assert fill_notional(1, 1) == 1
    assert fill_notional(-1, 10**18) == 1
    assert fill_notional(-3, 10**18 + 1) == 4


def test_evaluate__notional__is_the_sum_of_the_fills():
    bounds = replace(BOUNDS, max_notional=wad(300_000))
    fills = (buy(price="3000"), buy(price="3000"))
    judge(bounds=bounds, fills=fills)
    dearer = (fills[0], replace(fills[1], execution_price=wad(3000) + 1))
    assert refusal(bounds=bounds, fills=dearer) == (
        "NotionalExceeded",
        {"notional": wad(300_000) + 50, "maxNotional": wad(300_000)},
    )


def test_settled__time_passes__use_falls_linearly_to_zero():
    bounds = replace(BOUNDS, loss_refill_bps_per_day=100)
    budget = replace(BUDGET, turnover_used=wad(100), loss_used=wad("0.01"), updated_at=NOW - 1)
    turnover, loss = settled(bounds, budget, 10_000, NOW)
    assert turnover == wad(100) - BOUNDS.turnover_refill_per_day // 86_400
    assert loss == wad("0.01") - wad("0.01") // 86_400
    assert settled(bounds, budget, 10_000, NOW + 86_400) == (0, 0)
    with pytest.raises(DataError, match="lies before the guard's budget"):
        settled(bounds, budget, 10_000, NOW - 2)


def test_settled__own_budget__refills_with_its_share():
    budget = replace(BUDGET, turnover_used=wad(1_000_000), updated_at=NOW - 43_200)
    assert settled(BOUNDS, budget, 6_000, NOW)[0] == wad(700_000)


def test_available__reserve_and_share__least_of_all_and_own():
    bounds = replace(BOUNDS, turnover_refill_per_day=0, urgent_reserve_bps=2_500, keeper_share_bps=6_000)
    usage = replace(USAGE, all=replace(BUDGET, turnover_used=wad(300_000)))
    assert available(bounds, usage, wad(500_000), NOW, is_urgent=False).turnover == wad(450_000)
    assert available(bounds, usage, wad(500_000), NOW, is_urgent=True).turnover == wad(600_000)
    assert available(bounds, usage, wad(500_000), NOW, is_urgent=True).loss == wad(9_000)
    crowded = replace(USAGE, all=replace(BUDGET, turnover_used=wad(900_000), loss_used=wad("0.029998")))
    bounds = replace(bounds, loss_refill_bps_per_day=0)
    assert available(bounds, crowded, wad(500_000), NOW, is_urgent=True).turnover == wad(100_000)
    assert available(bounds, crowded, wad(500_000), NOW, is_urgent=False).turnover == 0
    assert available(bounds, crowded, wad(500_000), NOW, is_urgent=True).loss == wad(1)


def test_evaluate__turnover__accepted_at_what_is_left_and_refused_beyond():
    bounds = replace(BOUNDS, turnover_refill_per_day=0)
    usage = usage_of(turnover_used=wad(849_850))
    assert judge(bounds=bounds, usage=usage).all.turnover_used == wad(1_000_000)
    short = usage_of(turnover_used=wad(849_850) + 1)
    assert refusal(bounds=bounds, usage=short) == (
        "TurnoverExceeded",
        {"notional": wad(150_150), "turnoverAvailable": wad(150_150) - 1},
    )


def test_worst_net_delta__pending_orders__count_at_their_worst():
    venues = (
        venue_of(sizes=(wad(-3), wad(1))),
        venue_of(sizes=(wad(-2), wad(4))),
    )
    measurement = replace(BEFORE, book_delta_low=wad(-1), book_delta_high=wad(2), venues=venues)
    assert net_delta_interval(measurement) == (wad(-6), wad(7))
    assert worst_net_delta(measurement) == wad(7)
    assert worst_net_delta(replace(measurement, book_delta_low=wad(-3))) == wad(8)


def test_evaluate__delta__inside_the_band_needs_no_improvement():
    before, after = measured("53"), measured("52")
    assert judge(before=before, after=after).own.last_trade_at == NOW
    beyond = replace(after, book_delta_low=wad(-54) - 1)
    assert refusal(before=before, after=beyond) == (
        "NetDeltaExceeded",
        {"worstNetDelta": wad(2) + 1, "maxAbsDelta": wad(2)},
    )


def test_evaluate__delta__outside_the_band_needs_the_least_improvement():
    judge(after=measured("0.5"))
    assert refusal(after=measured("0.499999999999999999")) == (
        "NetDeltaExceeded",
        {"worstNetDelta": wad("53.500000000000000001"), "maxAbsDelta": wad("53.5")},
    )


def test_leverage__ratio__rounds_up_and_has_no_value_without_equity():
    assert leverage(0, -1) == 0
    assert leverage(1, 0) == UINT256_MAX
    assert leverage(1, -1) == UINT256_MAX
    assert leverage(1, 3 * 10**18) == 1
    assert leverage(wad(5), wad(1)) == wad(5)


def test_evaluate__venue_leverage__judged_on_the_lower_equity():
    judge(after=measured("50", equity="30000"))
    name, arguments = refusal(after=measured("50", equity="29999.999999999999999999"))
    assert name == "VenueLeverageExceeded"
    assert arguments == {"venueIndex": 0, "leverage": wad(5) + 1, "maxLeverage": wad(5)}


def test_evaluate__venue_under_water__reports_the_largest_leverage():
    assert refusal(after=measured("50", equity="0"))[1]["leverage"] == UINT256_MAX


def test_evaluate__leverage__judged_on_the_firm_nav():
    judge(after=measured("50", firm_nav=wad(75_000)))
    assert refusal(after=measured("50", firm_nav=wad(75_000) - 1)) == (
        "LeverageExceeded",
        {"leverage": wad(2) + 1, "maxLeverage": wad(2)},
    )


def test_effective_band__small_vault__is_a_quarter_of_nav():
    assert effective_band(BOUNDS, wad(24_000), PRICE) == wad(2)
    assert effective_band(BOUNDS, wad(24_000) - 1, PRICE) == wad(2) - 1
    assert effective_band(BOUNDS, wad(24_000), Wad(0)) == 0


def test_evaluate__loss__charged_with_the_range_of_the_price():
    wide = venue_of(equity=wad(100_000), price_low=PRICE - wad(10), price_high=PRICE + wad(20))
    before = measured(venues=(wide,))
    before, after = replace(before, nav=wad(500_150)), measured("50", nav="500000")
    assert judge(before=before, after=after).all.loss_used == wad("0.0013")
    assert judge(before=before, after=after, usage=usage_of(loss_used=wad("0.0287"), updated_at=NOW))
    full = usage_of(loss_used=wad("0.0287") + 1, updated_at=NOW)
    assert refusal(before=before, after=after, usage=full) == (
        "LossBudgetExceeded",
        {"loss": wad(650), "lossAvailable": wad(650) - 500_000},
    )


def test_evaluate__nav_loss__accepted_at_the_limit_and_refused_beyond():
    judge(after=measured("50", nav="495000"))
    assert refusal(after=measured("50", nav="494999.999999999999999999")) == (
        "NavLossExceeded",
        {"loss": wad(5000) + 1, "maxLoss": wad(5000)},
    )


def test_evaluate__nav_gain__is_no_loss():
    usage = judge(bounds=replace(BOUNDS, max_nav_loss_bps=0), after=measured("50", nav="500001"))
    assert usage.all.loss_used == 0


def test_evaluate__margin_alone__skips_trade_rules_and_books_no_trade():
    usage = usage_of(turnover_used=wad(1_000_000), updated_at=NOW, last_trade_at=NOW - 1)
    after = judge(usage=usage, fills=(), after=BEFORE)
    assert after.own == replace(usage.own, updated_at=NOW)
    name, _ = refusal(fills=(), after=measured("50", equity="1"))
    assert name == "VenueLeverageExceeded"
    name, _ = refusal(fills=(), after=measured(nav="1"))
    assert name == "NavLossExceeded"


ORDER = [
    ("CooldownActive", {"cooldown_seconds": 10**6}),
    ("VenueNotAnswering", {}),
    ("SizeDeltaExceeded", {"max_size_delta": 1}),
    ("SlippageExceeded", {"max_slippage_bps": 0}),
    ("FeeExceeded", {"max_fee_bps": 0}),
    ("NotionalExceeded", {"max_notional": 0}),
    ("TurnoverExceeded", {"turnover_capacity": 0}),
    ("PositionNotShrinking", {"max_drawdown_bps": 0}),
    ("NetDeltaExceeded", {"band": 0, "min_improvement": wad(54)}),
    ("NotionalTooSmall", {"band": 0, "min_notional": wad(10**6)}),
    ("GrossNotionalExceeded", {"max_gross_notional": 0}),
    ("VenueCapExceeded", {}),
    ("VenueLeverageExceeded", {"max_venue_leverage": 0}),
    ("LeverageExceeded", {"max_leverage": 0}),
    ("IdleBelowFloor", {"idle_floor_bps": 8_000}),
    ("NavLossExceeded", {"max_nav_loss_bps": 0}),
    ("LossBudgetExceeded", {"loss_capacity_bps": 0}),
]


def test_order__errors__are_those_of_the_mirror():
    of_orders = {GuardError.ORDER_BESIDE_ORDER, GuardError.ORDER_NOT_COUNTED}  # beside those of a fill, never with them
    assert [name for name, _ in ORDER] == [error.value for error in GuardError if error not in of_orders]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_evaluate__several_rules_broken__first_in_order_is_reported(first):
    broken = dict(ORDER[first:])
    changes = {"urgent_delta": wad(60), "max_drawdown_bps": 9_999}
    for change in broken.values():
        changes |= change
    track = replace(USAGE.track, period=NOW // 28_800, highs=(1, 0, 0, 0))
    cap = wad(99_000) if "VenueCapExceeded" in broken else UNCAPPED
    venue = venue_of(wad(50), wad(100_001), cap=cap)
    if "VenueNotAnswering" in broken:
        venue = replace(venue, is_silent=True)
    after = measured("50", nav="499999", idle=wad(399_998), venues=(venue,))
    case = {"bounds": replace(BOUNDS, **changes), "usage": replace(USAGE, track=track), "after": after}
    assert refusal(**case)[0] == ORDER[first][0]


@pytest.mark.parametrize("sides", [(5, 5), (-5, -5), (5, -5)])
def test_evaluate__fills_on_two_venues__are_charged_for_the_lag_of_both(sides):
    """1 % of doubt about the price: each fill can have lost it, whichever way it went."""
    venues = (VenueState(equity_usd=50_000), VenueState(equity_usd=50_000))
    snapshot = snapshot_of(held(-sum(sides)), *venues, deviation_bps=100)
    fills = tuple(Fill(index, wad(side), wad(3_000), wad(0)) for index, side in enumerate(sides))
    after = predict(snapshot, (), fills)
    bounds = replace(snapshot.bounds, min_improvement=0)
    usage = evaluate(bounds, snapshot.usage, snapshot.measurement, fills, after, snapshot.block.timestamp)
    charged = (usage.all.loss_used - snapshot.usage.all.loss_used) * snapshot.measurement.firm_nav // 10**18
    assert charged == pytest.approx(2 * 5 * 3_000 * 10**16, rel=1e-6)
