"""Venue leverage between its watermarks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.domain import VenueMeasurement
from agent.errors import DataError
from agent.routing.margin import IdleFunds, Watermarks, deposit_due, idle_funds, watermarks, withdrawal_due
from agent.units import AssetUnits
from tests.support.decision_builders import MARGIN, wad

LIMITS = Watermarks(wad(1), wad(2), wad(3))


def usd(number):
    return AssetUnits(int(number * 10**6))


def account(notional, equity):
    return VenueMeasurement(wad(0), wad(0), wad(notional), wad(equity), wad(equity))


def funds(assets, reserve=0):
    return IdleFunds(usd(assets), usd(reserve), 6)


def test_watermarks__guard_is_wider__are_as_configured():
    assert watermarks(MARGIN, wad(5)) == LIMITS


def test_watermarks__guard_is_tighter__all_scale_below_it():
    assert watermarks(MARGIN, wad(2)) == Watermarks(wad("0.6"), wad("1.2"), wad("1.8"))


def test_idle_funds__reserve__is_a_share_of_nav_rounded_up():
    found = idle_funds(MARGIN, usd(80), wad("700.0000001"), 6)
    assert (found.reserve, found.spare, found.shortfall) == (70_000_001, 9_999_999, 0)
    assert idle_funds(MARGIN, usd(60), wad(700), 6).shortfall == usd(10)


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


def test_deposit_due__spare_short_of_target__stops_at_the_reserve():
    assert deposit_due(account("300", "0"), LIMITS, funds(1_000, 880)) == usd(120)


def test_deposit_due__spare_short_of_high__draws_the_reserve_to_high():
    assert deposit_due(account("300", "0"), LIMITS, funds(1_000, 980)) == usd(100)
    assert deposit_due(account("300", "0"), LIMITS, funds(60, 100)) == usd(60)


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
