"""Gas at other prices, against multiplications by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.report.gas import GAS_PRICES_GWEI, gas_use
from agent.report.gas_section import gas_section
from agent.report.replay_report import HedgingCosts, Trade
from tests.support.synthetic_replay import synthetic_report


@pytest.fixture
def report():
    """1.5 million units at 20 gwei and ETH at $3,000, then 0.5 million at 4 gwei and $2,000; $6 of other costs."""
    template = synthetic_report(2)
    trades = (
        Trade(1.0, 3_000.0, 3.0, 1.0, 1_500_000, 90.0, 3_000.0),
        Trade(-1.0, 2_000.0, 2.0, 0.0, 500_000, 4.0, 2_000.0),
    )
    steps = tuple(replace(step, trade=trade) for step, trade in zip(template.steps, trades, strict=True))
    return replace(template, steps=steps, summary=replace(template.summary, costs=HedgingCosts(5.0, 1.0, 0.0, 94.0)))


def test_gas_use__as_replayed__is_what_was_paid(report):
    found = gas_use(report)
    assert found.units == 2_000_000
    assert found.as_replayed.gas_usd == 94.0
    assert found.as_replayed.total_usd == 100.0
    assert found.as_replayed.share == pytest.approx(0.94)
    # 94 USD over 1.5e6 x 3,000 + 0.5e6 x 2,000 coin dollars a gwei-billionth
    assert found.as_replayed.gas_price_gwei == pytest.approx(94.0 / 5.5)


@pytest.mark.parametrize(("gwei", "gas_usd"), [(0.02, 0.11), (2.0, 11.0), (20.0, 110.0), (100.0, 550.0)])
def test_gas_use__at_another_price__is_units_times_price(report, gwei, gas_usd):
    cost = next(cost for cost in gas_use(report).at_other_prices if cost.gas_price_gwei == gwei)
    assert cost.gas_usd == pytest.approx(gas_usd)
    assert cost.total_usd == pytest.approx(6.0 + gas_usd)
    assert cost.share == pytest.approx(gas_usd / (6.0 + gas_usd))
    assert len(GAS_PRICES_GWEI) == 4


def test_gas_use__funding_earned_more_than_all_else__has_no_share(report):
    earned = replace(report.summary, costs=HedgingCosts(5.0, 1.0, -500.0, 94.0))
    assert gas_use(replace(report, summary=earned)).as_replayed.share is None


def test_gas_section__table__every_price_with_its_share(report):
    page = gas_section(report)
    assert "burnt 2,000,000 units" in page
    assert '<td>as replayed, 17.09 gwei</td><td class="number">$94.00</td>' in page
    assert '<td>100 gwei</td><td class="number">$550</td><td class="number">$556</td>' in page
    assert "<td>0.02 gwei</td>" in page


def test_gas_section__nothing_sent__says_so(report):
    idle = replace(report, steps=tuple(replace(step, trade=None) for step in report.steps))
    assert "paid no gas" in gas_section(idle)
