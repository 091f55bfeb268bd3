"""What the transaction of a rebalance burns, and what a unit of its gas costs."""

from __future__ import annotations

from dataclasses import dataclass, fields

from agent.checks import require_above, require_at_least
from agent.domain import Decision, Snapshot


@dataclass(frozen=True, slots=True)
class RebalanceKind:
    """What a rebalance does, as far as its gas hangs on it."""

    is_trade: bool
    is_opening: bool
    """There was no position."""
    is_shrinking: bool
    """The position shrinks or changes its side."""
    is_short: bool
    """It is short afterwards."""
    goes_in: bool
    """Margin, to the venue."""
    comes_home: bool
    """Margin, to the vault."""

    @classmethod
    def of(cls, snapshot: Snapshot, decision: Decision) -> RebalanceKind:
        """Return the kind of what was decided on a snapshot."""
        moves = [(snapshot.venues[fill.venue_index].size, fill.size_delta) for fill in decision.expected_fills]
        return cls(
            is_trade=bool(moves),
            is_opening=any(size == 0 for size, _ in moves),
            is_shrinking=any(size * delta < 0 for size, delta in moves),
            is_short=any(size + delta < 0 for size, delta in moves),
            goes_in=any(leg.margin_delta > 0 for leg in decision.legs),
            comes_home=any(leg.margin_delta < 0 for leg in decision.legs),
        )

    @property
    def mark_prices(self) -> int:
        """Mark prices that the venue works out after its swap.

        One for the vault's reading; one more each for the margin of a position that opens or shrinks, and of one that
        is short; and four, and a fifth of a short one, before margin comes home.
        """
        once = 1 + self.is_opening + self.is_shrinking + self.is_short
        return once + (4 + self.is_short) * self.comes_home

    @property
    def means_of_withdrawal(self) -> int:
        """Means of funding that a withdrawal asks for beside them."""
        return 4 * self.comes_home


@dataclass(frozen=True, slots=True)
class GasUnits:
    """Gas of a rebalance on one venue: a trade, and what it does beside growing a long position.

    What the venue's means over time burn comes on top (`mean_gas`). The defaults are a least-squares fit to what the
    other calls burnt in the rebalances that the vault made on Curie in replays of 2024-08 and 2025-10 on the local
    chain with five books; ``python -m benchmarks backtest_fidelity`` compares the whole with the chain's.
    """

    trade: float = 1_036_000.0
    shrinking: float = 87_000.0
    short: float = 63_600.0
    opening: float = 127_000.0
    """The venue writes what was empty."""
    owing: float = 17_100.0
    """Where nothing realised was owed, and something is now: an empty storage slot is written (EIP-2200)."""
    margin_in: float = 57_700.0
    margin_out: float = 552_500.0
    margin_out_short: float = 68_400.0
    """On top, where the position is short afterwards."""
    margin_in_alone: float = 844_000.0
    margin_out_alone: float = 1_330_000.0

    def __post_init__(self) -> None:
        for field in fields(self):
            require_at_least(getattr(self, field.name), field.name, 0.0)

    def of(self, kind: RebalanceKind, *, is_settled: bool = False) -> float:
        """Return the units of a kind of rebalance; whether the venue owes the vault nothing realised before it."""
        if not kind.is_trade:
            return self.margin_out_alone if kind.comes_home else self.margin_in_alone
        return (
            self.trade
            + self.shrinking * kind.is_shrinking
            + self.short * kind.is_short
            + self.opening * kind.is_opening
            + self.owing * (is_settled and not kind.is_opening and not kind.comes_home)
            + self.margin_in * kind.goes_in
            + self.margin_out * kind.comes_home
            + self.margin_out_short * (kind.comes_home and kind.is_short)
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
