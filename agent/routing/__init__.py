"""From a size to legs: how much on which venue, in how many slices, at what limit and with what margin."""

from agent.routing.route import Cap, Route, RouteCosts, Router, RoutingSettings, plan_margin, plan_route, size_cap
from agent.routing.slicing import SlicePlan, SlicingSettings, plan_slices

__all__ = [
    "Cap",
    "Route",
    "RouteCosts",
    "Router",
    "RoutingSettings",
    "SlicePlan",
    "SlicingSettings",
    "plan_margin",
    "plan_route",
    "plan_slices",
    "size_cap",
]
