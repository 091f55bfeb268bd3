"""The part of the page that lists every trade: when, how much, at what price and cost, why, and what it did to W."""

from __future__ import annotations

from agent.report.formatting import counted, money, price, signed, utc_minute
from agent.report.html_parts import paragraph, section, table
from agent.report.replay_report import ReplayReport, StepRecord, Trade

_COLUMNS = ("Time, UTC", "Size, {underlying}", "Price", "Cost", "Gas", "W before", "W after", "Why")


def trade_section(report: ReplayReport) -> str:
    """Return the section; a transaction that moved margin or options alone, or reverted, has size 0 and its gas."""
    rows = [_row(step, step.trade) for step in report.steps if step.trade is not None]
    words = (
        "Each transaction with its average price without fee, what it cost (venue fee and impact), its gas, and the "
        f"worst case W in {report.underlying} before and after. Why is what the keeper wrote down when it decided."
    )
    if not rows:
        return section("Trades", "", paragraph("The keeper sent no transaction."))
    columns = [name.format(underlying=report.underlying) for name in _COLUMNS]
    shown = table(columns, rows, words=(len(columns) - 1,), label=f"Trades, {counted(len(rows), 'row')}")
    return section("Trades", words, shown)


def _row(step: StepRecord, trade: Trade) -> tuple[str, ...]:
    return (
        utc_minute(step.unix),
        signed(trade.size_delta, 2, plus=True) if trade.size_delta else "0",
        "" if trade.price_usd is None else price(trade.price_usd),
        money(trade.cost_usd),
        money(trade.gas_usd),
        signed(step.worst_before, 2),
        signed(step.worst_after, 2),
        step.reason,
    )
