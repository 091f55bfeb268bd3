"""What options have cost and brought, position by position, from the ledger's events alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from agent.ledger.records import OptionEventKind, OptionEventRecord
from agent.report.formatting import money, money_change, signed
from agent.units import Wad, from_wad


@dataclass(frozen=True, slots=True)
class OptionResult:
    """One position, WAD: sizes in the underlying, the rest in USD. Premiums have ``fees`` inside."""

    position_id: int
    strike_id: int | None = None
    is_call: bool | None = None
    bought: int = 0
    sold: int = 0
    settled: int = 0
    paid: int = 0
    received: int = 0
    payoff: int = 0
    fees: int = 0

    @property
    def held(self) -> int:
        """Size that is still there."""
        return self.bought - self.sold - self.settled

    @property
    def cash(self) -> int:
        """What the position brought less what it cost; what is held is worth something beside it."""
        return self.received + self.payoff - self.paid

    def after(self, event: OptionEventRecord) -> OptionResult:
        """Return the result with an event counted."""
        if event.kind is OptionEventKind.BROUGHT_HOME:
            return self
        if event.kind is OptionEventKind.SETTLED:
            return replace(self, settled=self.settled - event.size_delta, payoff=self.payoff + event.cash)
        is_purchase = event.size_delta > 0
        return replace(
            self,
            strike_id=event.strike_id,
            is_call=event.is_call,
            bought=self.bought + max(event.size_delta, 0),
            sold=self.sold + max(-event.size_delta, 0),
            paid=self.paid - (event.cash if is_purchase else 0),
            received=self.received + (0 if is_purchase else event.cash),
            fees=self.fees + event.fee,
        )


def option_results(events: Iterable[OptionEventRecord]) -> list[OptionResult]:
    """Return one result a position, in the order they were first told of."""
    found: dict[int, OptionResult] = {}
    for event in events:
        found[event.position_id] = found.get(event.position_id, OptionResult(event.position_id)).after(event)
    return list(found.values())


def result_lines(results: Iterable[OptionResult]) -> list[str]:
    """Return one line a position, and one of all."""
    rows = list(results)
    if not rows:
        return ["No option was ever bought."]
    lines = []
    for row in rows:
        kind = "" if row.is_call is None else f", {'call' if row.is_call else 'put'} of strike {row.strike_id}"
        parts = [f"bought {_size(row.bought)} for {_usd(row.paid)}"]
        parts += [f"sold {_size(row.sold)} for {_usd(row.received)}"] if row.sold else []
        parts += [f"{_size(row.settled)} paid {_usd(row.payoff)} at expiry"] if row.settled else []
        parts += [f"{_size(row.held)} held"] if row.held else []
        lines.append(f"Position {row.position_id}{kind}: {', '.join(parts)}; fees {_usd(row.fees)} among it")
    paid, received, payoff, fees = (
        sum(getattr(row, name) for row in rows) for name in ("paid", "received", "payoff", "fees")
    )
    lines.append(
        f"In all: premiums paid {_usd(paid)}, received {_usd(received)}, payoffs {_usd(payoff)}, fees {_usd(fees)} "
        f"among them: {money_change(from_wad(Wad(received + payoff - paid)))} beside what is held"
    )
    return lines


def results_document(results: Iterable[OptionResult]) -> list[dict[str, Any]]:
    """Return the same for machines."""
    return [
        {
            "position_id": str(row.position_id),
            "strike_id": None if row.strike_id is None else str(row.strike_id),
            "is_call": row.is_call,
            "bought": from_wad(Wad(row.bought)),
            "sold": from_wad(Wad(row.sold)),
            "settled": from_wad(Wad(row.settled)),
            "held": from_wad(Wad(row.held)),
            "paid_usd": from_wad(Wad(row.paid)),
            "received_usd": from_wad(Wad(row.received)),
            "payoff_usd": from_wad(Wad(row.payoff)),
            "fees_usd": from_wad(Wad(row.fees)),
            "cash_usd": from_wad(Wad(row.cash)),
        }
        for row in results
    ]


def _size(size: int) -> str:
    return signed(from_wad(Wad(size)), 4)


def _usd(usd: int) -> str:
    return money(from_wad(Wad(usd)))
