"""The worst that margin came to in a replay: highest leverage, nearest liquidation, least idle collateral."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.report.replay_report import MarginUse, ReplayReport


@dataclass(frozen=True, slots=True)
class Worst:
    """A figure at its worst, when that was, and what it was at the end; None where there is none."""

    figure: float | None
    unix: int | None
    at_end: float | None


@dataclass(frozen=True, slots=True)
class WorstMargin:
    """Ratios: leverage of notional over NAV or over the venue's equity, distance of the price, the rest of NAV."""

    leverage: Worst
    venue_leverage: Worst
    liquidation_distance: Worst
    idle_share: Worst
    """Part of NAV that lies in the vault, not on venues."""


def worst_margin(report: ReplayReport) -> WorstMargin:
    """Return the worst of each ratio over all steps, as each step left it."""
    return WorstMargin(
        leverage=_worst(report, lambda margin: margin.leverage, max),
        venue_leverage=_worst(report, lambda margin: margin.venue_leverage, max),
        liquidation_distance=_worst(report, lambda margin: margin.liquidation_distance, min),
        idle_share=_worst(report, idle_share, min),
    )


def idle_share(margin: MarginUse) -> float | None:
    """Return the part of NAV that is not on venues."""
    return 1.0 - margin.equity_usd / margin.nav_usd if margin.nav_usd > 0.0 else None


def _worst(
    report: ReplayReport, of: Callable[[MarginUse], float | None], worse: Callable[[list[float]], float]
) -> Worst:
    known = [(step.unix, ratio) for step in report.steps if (ratio := of(step.margin)) is not None]
    if not known:
        return Worst(None, None, None)
    figure = worse([ratio for _, ratio in known])
    unix = next(unix for unix, ratio in known if ratio == figure)
    return Worst(figure, unix, of(report.steps[-1].margin))
