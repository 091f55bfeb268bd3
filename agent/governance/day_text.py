"""A replayed day as people read it, and as machines do."""

from __future__ import annotations

from typing import Any

from agent.backtest.vault_day import VaultDay
from agent.governance.day import DayComparison
from agent.report.effectiveness import hedge_effectiveness
from agent.report.formatting import duration, money, percent, price, signed
from agent.units import from_wad

_INDENT = "  "


def day_lines(compared: DayComparison) -> list[str]:
    """Return the day under both bounds, a line a figure."""
    before, after, prices = compared.before, compared.after, compared.prices
    if before is None or after is None or prices is None:
        return [f"No day is replayed: {compared.missing}"]
    low, high = (price(float(bound)) for bound in (prices.prices_usd.min(), prices.prices_usd.max()))
    head = (
        f"A day replayed from how the vault stands, off the chain ({prices.source}, {before.steps} steps of "
        f"{duration(before.interval_seconds)}, its prices {low} to {high}):"
    )
    figures = zip(_figures(before), _figures(after), strict=True)
    return [head, *(_line(name, then, now) for (name, then), (_, now) in figures)]


def _line(name: str, then: str, now: str) -> str:
    return f"{_INDENT}{name}: {then} -> {now}" if then != now else f"{_INDENT}{name}: {then}"


def _figures(day: VaultDay) -> tuple[tuple[str, str], ...]:
    removed = _effectiveness(day)
    refused = ", ".join(f"{count} {name}" for name, count in sorted(day.refusals.items()))
    parts = ("fee", day.fee_usd), ("slippage", day.slippage_usd), ("funding", day.funding_usd), ("gas", day.gas_usd)
    shown = ", ".join(f"{name} {money(usd)}" for name, usd in parts)
    return (
        ("rebalances", str(day.rebalances)),
        ("traded notional", money(day.turnover_usd)),
        ("cost", f"{money(day.cost_usd)} ({shown})"),
        ("hourly variance removed", "too short to tell" if removed is None else percent(removed)),
        ("outside the band", f"{duration(day.seconds_outside)}, {day.steps_outside} of {day.steps} steps"),
        ("largest W left", signed(from_wad(day.largest_worst), 4)),
        ("refused by the guard", refused or "nothing"),
    )


def day_document(compared: DayComparison) -> dict[str, Any]:
    """Return the day for machines."""
    prices = compared.prices
    return {
        "missing": compared.missing,
        "prices": None if prices is None else {"source": prices.source, "sha256": prices.sha256},
        "before": _document(compared.before),
        "after": _document(compared.after),
    }


def _document(day: VaultDay | None) -> dict[str, Any] | None:
    if day is None:
        return None
    return {
        "steps": day.steps,
        "interval_seconds": day.interval_seconds,
        "rebalances": day.rebalances,
        "turnover_usd": day.turnover_usd,
        "cost_usd": day.cost_usd,
        "fee_usd": day.fee_usd,
        "slippage_usd": day.slippage_usd,
        "funding_usd": day.funding_usd,
        "gas_usd": day.gas_usd,
        "effectiveness": _effectiveness(day),
        "steps_outside": day.steps_outside,
        "seconds_outside": day.seconds_outside,
        "largest_worst_net_delta": from_wad(day.largest_worst),
        "refusals": dict(day.refusals),
    }


def _effectiveness(day: VaultDay) -> float | None:
    return hedge_effectiveness(day.pnl_hedged_usd[:-1], day.pnl_unhedged_usd[:-1], day.interval_seconds)
