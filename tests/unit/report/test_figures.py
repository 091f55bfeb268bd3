"""The pictures carry the replay's own numbers."""

from __future__ import annotations

from dataclasses import replace

import plotly.graph_objects as go
import pytest

from agent.report import figures
from agent.report.attribution import attribute_replay
from agent.report.attribution_section import attribution_figure, drawdown_figure
from agent.report.figure_style import BOOK_ALONE, BOUND, CAUSES, EXPIRY, HEDGED, INK, scale_y
from agent.report.html import PICTURES
from agent.report.iv_section import iv_figure
from agent.report.margin_section import distance_figure, leverage_figure
from agent.report.replay_report import StepAction
from tests.support.synthetic_replay import BAND, START_UNIX, synthetic_report


@pytest.fixture(scope="module")
def report():
    return synthetic_report()


def trace(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def test_price_figure__dots__at_the_rebalances(report):
    hedged = [step for step in report.steps if step.action is StepAction.HEDGED]
    dots = trace(figures.price_figure(report), "Rebalance")
    assert list(dots.y) == [step.price_usd for step in hedged]
    assert dots.x[0].isoformat() == "2024-08-01T00:00:00"


def test_net_delta_figure__every_rebalance__marked_once_by_side(report):
    figure = figures.net_delta_figure(report)
    hedged = [step for step in report.steps if step.action is StepAction.HEDGED]
    bought, sold = trace(figure, "Bought"), trace(figure, "Sold")
    assert len(bought.x) + len(sold.x) == len(hedged) > 20
    assert [row[0] for row in bought.customdata] == [s.hedge_size_delta for s in hedged if s.hedge_size_delta > 0]
    assert all(row[0] < 0 for row in sold.customdata)
    governed = [trace.y for trace in figure.data if trace.name == "Governed band"]
    assert [set(bounds) for bounds in governed] == [{-BAND}, {BAND}]


def test_net_delta_figure__line__drops_at_each_rebalance(report):
    line = trace(figures.net_delta_figure(report), "Net delta")
    hedges = sum(step.action is StepAction.HEDGED for step in report.steps)
    assert len(line.x) == len(report.steps) + hedges
    assert line.y[0] == report.steps[0].net_delta
    assert line.y[1] == report.steps[0].net_delta_after


def test_hourly_figure__bars__sum_to_the_pnl_of_whole_hours(report):
    figure = figures.hourly_figure(report)
    assert sum(trace(figure, "Book alone").y) == pytest.approx(report.steps[276].pnl_unhedged_usd)
    assert sum(trace(figure, "Book with hedge").y) == pytest.approx(report.steps[276].pnl_hedged_usd)
    assert len(trace(figure, "Book alone").x) == 23


def test_cost_figure__lines__end_at_the_final_split(report):
    ends = {line.name.rsplit(" ", 1)[0]: line.y[-1] for line in figures.cost_figure(report).data}
    costs = report.summary.costs
    assert ends == {
        "Venue fee": costs.fee_usd,
        "Slippage": costs.slippage_usd,
        "Funding": costs.funding_usd,
        "Gas": costs.gas_usd,
    }


def all_figures(report):
    found = attribute_replay(report)
    drawn = [draw(report) for _, _, draw in PICTURES]
    drawn += [attribution_figure(report, found), drawdown_figure(report, found)]
    return [*drawn, leverage_figure(report), distance_figure(report), iv_figure(report)]


def test_figures__all__share_one_time_axis_and_its_place(report):
    drawn = all_figures(report)
    assert len({tuple(figure.layout.xaxis.range) for figure in drawn}) == 1
    assert len({(figure.layout.margin.l, figure.layout.margin.r) for figure in drawn}) == 1
    assert drawn[0].layout.xaxis.range[0].isoformat() == "2024-08-01T00:00:00"


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in channels]
    return sum(weight * level for weight, level in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("paper", ["#ffffff", "#1a222b"])
def test_figures__every_colour__is_seen_on_light_and_dark(paper):
    """WCAG asks 3 : 1 of what is drawn."""
    named = {"ink": INK, "alone": BOOK_ALONE, "hedged": HEDGED, "bound": BOUND, "expiry": EXPIRY, **CAUSES}
    page = luminance(paper)
    contrasts = {name: luminance(colour) for name, colour in named.items()}
    ratios = {name: (max(own, page) + 0.05) / (min(own, page) + 0.05) for name, own in contrasts.items()}
    assert {name: round(ratio, 2) for name, ratio in ratios.items() if ratio < 3.0} == {}


def test_price_figure__refusals__crosses_and_circles_where_they_were(report):
    assert not any(
        trace.name in {"Refused on chain", "Held back by a bound"} for trace in figures.price_figure(report).data
    )
    steps = list(report.steps)
    steps[5] = replace(steps[5], action=StepAction.REJECTED, guard_error="SlippageExceeded")
    steps[7] = replace(steps[7], action=StepAction.HOLD, guard_error="CooldownActive")
    figure = figures.price_figure(replace(report, steps=tuple(steps)))
    refused, held = trace(figure, "Refused on chain"), trace(figure, "Held back by a bound")
    assert (refused.y[0], refused.text[0]) == (steps[5].price_usd, "SlippageExceeded")
    assert (held.y[0], held.text[0]) == (steps[7].price_usd, "CooldownActive")


def test_figures__expiry_inside__is_drawn_on_every_picture_of_the_result(report):
    leg = replace(report.book.options[0], expiry_unix=START_UNIX + 3_600)
    early = replace(report, book=replace(report.book, positions=(leg,)))
    for draw in (figures.price_figure, figures.net_delta_figure, figures.mirror_figure, figures.pnl_figure):
        assert {moment.isoformat() for moment in trace(draw(early), "Expiry").x} == {"2024-08-01T01:00:00"}
    assert not any(trace.name == "Expiry" for trace in figures.price_figure(report).data)


@pytest.mark.parametrize(
    ("numbers", "has_zero", "expected"),
    [
        ([3_000.0, 3_200.0], False, ",.0f"),
        ([3_000.1, 3_000.9], False, ",.1f"),
        ([0.0, 0.04], True, ",.3f"),
        ([3_000.0, 3_000.0], False, ",.1f"),
        ([0.0, 0.0], True, ",.1f"),
    ],
)
def test_scale_y__range__decides_the_decimals(numbers, has_zero, expected):
    figure = go.Figure()
    scale_y(figure, numbers, has_zero=has_zero)
    assert figure.layout.yaxis.tickformat == expected
    low, high = figure.layout.yaxis.range
    assert low < min(numbers) <= max(numbers) < high


def test_attribution_figure__on_a_phone__names_of_all_lines_leave_room_for_them(report):
    """A name below each other takes 20 px; the picture itself is to keep 180, and its title to fit beside it."""
    layout = attribution_figure(report, attribute_replay(report)).layout
    names = len(attribution_figure(report, attribute_replay(report)).data)
    assert layout.height - layout.margin.t - layout.margin.b - 20 * names >= 180
    assert 7 * len(layout.yaxis.title.text) <= 180
    assert layout.xaxis.ticks == "outside"
    assert layout.xaxis.ticklen >= 6


def test_time_axis__on_a_phone__labels_have_room_beside_each_other(report):
    """390 px less the page's 50 and the margins; "May 16" of a week and "12:00" of a day take 48 px."""
    layout = figures.price_figure(report).layout
    width = 390 - 50 - layout.margin.l - layout.margin.r
    assert layout.xaxis.tickangle == 0
    assert 2 <= layout.xaxis.nticks <= width // 48
