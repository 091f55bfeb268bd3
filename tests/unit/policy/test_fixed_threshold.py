"""A fixed band and the table of policies."""

from __future__ import annotations

import math

import pytest

from agent.domain import Exposure, TradeCosts
from agent.errors import DataError
from agent.policy.fixed_threshold import FixedThreshold
from agent.policy.registry import POLICIES, build_policy
from agent.policy.whalley_wilmott import WhalleyWilmott

COSTS = TradeCosts(0.001, 0.0, 0.0, 4.0)


def exposure(net_delta):
    return Exposure(3_000.0, net_delta, -0.07, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(("net_delta", "landing"), [(0.5, 0.5), (-0.5, -0.5), (0.51, 0.0), (-9.0, 0.0)])
def test_target__around_the_threshold__stays_inside_and_hedges_to_neutral_outside(net_delta, landing):
    target = FixedThreshold(0.5).target(exposure(net_delta), COSTS)
    assert (target.band_low, target.band_high, target.target_net_delta) == (-0.5, 0.5, landing)


def test_target__net_delta_not_finite__is_refused():
    with pytest.raises(DataError, match="book_delta is nan"):
        FixedThreshold(0.5).target(exposure(math.nan), COSTS)


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_fixed_threshold__bad_threshold__is_refused(bad):
    with pytest.raises(DataError, match="threshold_underlying"):
        FixedThreshold(bad)


def test_build_policy__known_names__builds_each():
    assert build_policy("fixed_threshold", {"threshold_underlying": 1.5}) == FixedThreshold(1.5)
    numbers = {"risk_aversion_per_usd": 0.05, "static_horizon_days": 30.0, "static_vol_annual": 0.7}
    assert build_policy("whalley_wilmott", numbers) == WhalleyWilmott(**numbers)
    assert {"fixed_threshold", "whalley_wilmott"} <= set(POLICIES)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("whaley", {}, "choose one of continuous, .*, whalley_wilmott"),
        ("fixed_threshold", {}, r"missing \['threshold_underlying'\]"),
        ("fixed_threshold", {"threshold_underlying": 1.0, "threshold": 1.0}, r"unknown \['threshold'\]"),
    ],
)
def test_build_policy__wrong_name_or_parameters__says_what_is_expected(name, parameters, message):
    with pytest.raises(DataError, match=message):
        build_policy(name, parameters)
