r"""What an alternative is, and what its risk is measured with.

An alternative leaves a net delta D and the book's gamma G, which no perp removes. Over a horizon h at volatility sigma
the residual then has, to second order in the price and with S^2 sigma^2 h = v,

    variance = D^2 v + G^2 v^2 / 2,

the second term from (v (Z^2 - 1) G / 2) of a normal Z.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum

from agent.checks import require_finite
from agent.errors import DataError
from agent.units import SECONDS_PER_DAY, SECONDS_PER_YEAR


class Kind(Enum):
    """What makes an alternative one."""

    HOLD = "hold"
    POLICY = "policy"
    LANDING = "landing"
    VENUE = "venue"
    OPTIONS = "options"


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What risk is measured with."""

    horizon_days: float
    vol_annual: float
    risk_aversion_per_usd: float

    def __post_init__(self) -> None:
        for field in fields(self):
            number = require_finite(getattr(self, field.name), field.name)
            if number <= 0.0:
                raise DataError(f"{field.name} is {number}; expected a positive number")

    def variance_usd2(self, net_delta: float, gamma_per_usd: float, spot_usd: float) -> float:
        """Return the variance of the residual over the horizon, USD^2."""
        price_variance = (spot_usd * self.vol_annual) ** 2 * self.horizon_days * SECONDS_PER_DAY / SECONDS_PER_YEAR
        return net_delta**2 * price_variance + 0.5 * (gamma_per_usd * price_variance) ** 2


@dataclass(frozen=True, slots=True)
class RebalanceCosts:
    """Cost of one rebalance, USD; funding over the horizon, an income where negative."""

    fee_usd: float = 0.0
    impact_usd: float = 0.0
    """Execution against the worse of mark and oracle price; a premium in the trade's favour is not counted."""
    funding_usd: float = 0.0
    gas_usd: float = 0.0

    @property
    def total_usd(self) -> float:
        """All of it."""
        return self.fee_usd + self.impact_usd + self.funding_usd + self.gas_usd


@dataclass(frozen=True, slots=True)
class VenueTrade:
    """What one venue would do: underlying units of its perp, or contracts of a listed option."""

    instrument: str
    venue: str
    size_delta: float
    execution_price_usd: float
    fee_usd: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to spend this cycle."""

    name: str
    kind: Kind
    trades: tuple[VenueTrade, ...]
    costs: RebalanceCosts
    net_delta_after: float
    gamma_after_per_usd: float
    worst_net_delta_after: float
    """As the chain sees it: options traded elsewhere are not in it."""
    refused_by: str | None
    """The guard's rule that its mirror says is broken, ``Paused`` or ``NoCapacity``; None where it may be done."""
    reason: str
    risk_after_usd: float = 0.0
    """Standard deviation of the residual over the horizon."""
    risk_removed_usd: float = 0.0
    """Negative where the alternative adds risk."""
    objective_usd: float = 0.0
    option_trades: tuple[VenueTrade, ...] = ()
    """Contracts; their delta and gamma are in what is left after."""
    is_chosen: bool = False

    @property
    def size_delta(self) -> float:
        """What the perps trade in all, underlying units."""
        return sum((trade.size_delta for trade in self.trades), 0.0)

    @property
    def is_accepted(self) -> bool:
        """Whether it may be done."""
        return self.refused_by is None

    @property
    def cost_per_risk_removed(self) -> float | None:
        """USD of cost per USD of standard deviation removed; None where it removes none."""
        return self.costs.total_usd / self.risk_removed_usd if self.risk_removed_usd > 0.0 else None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Alternatives by objective, accepted ones first, the chosen one among them."""

    yardstick: Yardstick
    risk_before_usd: float
    alternatives: tuple[Alternative, ...]
    left_out: Mapping[str, str]
    """Policies that cannot be asked, and why."""
    suggested_risk_aversion_per_usd: float | None = None
    """What would suit the book, see `agent.policy.risk_aversion`; None where nothing is at risk."""

    @property
    def chosen(self) -> Alternative:
        """What the keeper would do."""
        return next(alternative for alternative in self.alternatives if alternative.is_chosen)

    @property
    def cheapest(self) -> Alternative:
        """The least objective that the guard accepts."""
        return self.alternatives[0]
