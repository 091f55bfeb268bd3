"""The trades of a replay for a program."""

from __future__ import annotations

from agent.report.replay_report import ReplayReport


def trades_document(report: ReplayReport) -> list[dict[str, object]]:
    """Return the trades for a program, oldest first."""
    return [
        {
            "unix": step.unix,
            "size_delta": trade.size_delta,
            "price_usd": trade.price_usd,
            "fee_usd": trade.fee_usd,
            "slippage_usd": trade.slippage_usd,
            "gas_units": trade.gas_units,
            "gas_usd": trade.gas_usd,
            "worst_before": step.worst_before,
            "worst_after": step.worst_after,
            "reason": step.reason,
        }
        for step in report.steps
        if (trade := step.trade) is not None
    ]
