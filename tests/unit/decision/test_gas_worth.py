"""What gas is worth to a hedge: the cost from which on its policy would rather wait."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from agent.decision.gas_worth import gas_worth_usd
from agent.domain import Exposure, Target, TradeCosts
from agent.errors import PolicyRefusedError
from agent.policy.fixed_threshold import FixedThreshold
from agent.policy.optimal_band import OptimalVarianceBand
from agent.policy.whalley_wilmott import WhalleyWilmott
from agent.risk.exposure import book_exposure
from tests.support.decision_builders import NOW, SPOT_USD, short_calls

COSTS = TradeCosts(0.001, 0.001, 0.0, gas_usd=2.0)


def exposure(net_delta: float) -> Exposure:
    return Exposure(3_200.0, net_delta, -0.02, -300.0, 100_000.0, -20_000.0, hedge_size=0.0)


@dataclass(frozen=True)
class TradesBelow:
    """A policy that trades to 0 while gas costs less than a limit."""

    limit_usd: float

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        landing = 0.0 if costs.gas_usd < self.limit_usd else exposure.net_delta
        return Target(-1.0, 1.0, landing, "as written")


@pytest.mark.parametrize("limit_usd", [2.01, 2.03, 3.0, 7.7, 100.0, 9_999.0])
def test_gas_worth__policy_that_waits_above_a_cost__is_that_cost_rounded_down(limit_usd):
    worth = gas_worth_usd(TradesBelow(limit_usd), exposure(10.0), COSTS)
    assert limit_usd * (1 - 1 / 64) <= worth <= limit_usd


@dataclass(frozen=True)
class RefusesAbove(TradesBelow):
    """A policy that knows nothing of gas dearer than a limit, and would trade at any that it knows."""

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        if costs.gas_usd > self.limit_usd:
            raise PolicyRefusedError("gas is dear")
        return TradesBelow(1e9).target(exposure, costs)


@pytest.mark.parametrize("limit_usd", [2.03, 7.7, 9_999.0])
def test_gas_worth__policy_refuses_above_a_cost__is_what_it_knows_of(limit_usd):
    worth = gas_worth_usd(RefusesAbove(limit_usd), exposure(10.0), COSTS)
    assert limit_usd * (1 - 1 / 64) <= worth <= limit_usd


def test_gas_worth__optimal_band__ends_where_the_policy_knows_no_more():
    policy = OptimalVarianceBand(0.002, 300.0, 1.0, 0.65)
    far = book_exposure(short_calls(), SPOT_USD, NOW, 120.0)
    worth = gas_worth_usd(policy, far, COSTS)
    assert policy.target(far, replace(COSTS, gas_usd=worth)).target_net_delta != far.net_delta
    assert worth == pytest.approx(0.5 / 0.002, rel=1 / 64)
    with pytest.raises(PolicyRefusedError):
        policy.target(far, replace(COSTS, gas_usd=1.02 * 0.5 / 0.002))


def test_gas_worth__policy_does_not_want_the_trade__gas_does_not_decide_it():
    assert gas_worth_usd(TradesBelow(2.0), exposure(10.0), COSTS) is None


def test_gas_worth__policy_that_knows_no_gas__has_no_limit():
    assert gas_worth_usd(FixedThreshold(1.0), exposure(10.0), COSTS) is None


def test_gas_worth__no_gas_now__starts_from_a_cent():
    worth = gas_worth_usd(TradesBelow(5.0), exposure(10.0), replace(COSTS, gas_usd=0.0))
    assert 4.8 <= worth <= 5.0


def test_gas_worth__whalley_wilmott__grows_with_the_distance_from_the_band():
    policy = WhalleyWilmott(0.001, 1.0, 0.65)
    near, far = (gas_worth_usd(policy, exposure(net_delta), COSTS) for net_delta in (12.0, 24.0))
    assert COSTS.gas_usd <= near < far
    for net_delta, worth in ((12.0, near), (24.0, far)):
        held = policy.target(exposure(net_delta), replace(COSTS, gas_usd=1.04 * worth))
        assert held.target_net_delta == net_delta
