"""The part of the page that says which IV the book was marked with, and what another would have done."""

from __future__ import annotations

from agent.extras import extra
from agent.report.figure_style import CAUSES, INK, moments, scale_y, time_figure
from agent.report.formatting import money_change, percent, utc_minute
from agent.report.html_parts import paragraph, picture, section, table
from agent.report.iv_assumption import LEAST_IV_ANNUAL, IvAssumption, IvShock, iv_assumption, leg_shifts
from agent.report.iv_words import SHOCK_POINTS, iv_sentence
from agent.report.replay_report import ReplayReport

with extra("report", "The HTML report"):
    import plotly.graph_objects as go

_TITLE = "Implied volatility"
_KEEPER = (
    "The keeper decides and the guard measures with the book's own IV, whatever the mark follows; the hedge is "
    "perpetuals, which have no vega, so the book with its hedge gains and loses what the book does."
)


def iv_section(report: ReplayReport) -> str:
    """Return the section: what IV did, and both shocks at the start, at their worst and at the end."""
    found = iv_assumption(report)
    if found is None:
        return section(_TITLE, "", paragraph("The book holds no options, so IV is nothing to it."))
    cut = any(shock.is_cut_short for shock in (found.at_start, found.worst, found.at_end))
    stops = f" A fall stops where a leg would be below {percent(LEAST_IV_ANNUAL, 0)}." if cut else ""
    shown = [] if found.rule is None else [picture(iv_figure(report))]
    shocks = f"Had every leg's IV moved by {SHOCK_POINTS} points at once, full revaluation:{stops}"
    return section(_TITLE, f"{iv_sentence(report)} {_KEEPER}", *shown, paragraph(shocks), _shock_table(found))


def iv_figure(report: ReplayReport) -> go.Figure:
    """Draw how far the mark was from the book's own IV, and the vega P&L that came of it."""
    figure = time_figure(report, "Points of IV from the book's own")
    ends = _ends(report)
    line = {"color": CAUSES["vega"], "width": 1.8, "shape": "hv"}
    for name, points in ends.items():
        figure.add_scatter(
            x=moments(step.unix for step in report.steps), y=points, name=name, line=line, showlegend=True
        )
    scale_y(figure, [point for points in ends.values() for point in points], has_zero=True)
    figure.update_yaxes(zerolinecolor=INK)
    return figure


def _ends(report: ReplayReport) -> dict[str, list[float]]:
    """Return how many points the legs are from the book's own IV: of all, or of the least and the most moved."""
    moves = [leg_shifts(report, step)[1] for step in report.steps]
    if all(step.iv_move.is_parallel for step in report.steps):
        return {"IV": [100.0 * step.iv_move.level_annual[0] for step in report.steps]}
    return {
        "IV of the lowest leg": [100.0 * float(move.min()) if move.size else 0.0 for move in moves],
        "IV of the highest leg": [100.0 * float(move.max()) if move.size else 0.0 for move in moves],
    }


def _shock_table(found: IvAssumption) -> str:
    columns = ("", "Time, UTC", f"IV {SHOCK_POINTS} points higher", f"IV {SHOCK_POINTS} points lower")
    rows = [
        _cells("At the start", found.at_start),
        _cells("Where it hurt most", found.worst),
        _cells("At the end", found.at_end),
    ]
    return table(columns, rows, label="Shocks of IV")


def _cells(name: str, shock: IvShock) -> tuple[str, ...]:
    return name, utc_minute(shock.unix), money_change(shock.up_usd), money_change(shock.down_usd)
