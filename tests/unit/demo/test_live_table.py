"""Whoever watches sees price, net delta, band, action, hedge, P&L, cost and speed, with a terminal or without one."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from agent.demo.live_table import LiveTable
from agent.demo.scenario import seeded_scenario
from agent.report.formatting import MINUS
from agent.report.replay_report import StepAction
from tests.support.synthetic_replay import synthetic_report


def watch(steps, *, is_terminal, width=80):
    output = io.StringIO()
    console = Console(file=output, force_terminal=is_terminal, width=width, height=40, color_system=None)
    with LiveTable(console, seeded_scenario(4, None)) as table:
        with table.phase("stage"):
            pass
        table.begin()
        for step in steps:
            table.step(step)
    return output.getvalue()


@pytest.fixture(scope="module")
def steps():
    return synthetic_report().steps


def test_live_table__terminal_of_80_columns__cuts_nothing(steps):
    last_frame = watch(steps, is_terminal=True).split("288/288 steps")[-1]
    assert "…" not in last_frame
    for header in ("Price", "delta", "Band", "Action", "Hedge", "alone", "hedged", "Cost", "a second"):
        assert header in last_frame
    assert f"{steps[-1].price_usd:,.0f}" in last_frame
    assert "hold" in last_frame


def test_live_table__six_figure_amounts__still_fit(steps):
    last = replace(steps[-1], price_usd=99_999.0, pnl_unhedged_usd=-999_999.0, pnl_hedged_usd=-123_456.0)
    last_frame = watch([*steps[:-1], last], is_terminal=True).split("288/288 steps")[-1]
    assert f"{MINUS}999,999" in last_frame
    assert "99,999" in last_frame
    assert "…" not in last_frame


def test_live_table__trades__only_the_latest_ten_and_rejections_named(steps):
    rejected = replace(steps[-1], action=StepAction.REJECTED)
    last_frame = watch([*steps[:-1], rejected], is_terminal=True).split("288/288 steps")[-1]
    assert "rejected" in last_frame
    assert last_frame.count("buy") + last_frame.count("sell") == 9


def test_live_table__no_terminal__a_line_now_and_then_and_the_last_step(steps):
    lines = watch(steps, is_terminal=False).splitlines()
    assert len(lines) < 20
    assert lines[-1].startswith("  288/288")
    assert "net delta" in lines[-1]
    assert "✓ stage" in lines[2]
