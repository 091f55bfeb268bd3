"""A backtest against the full replay: the same generated day over the local chain's real contracts."""

from __future__ import annotations

import numpy as np
import pytest

from agent.backtest.pool_market import History
from agent.settings import config_path, load_settings
from agent.study.replay_report import backtest_report
from benchmarks.backtest_fidelity import chain_report, day_scenario

pytestmark = pytest.mark.chain


def test_backtest_report__generated_day__is_the_local_chains(tmp_path):
    """Cost within 1 %, effectiveness within .005, and the same trades at the same steps."""
    scenario = day_scenario()
    on_chain = chain_report(scenario, tmp_path)
    settings = load_settings(config_path("localnet"), {})
    without = backtest_report(scenario, settings, History(np.full(len(scenario.prices), 20.0)))
    for ours, theirs in zip(without.steps, on_chain.steps, strict=True):
        assert ours.action is theirs.action
        assert ours.hedge_size_delta == pytest.approx(theirs.hedge_size_delta, abs=0.05)
        assert ours.worst_after == pytest.approx(theirs.worst_after, abs=0.05)
    ours, theirs = without.summary, on_chain.summary
    assert ours.costs.total_usd == pytest.approx(theirs.costs.total_usd, rel=0.01)
    assert ours.effectiveness == pytest.approx(theirs.effectiveness, abs=0.005)
    assert ours.vault_nav_usd == pytest.approx(theirs.vault_nav_usd, rel=1e-4)
    for part in ("fee_usd", "slippage_usd"):
        assert getattr(ours.costs, part) == pytest.approx(getattr(theirs.costs, part), rel=0.02)
