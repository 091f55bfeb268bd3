"""What gas was of the cost, and what the same trades would have cost at other gas prices."""

from __future__ import annotations

from dataclasses import dataclass

from agent.report.replay_report import ReplayReport
from agent.units import WEI_PER_GWEI

GAS_PRICES_GWEI = (0.02, 2.0, 20.0, 100.0)
"""A rollup, a quiet and a usual day of the main chain, and a crowded one."""
_GWEI_PER_COIN = float(WEI_PER_GWEI)


@dataclass(frozen=True, slots=True)
class GasCost:
    """Cost of all trades at one gas price, USD; ``share`` is None where they cost nothing, or earned more."""

    gas_price_gwei: float
    gas_usd: float
    total_usd: float
    share: float | None


@dataclass(frozen=True, slots=True)
class GasUse:
    """Gas of a replay: what was burnt and paid, and the same trades at other gas prices."""

    units: int
    as_replayed: GasCost | None
    """None where no transaction was sent."""
    at_other_prices: tuple[GasCost, ...]


def gas_use(report: ReplayReport) -> GasUse:
    """Return the gas of a replay: units x gas price x the coin's price at each trade's own time.

    The trades are held as they were. A keeper at another gas price would have chosen others: its band widens with gas.
    """
    trades = [step.trade for step in report.steps if step.trade is not None]
    others_usd = report.summary.costs.total_usd - report.summary.costs.gas_usd
    coin_usd = sum(trade.gas_units * trade.gas_token_usd for trade in trades)

    def cost(gwei: float, gas_usd: float) -> GasCost:
        total_usd = others_usd + gas_usd
        return GasCost(gwei, gas_usd, total_usd, gas_usd / total_usd if total_usd > 0.0 else None)

    paid_usd = sum(trade.gas_usd for trade in trades)
    return GasUse(
        units=sum(trade.gas_units for trade in trades),
        as_replayed=cost(paid_usd / coin_usd * _GWEI_PER_COIN, paid_usd) if coin_usd else None,
        at_other_prices=tuple(cost(gwei, coin_usd * gwei / _GWEI_PER_COIN) for gwei in GAS_PRICES_GWEI),
    )
