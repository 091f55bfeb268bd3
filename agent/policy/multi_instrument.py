r"""Trade what is worth its cost, in perps and listed options together.

The programme of `agent.optimiser` weighs the variance of what delta, gamma, vega, vanna and volga leave against
all costs. For the perp alone it has a closed form: with y the net delta, b the other factors and Sigma the covariance,

    a/2 (S11 y^2 + 2 y S1.b) + k S |y - y0| + gas    is least    at y* +- k S / (a S11),   y* = -S1.b / S11,

the near side of it, and moving there pays from sqrt(2 gas / (a S11)) further out. y* is the minimum-variance net delta:
for normal moves -rho vega x (vol of vol) / (vol S), which leans
against the vol that comes with a move of the price.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.checks import require_finite, require_positive_fields
from agent.domain import Exposure, Target, TradeCosts
from agent.errors import DataError
from agent.optimiser.covariance import FactorCovariance, gaussian_covariance
from agent.optimiser.factors import Factors
from agent.optimiser.instruments import Instrument
from agent.optimiser.leg_selection import Gas
from agent.optimiser.limits import GuardLimits, VenueLimits
from agent.optimiser.plan import make_plan
from agent.optimiser.result import Plan
from agent.policy.base import BandEdges, require_exposure
from agent.policy.live_costs import effective_costs


@dataclass(frozen=True, slots=True)
class MultiInstrument:
    """The programme with normal moves of price and vol over ``horizon_days``, the time to the next rebalance.

    ``vol_of_vol_annual`` is in vol itself (0.8: 80 vol points a year); ``spot_vol_correlation`` between -1 and 1.
    """

    risk_aversion_per_usd: float
    horizon_days: float
    vol_annual: float
    vol_of_vol_annual: float
    spot_vol_correlation: float

    def __post_init__(self) -> None:
        require_positive_fields(self, "risk_aversion_per_usd", "horizon_days", "vol_annual")
        if require_finite(self.vol_of_vol_annual, "vol_of_vol_annual") < 0.0:
            raise DataError(f"vol_of_vol_annual is {self.vol_of_vol_annual}; expected no negative number")
        if not -1.0 < require_finite(self.spot_vol_correlation, "spot_vol_correlation") < 1.0:
            raise DataError(f"spot_vol_correlation is {self.spot_vol_correlation}; expected a number between -1 and 1")

    def covariance(self, spot_usd: float) -> FactorCovariance:
        """Return the factors' covariance at a price."""
        return gaussian_covariance(
            spot_usd, self.vol_annual, self.vol_of_vol_annual, self.spot_vol_correlation, self.horizon_days
        )

    def edges(self, exposure: Exposure, costs: TradeCosts) -> BandEdges:
        """Return the band for the perp alone; funding runs for the horizon, and urgency makes costs weigh less."""
        require_exposure(exposure)
        require_finite(exposure.book_vega_usd_per_vol, "book_vega_usd_per_vol")
        # Normal moves of odd order vanish: gamma, vanna and volga do not move the least-variance delta.
        matrix = self.covariance(exposure.spot_usd).matrix
        centre = -float(matrix[0, 2]) * exposure.book_vega_usd_per_vol / float(matrix[0, 0])
        effective = effective_costs(exposure, costs, self.horizon_days)
        aversion = self.risk_aversion_per_usd * float(matrix[0, 0])
        inner = effective.ratio * exposure.spot_usd / aversion
        return BandEdges.around(centre, inner + math.sqrt(2.0 * effective.fixed_usd / aversion), inner)

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        """Return the band, with its inner edge on the present side as landing point."""
        net_delta = require_exposure(exposure)
        return self.edges(exposure, costs).target(net_delta, "multi-instrument")

    def plan(
        self,
        factors: Factors,
        instruments: Sequence[Instrument],
        venues: Sequence[VenueLimits],
        spot_usd: float,
        guard: GuardLimits | None = None,
        gas: Gas | None = None,
        covariance: FactorCovariance | None = None,
        counts_expected_gain: bool = False,
    ) -> Plan:
        """Choose trades in all instruments; see `make_plan`.

        ``covariance``, such as one of scenarios with jumps, replaces the policy's own.
        """
        moves = self.covariance(spot_usd) if covariance is None else covariance
        arguments = (factors, instruments, venues, moves, self.risk_aversion_per_usd)
        return make_plan(*arguments, guard, gas, counts_expected_gain)
