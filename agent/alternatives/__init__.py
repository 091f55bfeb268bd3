"""The alternatives of one cycle beside what was decided, each with its cost and the risk it removes; pure."""

from agent.alternatives.alternative import Alternative, Explanation, Kind, RebalanceCosts, VenueTrade, Yardstick
from agent.alternatives.explain import explain, yardstick_of
from agent.alternatives.with_options import OptionOffers

__all__ = [
    "Alternative",
    "Explanation",
    "Kind",
    "OptionOffers",
    "RebalanceCosts",
    "VenueTrade",
    "Yardstick",
    "explain",
    "yardstick_of",
]
