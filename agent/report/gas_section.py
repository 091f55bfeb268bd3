"""The part of the page that says what share of the cost gas was, and would have been."""

from __future__ import annotations

from agent.report.formatting import money, percent, signed
from agent.report.gas import GasCost, gas_use
from agent.report.html_parts import paragraph, section, table
from agent.report.replay_report import ReplayReport

_WORDS = (
    "What the very trades of this replay would have cost at other gas prices, with the same fees, impact and funding. "
    "A keeper that pays another price for gas would have chosen other trades: its band widens with it."
)


def gas_section(report: ReplayReport) -> str:
    """Return the section: the gas that was paid, and the same trades at other prices of it."""
    found = gas_use(report)
    if found.as_replayed is None:
        return section("Gas", "", paragraph("The keeper sent no transaction, so it paid no gas."))
    rows = [_row("as replayed, ", found.as_replayed), *(_row("", cost) for cost in found.at_other_prices)]
    burnt = f"The transactions burnt {found.units:,} units of gas."
    return section("Gas", _WORDS, paragraph(burnt), table(("Gas price", "Gas", "All costs", "Gas of it"), rows))


def _row(prefix: str, cost: GasCost) -> tuple[str, ...]:
    share = "" if cost.share is None else percent(cost.share)
    decimals = 2 if cost.gas_price_gwei % 1.0 else 0
    return f"{prefix}{signed(cost.gas_price_gwei, decimals)} gwei", money(cost.gas_usd), money(cost.total_usd), share
