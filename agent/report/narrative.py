"""The replay told in sentences that need no knowledge of options."""

from __future__ import annotations

import numpy as np

from agent.report.effectiveness import SECONDS_PER_HOUR, largest_swing, verdict
from agent.report.formatting import MINUS, counted, duration, money, money_change, percent, price, signed
from agent.report.iv_words import iv_sentence
from agent.report.option_section import gains_sentence
from agent.report.replay_report import HedgingCosts, ReplayReport, StepAction
from agent.units import BPS

_CENT_USD = 0.01
_CUT_BY_BOUNDS = ("limited by the guard's", "reduced to avoid")
"""In the reason of a trade that was to be larger."""


def story(report: ReplayReport) -> list[str]:
    """Return the paragraphs: what the market, the hedge and IV did, what it cost, what the chain enforced."""
    ended = [] if report.ended_early is None else [_ending(report.ended_early)]
    iv = [words] if (words := iv_sentence(report)) else []
    options = [] if report.options is None else [f"Options were held as a hedge. {gains_sentence(report.options)}"]
    return [*ended, _market(report), _outcome(report), *iv, _work(report), *options, _enforcement(report)]


def span_seconds(report: ReplayReport) -> int:
    """Return the time from the first step to the last."""
    return report.steps[-1].unix - report.steps[0].unix


def _ending(reason: str) -> str:
    return f"This replay ended before its last price: {reason}. What follows is what had happened until then."


def _market(report: ReplayReport) -> str:
    prices = [step.price_usd for step in report.steps]
    first, last, low, high = prices[0], prices[-1], min(prices), max(prices)
    if low == high:
        return f"Over {duration(span_seconds(report))} the price of {report.underlying} stayed at {price(first, 0)}."
    return (
        f"Over {duration(span_seconds(report))} the price of {report.underlying} went from {price(first, 0)} to "
        f"{price(last, 0)} ({_relative(last / first - 1)}). On the way it was as low as {price(low, 0)} "
        f"({_relative(low / first - 1)}) and as high as {price(high, 0)} ({_relative(high / first - 1)})."
    )


def _outcome(report: ReplayReport) -> str:
    summary = report.summary
    alone, hedged = summary.pnl_unhedged_usd, summary.pnl_hedged_usd
    swing_alone, swing_hedged = (
        largest_swing(np.array(pnl_usd), report.interval_seconds)
        for pnl_usd in (
            [step.pnl_unhedged_usd for step in report.steps],
            [step.pnl_hedged_usd for step in report.steps],
        )
    )
    told = (
        f"Left alone, the book would have {_gained(alone)}; with its hedge, and after every cost, it "
        f"{_gained(hedged)}. A hedge takes away gains as well as losses: what it buys is steadiness."
    )
    span = duration(max(report.interval_seconds, SECONDS_PER_HOUR))
    return told + (
        f" The largest swing within {'an hour' if span == '1 hour' else span} was {money(swing_alone)} without it and "
        f"{money(swing_hedged)} with it; the hedge {verdict(summary.effectiveness, report.interval_seconds)}."
    )


def _work(report: ReplayReport) -> str:
    summary, costs = report.summary, report.summary.costs
    if summary.rebalances == 0 and costs == HedgingCosts():
        return f"The keeper looked {_times(summary.steps)} and never traded, which cost nothing. {_refused(report)}"
    per_traded = f" ({percent(costs.total_usd / report.turnover_usd, 2)} of it)" if report.turnover_usd else ""
    return (
        f"The keeper looked {_times(summary.steps)} and traded {_times(summary.rebalances)}, "
        f"{money(report.turnover_usd)} in all. {_refused(report)} That cost {money(costs.total_usd)}{per_traded}: "
        f"{money(costs.fee_usd)} in venue fees, {money(costs.slippage_usd)} in slippage, "
        f"{money(costs.funding_usd)} in funding and {money(costs.gas_usd)} in gas.{_explaining(report)}"
    )


def _explaining(report: ReplayReport) -> str:
    """Return what the chain's result was compared with; nothing where none took part, whose result is made of them."""
    if report.summary.guard_mirror_mismatches is None:
        return ""
    causes = "Prices and these four" if report.options is None else "Prices, options and these four"
    return f" {causes} explain the hedge's result on chain {_to_within(abs(report.unexplained_usd))}."


def _enforcement(report: ReplayReport) -> str:
    summary = report.summary
    if summary.rebalances == 0:
        measured = f"No rebalance put the governed band of {_band(report)} to the test."
    elif summary.band_breaches_after_rebalance == 0:
        measured = (
            "Every rebalance was measured by the vault's contract after execution; after none of them did the worst "
            f"case exceed the governed band of {_band(report)}."
        )
    else:
        measured = (
            "Every rebalance was measured by the vault's contract after execution; "
            f"{_times(summary.band_breaches_after_rebalance)} the worst case, smaller than before, still exceeded the "
            f"governed band of {_band(report)}."
        )
    mismatches, error_bps = summary.guard_mirror_mismatches, summary.ledger_nav_error_bps
    if mismatches is None or error_bps is None:
        return _judged_without_chain(report)
    mirrored = (
        "agreed with the chain's answer every time"
        if mismatches == 0
        else f"disagreed with the chain's answer {_times(mismatches)}"
    )
    ledger_usd = error_bps / BPS * summary.vault_nav_usd
    return (
        f"{measured} Between rebalances the price may carry it out: the band binds when the keeper acts. "
        f"The keeper's own forecast of that judgement {mirrored}. "
        f"The vault held {money(summary.vault_nav_usd)} at the end, and the NAV worked out from the keeper's "
        f"ledger alone met the chain's {_to_within(ledger_usd)} at every step."
    )


def _judged_without_chain(report: ReplayReport) -> str:
    summary = report.summary
    breaches = summary.band_breaches_after_rebalance
    if summary.rebalances == 0:
        judged = f"no rebalance put the governed band of {_band(report)} to the test"
    else:
        left = "none of them left the worst case" if not breaches else f"{_times(breaches)} the worst case was left"
        judged = (
            f"the keeper's mirror of the guard judged every rebalance, and {left} above the governed band of "
            f"{_band(report)}"
        )
    return (
        f"No chain took part: {judged}. Between rebalances the price may carry it out: the band binds when the keeper "
        f"acts. The vault held {money(summary.vault_nav_usd)} at the end."
    )


def _refused(report: ReplayReport) -> str:
    """Say what the bounds forbade: on chain, and before anything was sent."""
    held: dict[str, int] = {}
    for step in report.steps:
        if step.guard_error is not None and step.action is StepAction.HOLD:
            held[step.guard_error] = held.get(step.guard_error, 0) + 1
    sent = report.summary.rejected
    told = f"{_times(sent).capitalize()} a transaction was refused on chain and changed nothing" if sent else ""
    if held:
        named = ", ".join(f"{error} {_times(count)}" for error, count in sorted(held.items()))
        often = _times(sum(held.values()))
        told += ("; " if told else "") + f"the bounds kept it from what it wanted {often} ({named})"
    cut = sum(
        step.action is StepAction.HEDGED and any(words in step.reason for words in _CUT_BY_BOUNDS)
        for step in report.steps
    )
    if not told:
        told = "the bounds refused nothing that it wanted"
    if cut:
        told += f", and made {counted(cut, 'trade')} smaller"
    return f"{told[0].upper()}{told[1:]}."


def _band(report: ReplayReport) -> str:
    return f"{signed(report.guard_band, 2)} {report.underlying}"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _relative(ratio: float) -> str:
    text = percent(ratio)
    return text if text.startswith(MINUS) else f"+{text}"


def _to_within(usd: float) -> str:
    return "to the cent" if usd < _CENT_USD / 2 else f"to within {money(usd)}"


def _gained(pnl_usd: float) -> str:
    return f"gained {money(pnl_usd)}" if pnl_usd >= 0 else f"lost {money_change(pnl_usd)[1:]}"
