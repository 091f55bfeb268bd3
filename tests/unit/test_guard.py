"""The guard's mirror, rule by rule: accepted at the limit, refused one unit beyond, in the chain's order."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from agent.domain import Fill, Measurement, VenueMeasurement
from agent.errors import DataError, RejectedError
from agent.guard import (
    UINT256_MAX,
    evaluate,
    fill_notional,
    leverage,
    limit_price,
    max_daily_execution_loss,
    net_delta_interval,
    turnover_available,
    worst_net_delta,
)
from agent.settings import load_settings
from agent.units import WAD, Rounding, Wad, to_wad
from tests.support.decision_builders import BOUNDS, BUDGET, NOW, wad

PRICE = wad(3000)


def measured(hedge="0", *, book=("-54", "-53"), nav="500000", equity="100000", notional=None, price=PRICE):
    size = wad(hedge)
    worth = fill_notional(size, price) if notional is None else wad(notional)
    venue = VenueMeasurement(size, size, worth, wad(equity), wad(equity))
    return Measurement(price, wad(book[0]), wad(book[1]), wad(nav), wad(nav), (venue,))


def buy(size="50", price="3003", fee="150"):
    return Fill(0, wad(size), wad(price), wad(fee))


BEFORE = measured()
AFTER = measured("50")
FILLS = (buy(),)


def judge(bounds=BOUNDS, budget=BUDGET, before=BEFORE, fills=FILLS, after=AFTER, timestamp=NOW):
    return evaluate(bounds, budget, before, fills, after, timestamp)


def refusal(**case):
    with pytest.raises(RejectedError) as caught:
        judge(**case)
    return caught.value.name, caught.value.arguments


def test_evaluate__ordinary_hedge__accepted_and_budget_spent():
    budget = judge()
    notional = fill_notional(wad(50), wad(3003))
    assert budget.turnover_available == BOUNDS.turnover_capacity - notional
    assert (budget.updated_at, budget.last_trade_at) == (NOW, NOW)


def test_evaluate__cooldown__ends_exactly_at_ready_time():
    calm = replace(BOUNDS, urgent_delta=wad(60))
    budget = replace(BUDGET, last_trade_at=NOW - 600)
    assert judge(bounds=calm, budget=budget).last_trade_at == NOW
    late = replace(budget, last_trade_at=NOW - 599)
    assert refusal(bounds=calm, budget=late) == ("CooldownActive", {"timestamp": NOW, "readyAt": NOW + 1})


def test_evaluate__cooldown__waived_from_urgent_delta_on():
    budget = replace(BUDGET, last_trade_at=NOW - 1)
    assert judge(bounds=replace(BOUNDS, urgent_delta=wad(54)), budget=budget).last_trade_at == NOW
    assert refusal(bounds=replace(BOUNDS, urgent_delta=wad(54) + 1), budget=budget)[0] == "CooldownActive"


def test_evaluate__cooldown__does_not_hold_before_the_first_trade():
    calm = replace(BOUNDS, urgent_delta=wad(60), cooldown_seconds=NOW + 1)
    assert judge(bounds=calm, budget=replace(BUDGET, last_trade_at=0)).last_trade_at == NOW


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


def test_turnover_available__time_passes__refills_linearly_up_to_capacity():
    budget = replace(BUDGET, turnover_available=wad(1), updated_at=NOW - 1)
    refill = BOUNDS.turnover_refill_per_day // 86_400
    assert turnover_available(BOUNDS, budget, NOW) == wad(1) + refill
    assert turnover_available(BOUNDS, budget, NOW + 86_400) == BOUNDS.turnover_capacity
    with pytest.raises(DataError, match="lies before the guard's budget"):
        turnover_available(BOUNDS, budget, NOW - 2)


def test_evaluate__turnover__accepted_at_what_is_left_and_refused_beyond():
    bounds = replace(BOUNDS, turnover_refill_per_day=0)
    budget = replace(BUDGET, turnover_available=wad(150_150))
    assert judge(bounds=bounds, budget=budget).turnover_available == 0
    short = replace(budget, turnover_available=wad(150_150) - 1)
    assert refusal(bounds=bounds, budget=short) == (
        "TurnoverExceeded",
        {"notional": wad(150_150), "turnoverAvailable": wad(150_150) - 1},
    )


def test_worst_net_delta__pending_orders__count_at_their_worst():
    venues = (
        VenueMeasurement(wad(-3), wad(1), wad(0), wad(0), wad(0)),
        VenueMeasurement(wad(-2), wad(4), wad(0), wad(0), wad(0)),
    )
    measurement = replace(BEFORE, book_delta_low=wad(-1), book_delta_high=wad(2), venues=venues)
    assert net_delta_interval(measurement) == (wad(-6), wad(7))
    assert worst_net_delta(measurement) == wad(7)
    assert worst_net_delta(replace(measurement, book_delta_low=wad(-3))) == wad(8)


def test_evaluate__delta__inside_the_band_needs_no_improvement():
    before, after = measured("53"), measured("52")
    assert judge(before=before, after=after).last_trade_at == NOW
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


def test_evaluate__leverage__judged_on_the_lower_nav():
    lean = replace(BOUNDS, max_nav_loss_bps=10_000)
    judge(bounds=lean, after=measured("50", nav="75000"))
    assert refusal(bounds=lean, after=measured("50", nav="74999.999999999999999999")) == (
        "LeverageExceeded",
        {"leverage": wad(2) + 1, "maxLeverage": wad(2)},
    )


def test_evaluate__nav_loss__accepted_at_the_limit_and_refused_beyond():
    judge(after=measured("50", nav="495000"))
    assert refusal(after=measured("50", nav="494999.999999999999999999")) == (
        "NavLossExceeded",
        {"loss": wad(5000) + 1, "maxLoss": wad(5000)},
    )


def test_evaluate__nav_gain__is_no_loss():
    judge(bounds=replace(BOUNDS, max_nav_loss_bps=0), after=measured("50", nav="500001"))


def test_evaluate__margin_alone__skips_trade_rules_and_leaves_the_budget():
    budget = replace(BUDGET, turnover_available=wad(0), last_trade_at=NOW)
    assert judge(budget=budget, fills=(), after=BEFORE) == budget
    name, _ = refusal(fills=(), after=measured("50", equity="1"))
    assert name == "VenueLeverageExceeded"
    name, _ = refusal(fills=(), after=measured(nav="1"))
    assert name == "NavLossExceeded"


ORDER = [
    ("CooldownActive", {"cooldown_seconds": 10**6}),
    ("SizeDeltaExceeded", {"max_size_delta": 1}),
    ("SlippageExceeded", {"max_slippage_bps": 0}),
    ("FeeExceeded", {"max_fee_bps": 0}),
    ("NotionalExceeded", {"max_notional": 0}),
    ("TurnoverExceeded", {"turnover_capacity": 0}),
    ("NetDeltaExceeded", {"band": 0, "min_improvement": wad(54)}),
    ("VenueLeverageExceeded", {"max_venue_leverage": 0}),
    ("LeverageExceeded", {"max_leverage": 0}),
    ("NavLossExceeded", {"max_nav_loss_bps": 0}),
]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_evaluate__several_rules_broken__first_in_order_is_reported(first):
    changes = {"urgent_delta": wad(60)}
    for _, change in ORDER[first:]:
        changes |= change
    assert refusal(bounds=replace(BOUNDS, **changes), after=measured("50", nav="499999"))[0] == ORDER[first][0]


def test_max_daily_execution_loss__contract_vector__the_same(repository):
    """The figure of ``tests/contracts/RebalanceGuard.t.sol``: 486,400 USD of turnover, 50 and 20 bps."""
    solidity = (repository / "tests" / "contracts" / "RebalanceGuard.t.sol").read_text(encoding="utf-8")
    slippage_loss, fee_loss = re.search(r"maxDailyExecutionLoss\(\), ([\d.]+)e18 \+ ([\d.]+)e18", solidity).groups()
    settings = load_settings(repository / "config" / "localnet.toml", {})
    bounds = replace(
        settings.bounds.to_bounds(),
        turnover_capacity=Wad(486_400 * WAD),
        turnover_refill_per_day=Wad(0),
        max_slippage_bps=50,
        max_fee_bps=20,
    )
    expected = to_wad(Decimal(slippage_loss) + Decimal(fee_loss), Rounding.DOWN)
    assert max_daily_execution_loss(bounds) == expected


@pytest.mark.parametrize("name", ["README.md", "config/localnet.toml"])
def test_max_daily_execution_loss__figure_in_text__the_same(repository, name):
    text = (repository / name).read_text(encoding="utf-8")
    written = re.search(r"\$(\d,\d{3}) (?:a day|with the bounds)", text)[1]
    settings = load_settings(repository / "config" / "localnet.toml", {})
    assert f"{settings.bounds.max_daily_execution_loss_usd:,.0f}" == written
