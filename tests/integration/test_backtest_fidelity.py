"""A backtest against the full replay: the same generated paths over the local chain's real contracts."""

from __future__ import annotations

import numpy as np
import pytest

from agent.backtest.pool_market import History
from agent.settings import config_path, load_settings
from agent.study.case import run as run_case
from agent.study.replay_report import backtest_report
from benchmarks.backtest_fidelity import chain_report, day_scenario, unseen_scenario
from benchmarks.vault_world import VaultWeek, local_settings

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


def test_run__path_nothing_was_fitted_to__is_the_local_chains_trade_by_trade(tmp_path):
    """A fifth up and down twice a day: whole cost, effectiveness, and each rebalance's gas, are within 1 %."""
    name, scenario = unseen_scenario()
    on_chain = chain_report(scenario, tmp_path)
    case = VaultWeek(name, scenario.prices, scenario.book).case(local_settings(), 20.0)
    without = backtest_report(scenario, case.settings, case.history)
    ours, theirs = ([step.trade for step in report.steps if step.trade is not None] for report in (without, on_chain))
    assert [trade.gas_units for trade in ours] == pytest.approx([trade.gas_units for trade in theirs], rel=0.01)
    assert [trade.gas_usd for trade in ours] == pytest.approx([trade.gas_usd for trade in theirs], rel=0.01)
    outcome = run_case(case)
    assert outcome.cost_usd == pytest.approx(on_chain.summary.costs.total_usd, rel=0.01)
    assert outcome.effectiveness == pytest.approx(on_chain.summary.effectiveness, abs=0.005)
