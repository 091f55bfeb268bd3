"""The worst of margin: which way is worse, when it was, and what there is where there is no position."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.report.margin_section import distance_figure, leverage_figure, margin_section
from agent.report.margin_use import Worst, worst_margin
from agent.report.replay_report import MarginUse
from tests.support.synthetic_replay import START_UNIX, synthetic_report

FLAT = MarginUse(400_000.0, 0.0, 0.0, 0.0, None, None)


def report_of(*margins):
    template = synthetic_report(len(margins))
    steps = tuple(replace(step, margin=own) for step, own in zip(template.steps, margins, strict=True))
    return replace(template, steps=steps)


@pytest.fixture(scope="module")
def report():
    return report_of(
        FLAT,
        MarginUse(400_000.0, 100_000.0, 200_000.0, 0.5, 2.0, 0.45),
        MarginUse(390_000.0, 78_000.0, 210_000.0, 0.54, 2.7, 0.31),
        MarginUse(395_000.0, 90_000.0, 205_000.0, 0.52, 2.3, 0.4),
    )


def test_worst_margin__ratios__highest_leverage_and_least_distance(report):
    found, then = worst_margin(report), START_UNIX + 600
    assert found.leverage == Worst(0.54, then, 0.52)
    assert found.venue_leverage == Worst(2.7, then, 2.3)
    assert found.liquidation_distance == Worst(0.31, then, 0.4)
    assert found.idle_share.figure == pytest.approx(0.75)
    assert found.idle_share.unix == START_UNIX + 300


def test_worst_margin__never_a_position__has_no_distance():
    found = worst_margin(report_of(FLAT, FLAT))
    assert found.venue_leverage == found.liquidation_distance == Worst(None, None, None)
    assert found.leverage.figure == 0.0
    assert "never a position" in margin_section(report_of(FLAT, FLAT))


def test_margin_section__table__says_when(report):
    page = margin_section(report).replace("\u00a0", " ")
    assert '<td>Liquidation distance</td><td class="number">31.0 %</td><td class="number">2024-08-01 00:10</td>' in page
    assert '<td class="number">2.70x</td>' in page


def test_margin_figures__lines__are_the_steps_own(report):
    ratios = {trace.name: list(trace.y) for trace in leverage_figure(report).data}
    assert ratios == {"Vault": [0.0, 0.5, 0.54, 0.52], "Most loaded venue": [None, 2.0, 2.7, 2.3]}
    (distance,) = distance_figure(report).data
    assert distance.y[0] is None
    assert list(distance.y[1:]) == pytest.approx([45.0, 31.0, 40.0])
