"""What a deployment gives the contracts: share token, governor's delay, oracle limits, bounds, and what serves members.

What is allowed rounds down, what is demanded rounds up.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from agent.budgets import loss_of_keys
from agent.config import Exact, Section, Whole
from agent.domain import Bounds
from agent.units import BPS, SECONDS_PER_DAY, Rounding, Seconds, Wad, Wei, eth_to_wei, from_wad, to_wad

HARD_LIMITS: dict[str, int] = {
    "band_underlying": 10**12,
    "min_improvement_underlying": 10**12,
    "urgent_delta_underlying": 10**12,
    "max_size_delta_underlying": 10**12,
    "max_notional_usd": 10**10,
    "max_gross_notional_usd": 10**10,
    "turnover_capacity_usd": 10**10,
    "turnover_refill_usd_per_day": 10**10,
    "max_venue_leverage_ratio": 10,
    "max_leverage_ratio": 5,
    "max_slippage_bps": 300,
    "max_fee_bps": 100,
    "max_nav_loss_bps": 250,
    "max_drawdown_bps": 3_000,
    "idle_floor_bps": 5_000,
    "urgent_reserve_bps": 9_000,
    "keeper_share_bps": BPS,
    "cooldown_seconds": SECONDS_PER_DAY,
}
"""Most that ``contracts/libraries/BoundsRules.sol`` takes, by key."""
MAX_DAILY_LOSS_BPS = 500
"""Most of NAV that keepers may lose in a day, capacity and refill together; the same source."""
MIN_COOLDOWN_SECONDS = 30
"""Least cooldown; the same source."""

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
MAX_QUEUE_WIDTH_BPS = 2_000
"""``RedemptionQueue.MAX_WIDTH_BPS``."""
MIN_SILENCE_SECONDS = 15 * 60
"""``RescueDesk.MIN_SILENCE``."""
MAX_SILENCE_SECONDS = 2 * SECONDS_PER_DAY
"""``RescueDesk.MAX_SILENCE``."""
MAX_RESCUE_GAS_UNITS = 10_000_000
"""``RescueDesk.MAX_GAS``."""
MAX_PAYMENT_ETH = 1_000
"""A slip of a few zeros is no payment for gas; the desk's own fields hold far more."""
MAX_MANAGEMENT_BPS = 200
"""``ShareFees.MAX_MANAGEMENT_BPS``."""
MAX_PERFORMANCE_BPS = 2_000
"""``ShareFees.MAX_PERFORMANCE_BPS``."""


def least_drawdown_bps(loss_capacity_bps: int, loss_refill_bps_per_day: int) -> int:
    """Return what keepers may lose in the 32 hours that the breaker's high may stand, 1e-4 of NAV, rounded up.

    Source: ``contracts/libraries/BoundsRules.sol``.
    """
    return loss_capacity_bps - -4 * loss_refill_bps_per_day // 3


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
    min_notional_usd: Exact = Field(ge=0)
    max_notional_usd: Exact = Field(gt=0)
    max_gross_notional_usd: Exact = Field(gt=0)
    turnover_capacity_usd: Exact = Field(gt=0)
    turnover_refill_usd_per_day: Exact = Field(ge=0)
    max_venue_leverage_ratio: Exact = Field(gt=0)
    max_leverage_ratio: Exact = Field(gt=0)
    max_slippage_bps: Whole = Field(gt=0, lt=BPS)
    max_fee_bps: Whole = Field(ge=0, lt=BPS)
    max_nav_loss_bps: Whole = Field(gt=0, lt=BPS)
    loss_capacity_bps: Whole = Field(gt=0)
    loss_refill_bps_per_day: Whole = Field(ge=0)
    max_drawdown_bps: Whole = Field(gt=0)
    idle_floor_bps: Whole = Field(ge=0)
    urgent_reserve_bps: Whole = Field(ge=0)
    keeper_share_bps: Whole = Field(gt=0)
    cooldown_seconds: Whole = Field(ge=0)

    @model_validator(mode="after")
    def _inside_hard_limits(self) -> Self:
        if self.urgent_delta_underlying < self.band_underlying:
            raise ValueError(
                f"urgent_delta_underlying {self.urgent_delta_underlying} must not be below band_underlying "
                f"{self.band_underlying}, or the cooldown never holds"
            )
        if self.min_notional_usd > self.max_notional_usd:
            raise ValueError(
                f"min_notional_usd {self.min_notional_usd} exceeds max_notional_usd {self.max_notional_usd}, which "
                "would stop every trade; lower it"
            )
        for key, limit in HARD_LIMITS.items():
            if getattr(self, key) > limit:
                raise ValueError(f"{key} {getattr(self, key)} exceeds {limit}, the contract's hard limit; lower it")
        if self.cooldown_seconds < MIN_COOLDOWN_SECONDS:
            raise ValueError(
                f"cooldown_seconds {self.cooldown_seconds} is below {MIN_COOLDOWN_SECONDS}, the contract's hard limit; "
                "raise it"
            )
        self._require_losses_apart()
        return self

    def _require_losses_apart(self) -> None:
        """Raise where keepers may lose more in a day than the contract allows, or as much as trips the breaker."""
        lost_bps = self.loss_capacity_bps + self.loss_refill_bps_per_day
        if lost_bps > MAX_DAILY_LOSS_BPS:
            raise ValueError(
                f"loss_capacity_bps {self.loss_capacity_bps} and loss_refill_bps_per_day "
                f"{self.loss_refill_bps_per_day} are {lost_bps} together, above {MAX_DAILY_LOSS_BPS}, the contract's "
                "hard limit; lower one"
            )
        least_bps = least_drawdown_bps(self.loss_capacity_bps, self.loss_refill_bps_per_day)
        if self.max_drawdown_bps < least_bps:
            raise ValueError(
                f"max_drawdown_bps {self.max_drawdown_bps} is below the {least_bps} that loss_capacity_bps and "
                "loss_refill_bps_per_day let keepers lose in 32 hours: their losses would trip the breaker; raise it"
            )

    def loss_bounds_usd(self, nav_usd: float) -> tuple[float, float]:
        """Return what one keeper key, and all of them, can cost a vault of ``nav_usd`` in 24 hours, USD."""
        keeper_key, all_keys = loss_of_keys(self.to_bounds(), to_wad(nav_usd, Rounding.UP))
        return from_wad(keeper_key), from_wad(all_keys)

    def to_bounds(self) -> Bounds:
        """Return the guard's integers: what is allowed rounded down, what is demanded rounded up."""
        return Bounds(
            band=to_wad(self.band_underlying, Rounding.DOWN),
            min_improvement=to_wad(self.min_improvement_underlying, Rounding.UP),
            urgent_delta=to_wad(self.urgent_delta_underlying, Rounding.UP),
            max_size_delta=to_wad(self.max_size_delta_underlying, Rounding.DOWN),
            min_notional=to_wad(self.min_notional_usd, Rounding.UP),
            max_notional=to_wad(self.max_notional_usd, Rounding.DOWN),
            max_gross_notional=to_wad(self.max_gross_notional_usd, Rounding.DOWN),
            turnover_capacity=to_wad(self.turnover_capacity_usd, Rounding.DOWN),
            turnover_refill_per_day=to_wad(self.turnover_refill_usd_per_day, Rounding.DOWN),
            max_venue_leverage=to_wad(self.max_venue_leverage_ratio, Rounding.DOWN),
            max_leverage=to_wad(self.max_leverage_ratio, Rounding.DOWN),
            max_slippage_bps=self.max_slippage_bps,
            max_fee_bps=self.max_fee_bps,
            max_nav_loss_bps=self.max_nav_loss_bps,
            loss_capacity_bps=self.loss_capacity_bps,
            loss_refill_bps_per_day=self.loss_refill_bps_per_day,
            max_drawdown_bps=self.max_drawdown_bps,
            idle_floor_bps=self.idle_floor_bps,
            urgent_reserve_bps=self.urgent_reserve_bps,
            keeper_share_bps=self.keeper_share_bps,
            cooldown_seconds=Seconds(self.cooldown_seconds),
        )


class QueueSettings(Section):
    """When members who wait in ``RedemptionQueue`` are served; fixed at deployment."""

    max_width_bps: Whole = Field(gt=0, le=MAX_QUEUE_WIDTH_BPS)
    """Widest NAV interval at which anyone is served, 1e-4 of the higher NAV."""


class RescueSettings(Section):
    """When anyone may rebalance through ``RescueDesk``, and what is paid for it."""

    silence_seconds: Whole = Field(ge=MIN_SILENCE_SECONDS, le=MAX_SILENCE_SECONDS)
    """Time without a keeper's trade."""
    max_gas_units: Whole = Field(gt=0, le=MAX_RESCUE_GAS_UNITS)
    """Most gas that one rescue is paid for."""
    max_payment_eth: Exact = Field(ge=0, le=MAX_PAYMENT_ETH)
    """Most that one rescue is paid, in what the chain's gas is paid in."""
    max_payment_eth_per_day: Exact = Field(ge=0, le=MAX_PAYMENT_ETH)
    tank_eth: Exact = Field(ge=0, le=MAX_PAYMENT_ETH)
    """What the deployer fills the tank with before it hands over; anyone may add to it."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_payment_eth > self.max_payment_eth_per_day:
            raise ValueError(
                f"max_payment_eth {self.max_payment_eth} exceeds max_payment_eth_per_day "
                f"{self.max_payment_eth_per_day}, so no rescue is ever paid it; lower it"
            )
        return self

    def to_terms(self) -> tuple[int, int, Wei, Wei]:
        """Return the fields of ``RescueDesk.Terms`` in their order."""
        return (
            self.silence_seconds,
            self.max_gas_units,
            eth_to_wei(self.max_payment_eth, Rounding.DOWN),
            eth_to_wei(self.max_payment_eth_per_day, Rounding.DOWN),
        )

    def to_tank(self) -> Wei:
        """Return what the tank is filled with."""
        return eth_to_wei(self.tank_eth, Rounding.DOWN)


class FeeSettings(Section):
    """Fees paid in shares (``ShareFees``). Without the section the vault has none, for good."""

    management_bps_per_year: Whole = Field(ge=0, le=MAX_MANAGEMENT_BPS)
    """Part of NAV."""
    performance_bps: Whole = Field(ge=0, le=MAX_PERFORMANCE_BPS)
    """Part of what the lower share price gains over its highest."""
