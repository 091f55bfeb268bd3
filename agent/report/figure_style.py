"""What all pictures of a replay share: colours, axes, and the span of time that they cover."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from agent.extras import extra
from agent.report.expiries import expiries
from agent.report.replay_report import ReplayReport

with extra("report", "The HTML report"):
    import plotly.graph_objects as go

# Every colour of a line is seen on white and on the dark page alike; texts and grids take theirs from the page's sheet.
INK = "#738191"
BOOK_ALONE = "#c8792b"
HEDGED = "#3a86c8"
BAND = "rgba(58, 134, 200, 0.18)"
BOUND = "#c9504f"
CAUSES = {
    "delta": "#3a86c8",
    "gamma": "#c9504f",
    "theta": "#2a9d8f",
    "vega": "#9a6fc4",
    "options": "#3f8fa5",
    "fees": "#b8892b",
    "impact": "#d46a9f",
    "funding": "#6f9a3e",
    "gas": "#8a7f6d",
    "unexplained": "#738191",
}
COSTS = {
    "Venue fee": CAUSES["fees"],
    "Slippage": CAUSES["impact"],
    "Funding": CAUSES["funding"],
    "Gas": CAUSES["gas"],
}
EXPIRY = "#8f7cc4"

_HEIGHT_PX = 380
_NAME_PX, _FEW_NAMES = 24, 4
_MARGIN = {"l": 86, "r": 24, "t": 24, "b": 56}
_MOST_TICKS = 4
"""Times beside each other, so that they fit a phone without being turned: days and hours take up to 48 px of 230."""
_TICK_PX = 8
"""From the axis to its times, so that the first stands below the lowest value, not beside it."""
_TEXT = "#5f6b78"
_GRID = "#dfe4e9"
_CLEAR = "rgba(0, 0, 0, 0)"
_TICKS = 5
_FLAT_MARGIN = 1e-4
"""Of a value that never changes: what its axis shows on either side."""


def time_figure(report: ReplayReport, y_title: str) -> go.Figure:
    """Return an empty picture whose time axis is the replay's, as wide as that of every other."""
    figure = go.Figure()
    figure.update_layout(
        template="none",
        height=_HEIGHT_PX,
        margin=_MARGIN,
        font={"family": "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif", "size": 13},
        legend={"orientation": "h", "y": -0.2, "x": 0},
        hovermode="x unified",
        plot_bgcolor=_CLEAR,
        paper_bgcolor=_CLEAR,
    )
    figure.update_xaxes(gridcolor=_GRID, linecolor=_GRID, tickfont={"color": _TEXT}, range=_span(report))
    figure.update_xaxes(nticks=_MOST_TICKS, tickangle=0, ticks="outside", ticklen=_TICK_PX, tickcolor=_CLEAR)
    figure.update_yaxes(gridcolor=_GRID, linecolor=_GRID, tickfont={"color": _TEXT}, zerolinecolor=_GRID)
    figure.update_yaxes(title={"text": y_title, "font": {"size": 13, "color": _TEXT}})
    return figure


def scale_y(figure: go.Figure, numbers: Iterable[float], prefix: str = "", *, has_zero: bool = False) -> None:
    """Give the value axis as many decimals as tell its ticks apart; one that never changes gets room around it."""
    low, high = _ends(numbers, has_zero=has_zero)
    decimals = max(-math.floor(math.log10((high - low) / _TICKS)), 0)
    figure.update_yaxes(tickformat=f"{prefix},.{decimals}f", zeroline=has_zero, zerolinecolor=_TEXT)
    if figure.layout.yaxis.range is None:
        room = 0.05 * (high - low)
        figure.update_yaxes(range=[low - room, high + room])


def mark_expiries(figure: go.Figure, report: ReplayReport) -> None:
    """Draw a line at each expiry inside the replay, and once in the legend what it is."""
    for number, own in enumerate(expiries(report)):
        figure.add_scatter(
            x=moments([own.unix, own.unix]),
            y=list(figure.layout.yaxis.range),
            mode="lines",
            name="Expiry",
            legendgroup="Expiry",
            showlegend=number == 0,
            line={"color": EXPIRY, "width": 1.4, "dash": "dashdot"},
            hoverinfo="skip",
        )


def make_room_for_names(figure: go.Figure) -> go.Figure:
    """Make a picture of many lines taller: a phone writes their names below each other."""
    more = max(len(figure.data) - _FEW_NAMES, 0)
    return figure.update_layout(height=_HEIGHT_PX + _NAME_PX * more)


def moments(times_unix: Iterable[int]) -> list[datetime]:
    """Return instants as the pictures take them: UTC, without saying so."""
    return [datetime.fromtimestamp(int(unix), tz=UTC).replace(tzinfo=None) for unix in times_unix]


def _ends(numbers: Iterable[float], *, has_zero: bool) -> tuple[float, float]:
    seen = [*numbers, *([0.0] if has_zero else [])]
    low, high = min(seen), max(seen)
    if high - low > _FLAT_MARGIN * max(abs(low), abs(high)):
        return low, high
    room = _FLAT_MARGIN * max(abs(low), abs(high)) or 1.0
    return low - room, high + room


def _span(report: ReplayReport) -> Sequence[datetime]:
    first, last = moments([report.steps[0].unix, report.closing.unix])
    return (first, max(last, first + timedelta(seconds=report.interval_seconds)))
