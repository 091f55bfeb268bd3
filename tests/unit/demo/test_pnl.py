"""Every dollar of the hedge's P&L is a move of the price or one of four costs."""

from __future__ import annotations

import pytest

from agent.demo.pnl import Execution, PnlAccount
from agent.domain import Book, HoldingLeg

BOOK = Book("ETH", (HoldingLeg(-10.0, "short"),))


@pytest.fixture
def account():
    return PnlAccount(BOOK, 3000.0, 0, 400_000.0)


def test_account__no_hedge__hedged_is_unhedged(account):
    pnl = account.observe(3100.0, 300, 400_000.0, 0.0)
    assert (pnl.unhedged_usd, pnl.hedged_usd) == (-1000.0, -1000.0)
    assert pnl.costs.total_usd == 0


def test_account__perfect_hedge__only_costs_remain(account):
    account.observe(3000.0, 0, 400_000.0, 0.0)
    account.pay([Execution(10.0, 3006.0, 30.06)], gas_usd=2.0)
    nav_usd = 400_000.0 + 10.0 * (3100.0 - 3006.0) - 30.06 - 5.0  # 5 USD of funding paid on the way
    pnl = account.observe(3100.0, 300, nav_usd, 10.0)

    assert pnl.unhedged_usd == -1000.0
    assert pnl.hedged_usd == pytest.approx(-60.0 - 30.06 - 5.0 - 2.0)
    assert pnl.costs.fee_usd == pytest.approx(30.06)
    assert pnl.costs.slippage_usd == pytest.approx(60.0)
    assert pnl.costs.funding_usd == pytest.approx(5.0)
    assert pnl.costs.gas_usd == 2.0
    assert pnl.hedged_usd == pytest.approx(pnl.unhedged_usd + 1000.0 - pnl.costs.total_usd)


def test_account__sale_below_the_oracle__costs_too(account):
    account.observe(3000.0, 0, 400_000.0, 10.0)
    account.pay([Execution(-4.0, 2990.0, 11.96), Execution(-1.0, 2985.0, 2.985)], gas_usd=0.0)
    pnl = account.observe(3000.0, 300, 400_000.0 - 40.0 - 15.0 - 14.945, 5.0)
    assert pnl.costs.slippage_usd == pytest.approx(55.0)
    assert pnl.costs.funding_usd == pytest.approx(0.0, abs=1e-9)
    assert account.turnover_usd == pytest.approx(4 * 2990 + 2985)


def test_account__execution_better_than_the_oracle__negative_slippage(account):
    account.pay([Execution(10.0, 2990.0, 0.0)], gas_usd=0.0)
    assert account.observe(3000.0, 300, 400_100.0, 10.0).costs.slippage_usd == pytest.approx(-100.0)


def test_account__funding_received__negative_cost_and_higher_pnl(account):
    account.observe(3000.0, 0, 400_000.0, 10.0)
    pnl = account.observe(3000.0, 300, 400_007.0, 10.0)
    assert pnl.costs.funding_usd == pytest.approx(-7.0)
    assert pnl.hedged_usd == pytest.approx(7.0)
