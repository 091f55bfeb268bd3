"""What the transaction of a rebalance burns, and what a unit of its gas costs."""

from __future__ import annotations

from dataclasses import dataclass, fields

from agent.checks import require_above, require_at_least
from agent.domain import Decision, Snapshot


@dataclass(frozen=True, slots=True)
class GasUnits:
    """Gas of a rebalance on one venue: a trade, and what it does beside growing a long position.

    The defaults are a least-squares fit to the 91 rebalances that the vault made on Curie in replays of 2024-08 and
    2025-10 on the local chain with five books; ``python -m benchmarks backtest_fidelity`` compares the whole with the
    chain's.
    """

    trade: float = 1_318_000.0
    shrinking: float = 110_500.0
    """On top, where the position shrinks or changes its side."""
    short: float = 94_000.0
    """On top, where it is short afterwards."""
    opening: float = 74_000.0
    """On top, where there was no position: the venue writes what was empty."""
    saved_untouched: float = 175_000.0
    """Less, where nobody has traded in the market before: the venue works out no funding."""
    margin_in: float = 48_000.0
    margin_out: float = 722_000.0
    margin_in_alone: float = 844_000.0
    margin_out_alone: float = 1_330_000.0

    def __post_init__(self) -> None:
        for field in fields(self):
            require_at_least(getattr(self, field.name), field.name, 0.0)

    def of(self, snapshot: Snapshot, decision: Decision, *, is_untouched: bool = False) -> float:
        """Return the units that a rebalance decided on this snapshot burns; whether it is the market's first trade."""
        comes_home = any(leg.margin_delta < 0 for leg in decision.legs)
        goes_in = any(leg.margin_delta > 0 for leg in decision.legs)
        if not decision.expected_fills:
            return self.margin_out_alone if comes_home else self.margin_in_alone
        moves = [(snapshot.venues[fill.venue_index].size, fill.size_delta) for fill in decision.expected_fills]
        return (
            self.trade
            + self.shrinking * any(size * delta < 0 for size, delta in moves)
            + self.short * any(size + delta < 0 for size, delta in moves)
            + self.opening * any(size == 0 for size, _ in moves)
            - self.saved_untouched * is_untouched
            + self.margin_in * goes_in
            + self.margin_out * comes_home
        )


@dataclass(frozen=True, slots=True)
class GasModel:
    """Units, and the base fee of the block that takes the transaction over the one that the keeper saw."""

    units: GasUnits = GasUnits()
    next_base_fee_ratio: float = 1.0

    def __post_init__(self) -> None:
        require_above(self.next_base_fee_ratio, "next_base_fee_ratio", 0.0)


LOCAL_CHAIN_GAS = GasModel(next_base_fee_ratio=0.8766)
"""The local chain's blocks are almost empty: the next base fee is little more than 7/8 of the last (EIP-1559)."""
