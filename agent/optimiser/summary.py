"""A plan in one sentence a desk can act on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.formatting import figure, usd_text
from agent.numerics.arrays import FloatArray
from agent.optimiser.covariance import FactorCovariance
from agent.optimiser.factors import FACTOR_NAMES
from agent.optimiser.instruments import Instrument
from agent.optimiser.result import Plan, PlanCosts, PlanTrade

_SHOWN_TRADES = 6
_LEAST_SHARE = 0.005
"""A trade that takes off less than this of every factor only balances the others."""


def reason_of(plan: Plan, instruments: Sequence[Instrument], covariance: FactorCovariance) -> str:
    """Say what to trade at what price and why, what it costs, what risk is left, and what stood in the way."""
    bounds = f"; bound by {', '.join(plan.binding)}" if plan.binding else ""
    if not plan.trades:
        return f"hold: no trade is worth its cost at a risk of {usd_text(plan.stdev_before_usd)} USD{bounds}"
    by_name = {instrument.name: instrument for instrument in instruments}
    traded = [by_name[trade.instrument] for trade in plan.trades]
    risks_usd = np.abs(np.array(plan.before)) * np.sqrt(np.diag(covariance.matrix))
    shares = _removed_shares(plan, traded)
    explained = [
        _explained(trade, instrument, share, risks_usd)
        for trade, instrument, share in zip(plan.trades, traded, shares, strict=True)
    ]
    explained.sort(key=lambda pair: -pair[0])
    texts = [text for _, text in explained[:_SHOWN_TRADES]]
    if len(explained) > _SHOWN_TRADES:
        texts.append(f"and {len(explained) - _SHOWN_TRADES} smaller trades")
    removed = 1.0 - plan.stdev_after_usd / plan.stdev_before_usd if plan.stdev_before_usd > 0.0 else 0.0
    period = f"{plan.horizon_days:g} day{'' if plan.horizon_days == 1.0 else 's'}"
    change = figure(-100.0 * removed, 0, least_digits=1, digits=1, plus=True)
    stdevs = f"{usd_text(plan.stdev_before_usd)} -> {usd_text(plan.stdev_after_usd)} USD ({change}%)"
    risk = f"risk over {period}: {stdevs}"
    return f"{'; '.join(texts)}; {risk} for {cost_text(plan.costs)}{bounds}"


def cost_text(costs: PlanCosts) -> str:
    """Write the total and its parts that are not 0."""
    names = ("fee", "impact", "funding", "venue premium", "gas")
    parts = [f"{name} {usd_text(cost, 2)}" for name, cost in zip(names, costs, strict=True) if cost != 0.0]
    return f"{usd_text(costs.total_usd, 2)} USD" + (f" ({', '.join(parts)})" if parts else "")


def _removed_shares(plan: Plan, traded: Sequence[Instrument]) -> FloatArray:
    """Return what part of each factor each trade takes off the book, shape (trades, factors).

    What is off a factor in the end is shared out among the trades against it by their size in it.
    """
    own, left = np.array(plan.before), np.array(plan.after)
    sizes = np.array([trade.size for trade in plan.trades])
    against = np.maximum(-np.sign(own) * sizes[:, None] * np.array([one.factors for one in traded]), 0.0)
    off = np.maximum(np.abs(own) - np.abs(left), 0.0)
    whole = np.abs(own) * against.sum(axis=0)
    shares: FloatArray = np.divide(against * off, whole, out=np.zeros_like(against), where=whole > 0.0)
    return shares


def _explained(trade: PlanTrade, instrument: Instrument, share: FloatArray, risks_usd: FloatArray) -> tuple[float, str]:
    """Return the most risk a trade takes off in one factor, USD, and the trade in words."""
    main = int(np.argmax(share * risks_usd))
    verb = "buy" if trade.size > 0.0 else "sell"
    decimals = 4 if instrument.quote_currency_usd != 1.0 else 2
    price = trade.price_usd / instrument.quote_currency_usd
    size = figure(abs(trade.size), 0, least_digits=6, digits=6)
    text = f"{verb} {size} {trade.instrument} at {figure(price, decimals)}"
    if share[main] < _LEAST_SHARE:
        return 0.0, f"{text} (balances the others)"
    return float(share[main] * risks_usd[main]), f"{text} (removes {share[main]:.0%} of {FACTOR_NAMES[main]} risk)"
