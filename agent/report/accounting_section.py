"""The part of the page that gives the verdicts of hedge accounting, with what each of them means."""

from __future__ import annotations

import re

from agent.report.effectiveness import SECONDS_PER_HOUR, WORTH_A_PERCENTAGE, removed_share
from agent.report.formatting import MINUS, duration, percent, signed
from agent.report.hedge_accounting import hedge_accounting
from agent.report.html_parts import paragraph, section, table
from agent.report.replay_report import ReplayReport
from agent.risk.effectiveness import LOWEST_SHARE, OFFSET_RANGE, HedgeEffectiveness, Verdict

_FEW_CHANGES = 30
"""Fewer say little: the verdicts may be luck."""
_OFFSET_WORDS = f"{percent(OFFSET_RANGE[0], 0)} to {percent(OFFSET_RANGE[1], 0)}"
_SHARE_WORDS = f"at least {percent(LOWEST_SHARE, 0)}"


def accounting_section(report: ReplayReport) -> str:
    """Return the section: one line a measure, the number of changes behind them, and what follows."""
    title, found = "Is the hedge effective?", hedge_accounting(report)
    period = duration(max(report.interval_seconds, SECONDS_PER_HOUR))
    if found is None:
        return section(title, "", paragraph(f"Too few changes of {period}, or none to speak of: there is no verdict."))
    words = (
        f"Judged on n = {found.changes} changes of {period}, the hedge's after every cost. Hedge accounting (IAS 39, "
        f"FAS 133) calls a hedge highly effective where it offset {_OFFSET_WORDS} of what the book did."
    )
    return section(title, words, _verdicts(found), paragraph(_conclusion(found)))


def _verdicts(found: HedgeEffectiveness) -> str:
    low, high = found.slope_interval
    rows = [
        _row(
            "Variance removed", found.variance_reduction, _SHARE_WORDS, "How much steadier the book was with its hedge."
        ),
        _row(
            "R²",
            found.r_squared,
            _SHARE_WORDS,
            "What the best multiple of this hedge would have removed: whether it is of the right kind.",
        ),
        _row(
            "Regression slope",
            found.slope,
            _OFFSET_WORDS,
            "100 % is a hedge of the right size, less is too large a hedge, more too small; with 95 % confidence "
            f"between {percent(low)} and {percent(high)}.",
        ),
        _row(
            "Dollar offset",
            found.dollar_offset,
            _OFFSET_WORDS,
            "What the hedge gained over what the book lost in the whole period, or the reverse.",
        ),
    ]
    return table(("Measure", "Found", "Effective if", "Verdict", "In plain words"), rows, words=(4,))


def _row(name: str, verdict: Verdict, limits: str, words: str) -> tuple[str, ...]:
    figure = "none" if verdict.figure is None else removed_share(verdict.figure)
    return name, figure, limits, "effective" if verdict.is_effective else "not effective", words


def _is_doubled(verdict: Verdict) -> bool:
    """Tell whether a share is one of next to nothing, of which a percentage says no more."""
    return verdict.figure is not None and verdict.figure < WORTH_A_PERCENTAGE


def _conclusion(found: HedgeEffectiveness) -> str:
    verdicts = (found.variance_reduction, found.r_squared, found.slope, found.dollar_offset)
    failed = [_plain(verdict.reason) for verdict in verdicts if not verdict.is_effective]
    if _is_doubled(found.variance_reduction):
        failed[0] = "the hedge more than doubled the variance"
    told = "By every one of the four the hedge was effective." if not failed else f"Not effective: {'; '.join(failed)}."
    if not found.dollar_offset.is_effective:
        told += (
            " The dollar offset compares two sums, and says little where the book ended near where it began, or gained "
            "by time what it lost by the price."
        )
    if found.changes < _FEW_CHANGES:
        told += f" With n = {signed(found.changes, 0)} any of these may be luck; {_FEW_CHANGES} or more say something."
    return told


def _plain(reason: str) -> str:
    """Write a reason as the page writes its figures."""
    return re.sub(r"-(?=\d)", MINUS, reason.replace("R^2", "R²"))
