"""How the keeper decides, as people write it, and the records of the core that it becomes.

A number is read as written and becomes a chain integer with a named rounding: what is allowed rounds down, what is
demanded rounds up.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from agent.config import Exact, Real, Section, Whole
from agent.costs.impact import ImpactCoefficients
from agent.costs.trade_costs import CostInputs
from agent.errors import DataError
from agent.policy.base import Policy
from agent.policy.registry import build_policy
from agent.routing import SlicingParameters
from agent.routing.margin import MarginParameters
from agent.routing.slicing import MOST_SLICES
from agent.units import BPS, Rounding, Wad, from_wad, gwei_to_wei, to_asset_units, to_wad


class PolicySettings(Section):
    """When to hedge: a policy of `agent.policy.registry` by name, and its own numbers."""

    name: str = Field(description="which policy decides when to hedge and how far")
    parameters: dict[str, Real] = Field(description="its own numbers, below")

    @model_validator(mode="after")
    def _buildable(self) -> Self:
        try:
            self.build()
        except DataError as error:
            raise ValueError(str(error)) from None
        return self

    def build(self) -> Policy:
        """Return the policy."""
        return build_policy(self.name, self.parameters)


class DecisionSettings(Section):
    """How the agent stays inside the chain's bounds; see `agent.decision.decide.DecisionSettings`."""

    delta_tolerance_underlying: Real = Field(
        gt=0,
        description="how far the agent's book delta may lie outside the chain's interval; beyond, nothing is traded",
    )
    band_headroom_bps: Whole = Field(
        gt=0,
        lt=BPS,
        description="a trade lands this part of the chain's band inside it: the next block must not carry it out",
    )
    min_trade_underlying: Real = Field(
        gt=0, description="least size worth a transaction while the worst case is inside the chain's band"
    )
    limit_tolerance_bps: Whole = Field(
        ge=0, lt=BPS, description="a leg may execute this much worse than quoted, never worse than the guard allows"
    )


class ImpactSettings(Section):
    """What the desk's own trades do to the price; see `agent.costs.impact`."""

    spread_usd: Real = Field(description="every trade executes so much worse, whatever its size: half of the spread")
    temporary_usd_per_unit: Real = Field(gt=0, description="a trade executes worse by this for each unit of it")
    permanent_usd_per_unit: Real = Field(ge=0, description="a trade leaves the price moved by this for each unit of it")

    def to_coefficients(self) -> ImpactCoefficients:
        """Return the coefficients of the core."""
        return ImpactCoefficients(self.spread_usd, self.temporary_usd_per_unit, self.permanent_usd_per_unit)


class SlicingSettings(Section):
    """How a trade that is dear at once is cut; see `agent.routing.SlicingSettings`. Without it none is."""

    interval_seconds: Real = Field(
        gt=0, description="time that the market is given to recover from a slice; the least time between two trades"
    )
    max_slices: Whole = Field(ge=1, le=MOST_SLICES, description="most slices of one plan")
    vol_annual: Real = Field(gt=0, description="weighs the risk of what is not traded yet")
    risk_aversion_per_usd: Real = Field(gt=0, description="weighs that risk against cost: the policy's own, or smaller")
    impact: ImpactSettings | None = Field(
        default=None, description="the desk's own estimate, below; without it the quotes' word is taken"
    )

    def to_slicing_parameters(self) -> SlicingParameters:
        """Return the settings of the core."""
        return SlicingParameters(
            interval_seconds=self.interval_seconds,
            max_slices=self.max_slices,
            vol_annual=self.vol_annual,
            risk_aversion_per_usd=self.risk_aversion_per_usd,
            impact=None if self.impact is None else self.impact.to_coefficients(),
        )


class MarginSettings(Section):
    """How much collateral stands on the venues; see `agent.routing.margin.MarginSettings`."""

    low_leverage_ratio: Exact = Field(
        ge=0, description="a venue below it has more margin than it needs: some comes home"
    )
    target_leverage_ratio: Exact = Field(
        gt=0, description="where a venue's leverage is brought when it has left the watermarks"
    )
    high_leverage_ratio: Exact = Field(gt=0, description="a venue above it gets margin before anything is hedged")
    idle_reserve_bps: Whole = Field(
        ge=0, lt=BPS, description="part of NAV that stays in the vault for exits, unless a venue's margin needs it"
    )
    guard_headroom_bps: Whole = Field(
        ge=0,
        lt=BPS,
        description="distance kept from the guard's venue leverage, where that is tighter than the watermark",
    )
    min_margin_move_usd: Exact = Field(gt=0, description="least collateral worth moving, or claiming at a venue")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low_leverage_ratio < self.target_leverage_ratio < self.high_leverage_ratio:
            raise ValueError(
                f"low_leverage_ratio {self.low_leverage_ratio} < target_leverage_ratio {self.target_leverage_ratio} < "
                f"high_leverage_ratio {self.high_leverage_ratio} must hold"
            )
        return self

    def to_margin_parameters(self, asset_decimals: int) -> MarginParameters:
        """Return the integers of the core: leverage rounded down, the least move rounded up."""
        return MarginParameters(
            low_leverage=to_wad(self.low_leverage_ratio, Rounding.DOWN),
            target_leverage=to_wad(self.target_leverage_ratio, Rounding.DOWN),
            high_leverage=to_wad(self.high_leverage_ratio, Rounding.DOWN),
            idle_reserve_bps=self.idle_reserve_bps,
            guard_headroom_bps=self.guard_headroom_bps,
            min_margin_delta=to_asset_units(self.min_margin_move_usd, asset_decimals, Rounding.UP),
        )


class CostSettings(Section):
    """What hedging costs beyond the venues' own quotes."""

    gas_token_price_usd: Real | Literal["oracle"] = Field(
        description='prices gas; "oracle" where the underlying pays for gas'
    )
    rebalance_gas_units: Whole = Field(gt=0, description="what one rebalance is expected to burn")
    data_fee_gwei: Exact = Field(
        ge=0, description="what a rollup charges on top for one rebalance; 0 on a chain of its own"
    )
    funding_horizon_days: Real = Field(
        ge=0, description="how long a trade is expected to stand: the funding it is charged with"
    )
    leg_gas_units: Whole = Field(
        default=0, ge=0, description="what each further venue in a rebalance burns: a venue that saves less is left out"
    )

    position_horizon_days: Real | None = Field(
        default=None,
        ge=0,
        description="how long a position stands on its venue: the funding that decides between venues",
    )
    order_gas_units: Whole = Field(
        default=900_000,
        gt=0,
        description="what settling an order of a venue that fills later burns, with its price update",
    )

    def gas_token_usd(self, oracle_price_usd: float) -> float:
        """Return what the token that pays for gas is worth, USD."""
        configured = self.gas_token_price_usd
        return oracle_price_usd if isinstance(configured, str) else configured

    def to_cost_inputs(self, oracle_price: Wad, priority_fee_gwei: Decimal) -> CostInputs:
        """Return the inputs of one decision."""
        return CostInputs(
            eth_price_usd=self.gas_token_usd(from_wad(oracle_price)),
            priority_fee_wei=gwei_to_wei(priority_fee_gwei, Rounding.UP),
            gas_units=self.rebalance_gas_units,
            data_fee_wei=gwei_to_wei(self.data_fee_gwei, Rounding.UP),
            funding_horizon_days=self.funding_horizon_days,
            leg_gas_units=self.leg_gas_units,
            position_horizon_days=self.position_horizon_days,
        )
