"""The JSON summary has the promised fields in the promised order, and never a NaN."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from agent.report.replay_report import HedgingCosts
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
]


def test_summary_json__fields__exactly_those_promised():
    summary = replace(synthetic_report(36).summary, costs=HedgingCosts(1.0, 2.0, -3.0, 4.0))
    parsed = json.loads(summary_json(summary))

    assert list(parsed) == FIELDS
    assert parsed["cost_usd"] == {"fee": 1.0, "slippage": 2.0, "funding": -3.0, "gas": 4.0}
    assert parsed["steps"] == 36
    assert parsed["effectiveness"] == summary.effectiveness


def test_summary_json__too_short_for_effectiveness__null():
    assert json.loads(summary_json(synthetic_report(10).summary))["effectiveness"] is None


def test_summary_json__not_a_number__refused():
    with pytest.raises(ValueError, match="Out of range"):
        summary_json(replace(synthetic_report(36).summary, pnl_hedged_usd=float("nan")))
