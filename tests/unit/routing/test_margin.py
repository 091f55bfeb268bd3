"""Venue leverage between its watermarks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from agent.errors import DataError
from agent.routing.margin import Backing, IdleFunds, Watermarks, deposit_due, idle_funds, watermarks, withdrawal_due
from agent.units import AssetUnits
from tests.support.decision_builders import MARGIN, VenueState, measured_venue, short_calls, snapshot_of, wad

LIMITS = Watermarks(wad(1), wad(2), wad(3))


def usd(number):
    return AssetUnits(int(number * 10**6))


def account(notional, equity):
    measured = measured_venue(VenueState(equity_usd=equity), wad(3_000))
    return replace(measured, notional=wad(notional))


def funds(assets, reserve=0, floor=0):
    return IdleFunds(usd(assets), usd(reserve), usd(floor), 6)


def reserved(assets, nav, idle_floor_bps=0, **changes):
    usual = {"nav": wad(nav), "firm_nav": wad(nav), "idle": wad(10**6)}
    measurement = replace(snapshot_of(short_calls()).measurement, **(usual | changes))
    return idle_funds(MARGIN, measurement, usd(assets), idle_floor_bps, 6)


def test_watermarks__guard_is_wider__are_as_configured():
    assert watermarks(MARGIN, wad(5)) == LIMITS


def test_watermarks__guard_is_tighter__all_scale_below_it():
    assert watermarks(MARGIN, wad(2)) == Watermarks(wad("0.6"), wad("1.2"), wad("1.8"))


@pytest.mark.parametrize(
    ("headroom_bps", "bound", "high"), [(1_000, 1, "0.9"), (1_000, 3, "2.7"), (2_500, 2, "1.5"), (5_000, 4, "2")]
)
def test_watermarks__headroom__is_its_share_of_the_guards_bound(headroom_bps, bound, high):
    assert watermarks(replace(MARGIN, guard_headroom_bps=headroom_bps), wad(bound)).high == wad(high)


def test_idle_funds__reserve__is_a_share_of_nav_rounded_up():
    found = reserved(80, "700.0000001")
    assert (found.reserve, found.spare, found.shortfall) == (70_000_001, 9_999_999, 0)
    assert reserved(60, 700).shortfall == usd(10)


def test_idle_funds__guards_floor_above_the_reserve__is_the_reserve():
    found = reserved(80, 700, idle_floor_bps=1_100)
    assert (found.reserve, found.floor, found.above_floor) == (usd(77), usd(77), usd(3))


def test_idle_funds__asked_back__is_not_idle():
    assert reserved(80, 700, idle=wad(71)).spare == usd(1)


def test_deposit_due__guards_floor__is_never_drawn_down():
    assert deposit_due(account("400", "100"), LIMITS, funds(90, reserve=80, floor=70)) == usd(20)


def test_deposit_due__venue_cap__is_kept():
    capped = replace(account("400", "100"), cap=wad(110))
    assert deposit_due(capped, LIMITS, funds(1_000)) == usd(10)
    assert deposit_due(replace(capped, cap=wad(90)), LIMITS, funds(1_000)) == 0


def test_idle_funds__after_a_deposit_or_withdrawal__counts_deposits_alone():
    assert funds(100).after(usd(30)).assets == usd(70)
    assert funds(100).after(AssetUnits(-usd(30))).assets == usd(100)


@pytest.mark.parametrize(("notional", "equity"), [("0", "0"), ("300", "100"), ("300", "5000")])
def test_deposit_due__leverage_not_above_high__is_nothing(notional, equity):
    assert deposit_due(account(notional, equity), LIMITS, funds(10_000)) == 0


def test_deposit_due__no_position_but_debt__pays_the_debt():
    assert deposit_due(account("0", "-5"), LIMITS, funds(10_000)) == usd(5)


def test_deposit_due__leverage_above_high__comes_back_to_target():
    assert deposit_due(account("300", "99.999999"), LIMITS, funds(10_000)) == usd(50) + 1
    assert deposit_due(account("300", "0"), LIMITS, funds(10_000)) == usd(150)
    assert deposit_due(account("300", "-40"), LIMITS, funds(10_000)) == usd(190)


def test_deposit_due__fraction_of_a_unit__rounds_up():
    assert deposit_due(account("300.0000000001", "0"), LIMITS, funds(10_000)) == usd(150) + 1


@pytest.mark.parametrize(("cash", "due"), [(100, 0), (99, 51), (0, 150), (-10, 160)])
def test_deposit_due__cash_short_of_what_opens__brings_it_to_target(cash, due):
    opening = Backing(wad(300), wad(cash))
    assert deposit_due(account("400", "1000"), LIMITS, funds(10_000), opening) == usd(due)


def test_deposit_due__account_and_cash_both_short__is_the_larger():
    opening = Backing(wad(300), wad(0))
    assert deposit_due(account("300", "0"), LIMITS, funds(10_000), opening) == usd(150)
    assert deposit_due(account("900", "0"), LIMITS, funds(10_000), opening) == usd(450)
    assert deposit_due(account("30", "0"), LIMITS, funds(10_000), opening) == usd(150)


def test_deposit_due__spare_short_of_target__stops_at_the_reserve():
    assert deposit_due(account("300", "0"), LIMITS, funds(1_000, 880)) == usd(120)


def test_deposit_due__spare_short__draws_the_reserve_a_quarter_of_the_way_to_target():
    """Drawn to the high watermark alone, the next look draws again: 76 times in a trebling, for $11,402 of gas."""
    assert deposit_due(account("300", "0"), LIMITS, funds(1_000, 980)) == usd(Decimal("109.090910"))
    assert deposit_due(account("300", "0"), LIMITS, funds(60, 100)) == usd(60)


def test_deposit_due__less_than_a_hundredth_of_what_is_due__waits():
    """Above the floor a falling NAV frees crumbs that cost more gas than they are."""
    crumb, enough = Decimal("1.090909"), Decimal("1.090910")
    assert deposit_due(account("300", "0"), LIMITS, funds(70 + crumb, reserve=80, floor=70)) == 0
    assert deposit_due(account("300", "0"), LIMITS, funds(70 + enough, reserve=80, floor=70)) == usd(enough)


def test_withdrawal_due__leverage_below_low__rises_to_target():
    assert withdrawal_due(account("300", "500"), LIMITS, wad(10_000), 6) == usd(350)
    assert withdrawal_due(account("300", "300"), LIMITS, wad(10_000), 6) == 0
    assert withdrawal_due(account("300", "300.000001"), LIMITS, wad(10_000), 6) == usd(150) + 1


def test_withdrawal_due__no_position__takes_everything_free():
    assert withdrawal_due(account("0", "500"), LIMITS, wad(10_000), 6) == usd(500)
    assert withdrawal_due(account("0", "500"), LIMITS, wad("123.4567899"), 6) == usd(123.456789)
    assert withdrawal_due(account("0", "-1"), LIMITS, wad(10_000), 6) == 0


def test_due__no_leverage_allowed__deposits_all_and_withdraws_nothing():
    closed = Watermarks(0, 0, 0)
    assert deposit_due(account("300", "100"), closed, funds(1_000, 500)) == usd(1_000)
    assert withdrawal_due(account("300", "500"), closed, wad(10_000), 6) == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low_leverage": wad(2)}, "watermarks"),
        ({"low_leverage": wad(-1)}, "watermarks"),
        ({"high_leverage": wad(2)}, "watermarks"),
        ({"idle_reserve_bps": 10_000}, "idle_reserve_bps"),
        ({"guard_headroom_bps": -1}, "guard_headroom_bps"),
        ({"min_margin_delta": 0}, "min_margin_delta"),
    ],
)
def test_margin_settings__out_of_domain__are_refused_by_name(changes, message):
    with pytest.raises(DataError, match=message):
        replace(MARGIN, **changes)
