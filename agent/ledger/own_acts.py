"""Tells what the vault did to a venue account from what others did there: by the vault's events, act for act."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from agent.ledger.records import CashFlowRecord, FillRecord
from agent.units import Address
from agent.venues.protocol import AccountChange

_DUST = 10
"""Wei by which a venue's own figure of a trade may differ from what the vault measured: some drop dust at 0."""


class OwnActs:
    """The vault's trades and margin moves of some transactions; each explains one event of a venue."""

    def __init__(self, fills: Iterable[FillRecord], cash_flows: Iterable[CashFlowRecord]) -> None:
        self._sizes: defaultdict[tuple[str, Address | None], list[int]] = defaultdict(list)
        self._margins: defaultdict[tuple[str, Address | None], list[int]] = defaultdict(list)
        for fill in fills:
            self._sizes[fill.at.transaction_hash, fill.venue].append(fill.size_delta)
        for flow in cash_flows:
            self._margins[flow.at.transaction_hash, flow.venue].append(flow.assets)

    def take(self, transaction_hash: str, venue: Address, change: AccountChange) -> bool:
        """Return whether an act of the vault in the same transaction explains a change, and use that act up."""
        place = transaction_hash, venue
        return _take(self._sizes[place], change.own_size_delta, _DUST) or _take(
            self._margins[place], change.own_margin_delta, 0
        )


def _take(acts: list[int], wanted: int | None, tolerance: int) -> bool:
    for position, act in enumerate(acts):
        if wanted is not None and abs(act - wanted) <= tolerance:
            del acts[position]
            return True
    return False
