"""The alternatives of a cycle for people and for machines."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import Any

from agent.alternatives import Alternative, Explanation
from agent.report.formatting import money, percent, signed, sum_of_usd
from agent.report.text_table import Column, table_lines

WIDTH = 120
_COLUMNS = (
    Column(("",), is_figure=False),
    Column(("", "Alternative"), is_figure=False),
    Column(("Trade", "size")),
    Column(("Fee", "USD")),
    Column(("Impact", "USD")),
    Column(("Funding", "USD")),
    Column(("Gas", "USD")),
    Column(("Cost", "USD")),
    Column(("Risk", "after")),
    Column(("Risk", "removed")),
    Column(("Cost", "per $")),
    Column(("Worst", "after")),
    Column(("Objec-", "tive")),
    Column(("", "Guard"), is_figure=False),
)
_CHOSEN = "▶"
_OPTIONS_CAVEAT = "The chain does not see options held elsewhere; theta and moves of vol are not in the objective."
_CENTS_BELOW_USD = 1_000.0
_CLOSE_AVERSIONS = 3.0
"""Bands grow with the cube or fourth root: within this factor they are within a third."""
_WORTH_SAYING_USD = 1.0
"""Objectives closer than this are one."""


def explanation_document(explanation: Explanation) -> dict[str, Any]:
    """Return alternatives for machines, in their order; null where there is no such figure, with its reason."""
    return {
        "yardstick": asdict(explanation.yardstick),
        "risk_before_usd": explanation.risk_before_usd,
        "chosen": explanation.chosen.name,
        "why": explanation.chosen.reason,
        "alternatives": [_document(alternative) for alternative in explanation.alternatives],
        "left_out": dict(explanation.left_out),
        "suggested_risk_aversion_per_usd": explanation.suggested_risk_aversion_per_usd,
    }


def _document(alternative: Alternative) -> dict[str, Any]:
    per_risk = alternative.cost_per_risk_removed
    return {
        "name": alternative.name,
        "kind": alternative.kind.value,
        "is_chosen": alternative.is_chosen,
        "trades": [asdict(trade) for trade in alternative.trades],
        "option_trades": [asdict(trade) for trade in alternative.option_trades],
        "size_delta": alternative.size_delta,
        "costs": {**asdict(alternative.costs), "total_usd": alternative.costs.total_usd},
        "net_delta_after": alternative.net_delta_after,
        "gamma_after_per_usd": alternative.gamma_after_per_usd,
        "worst_net_delta_after": alternative.worst_net_delta_after,
        "risk_after_usd": alternative.risk_after_usd,
        "risk_removed_usd": alternative.risk_removed_usd,
        "cost_per_risk_removed": per_risk,
        "cost_per_risk_removed_reason": None if per_risk is not None else "it removes no risk",
        "objective_usd": alternative.objective_usd,
        "is_accepted": alternative.is_accepted,
        "refused_by": alternative.refused_by,
        "reason": alternative.reason,
    }


def explanation_lines(explanation: Explanation) -> list[str]:
    """Return alternatives for people: a table within 120 columns, best objective first, and why the choice is made."""
    yardstick = explanation.yardstick
    rows = [_cells(alternative) for alternative in explanation.alternatives]
    measure = (
        f"Alternatives by objective = cost + {yardstick.risk_aversion_per_usd:g} per USD x variance / 2. Risk is the "
        f"standard deviation in USD of what is left, gamma included, over {_days(yardstick.horizon_days)} at "
        f"{percent(yardstick.vol_annual)} a year; now it is {money(explanation.risk_before_usd)}."
    )
    notes = [
        f"{_CHOSEN} {explanation.chosen.reason}",
        *_hindsight(explanation),
        *_suggestion(explanation),
        *(
            f"{alternative.name.capitalize()}: {alternative.reason}. {_OPTIONS_CAVEAT}"
            for alternative in explanation.alternatives
            if alternative.option_trades
        ),
        *(
            f"Refused: {alternative.name}: {alternative.reason}"
            for alternative in explanation.alternatives
            if not alternative.is_accepted
        ),
        *(f"Left out: {name} {reason}" for name, reason in explanation.left_out.items()),
    ]
    wrapped = [line for note in notes for line in textwrap.wrap(note, WIDTH, subsequent_indent="  ")]
    table = table_lines(_COLUMNS, rows, width=WIDTH, gap=" ")
    return ["", *textwrap.wrap(measure, WIDTH), "", *table, "", *wrapped]


def _cells(alternative: Alternative) -> list[str]:
    costs, per_risk = alternative.costs, alternative.cost_per_risk_removed
    size = alternative.size_delta
    return [
        _CHOSEN if alternative.is_chosen else "",
        alternative.name,
        signed(size, 4, plus=True),
        *(_usd(usd) for usd in (costs.fee_usd, costs.impact_usd, costs.funding_usd, costs.gas_usd, costs.total_usd)),
        sum_of_usd(alternative.risk_after_usd),
        sum_of_usd(alternative.risk_removed_usd),
        "" if per_risk is None else signed(per_risk, 3),
        signed(alternative.worst_net_delta_after, 3),
        sum_of_usd(alternative.objective_usd),
        "accepts" if alternative.is_accepted else "refuses",
    ]


def _usd(usd: float) -> str:
    return sum_of_usd(usd, 2 if abs(usd) < _CENTS_BELOW_USD else 0)


def _suggestion(explanation: Explanation) -> list[str]:
    """Say which risk aversion a book of this size calls for, and how far the one in use is from it."""
    suggested, used = explanation.suggested_risk_aversion_per_usd, explanation.yardstick.risk_aversion_per_usd
    if suggested is None:
        return []
    times = max(used / suggested, suggested / used)
    verdict = (
        "close to" if times <= _CLOSE_AVERSIONS else f"{times:.3g} times {'above' if used > suggested else 'below'}"
    )
    return [f"Risk aversion: the book's own risk suggests {suggested:.2g} per USD; {used:g} in use is {verdict} it."]


def _hindsight(explanation: Explanation) -> list[str]:
    """Say what the objective would rather do, where that differs, and what it leaves out of account."""
    chosen, best = explanation.chosen, explanation.cheapest
    gain = chosen.objective_usd - best.objective_usd
    if gain < _WORTH_SAYING_USD:
        return []
    return [
        f"By the objective alone, {best.name} would be better by {money(gain)}. It looks one horizon ahead and counts "
        "one trade; a policy also counts those that follow, and the chain's band may call for one."
    ]


def _days(days: float) -> str:
    return f"{days:g} {'day' if days == 1.0 else 'days'}"
