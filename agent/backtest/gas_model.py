"""What the transaction of a rebalance burns, and what a unit of its gas costs."""

from __future__ import annotations

from dataclasses import dataclass, fields

from agent.checks import require_above, require_at_least
from agent.domain import Decision, Snapshot


@dataclass(frozen=True, slots=True)
class GasUnits:
    """Gas of a rebalance on one venue, by what it does.

    The defaults are what the vault burnt on Curie in a replay of 2024-08-01 to 08 on the local chain, the mean of each
    kind; ``python -m benchmarks backtest_fidelity`` compares their sum with the chain's.
    """

    increase: float = 1_322_000.0
    reduction: float = 1_437_000.0
    margin_with_trade: float = 720_000.0
    """On top of a trade, for margin that comes home."""
    margin_alone: float = 1_330_000.0

    def __post_init__(self) -> None:
        for field in fields(self):
            require_at_least(getattr(self, field.name), field.name, 0.0)

    def of(self, snapshot: Snapshot, decision: Decision) -> float:
        """Return the units that a rebalance decided on this snapshot burns."""
        if not decision.expected_fills:
            return self.margin_alone
        sizes = [venue.size for venue in snapshot.venues]
        reduces = any(fill.size_delta * sizes[fill.venue_index] < 0 for fill in decision.expected_fills)
        comes_home = any(leg.margin_delta < 0 for leg in decision.legs)
        return (self.reduction if reduces else self.increase) + (self.margin_with_trade if comes_home else 0.0)


@dataclass(frozen=True, slots=True)
class GasModel:
    """Units, and the base fee of the block that takes the transaction over the one that the keeper saw."""

    units: GasUnits = GasUnits()
    next_base_fee_ratio: float = 1.0

    def __post_init__(self) -> None:
        require_above(self.next_base_fee_ratio, "next_base_fee_ratio", 0.0)


LOCAL_CHAIN_GAS = GasModel(next_base_fee_ratio=0.8766)
"""The local chain's blocks are almost empty: the next base fee is little more than 7/8 of the last (EIP-1559)."""
