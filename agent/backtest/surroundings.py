"""What surrounds a vault between two of its decisions: the market's quotes, its funding, and the price of gas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.domain import Decision, QuotePoint, Snapshot
from agent.rounding import mul_div_down, mul_div_up
from agent.units import Wad, Wei


@dataclass(frozen=True, slots=True)
class Gas:
    """What a transaction burnt and cost."""

    units: float
    usd: float


class Surroundings(Protocol):
    """One replay's surroundings; steps are asked for in their order, each before its trade is told."""

    def quotes(self, step: int, price: Wad) -> Sequence[tuple[QuotePoint, ...]]:
        """Return every venue's quotes at the oracle's price."""
        ...

    def funding_rates(self, step: int) -> Sequence[Wad]:
        """Return every venue's rate a day over the time since the step before; longs pay a positive one."""
        ...

    def base_fee(self, step: int) -> Wei:
        """Return the base fee that the keeper sees."""
        ...

    def gas(self, step: int, snapshot: Snapshot, decision: Decision) -> Gas:
        """Return what the transaction of a rebalance burns that was decided on this snapshot."""
        ...

    def traded(self, step: int, snapshot: Snapshot, decision: Decision) -> None:
        """Take in a rebalance that was decided on this snapshot."""
        ...


class AsAtStart:
    """Surroundings that stay as a snapshot has them: quotes in proportion to price, funding, base fee, expected gas."""

    def __init__(self, start: Snapshot) -> None:
        self._start = start
        self._rates = tuple(venue.funding_rate_per_day for venue in start.venues)

    def quotes(self, step: int, price: Wad) -> Sequence[tuple[QuotePoint, ...]]:
        """Scale the snapshot's quotes; buys round up, sales down, fees up."""
        del step
        base = self._start.measurement.price
        return [tuple(_scaled(quote, price, base) for quote in venue.quotes) for venue in self._start.venues]

    def funding_rates(self, step: int) -> Sequence[Wad]:
        """Return the snapshot's rates."""
        del step
        return self._rates

    def base_fee(self, step: int) -> Wei:
        """Return the snapshot's base fee."""
        del step
        return self._start.block.base_fee_wei

    def gas(self, step: int, snapshot: Snapshot, decision: Decision) -> Gas:
        """Return the cost that the decision reckoned with; it knows no units."""
        del step, snapshot
        return Gas(0.0, decision.costs.gas_usd)

    def traded(self, step: int, snapshot: Snapshot, decision: Decision) -> None:
        """Forget it: the next price's quotes know nothing of this trade."""


def _scaled(quote: QuotePoint, price: Wad, base: Wad) -> QuotePoint:
    against = mul_div_up if quote.size_delta > 0 else mul_div_down
    execution_price = Wad(against(quote.execution_price, price, base))
    return QuotePoint(quote.size_delta, execution_price, Wad(mul_div_up(quote.fee, price, base)))
