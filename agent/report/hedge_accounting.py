"""A replay's hedge judged as hedge accounting does: R^2, slope and dollar offset of one sample of changes."""

from __future__ import annotations

import numpy as np

from agent.report.effectiveness import hourly_changes
from agent.report.replay_report import ReplayReport
from agent.risk.effectiveness import FEWEST_CHANGES, HedgeEffectiveness, judge_hedge

_FLAT_USD = 0.01
"""Changes that differ by less are flat: a ratio of them would be one of rounding."""


def hedge_accounting(report: ReplayReport) -> HedgeEffectiveness | None:
    """Judge the hedge by its changes of an hour, or of a step where that is longer, after every cost.

    None where there are too few changes for a line, or book or hedge stood still.
    """
    steps = report.steps
    unhedged = np.array([step.pnl_unhedged_usd for step in steps])
    hedge = np.array([step.pnl_hedged_usd for step in steps]) - unhedged
    of_book, of_hedge = (hourly_changes(pnl_usd, report.interval_seconds) for pnl_usd in (unhedged, hedge))
    if len(of_book) <= FEWEST_CHANGES or min(np.ptp(of_book), np.ptp(of_hedge)) < _FLAT_USD:
        return None
    return judge_hedge(of_book, of_hedge)
