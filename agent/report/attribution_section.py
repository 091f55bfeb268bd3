"""The part of the page that says where the P&L came from, and how deep it fell on the way."""

from __future__ import annotations

from agent.extras import extra
from agent.report.attribution import TOTAL, PnlByCause, attribute_replay
from agent.report.drawdown import Drawdown, below_high, deepest_drawdown
from agent.report.figure_style import (
    BOOK_ALONE,
    HEDGED,
    INK,
    make_room_for_names,
    mark_expiries,
    moments,
    scale_y,
    time_figure,
)
from agent.report.figure_style import CAUSES as COLOURS
from agent.report.formatting import duration, money, money_change, utc_minute
from agent.report.html_parts import picture, section, table
from agent.report.replay_report import ReplayReport

with extra("report", "The HTML report"):
    import plotly.graph_objects as go

_NAMES = {
    "delta": "Delta",
    "gamma": "Gamma",
    "theta": "Theta",
    "vega": "Vega",
    "options": "Options held as a hedge",
    "fees": "Venue fees",
    "impact": "Impact",
    "funding": "Funding",
    "gas": "Gas",
    "unexplained": "Unexplained",
}
_WORDS = (
    "Each step's gain or loss by what caused it, with all Greeks as they were when it began, added up from the start. "
    "Gamma includes what delta's change of pace makes (speed), theta its drift with time (charm), vega the cross and "
    "second-order terms of volatility (vanna, volga). A cost is a loss. Unexplained is the rest: steps too long for "
    "these Greeks, options near their expiry, or records that disagree."
)


def attribution_sections(report: ReplayReport) -> list[str]:
    """Return the two sections: by cause, and drawdowns."""
    found = attribute_replay(report)
    return [
        section("Where the result came from", _WORDS, picture(attribution_figure(report, found)), _cause_table(found)),
        section(
            "Drawdown",
            "How far each P&L was below its own highest so far, as seen once a step.",
            picture(drawdown_figure(report, found)),
            _drawdown_table(found),
        ),
    ]


def attribution_figure(report: ReplayReport, found: PnlByCause) -> go.Figure:
    """Draw the hedged book's P&L by cause, as it built up, and its total."""
    figure = time_figure(report, "Book with hedge, USD")
    times = moments(found.times_unix)
    for cause in found.causes:
        figure.add_scatter(
            x=times, y=found.hedged[cause], name=_NAMES[cause], line={"color": COLOURS[cause], "width": 1.6}
        )
    figure.add_scatter(x=times, y=found.hedged[TOTAL], name="Total", line={"color": INK, "width": 2.6})
    scale_y(figure, [usd for path in found.hedged.values() for usd in path], "$", has_zero=True)
    mark_expiries(figure, report)
    return make_room_for_names(figure)


def drawdown_figure(report: ReplayReport, found: PnlByCause) -> go.Figure:
    """Draw how far both P&Ls were below their highest."""
    figure = time_figure(report, "Below the highest so far, USD")
    paths = {"Book alone": (found.alone, BOOK_ALONE), "Book with hedge": (found.hedged, HEDGED)}
    for name, (pnl, colour) in paths.items():
        falls = below_high(pnl[TOTAL])
        figure.add_scatter(x=moments(found.times_unix), y=falls, name=name, fill="tozeroy", line={"color": colour})
    scale_y(figure, [usd for pnl, _ in paths.values() for usd in below_high(pnl[TOTAL])], "$", has_zero=True)
    mark_expiries(figure, report)
    return figure


def _cause_table(found: PnlByCause) -> str:
    rows = [
        (
            _NAMES.get(cause, "Total"),
            _to_the_cent(float(found.alone[cause][-1])),
            _to_the_cent(found.hedge_usd(cause)),
            _to_the_cent(float(found.hedged[cause][-1])),
        )
        for cause in (*found.causes, TOTAL)
    ]
    return table(("USD, whole replay", "Book alone", "Hedge", "Book with hedge"), rows, total=True)


def _to_the_cent(usd: float) -> str:
    """Write a part of a sum: what is below a cent is nothing beside the rest."""
    return money_change(round(usd, 2))


def _drawdown_table(found: PnlByCause) -> str:
    columns = ("", "Deepest", "High at, UTC", "Low at, UTC", "Back at the high, UTC", "Longest below a high")
    rows = [
        (name, *_drawdown_cells(deepest_drawdown(found.times_unix, pnl[TOTAL])))
        for name, pnl in (("Book alone", found.alone), ("Book with hedge", found.hedged))
    ]
    return table(columns, rows)


def _drawdown_cells(found: Drawdown) -> tuple[str, ...]:
    if found.depth_usd == 0.0:
        return ("none", "", "", "", "")
    back = "not by the end" if found.recovered_unix is None else utc_minute(found.recovered_unix)
    return (
        money(found.depth_usd),
        utc_minute(found.high_unix),
        utc_minute(found.low_unix),
        back,
        duration(found.longest_seconds),
    )
