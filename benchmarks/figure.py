"""One measured figure, and how it is shown to a person or a machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement and, where one exists, the same measurement of a peer in the same run.

    ``ratio`` is ``value`` over the peer's: below 1 where ours is the smaller. Both are None without a peer.
    """

    name: str
    value: float
    unit: str
    peer: str | None = None
    ratio: float | None = None

    @classmethod
    def against(cls, name: str, value: float, unit: str, peer_name: str, peer_value: float) -> Figure:
        """Compare with a peer, whose own value is shown beside its name."""
        return cls(name, value, unit, f"{peer_name}: {shown(peer_value)}", value / peer_value)

    def line(self) -> str:
        """Name, value, unit, peer, ratio."""
        ratio = "-" if self.ratio is None else f"{shown(self.ratio)}x"
        return f"{self.name:<58} {shown(self.value):>12} {self.unit:<22} {self.peer or '-':<56} {ratio}"


def shown(number: float) -> str:
    """Write a number with four significant digits, whole numbers in full."""
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    return f"{number:,.0f}" if abs(number) >= 10_000 else f"{number:.4g}"
