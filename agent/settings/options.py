"""How the keeper buys options as a hedge, where the vault has a venue for them."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from agent.config import Exact, Real, Section, Whole
from agent.decision.option_hedge import OptionTerms
from agent.units import BPS, Rounding, Wad, to_wad

DEFAULT_MAX_GAS_UNITS = 8_000_000
"""Three options take 4 million; a limit has room above the estimate (`ExecutionSettings.gas_limit_ratio`)."""
TRADE_GAS_UNITS = 4_100_000
"""Of three options on the real Lyra v1, rounded up (docs/options-as-hedges.md)."""
_RUNGS = 4
"""Sizes that each option is quoted at: the largest and its halves, down to an eighth of it."""


class OptionSettings(Section):
    """How options are quoted and ordered; see `agent.decision.option_hedge.OptionTerms`. Without it none is traded."""

    max_size_underlying: Exact = Field(gt=0, description="most of one option that one trade may buy")
    cash_usd: Exact = Field(
        default=Decimal(0),
        ge=0,
        description="cash kept at the venue: brought back to it from less than half, as far as the reserve for exits "
        "lets it; 0 leaves what is there to others",
    )
    max_worse_bps: Whole = Field(
        default=500,
        ge=0,
        lt=BPS,
        description="an order may cost this much more than quoted, or bring so much less: orders of one trade move "
        "each other's price",
    )
    caps_used_ratio: Real = Field(
        default=0.95,
        gt=0,
        le=1,
        description="part of each governed cap that a plan may take: the chain measures a moment later",
    )
    max_gas_units: Whole = Field(
        default=DEFAULT_MAX_GAS_UNITS,
        ge=21_000,
        description="no trade of options is sent with a higher gas limit; three options take 4 million, and limits "
        "have room above the estimate",
    )

    trade_gas_units: Whole = Field(
        default=TRADE_GAS_UNITS,
        ge=21_000,
        description="what one trade burns: options worth less than this gas are left alone",
    )

    @property
    def quoted_sizes(self) -> tuple[Wad, ...]:
        """Sizes that each option is quoted at, smallest first."""
        largest = to_wad(self.max_size_underlying, Rounding.DOWN)
        return tuple(Wad(largest >> halvings) for halvings in reversed(range(_RUNGS)) if largest >> halvings)

    def to_option_terms(self, gas_usd: float = 0.0) -> OptionTerms:
        """Return the terms of the core; ``gas_usd`` is what one trade costs in gas now."""
        return OptionTerms(self.max_worse_bps, self.caps_used_ratio, gas_usd)
