"""The JSON summary has the promised fields in the promised order, and never a NaN."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from agent.report.replay_report import HedgingCosts, OutsideReason
from agent.report.summary import summary_json
from tests.support.synthetic_replay import synthetic_report

FIELDS = [
    "steps",
    "rebalances",
    "rejected",
    "effectiveness",
    "pnl_unhedged_usd",
    "pnl_hedged_usd",
    "cost_usd",
    "max_abs_net_delta",
    "band_breaches_after_rebalance",
    "guard_mirror_mismatches",
    "vault_nav_usd",
    "ledger_nav_error_bps",
    "wall_s",
    "p99_decision_ms",
    "turnover_usd",
    "unexplained_usd",
    "ended_early",
    "inputs",
    "attribution_usd",
    "drawdown",
    "hedge_accounting",
    "iv",
    "outside_band",
    "trades",
    "gas",
    "venues",
    "options",
    "margin",
    "expiries",
    "depth",
    "step_records",
]


def test_summary_json__fields__exactly_those_promised():
    report = synthetic_report(36)
    summary = replace(report.summary, costs=HedgingCosts(1.0, 2.0, -3.0, 4.0))
    parsed = json.loads(summary_json(replace(report, summary=summary, ended_early="no depth", inputs={"seed": "4"})))

    assert list(parsed) == FIELDS
    assert parsed["cost_usd"] == {"fee": 1.0, "slippage": 2.0, "funding": -3.0, "gas": 4.0}
    assert parsed["steps"] == 36
    assert parsed["effectiveness"] == summary.effectiveness
    assert parsed["ended_early"] == "no depth"
    assert parsed["inputs"] == {"seed": "4"}
    assert [step["unix"] for step in parsed["step_records"]] == [step.unix for step in report.steps]
    assert parsed["step_records"][-1]["reason"] == report.steps[-1].reason


def test_summary_json__too_short_for_effectiveness__null():
    assert json.loads(summary_json(synthetic_report(10)))["effectiveness"] is None


def test_summary_json__not_a_number__refused():
    report = synthetic_report(36)
    with pytest.raises(ValueError, match="Out of range"):
        summary_json(replace(report, summary=replace(report.summary, wall_s=float("nan"))))


def test_summary_json__every_field__is_described(repository):
    page = (repository / "docs" / "report.md").read_text()
    described = set(re.findall(r"`([a-z0-9_]+)`", page.split("## The JSON")[1]))
    assert [field for field in FIELDS if field not in described] == []
    reasons = set(
        re.findall(r"^\| `(\w+)` \|", page.split("## Why it stayed outside")[1].split("## The JSON")[0], re.MULTILINE)
    )
    assert reasons - {"outside_reason"} == {reason.value for reason in OutsideReason}
