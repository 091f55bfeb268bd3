"""A plan in one sentence a desk can act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from agent.policy.programme.covariance import FactorCovariance
from agent.policy.programme.factors import FACTOR_NAMES
from agent.policy.programme.instruments import Instrument
from agent.policy.programme.record import CostSplit, Plan, Trade

_SHOWN_TRADES = 6
_LEAST_SHARE = 0.005
"""A trade that takes off less than this of every factor only balances the others."""


def reason_of(plan: Plan, instruments: Sequence[Instrument], covariance: FactorCovariance) -> str:
    """Say what to trade at what price and why, what it costs, what risk is left, and what stood in the way."""
    by_name = {instrument.name: instrument for instrument in instruments}
    bounds = f"; bound by {', '.join(plan.binding)}" if plan.binding else ""
    if not plan.trades:
        return f"hold: no trade is worth its cost at a risk of {plan.stdev_before_usd:,.0f} USD{bounds}"
    explained = [_explained(trade, by_name, plan, covariance) for trade in plan.trades]
    explained.sort(key=lambda pair: -pair[0])
    texts = [text for _, text in explained[:_SHOWN_TRADES]]
    if len(explained) > _SHOWN_TRADES:
        texts.append(f"and {len(explained) - _SHOWN_TRADES} smaller trades")
    removed = 1.0 - plan.stdev_after_usd / plan.stdev_before_usd if plan.stdev_before_usd > 0.0 else 0.0
    period = f"{plan.horizon_days:g} day{'' if plan.horizon_days == 1.0 else 's'}"
    risk = f"risk over {period}: {plan.stdev_before_usd:,.0f} -> {plan.stdev_after_usd:,.0f} USD ({-removed:+.0%})"
    return f"{'; '.join(texts)}; {risk} for {cost_text(plan.costs)}{bounds}"


def cost_text(costs: CostSplit) -> str:
    """Write the total and its parts that are not 0."""
    names = ("fee", "impact", "funding", "venue premium", "gas")
    parts = [f"{name} {cost:,.2f}" for name, cost in zip(names, costs, strict=True) if cost != 0.0]
    return f"{costs.total_usd:,.2f} USD" + (f" ({', '.join(parts)})" if parts else "")


def _explained(
    trade: Trade, by_name: Mapping[str, Instrument], plan: Plan, covariance: FactorCovariance
) -> tuple[float, str]:
    """Return how much risk of the book a trade offsets in the factor it offsets most, USD, and the trade in words."""
    instrument = by_name[trade.instrument]
    own, deviations = np.array(plan.before), np.sqrt(np.diag(covariance.matrix))
    offset = -np.sign(own) * trade.size * np.array(instrument.factors)
    taken = np.minimum(offset, np.abs(own)) * deviations
    main = int(np.argmax(taken))
    verb = "buy" if trade.size > 0.0 else "sell"
    price = trade.price_usd / instrument.quote_currency_usd
    digits = 4 if instrument.quote_currency_usd != 1.0 else 2
    text = f"{verb} {abs(trade.size):.6g} {trade.instrument} at {price:,.{digits}f}"
    share = float(taken[main] / (abs(own[main]) * deviations[main])) if taken[main] > 0.0 else 0.0
    if share < _LEAST_SHARE:
        return 0.0, f"{text} (balances the others)"
    return float(taken[main]), f"{text} (removes {share:.0%} of {FACTOR_NAMES[main]} risk)"
