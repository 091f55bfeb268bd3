r"""Hedge with an instrument that does not move one for one with what is hedged.

With h = Cov(book's underlying, hedge) / Var(hedge), per USD of each, the size that leaves the least variance is
-h x book delta, and no size leaves less than 1 - R^2 of it. `hedge_ratio` estimates h from prices.

Source: L. H. Ederington, "The hedging performance of the new futures markets", Journal of Finance 34 (1979) 157-170.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.checks import require_finite, require_positive_fields
from agent.domain import Exposure, Target, TradeCosts
from agent.errors import DataError
from agent.policy.base import BandEdges, require_costs, require_exposure


@dataclass(frozen=True, slots=True)
class MinimumVariance:
    """Trade to the minimum-variance hedge when the net delta is more than ``threshold_underlying`` away from it."""

    hedge_ratio: float
    threshold_underlying: float

    def __post_init__(self) -> None:
        require_positive_fields(self, "hedge_ratio")
        if require_finite(self.threshold_underlying, "threshold_underlying") < 0.0:
            raise DataError(f"threshold_underlying is {self.threshold_underlying}; expected no negative number")

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        """Return the band around the net delta of the minimum-variance hedge."""
        net_delta = require_exposure(exposure)
        require_costs(costs)
        centre = exposure.book_delta * (1.0 - self.hedge_ratio)
        return BandEdges.around(centre, self.threshold_underlying, 0.0).target(net_delta, "minimum variance")
