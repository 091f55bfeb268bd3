"""The pictures of a replay, one function each; amber is the book alone, blue is the book with its hedge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np

from agent.extras import extra
from agent.report.effectiveness import hourly_changes, hourly_stride
from agent.report.figure_style import (
    BAND,
    BOOK_ALONE,
    BOUND,
    COSTS,
    HEDGED,
    INK,
    mark_expiries,
    moments,
    scale_y,
    time_figure,
)
from agent.report.formatting import money, signed
from agent.report.replay_report import HedgingCosts, ReplayReport, StepAction, StepRecord

with extra("report", "The HTML report"):
    import plotly.graph_objects as go

_NEAR_RATIO = 0.05
"""Strikes this close to the path are drawn."""


def price_figure(report: ReplayReport) -> go.Figure:
    """Draw the price path, the strikes it is measured against, each rebalance and each refusal."""
    figure = time_figure(report, f"{report.underlying} price, USD")
    prices = [step.price_usd for step in report.steps]
    figure.add_scatter(x=_times(report.steps), y=prices, name="Oracle price", line={"color": INK, "width": 1.6})
    hedges = [step for step in report.steps if step.action is StepAction.HEDGED]
    figure.add_scatter(
        x=_times(hedges),
        y=[step.price_usd for step in hedges],
        name="Rebalance",
        mode="markers",
        marker={"color": HEDGED, "size": 6, "line": {"color": "white", "width": 1}},
    )
    _mark_refusals(figure, report, lambda step: step.price_usd)
    low, high = min(prices), max(prices)
    strikes = sorted({leg.strike_usd for leg in report.book.options})
    near = [strike for strike in strikes if (1 - _NEAR_RATIO) * low <= strike <= (1 + _NEAR_RATIO) * high]
    for strike_usd in near:
        figure.add_hline(
            y=strike_usd,
            line={"color": BOOK_ALONE, "width": 1, "dash": "dot"},
            annotation={"text": f"strike {signed(strike_usd, 0)}", "font": {"color": BOOK_ALONE, "size": 12}},
            annotation_position="top right",
        )
    scale_y(figure, [*prices, *near])
    mark_expiries(figure, report)
    return figure


def net_delta_figure(report: ReplayReport) -> go.Figure:
    """Draw the net delta against the policy's band and the chain's bound, with each rebalance as an arrowhead."""
    figure = time_figure(report, f"Net delta, {report.underlying}")
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
    _mark_refusals(figure, report, lambda step: step.net_delta_after)
    _draw_governed_band(figure, report)
    figure.update_yaxes(range=_delta_range(report))
    scale_y(figure, _delta_range(report))
    mark_expiries(figure, report)
    return figure


def mirror_figure(report: ReplayReport) -> go.Figure:
    """Draw the book's delta and the hedge that is meant to cancel it."""
    figure = time_figure(report, f"Delta, {report.underlying}")
    lines = {
        "Book": ([step.book_delta for step in report.steps], {"color": BOOK_ALONE, "width": 1.8}),
        "Hedge": ([step.hedge_size for step in report.steps], {"color": HEDGED, "width": 1.8, "shape": "hv"}),
        "Both together": ([step.net_delta_after for step in report.steps], {"color": INK, "width": 1.2}),
    }
    for name, (deltas, line) in lines.items():
        figure.add_scatter(x=_times(report.steps), y=deltas, name=name, line=line)
    scale_y(figure, [delta for deltas, _ in lines.values() for delta in deltas], has_zero=True)
    mark_expiries(figure, report)
    return figure


def pnl_figure(report: ReplayReport) -> go.Figure:
    """Draw the P&L of the book alone and of the book with its hedge."""
    figure = time_figure(report, "P&L since the start, USD")
    times = moments(mark.unix for mark in report.marks)
    alone = [*(step.pnl_unhedged_usd for step in report.steps), report.summary.pnl_unhedged_usd]
    hedged = [*(step.pnl_hedged_usd for step in report.steps), report.summary.pnl_hedged_usd]
    figure.add_scatter(x=times, y=alone, name="Book alone", line={"color": BOOK_ALONE, "width": 1.8})
    line = {"color": HEDGED, "width": 2.2}
    figure.add_scatter(x=times, y=hedged, name="Book with hedge, after all costs", line=line)
    scale_y(figure, [*alone, *hedged], "$", has_zero=True)
    mark_expiries(figure, report)
    return figure


def hourly_figure(report: ReplayReport) -> go.Figure:
    """Draw each hour's gain or loss, without and with the hedge."""
    figure = time_figure(report, "Gain or loss, USD")
    times = _times(report.steps)[:: hourly_stride(report.interval_seconds)][1:]
    seen: list[float] = []
    for name, colour, pnl_usd in (
        ("Book alone", BOOK_ALONE, [step.pnl_unhedged_usd for step in report.steps]),
        ("Book with hedge", HEDGED, [step.pnl_hedged_usd for step in report.steps]),
    ):
        changes = hourly_changes(np.array(pnl_usd), report.interval_seconds)
        seen += changes.tolist()
        figure.add_bar(x=times, y=changes, name=name, marker={"color": colour, "line": {"width": 0}})
    figure.update_layout(barmode="overlay", bargap=0.1)
    scale_y(figure, seen, "$", has_zero=True)
    return figure


def cost_figure(report: ReplayReport) -> go.Figure:
    """Draw what hedging cost as it built up, each part with its total."""
    figure = time_figure(report, "Cost since the start, USD")
    times = moments(mark.unix for mark in report.marks)
    seen: list[float] = []
    for name, colour in COSTS.items():
        total_usd = _cost_part(report.summary.costs, name)
        path = [*(_cost_part(step.costs, name) for step in report.steps), total_usd]
        seen += path
        line = {"color": colour, "width": 2, "shape": "hv"}
        figure.add_scatter(x=times, y=path, name=f"{name} {money(total_usd)}", line=line)
    scale_y(figure, seen, "$", has_zero=True)
    return figure


def _times(steps: list[StepRecord] | tuple[StepRecord, ...]) -> list[datetime]:
    return moments(step.unix for step in steps)


def _mark_refusals(figure: go.Figure, report: ReplayReport, height: Callable[[StepRecord], float]) -> None:
    """Mark what was sent and refused, and what a bound kept from being sent; nothing where nothing was."""
    kinds = {
        "Refused on chain": ("x", [step for step in report.steps if step.action is StepAction.REJECTED]),
        "Held back by a bound": (
            "circle-open",
            [step for step in report.steps if step.action is StepAction.HOLD and step.guard_error is not None],
        ),
    }
    for name, (symbol, steps) in kinds.items():
        if steps:
            figure.add_scatter(
                x=_times(steps),
                y=[height(step) for step in steps],
                name=name,
                mode="markers",
                marker={"symbol": symbol, "color": BOUND, "size": 8},
                text=[step.guard_error or "" for step in steps],
                hovertemplate="%{text}<extra>" + name + "</extra>",
                showlegend=True,
            )


def _draw_governed_band(figure: go.Figure, report: ReplayReport) -> None:
    """Draw the band in force at each step on both sides of zero."""
    line = {"color": BOUND, "width": 1, "dash": "dash"}
    for sign in (-1.0, 1.0):
        bounds = [sign * step.governed_band for step in report.steps]
        name = "Governed band"
        figure.add_scatter(
            x=_times(report.steps), y=bounds, name=name, line=line, showlegend=sign > 0, hoverinfo="skip"
        )


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
    widest = 1.15 * max([*(step.governed_band for step in report.steps), *later])
    return [-widest, widest]


def _cost_part(costs: HedgingCosts, name: str) -> float:
    return {
        "Venue fee": costs.fee_usd,
        "Slippage": costs.slippage_usd,
        "Funding": costs.funding_usd,
        "Gas": costs.gas_usd,
    }[name]
