"""The clock of policies that trade at fixed intervals, and the policy without any band."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from agent.policy.continuous import Continuous
from agent.policy.fixed_interval import FixedInterval, seconds_left
from agent.units import Seconds
from tests.support.option_exposure import COSTS, NOW, exposure_of

EXPOSURE = exposure_of(-100.0, net_delta=6.0)


def traded(seconds_ago: int):
    return replace(EXPOSURE, last_trade_unix=Seconds(NOW - seconds_ago))


@pytest.mark.parametrize(
    ("seconds_ago", "expected"), [(0, 14_400.0), (1, 14_399.0), (14_399, 1.0), (14_400, 0.0), (90_000, 0.0)]
)
def test_seconds_left__since_the_last_trade__counts_down_to_nothing(seconds_ago, expected):
    assert seconds_left(traded(seconds_ago), 4.0) == expected


def test_seconds_left__nothing_traded_yet__is_nothing():
    assert seconds_left(EXPOSURE, 4.0) == 0.0


@pytest.mark.parametrize(("seconds_ago", "landing"), [(14_399, 6.0), (14_400, 0.0), (14_401, 0.0)])
def test_target__around_the_end_of_the_interval__waits_then_hedges_fully(seconds_ago, landing):
    target = FixedInterval(4.0).target(traded(seconds_ago), COSTS)
    assert target.target_net_delta == landing
    assert target.band_low <= landing <= target.band_high


def test_target__waiting__says_for_how_long():
    assert "2.50 hours until the next hedge of net delta +6.0000" in (
        FixedInterval(4.0).target(traded(5_400), COSTS).reason
    )


def test_target__looked_at_every_ten_minutes_for_two_days__trades_every_four_hours():
    policy, exposure, trades = FixedInterval(4.0), EXPOSURE, []
    for look in range(2 * 144):
        now = Seconds(NOW + 600 * look)
        exposure = replace(exposure, at_unix=now)
        if policy.target(exposure, COSTS).target_net_delta != exposure.net_delta:
            trades.append(now)
            exposure = replace(exposure, last_trade_unix=now)
    assert [later - first for first, later in itertools.pairwise(trades)] == [14_400] * 11
    assert trades[0] == NOW


@pytest.mark.parametrize("net_delta", [-30.0, -1e-9, 0.0, 1e-9, 30.0])
def test_continuous__any_net_delta__hedges_fully_at_every_look(net_delta):
    exposure = replace(exposure_of(-100.0, net_delta=net_delta), last_trade_unix=NOW)
    target = Continuous().target(exposure, COSTS)
    assert (target.band_low, target.band_high, target.target_net_delta) == (0.0, 0.0, 0.0)
