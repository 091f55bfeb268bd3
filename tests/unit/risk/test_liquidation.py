"""Liquidation price, distance and probability: equity at the price, Monte Carlo with a bridge, limits, bad input."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from agent.errors import DataError
from agent.risk.liquidation import (
    InversePerpAccount,
    LinearPerpAccount,
    liquidation_risk,
    liquidation_risks,
    touch_probability,
)

MARK = 3_000.0
LONG = LinearPerpAccount("curie", 10.0, 6_000.0, MARK, 0.0625, 0.0125)
SHORT = replace(LONG, venue="gmx", size=-10.0)
COIN_LONG = InversePerpAccount("deribit", 30_000.0, 2.0, MARK, 0.02, 0.005)
COIN_SHORT = replace(COIN_LONG, venue="okx", face_usd=-30_000.0)


def crossing_frequency(barrier, vol, years, growth=0.0, paths=40_000, steps=40):
    """Share of martingale paths that cross a moving barrier, with the exact chance of a bridge in each step."""
    rng, dt = np.random.default_rng(9), years / steps
    gap = np.full(paths, math.log(barrier / MARK))
    side = math.copysign(1.0, gap[0])
    survival = np.ones(paths)
    for _ in range(steps):
        after = gap - (-0.5 * vol * vol * dt + vol * math.sqrt(dt) * rng.standard_normal(paths)) + growth * dt
        inside = (side * gap > 0) & (side * after > 0)
        survival *= np.where(inside, -np.expm1(-2.0 * np.maximum(gap * after, 0.0) / (vol * vol * dt)), 0.0)
        gap = after
    return 1.0 - survival.mean()


@pytest.mark.parametrize("account", [LONG, SHORT])
def test_linear_account__at_its_liquidation_price__equity_is_margin_and_fee(account):
    price = account.liquidation_price_usd()
    equity = account.equity_usd + account.size * (price - MARK)
    assert equity == pytest.approx(0.075 * abs(account.size) * price, rel=1e-12)
    assert (price < MARK) is account.is_long


@pytest.mark.parametrize("account", [COIN_LONG, COIN_SHORT])
def test_inverse_account__at_its_liquidation_price__coin_equity_is_margin_and_fee(account):
    price = account.liquidation_price_usd()
    equity = account.equity_coin + account.face_usd * (1.0 / MARK - 1.0 / price)
    assert equity == pytest.approx(0.025 * abs(account.face_usd) / price, rel=1e-12)
    assert (price < MARK) is account.is_long


@pytest.mark.parametrize(
    "account",
    [replace(LONG, equity_usd=30_000.0), replace(COIN_SHORT, equity_coin=10.0), replace(LONG, size=0.0)],
)
def test_liquidation_risk__equity_covers_every_price__has_no_price(account):
    found = liquidation_risk(account, 0.8, 7.0)
    assert (found.is_due, found.liquidation_price_usd, found.distance_usd, found.touch_probability) == (
        False, None, None, 0.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    "account",
    [
        replace(LONG, equity_usd=2_250.0),
        replace(SHORT, equity_usd=2_250.0),
        replace(LONG, equity_usd=-50_000.0),
        replace(SHORT, equity_usd=-50_000.0),
        replace(COIN_LONG, equity_coin=0.25),
        replace(COIN_LONG, equity_coin=-20.0),
        replace(COIN_SHORT, equity_coin=-20.0),
    ],
)
def test_liquidation_risk__equity_below_what_is_required__is_due(account):
    found = liquidation_risk(account, 0.8, 7.0)
    assert (found.is_due, found.distance_usd, found.distance_daily_sigmas, found.touch_probability) == (
        True, 0.0, 0.0, 1.0,
    )  # fmt: skip


def test_liquidation_risk__distances__agree_with_each_other():
    found = liquidation_risk(LONG, 0.8, 7.0)
    assert found.liquidation_price_usd == pytest.approx((30_000.0 - 6_000.0) / 9.25)
    assert found.distance_usd == MARK - found.liquidation_price_usd
    assert found.distance_ratio == found.distance_usd / MARK
    sigmas = -math.log(found.liquidation_price_usd / MARK) / (0.8 / math.sqrt(365.0))
    assert found.distance_daily_sigmas == pytest.approx(sigmas)
    assert found.touch_probability == touch_probability(MARK, found.liquidation_price_usd, 0.8, 7.0 / 365.0)


@pytest.mark.parametrize(("barrier", "growth"), [(2_700.0, 0.0), (3_400.0, 0.0), (2_700.0, 3.0), (3_400.0, -2.0)])
def test_touch_probability__against_simulation__agrees(barrier, growth):
    expected = crossing_frequency(barrier, 0.8, 7.0 / 365.0, growth)
    assert touch_probability(MARK, barrier, 0.8, 7.0 / 365.0, growth) == pytest.approx(expected, abs=0.008)


def test_touch_probability__limits():
    assert touch_probability(MARK, MARK, 0.8, 0.1) == pytest.approx(1.0)
    assert touch_probability(MARK, 1.0, 0.3, 0.01) == 0.0
    assert touch_probability(MARK, 6_000.0, 1.0, 1e4) == pytest.approx(0.5)  # a martingale doubles half the time
    assert touch_probability(MARK, 1_500.0, 1.0, 1e4) == pytest.approx(1.0)  # and falls to any level in the end
    assert touch_probability(MARK, 2_999.0, 5.0, 1e-4, 1e6) == pytest.approx(1.0)


@pytest.mark.parametrize("account", [LONG, SHORT, COIN_LONG, COIN_SHORT])
def test_liquidation_risk__funding__hurts_the_side_that_pays(account):
    rate = 0.01 if account.is_long else -0.01
    paying, earning = (
        liquidation_risk(replace(account, funding_rate_per_day=sign * rate), 0.8, 5.0) for sign in (1.0, -1.0)
    )
    still = liquidation_risk(account, 0.8, 5.0)
    assert earning.touch_probability < still.touch_probability < paying.touch_probability
    assert paying.liquidation_price_usd == still.liquidation_price_usd


def test_liquidation_risk__linear_barrier_of_funding__is_close_to_its_exponential():
    account = replace(LONG, funding_rate_per_day=0.005)
    now, later = account.liquidation_price_usd(), account.liquidation_price_usd(7.0)
    assert later == pytest.approx(now + 0.005 * 7.0 * MARK / 0.925)
    found = liquidation_risk(account, 0.8, 7.0).touch_probability
    growth = math.log(later / now) * 365.0 / 7.0
    assert found == pytest.approx(crossing_frequency(now, 0.8, 7.0 / 365.0, growth), abs=0.008)


def test_liquidation_risk__funding_alone_eats_everything__is_certain():
    assert liquidation_risk(replace(SHORT, funding_rate_per_day=-2.0), 0.8, 7.0).touch_probability == 1.0
    assert liquidation_risk(replace(COIN_LONG, funding_rate_per_day=5.0), 0.8, 7.0).touch_probability == 1.0


def test_liquidation_risk__funding_brings_first_barrier__counts_as_there_all_along():
    rich = replace(LONG, equity_usd=30_100.0, funding_rate_per_day=0.02)
    found = liquidation_risk(rich, 0.8, 7.0)
    assert found.liquidation_price_usd is None
    assert found.touch_probability == touch_probability(MARK, rich.liquidation_price_usd(7.0), 0.8, 7.0 / 365.0)


def test_liquidation_risks__venues__keep_their_order():
    assert [risk.venue for risk in liquidation_risks((LONG, SHORT, COIN_LONG), 0.8, 1.0)] == ["curie", "gmx", "deribit"]


def test_liquidation_risks__venue_twice__is_refused():
    with pytest.raises(DataError, match="row 1: venue is 'curie', already given in row 0"):
        liquidation_risks((LONG, LONG), 0.8, 1.0)


@pytest.mark.parametrize(
    ("vol", "days", "name"), [(-0.1, 1.0, "vol_annual"), (0.8, 0.0, "horizon_days"), (math.nan, 1.0, "vol_annual")]
)
def test_liquidation_risks__bad_market__is_refused_by_name(vol, days, name):
    with pytest.raises(DataError, match=f"{name} is"):
        liquidation_risks((LONG,), vol, days)


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("size", math.nan),
        ("equity_usd", math.inf),
        ("mark_price_usd", 0.0),
        ("maintenance_margin_ratio", -0.1),
        ("maintenance_margin_ratio", 0.99),
        ("liquidation_fee_ratio", math.nan),
        ("funding_rate_per_day", math.nan),
    ],
)
def test_linear_account__bad_number__is_refused_by_field_and_venue(field, bad):
    with pytest.raises(DataError, match=f"{field} of curie"):
        replace(LONG, **{field: bad})


@pytest.mark.parametrize("field", ["face_usd", "equity_coin", "mark_price_usd", "funding_rate_per_day"])
def test_inverse_account__bad_number__is_refused_by_field_and_venue(field):
    with pytest.raises(DataError, match=f"{field} of deribit"):
        replace(COIN_LONG, **{field: math.nan})


@pytest.mark.parametrize(
    "arguments", [(0.0, 1.0, 1.0, 1.0), (1.0, -1.0, 1.0, 1.0), (1.0, 1.0, 0.0, 1.0), (1.0, 1.0, 1.0, 0.0)]
)
def test_touch_probability__out_of_domain__is_refused(arguments):
    with pytest.raises(DataError, match="expected a finite number > 0"):
        touch_probability(*arguments)
