"""The part of the page that says how the hedge was backed: leverage, margin, and how far liquidation was."""

from __future__ import annotations

from collections.abc import Callable

from agent.extras import extra
from agent.report.figure_style import BOUND, HEDGED, INK, mark_expiries, moments, scale_y, time_figure
from agent.report.formatting import percent, signed, utc_minute
from agent.report.html_parts import paragraph, picture, section, table
from agent.report.margin_use import Worst, worst_margin
from agent.report.replay_report import MarginUse, ReplayReport

with extra("report", "The HTML report"):
    import plotly.graph_objects as go

_WORDS = (
    "As each step left it, valued as the guard values it. Liquidation distance is the move of the price against the "
    "position at which the nearest venue takes it, given the margin that lies there; no line "
    "where no price would."
)


def margin_section(report: ReplayReport) -> str:
    """Return the section: both pictures and the worst of each ratio."""
    found = worst_margin(report)
    rows = [
        _row("Leverage of the vault, notional over NAV", found.leverage, _times),
        _row("Leverage on the most loaded venue", found.venue_leverage, _times),
        _row("Liquidation distance", found.liquidation_distance, percent),
        _row("Collateral that is not on venues, of NAV", found.idle_share, percent),
    ]
    shown = table(("", "Worst", "When, UTC", "At the end"), rows, label="Margin at its worst")
    if found.venue_leverage.figure is None:
        return section("Margin and leverage", _WORDS, paragraph("There was never a position on a venue."), shown)
    pictures = [picture(leverage_figure(report))]
    if found.liquidation_distance.figure is not None:
        pictures.append(picture(distance_figure(report)))
    return section("Margin and leverage", _WORDS, *pictures, shown)


def leverage_figure(report: ReplayReport) -> go.Figure:
    """Draw the leverage of the vault and of the most loaded venue."""
    figure = time_figure(report, "Leverage, ratio")
    _add(figure, report, "Vault", INK, lambda margin: margin.leverage)
    _add(figure, report, "Most loaded venue", HEDGED, lambda margin: margin.venue_leverage)
    scale_y(figure, _seen(figure), has_zero=True)
    mark_expiries(figure, report)
    return figure


def distance_figure(report: ReplayReport) -> go.Figure:
    """Draw how far the price was from the nearest liquidation, %."""
    figure = time_figure(report, "Distance to liquidation, %")
    _add(figure, report, "Liquidation distance", BOUND, lambda margin: _in_percent(margin.liquidation_distance))
    scale_y(figure, _seen(figure), has_zero=True)
    mark_expiries(figure, report)
    return figure


def _add(
    figure: go.Figure, report: ReplayReport, name: str, colour: str, of: Callable[[MarginUse], float | None]
) -> None:
    ratios = [of(step.margin) for step in report.steps]
    line = {"color": colour, "width": 1.8, "shape": "hv"}
    times = moments(step.unix for step in report.steps)
    figure.add_scatter(x=times, y=ratios, name=name, line=line, showlegend=True)


def _seen(figure: go.Figure) -> list[float]:
    return [ratio for trace in figure.data for ratio in trace.y if ratio is not None]


def _in_percent(ratio: float | None) -> float | None:
    return None if ratio is None else 100.0 * ratio


def _row(name: str, worst: Worst, shown: Callable[[float], str]) -> tuple[str, ...]:
    if worst.figure is None or worst.unix is None:
        return name, "none", "", ""
    return name, shown(worst.figure), utc_minute(worst.unix), "none" if worst.at_end is None else shown(worst.at_end)


def _times(ratio: float) -> str:
    return f"{signed(ratio, 2)}x"
