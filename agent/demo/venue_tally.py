"""Adds up what each venue of a replay did."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from agent.chain.deployment import VenueEntry
from agent.chain.state import ChainState
from agent.demo.pnl import Execution
from agent.ledger.orders import Order, by_venue, is_final
from agent.ledger.records import FundingRecord, OrderState
from agent.report.venues import OrderCounts, VenueFigures
from agent.units import Address, from_wad
from agent.venues.registry import venue_protocol


@dataclass(slots=True)
class _Sums:
    trades: int = 0
    turnover_usd: float = 0.0
    fee_usd: float = 0.0
    slippage_usd: float = 0.0


class VenueTally:
    """Executions by venue; funding, account and orders are read at the end."""

    def __init__(self, entries: Iterable[VenueEntry] = ()) -> None:
        self._titles = {
            Address(entry.address): venue_protocol(entry.kind, f"venue {entry.name}").title for entry in entries
        }
        self._sums: dict[Address, _Sums] = defaultdict(_Sums)

    def add(self, venue: Address, execution: Execution, oracle_usd: float) -> None:
        """Book an execution at the oracle's price of its step; asking for an order executes nothing yet."""
        sums = self._sums[venue]
        sums.trades += execution.size_delta != 0.0
        sums.turnover_usd += abs(execution.size_delta) * execution.execution_price_usd
        sums.fee_usd += execution.fee_usd
        sums.slippage_usd += execution.size_delta * (execution.execution_price_usd - oracle_usd)

    def figures(
        self, state: ChainState, funding: Iterable[FundingRecord], orders: Iterable[Order]
    ) -> tuple[VenueFigures, ...]:
        """Return the venues of perps in the vault's order."""
        settled: dict[Address, int] = defaultdict(int)
        for payment in funding:
            settled[payment.venue] += payment.paid
        asked = by_venue(orders)
        return tuple(
            VenueFigures(
                name=venue.name,
                title=self._titles.get(venue.address, "unknown protocol"),
                trades=self._sums[venue.address].trades,
                turnover_usd=self._sums[venue.address].turnover_usd,
                fee_usd=self._sums[venue.address].fee_usd,
                slippage_usd=self._sums[venue.address].slippage_usd,
                funding_usd=from_wad(settled[venue.address] - venue.funding_accrued),
                size=from_wad(venue.size),
                equity_usd=from_wad(measured.equity),
                orders=order_counts(asked.get(venue.address, [])),
            )
            for venue, measured in zip(state.venues, state.measurement.venues, strict=True)
            if venue.options is None
        )


def order_counts(orders: Iterable[Order]) -> OrderCounts:
    """Return orders by their end; one that ended with a part of it filled counts as that alone."""
    ends = Counter(_end(order) for order in orders)
    return OrderCounts(asked=ends.total(), **ends)


def _end(order: Order) -> str:
    if not is_final(order.state):
        return "still_open"
    if order.state is OrderState.EXECUTED:
        return "filled"
    if order.filled_size_delta != 0:
        return "partly"
    return "cancelled" if order.state is OrderState.CANCELLED else "expired"
