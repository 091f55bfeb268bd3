"""From a size to legs: how much on which venue, in how many slices, at what limit and with what margin."""

from agent.routing.route import Cap, Route, RouteCosts, Router, RoutingSettings, plan_margin, plan_route, size_cap

__all__ = ["Cap", "Route", "RouteCosts", "Router", "RoutingSettings", "plan_margin", "plan_route", "size_cap"]
