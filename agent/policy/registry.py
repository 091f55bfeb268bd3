"""The policies by the name a configuration uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from agent.errors import DataError
from agent.policy.base import Policy
from agent.policy.continuous import Continuous
from agent.policy.fixed_interval import FixedInterval
from agent.policy.fixed_threshold import FixedThreshold
from agent.policy.leland import Leland
from agent.policy.minimum_variance import MinimumVariance
from agent.policy.multi_instrument import MultiInstrument
from agent.policy.optimal_band import OptimalBand, OptimalVarianceBand
from agent.policy.whalley_wilmott import WhalleyWilmott
from agent.policy.zakamouline import Zakamouline

PolicyType = (
    type[Continuous]
    | type[FixedInterval]
    | type[FixedThreshold]
    | type[Leland]
    | type[MinimumVariance]
    | type[MultiInstrument]
    | type[OptimalBand]
    | type[OptimalVarianceBand]
    | type[WhalleyWilmott]
    | type[Zakamouline]
)

POLICIES: dict[str, PolicyType] = {
    "continuous": Continuous,
    "fixed_interval": FixedInterval,
    "fixed_threshold": FixedThreshold,
    "leland": Leland,
    "minimum_variance": MinimumVariance,
    "multi_instrument": MultiInstrument,
    "optimal_band": OptimalBand,
    "optimal_variance_band": OptimalVarianceBand,
    "whalley_wilmott": WhalleyWilmott,
    "zakamouline": Zakamouline,
}

MEANINGS: dict[str, str] = {
    "hedge_ratio": "underlying units of hedge for each unit of the book's delta",
    "horizon_days": "time to the next rebalance, over which the moves are reckoned",
    "interval_hours": "time from one hedge to the next",
    "risk_aversion_per_usd": "exchange rate of risk and cost: variance of 1 USD^2 is worth half of it in USD",
    "spot_vol_correlation": "correlation of the moves of price and volatility, between -1 and 1",
    "static_horizon_days": "how long a hedge of a book without gamma is expected to stand; shapes its band alone",
    "static_vol_annual": "volatility that shapes the band of a book without gamma",
    "threshold_underlying": "net delta that is left alone",
    "vol_annual": "volatility of the price",
    "vol_of_vol_annual": "volatility of the volatility, in volatility itself: 0.8 is 80 points a year",
    "volatility_constant": "c of the volatility adjustment: 5.76, or 4.76 where deviation counts for more than utility",
    "watch_seconds": "how often the keeper looks: rarer looks narrow the band",
}
"""What each number of the policies means, by its name; units end the name."""


def build_policy(name: str, parameters: Mapping[str, float]) -> Policy:
    """Build a policy from its configured name and numbers; every field is required and none may be unknown.

    Raises
    ------
    DataError
        Unknown name, missing or unknown parameter, or a number out of its domain.

    """
    if name not in POLICIES:
        raise DataError(f"policy {name!r} is unknown; choose one of {', '.join(sorted(POLICIES))}")
    policy = POLICIES[name]
    expected = {field.name for field in fields(policy)}
    if expected != set(parameters):
        missing, unknown = sorted(expected - set(parameters)), sorted(set(parameters) - expected)
        raise DataError(f"policy {name} takes {sorted(expected)}; missing {missing}, unknown {unknown}")
    return policy(**parameters)
