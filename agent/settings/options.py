"""How the keeper buys options as a hedge, where the vault has a venue for them."""

from __future__ import annotations

from pydantic import Field

from agent.config import Exact, Real, Section, Whole
from agent.decision.option_hedge import OptionTerms
from agent.units import BPS, Rounding, Wad, to_wad

_RUNGS = 4
"""Sizes that each option is quoted at: the largest and its halves, down to an eighth of it."""


class OptionSettings(Section):
    """How options are quoted and ordered; see `agent.decision.option_hedge.OptionTerms`. Without it none is traded."""

    max_size_underlying: Exact = Field(gt=0, description="most of one option that one trade may buy")
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
        default=8_000_000,
        ge=21_000,
        description="no trade of options is sent with a higher gas limit; three options take 4 million, and limits "
        "have room above the estimate",
    )

    @property
    def quoted_sizes(self) -> tuple[Wad, ...]:
        """Sizes that each option is quoted at, smallest first."""
        largest = to_wad(self.max_size_underlying, Rounding.DOWN)
        return tuple(Wad(largest >> halvings) for halvings in reversed(range(_RUNGS)) if largest >> halvings)

    def to_option_terms(self) -> OptionTerms:
        """Return the terms of the core."""
        return OptionTerms(self.max_worse_bps, self.caps_used_ratio)
