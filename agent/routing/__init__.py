"""From a size to legs: how much on which venue, in how many slices, at what limit and with what margin."""

from agent.routing.foreseen import Route
from agent.routing.route import (
    LEG_SIZE,
    REBALANCE_NOTIONAL,
    TURNOVER_LEFT,
    VENUES_QUOTE,
    Cap,
    RouteCosts,
    Router,
    RoutingParameters,
    plan_margin,
    plan_route,
    size_cap,
)
from agent.routing.slicing import SlicePlan, SlicingParameters, plan_slices

__all__ = [
    "LEG_SIZE",
    "REBALANCE_NOTIONAL",
    "TURNOVER_LEFT",
    "VENUES_QUOTE",
    "Cap",
    "Route",
    "RouteCosts",
    "Router",
    "RoutingParameters",
    "SlicePlan",
    "SlicingParameters",
    "plan_margin",
    "plan_route",
    "plan_slices",
    "size_cap",
]
