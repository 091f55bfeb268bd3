"""The pictures carry the replay's own numbers."""

from __future__ import annotations

import pytest

from agent.report import figures
from agent.report.replay_report import StepAction
from tests.support.synthetic_replay import BAND, synthetic_report


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
    assert sorted(shape.y0 for shape in figure.layout.shapes) == [-BAND, BAND]


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


def test_cost_figure__bars__are_the_final_split(report):
    figure = figures.cost_figure(report)
    bars = {bar.x[0]: bar.y[0] for bar in figure.data if bar.type == "bar"}
    costs = report.summary.costs
    assert bars == {
        "Venue fee": costs.fee_usd,
        "Slippage": costs.slippage_usd,
        "Funding": costs.funding_usd,
        "Gas": costs.gas_usd,
    }
