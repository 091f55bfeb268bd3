"""How far the price may move before a venue liquidates, beside the account of the risk package."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from agent.risk.liquidation import LinearPerpAccount
from agent.status.risk import liquidation_distance
from agent.venues.maintenance import Maintenance
from tests.support.decision_builders import VenueState, measured_venue, wad

PRICE_USD, RATIO = 3_000.0, 0.0625
MAINTENANCE = Maintenance(RATIO)


def measured(size: float, equity_usd: float):
    venue = measured_venue(VenueState(size=size, equity_usd=equity_usd), wad(PRICE_USD))
    return replace(venue, equity_low=wad(equity_usd))


@pytest.mark.parametrize("size", [10.0, -10.0])
@pytest.mark.parametrize("equity_usd", [2_000.0, 10_000.0, 25_000.0])
def test_liquidation_distance__account__is_the_risk_packages(size, equity_usd):
    account = LinearPerpAccount("one", size, equity_usd, PRICE_USD, RATIO)
    expected = abs(account.liquidation_price_usd() / PRICE_USD - 1.0)
    assert liquidation_distance(measured(size, equity_usd), MAINTENANCE) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [10.0, -10.0])
def test_liquidation_distance__equity_below_maintenance__is_due(size):
    assert liquidation_distance(measured(size, 1_800.0), MAINTENANCE) == 0.0


def test_liquidation_distance__long_that_is_paid_for__no_price_liquidates():
    assert liquidation_distance(measured(10.0, 30_001.0), MAINTENANCE) == math.inf


def test_liquidation_distance__no_position_or_no_price__is_not_told():
    assert liquidation_distance(measured(0.0, 1_000.0), MAINTENANCE) is None
    assert liquidation_distance(replace(measured(10.0, 1_000.0), price=wad(0)), MAINTENANCE) is None


def test_liquidation_distance__pending_order__is_the_nearer_end():
    venue = replace(measured(10.0, 10_000.0), size_high=wad(20.0))
    assert liquidation_distance(venue, MAINTENANCE) == liquidation_distance(measured(20.0, 10_000.0), MAINTENANCE)


def test_liquidation_distance__cash_that_backs_no_position__does_not_count():
    venue = measured(10.0, 10_000.0)
    found = liquidation_distance(venue, Maintenance(RATIO, wad(6_000)))
    assert found == liquidation_distance(measured(10.0, 4_000.0), MAINTENANCE)
    assert liquidation_distance(venue, Maintenance(RATIO, wad(8_200))) == 0.0
