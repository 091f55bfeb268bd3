"""What a deployment gives the contracts: share token, delay of the governor, oracle limits and the guard's bounds.

What is allowed rounds down, what is demanded rounds up.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from agent.config import Exact, Section, Whole
from agent.domain import Bounds
from agent.guard import max_daily_execution_loss
from agent.units import BPS, Rounding, Seconds, Wad, from_wad, to_wad

MIN_DELAY_SECONDS = 86_400
"""`VaultAccess.MIN_DELAY`."""
MAX_DELAY_SECONDS = 30 * 86_400
"""`VaultAccess.MAX_DELAY`."""
MAX_PRICE_AGE_SECONDS = 25 * 3600
"""``PriceOracle.MAX_AGE_HARD_LIMIT``."""
MAX_SEQUENCER_GRACE_SECONDS = 24 * 3600
"""``PriceOracle.MAX_GRACE_HARD_LIMIT``."""
MAX_WIDTH_BPS = 1000
"""``PriceOracle.MAX_WIDTH_BPS_HARD_LIMIT``."""
MAX_PRICE_USD = 10**10
"""``PriceOracle.MAX_PRICE_HARD_LIMIT``."""


class VaultSettings(Section):
    """Name of the vault's share token."""

    name: str = Field(min_length=1)
    symbol: str = Field(min_length=1)


class GovernanceSettings(Section):
    """How long the governor's acts wait on the chain, inside `VaultAccess`' own limits."""

    delay_seconds: Whole = Field(ge=MIN_DELAY_SECONDS, le=MAX_DELAY_SECONDS)


class OracleSettings(Section):
    """When the vault believes a price, in the order of ``PriceLimits`` (``contracts/types/Prices.sol``)."""

    max_age_seconds: Whole = Field(gt=0, le=MAX_PRICE_AGE_SECONDS)
    secondary_max_age_seconds: Whole = Field(gt=0, le=MAX_PRICE_AGE_SECONDS)
    collateral_max_age_seconds: Whole = Field(gt=0, le=MAX_PRICE_AGE_SECONDS)
    sequencer_grace_seconds: Whole = Field(ge=0, le=MAX_SEQUENCER_GRACE_SECONDS)
    deviation_bps: Whole = Field(gt=0, le=MAX_WIDTH_BPS)
    max_disagreement_bps: Whole = Field(gt=0, le=MAX_WIDTH_BPS)
    max_confidence_bps: Whole = Field(gt=0, le=MAX_WIDTH_BPS)
    max_depeg_bps: Whole = Field(gt=0, le=MAX_WIDTH_BPS)
    min_price_usd: Exact = Field(gt=0)
    max_price_usd: Exact = Field(gt=0, le=MAX_PRICE_USD)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_price_usd >= self.max_price_usd:
            raise ValueError(f"min_price_usd {self.min_price_usd} must be below max_price_usd {self.max_price_usd}")
        return self

    @property
    def min_price(self) -> Wad:
        """Lowest price believed, WAD, rounded up (toward refusing)."""
        return to_wad(self.min_price_usd, Rounding.UP)

    @property
    def max_price(self) -> Wad:
        """Highest price believed, WAD, rounded down (toward refusing)."""
        return to_wad(self.max_price_usd, Rounding.DOWN)

    def to_price_limits(self) -> tuple[int, ...]:
        """Return the fields of ``PriceLimits`` in their order."""
        return (
            self.max_age_seconds,
            self.secondary_max_age_seconds,
            self.collateral_max_age_seconds,
            self.sequencer_grace_seconds,
            self.deviation_bps,
            self.max_disagreement_bps,
            self.max_confidence_bps,
            self.max_depeg_bps,
            self.min_price,
            self.max_price,
        )


class BoundsSettings(Section):
    """The guard's bounds as people write them; see ``contracts/types/Rebalance.sol`` for what each one limits."""

    band_underlying: Exact = Field(gt=0)
    min_improvement_underlying: Exact = Field(gt=0)
    urgent_delta_underlying: Exact = Field(gt=0)
    max_size_delta_underlying: Exact = Field(gt=0)
    max_notional_usd: Exact = Field(gt=0)
    turnover_capacity_usd: Exact = Field(gt=0)
    turnover_refill_usd_per_day: Exact = Field(ge=0)
    max_venue_leverage_ratio: Exact = Field(gt=0)
    max_leverage_ratio: Exact = Field(gt=0)
    max_slippage_bps: Whole = Field(gt=0, lt=BPS)
    max_fee_bps: Whole = Field(ge=0, lt=BPS)
    max_nav_loss_bps: Whole = Field(gt=0, lt=BPS)
    cooldown_seconds: Whole = Field(ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.urgent_delta_underlying < self.band_underlying:
            raise ValueError(
                f"urgent_delta_underlying {self.urgent_delta_underlying} must not be below band_underlying "
                f"{self.band_underlying}, or the cooldown never holds"
            )
        return self

    @property
    def max_daily_execution_loss_usd(self) -> float:
        """Return what a thief of the keeper's key can cost a day, as the chain counts it (`agent.guard`)."""
        return from_wad(max_daily_execution_loss(self.to_bounds()))

    def to_bounds(self) -> Bounds:
        """Return the guard's integers: what is allowed rounded down, what is demanded rounded up."""
        return Bounds(
            band=to_wad(self.band_underlying, Rounding.DOWN),
            min_improvement=to_wad(self.min_improvement_underlying, Rounding.UP),
            urgent_delta=to_wad(self.urgent_delta_underlying, Rounding.UP),
            max_size_delta=to_wad(self.max_size_delta_underlying, Rounding.DOWN),
            max_notional=to_wad(self.max_notional_usd, Rounding.DOWN),
            turnover_capacity=to_wad(self.turnover_capacity_usd, Rounding.DOWN),
            turnover_refill_per_day=to_wad(self.turnover_refill_usd_per_day, Rounding.DOWN),
            max_venue_leverage=to_wad(self.max_venue_leverage_ratio, Rounding.DOWN),
            max_leverage=to_wad(self.max_leverage_ratio, Rounding.DOWN),
            max_slippage_bps=self.max_slippage_bps,
            max_fee_bps=self.max_fee_bps,
            max_nav_loss_bps=self.max_nav_loss_bps,
            cooldown_seconds=Seconds(self.cooldown_seconds),
        )
