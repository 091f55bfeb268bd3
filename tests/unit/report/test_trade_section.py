"""The table of trades has every transaction with its own figures, and the JSON the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.report.formatting import MINUS
from agent.report.replay_report import Trade
from agent.report.trade_section import trade_section
from agent.report.trades import trades_document
from tests.support.synthetic_replay import synthetic_report

SOLD = Trade(-4.0, 2_990.5, 11.5, 38.0, 1_500_000, 94.5, 3_000.0)
REVERTED = Trade(0.0, None, 0.0, 0.0, 200_000, 12.6, 3_000.0)


@pytest.fixture
def report():
    template = synthetic_report(3)
    changes = [
        {"trade": SOLD, "worst_before": 7.25, "worst_after": 3.5, "reason": "net delta is outside; <sell> 4"},
        {"trade": None},
        {"trade": REVERTED, "worst_before": 6.0, "worst_after": 6.0},
    ]
    steps = tuple(replace(step, **own) for step, own in zip(template.steps, changes, strict=True))
    return replace(template, steps=steps)


def test_trade_section__each_transaction__one_row_with_its_figures(report):
    page = trade_section(report)
    assert page.count("<tr>") == 3
    row = [f"{MINUS}4.00", "$2,990.50", "$49.50", "$94.50", "7.25", "3.50"]
    cells = "".join(f'<td class="number">{cell}</td>' for cell in row)
    told = '<td class="words">net delta is outside; &lt;sell&gt; 4</td>'
    assert f"<td>2024-08-01 00:00</td>{cells}{told}" in page


def test_trade_section__reverted__has_no_price_and_its_gas(report):
    assert '<td class="number">0</td><td class="number"></td><td class="number">$0.00</td>' in trade_section(report)
    assert "$12.60" in trade_section(report)


def test_trade_section__nothing_sent__says_so():
    template = synthetic_report(3)
    idle = replace(template, steps=tuple(replace(step, trade=None) for step in template.steps))
    assert "sent no transaction" in trade_section(idle)


def test_trades_document__sums__are_the_costs_of_the_replay():
    report = synthetic_report()
    trades = trades_document(report)
    assert sum(trade["fee_usd"] for trade in trades) == pytest.approx(report.summary.costs.fee_usd)
    assert sum(trade["slippage_usd"] for trade in trades) == pytest.approx(report.summary.costs.slippage_usd)
    assert sum(trade["gas_usd"] for trade in trades) == pytest.approx(report.summary.costs.gas_usd)
    assert sum(abs(trade["size_delta"]) for trade in trades) > 50


def test_trades_document__order_and_reason__those_of_the_steps(report):
    first, second = trades_document(report)
    assert (first["unix"], second["unix"]) == (report.steps[0].unix, report.steps[2].unix)
    assert first["reason"] == "net delta is outside; <sell> 4"
    assert second["price_usd"] is None
