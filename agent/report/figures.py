"""The pictures of a replay, one function each; amber is the book alone, blue is the book with its hedge."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from agent.extras import extra
from agent.report.effectiveness import SECONDS_PER_HOUR, hourly_changes, hourly_stride
from agent.report.formatting import duration, money, signed
from agent.report.replay_report import HedgingCosts, ReplayReport, StepAction, StepRecord

with extra("report", "The HTML report"):
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

INK = "#1d2733"
MUTED = "#6b7785"
GRID = "#e6eaee"
BOOK_ALONE = "#c8792b"
HEDGED = "#1f5f99"
BAND = "rgba(31, 95, 153, 0.13)"
BOUND = "#9a3b3b"
COSTS = {"Venue fee": "#1f5f99", "Slippage": "#5b9bd0", "Funding": "#8c6bb1", "Gas": "#c8a24a"}

_HEIGHT_PX = 380
_WHOLE_DOLLARS_FROM_USD = 100


def price_figure(report: ReplayReport) -> go.Figure:
    """Draw the price path, the strikes it is measured against, and each rebalance."""
    figure = _figure(f"{report.underlying} price, USD")
    times = _times(report.steps)
    prices = [step.price_usd for step in report.steps]
    figure.add_scatter(x=times, y=prices, name="Oracle price", line={"color": INK, "width": 1.6})
    hedges = [step for step in report.steps if step.action is StepAction.HEDGED]
    figure.add_scatter(
        x=_times(hedges),
        y=[step.price_usd for step in hedges],
        name="Rebalance",
        mode="markers",
        marker={"color": HEDGED, "size": 6, "line": {"color": "white", "width": 1}},
    )
    low, high = min(prices), max(prices)
    for strike_usd in sorted({leg.strike_usd for leg in report.book.options}):
        if 0.9 * low <= strike_usd <= 1.1 * high:
            figure.add_hline(
                y=strike_usd,
                line={"color": BOOK_ALONE, "width": 1, "dash": "dot"},
                annotation={"text": f"strike {signed(strike_usd, 0)}", "font": {"color": BOOK_ALONE, "size": 12}},
                annotation_position="top right",
            )
    figure.update_yaxes(tickformat=",.0f" if low >= _WHOLE_DOLLARS_FROM_USD else ",.4~g")
    return figure


def net_delta_figure(report: ReplayReport) -> go.Figure:
    """Draw the net delta against the policy's band and the chain's bound, with each rebalance as an arrowhead."""
    figure = _figure(f"Net delta, {report.underlying}")
    times = _times(report.steps)
    low = [step.band_low for step in report.steps]
    high = [step.band_high for step in report.steps]
    figure.add_scatter(x=times, y=low, line={"width": 0}, showlegend=False, hoverinfo="skip")
    figure.add_scatter(
        x=times, y=high, fill="tonexty", fillcolor=BAND, line={"width": 0}, name="Band in which the keeper leaves it"
    )
    lines_x, lines_y = _before_and_after(report.steps)
    figure.add_scatter(x=lines_x, y=lines_y, name="Net delta", line={"color": INK, "width": 1.2})
    for words, is_buy, symbol in (("Bought", True, "triangle-up"), ("Sold", False, "triangle-down")):
        trades = [
            step for step in report.steps if step.action is StepAction.HEDGED and (step.hedge_size_delta > 0) is is_buy
        ]
        figure.add_scatter(
            x=_times(trades),
            y=[step.net_delta_after for step in trades],
            name=words,
            mode="markers",
            marker={"symbol": symbol, "color": HEDGED if is_buy else BOOK_ALONE, "size": 8},
            customdata=[[step.hedge_size_delta] for step in trades],
            text=[signed(step.hedge_size_delta, 2, plus=True) for step in trades],
            hovertemplate="%{text} " + report.underlying + "<extra></extra>",
        )
    for bound in (-report.guard_band, report.guard_band):
        figure.add_hline(y=bound, line={"color": BOUND, "width": 1, "dash": "dash"})
    figure.add_scatter(
        x=[None],
        y=[None],
        name="Governed band",
        mode="lines",
        line={"color": BOUND, "width": 1, "dash": "dash"},
    )
    figure.update_yaxes(range=_delta_range(report))
    return figure


def mirror_figure(report: ReplayReport) -> go.Figure:
    """Draw the book's delta and the hedge that is meant to cancel it."""
    figure = _figure(f"Delta, {report.underlying}")
    times = _times(report.steps)
    figure.add_scatter(
        x=times, y=[step.book_delta for step in report.steps], name="Book", line={"color": BOOK_ALONE, "width": 1.8}
    )
    figure.add_scatter(
        x=times,
        y=[step.hedge_size for step in report.steps],
        name="Hedge",
        line={"color": HEDGED, "width": 1.8, "shape": "hv"},
    )
    figure.add_scatter(
        x=times,
        y=[step.net_delta_after for step in report.steps],
        name="Both together",
        line={"color": INK, "width": 1.2},
    )
    return figure


def pnl_figure(report: ReplayReport) -> go.Figure:
    """Draw the P&L of the book alone and of the book with its hedge."""
    figure = _figure("P&L since the start, USD")
    times = _times(report.steps)
    figure.add_scatter(
        x=times,
        y=[step.pnl_unhedged_usd for step in report.steps],
        name="Book alone",
        line={"color": BOOK_ALONE, "width": 1.8},
    )
    figure.add_scatter(
        x=times,
        y=[step.pnl_hedged_usd for step in report.steps],
        name="Book with hedge, after all costs",
        line={"color": HEDGED, "width": 2.2},
    )
    figure.update_yaxes(tickformat="$,.0f", zeroline=True, zerolinecolor=MUTED)
    return figure


def hourly_figure(report: ReplayReport) -> go.Figure:
    """Draw each hour's gain or loss, without and with the hedge."""
    figure = _figure(f"Gain or loss of each {duration(max(report.interval_seconds, SECONDS_PER_HOUR))}, USD")
    times = _times(report.steps)[:: hourly_stride(report.interval_seconds)][1:]
    for name, colour, pnl_usd in (
        ("Book alone", BOOK_ALONE, [step.pnl_unhedged_usd for step in report.steps]),
        ("Book with hedge", HEDGED, [step.pnl_hedged_usd for step in report.steps]),
    ):
        changes = hourly_changes(np.array(pnl_usd), report.interval_seconds)
        figure.add_bar(x=times, y=changes, name=name, marker={"color": colour, "line": {"width": 0}})
    figure.update_layout(barmode="overlay", bargap=0.1)
    figure.update_yaxes(tickformat="$,.0f", zeroline=True, zerolinecolor=MUTED)
    return figure


def cost_figure(report: ReplayReport) -> go.Figure:
    """Draw what hedging cost: the four parts in total, and as they built up."""
    figure = make_subplots(cols=2, column_widths=[0.3, 0.7], horizontal_spacing=0.1)
    times = _times(report.steps)
    for name, colour in COSTS.items():
        path = [_cost_part(step.costs, name) for step in report.steps]
        total_usd = _cost_part(report.summary.costs, name)
        figure.add_bar(
            x=[name],
            y=[total_usd],
            marker={"color": colour},
            showlegend=False,
            text=money(total_usd),
            textposition="outside",
            cliponaxis=False,
            row=1,
            col=1,
        )
        figure.add_scatter(x=times, y=path, name=name, line={"color": colour, "width": 2}, row=1, col=2)
    _style(figure)
    figure.update_yaxes(tickformat="$,.0f", zeroline=True, zerolinecolor=MUTED)
    figure.update_yaxes(title={"text": "Cost since the start, USD"}, col=1)
    figure.update_xaxes(showticklabels=False, col=1)
    return figure


def _figure(y_title: str) -> go.Figure:
    figure = go.Figure()
    _style(figure)
    figure.update_yaxes(title={"text": y_title})
    return figure


def _style(figure: go.Figure) -> None:
    figure.update_layout(
        template="none",
        height=_HEIGHT_PX,
        margin={"l": 80, "r": 24, "t": 16, "b": 40},
        font={"family": "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif", "size": 13, "color": INK},
        legend={"orientation": "h", "y": -0.14, "x": 0},
        hovermode="x unified",
        plot_bgcolor="white",
        paper_bgcolor="white",
    )
    figure.update_xaxes(gridcolor=GRID, linecolor=GRID, tickfont={"color": MUTED})
    figure.update_yaxes(gridcolor=GRID, linecolor=GRID, tickfont={"color": MUTED}, zerolinecolor=GRID)
    figure.update_yaxes(title={"font": {"size": 13, "color": MUTED}})


def _times(steps: list[StepRecord] | tuple[StepRecord, ...]) -> list[datetime]:
    return [datetime.fromtimestamp(step.unix, tz=UTC).replace(tzinfo=None) for step in steps]


def _before_and_after(steps: tuple[StepRecord, ...]) -> tuple[list[datetime], list[float]]:
    """Give a hedged step two points at one instant, so that the trade is a vertical stroke."""
    times: list[datetime] = []
    deltas: list[float] = []
    for step, instant in zip(steps, _times(steps), strict=True):
        times.append(instant)
        deltas.append(step.net_delta)
        if step.action is StepAction.HEDGED:
            times.append(instant)
            deltas.append(step.net_delta_after)
    return times, deltas


def _delta_range(report: ReplayReport) -> list[float]:
    """Leave the first trade, which builds the whole hedge, off the scale: it would flatten everything after it."""
    later = [abs(step.net_delta) for step in report.steps[1:]]
    widest = 1.15 * max([report.guard_band, *later])
    return [-widest, widest]


def _cost_part(costs: HedgingCosts, name: str) -> float:
    return {
        "Venue fee": costs.fee_usd,
        "Slippage": costs.slippage_usd,
        "Funding": costs.funding_usd,
        "Gas": costs.gas_usd,
    }[name]
