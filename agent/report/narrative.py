"""The replay told in sentences that need no knowledge of options."""

from __future__ import annotations

import numpy as np

from agent.report.effectiveness import hourly_changes
from agent.report.formatting import MINUS, duration, money, money_change, percent, price, signed
from agent.report.replay_report import ReplayReport
from agent.units import BPS

_CENT_USD = 0.01


def story(report: ReplayReport) -> list[str]:
    """Return the paragraphs: what the market did, what the hedge did, what it cost, what the chain enforced."""
    return [_market(report), _outcome(report), _work(report), _enforcement(report)]


def span_seconds(report: ReplayReport) -> int:
    """Return the time from the first step to the last."""
    return report.steps[-1].unix - report.steps[0].unix


def _market(report: ReplayReport) -> str:
    prices = [step.price_usd for step in report.steps]
    first, last, low, high = prices[0], prices[-1], min(prices), max(prices)
    return (
        f"Over {duration(span_seconds(report))} the price of {report.underlying} went from {price(first, 0)} to "
        f"{price(last, 0)} ({_relative(last / first - 1)}). On the way it was as low as {price(low, 0)} "
        f"({_relative(low / first - 1)}) and as high as {price(high, 0)} ({_relative(high / first - 1)})."
    )


def _outcome(report: ReplayReport) -> str:
    summary = report.summary
    alone, hedged = summary.pnl_unhedged_usd, summary.pnl_hedged_usd
    changes_alone, changes_hedged = (
        np.abs(hourly_changes(np.array(pnl_usd), report.interval_seconds))
        for pnl_usd in (
            [step.pnl_unhedged_usd for step in report.steps],
            [step.pnl_hedged_usd for step in report.steps],
        )
    )
    told = (
        f"Left alone, the book would have {_gained(alone)}; with its hedge, and after every cost, it "
        f"{_gained(hedged)}. A hedge takes away gains as well as losses: what it buys is steadiness."
    )
    if changes_alone.size and summary.effectiveness is not None:
        told += (
            f" The largest swing within an hour was {money(changes_alone.max())} without it and "
            f"{money(changes_hedged.max())} with it; {percent(summary.effectiveness)} of the hourly variance was "
            "removed."
        )
    return told


def _work(report: ReplayReport) -> str:
    summary, costs = report.summary, report.summary.costs
    rejected = (
        "None was refused."
        if summary.rejected == 0
        else f"{summary.rejected:,} were refused by the bounds and changed nothing."
    )
    per_traded = f" ({percent(costs.total_usd / report.turnover_usd, 2)} of it)" if report.turnover_usd else ""
    return (
        f"The keeper looked {summary.steps:,} times and traded {summary.rebalances:,} times, "
        f"{money(report.turnover_usd)} in all. {rejected} That cost {money(costs.total_usd)}{per_traded}: "
        f"{money(costs.fee_usd)} in venue fees, {money(costs.slippage_usd)} in slippage, "
        f"{money(costs.funding_usd)} in funding and {money(costs.gas_usd)} in gas. Prices and these four explain the "
        f"hedge's result on chain {_to_within(abs(report.unexplained_usd))}."
    )


def _enforcement(report: ReplayReport) -> str:
    summary = report.summary
    kept = (
        "after none of them did the worst case exceed"
        if summary.band_breaches_after_rebalance == 0
        else f"after {summary.band_breaches_after_rebalance:,} of them the worst case still exceeded"
    )
    mismatches = summary.guard_mirror_mismatches
    mirrored = (
        "agreed with the chain's answer every time"
        if mismatches == 0
        else f"disagreed with the chain's answer {mismatches:,} times"
    )
    ledger_usd = summary.ledger_nav_error_bps / BPS * summary.vault_nav_usd
    return (
        f"Every rebalance was measured by the vault's contract after execution; {kept} the governed band of "
        f"{signed(report.guard_band, 2)} {report.underlying}. The keeper's own forecast of that judgement {mirrored}. "
        f"The vault held {money(summary.vault_nav_usd)} at the end, and the NAV worked out from the keeper's "
        f"ledger alone met the chain's {_to_within(ledger_usd)} at every step."
    )


def _relative(ratio: float) -> str:
    text = percent(ratio)
    return text if text.startswith(MINUS) else f"+{text}"


def _to_within(usd: float) -> str:
    return "to the cent" if usd < _CENT_USD / 2 else f"to within {money(usd)}"


def _gained(pnl_usd: float) -> str:
    return f"gained {money(pnl_usd)}" if pnl_usd >= 0 else f"lost {money_change(pnl_usd)[1:]}"
