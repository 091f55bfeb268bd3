"""A plan at the vault's venue of options, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.decision.option_hedge import OptionHedge
from agent.decision.option_view import OptionView
from agent.domain import Target
from agent.optimiser.factors import Factors
from agent.option_venue import OptionOffer, OptionOrder, OptionVenueState
from agent.report.formatting import money, percent, price, signed, utc_minute
from agent.units import from_wad


def option_lines(view: OptionView) -> list[str]:
    """Return what would be traded and what that rests on, for people."""
    lines = [f"Options at {view.venue}: {view.reason}"]
    if view.factors is not None:
        lines.append(f"  Greeks of book, hedge and options held: {_greeks(view.factors)}")
    if view.state is not None:
        lines.append(_caps_line(view.state))
        lines += [line for offer in view.state.offers for line in _offer_lines(offer)]
    return lines if view.hedge is None else lines + _plan_lines(view, view.hedge)


def option_document(view: OptionView) -> dict[str, Any]:
    """Return the same for machines: floats with their unit in the key, exact integers of the orders as text."""
    state, hedge, delta_after = view.state, view.hedge, view.delta_after
    orders = () if hedge is None else hedge.orders
    return {
        "venue": view.venue,
        "reason": view.reason,
        "sells_only": view.sells_only,
        "greeks": None if view.factors is None else _greeks_document(view.factors),
        "greeks_after": None if hedge is None else _greeks_document(hedge.after),
        "caps_left": None if state is None else _caps_document(state),
        "offers": [] if state is None else [_offer_document(offer) for offer in state.offers],
        "orders": [] if state is None else [_order_document(order, state) for order in orders],
        "delta_leg": None if hedge is None or delta_after is None else _delta_document(hedge.after, delta_after),
        "chain_refuses": None if view.refusal is None else str(view.refusal),
    }


def _caps_line(state: OptionVenueState) -> str:
    return (
        f"  Caps leave gamma {from_wad(state.gamma_left):,.4g} for a move of 1 %, vega "
        f"{from_wad(state.vega_left):,.4g} USD per vol, {money(from_wad(state.premium_left))} of premiums and "
        f"{money(from_wad(state.loss_left))} of loss; cash {money(from_wad(state.cash))}, room for {state.room} more"
    )


def _plan_lines(view: OptionView, hedge: OptionHedge) -> list[str]:
    if not hedge.orders or view.state is None:
        plan = hedge.plan
        return [
            f"  Risk as it is {money(plan.stdev_before_usd)} in {plan.horizon_days:g} days; the best trade found "
            f"leaves {money(plan.stdev_after_usd)} and costs {money(plan.costs.total_usd)} beyond what it is worth"
        ]
    lines = [*(f"  {_order_text(order, view.state)}" for order in hedge.orders), f"  After it: {_greeks(hedge.after)}"]
    if view.delta_after is not None:
        lines.append(f"  Then the delta leg: {_delta_text(hedge.after, view.delta_after)}")
    refusal = view.refusal
    lines.append("  The chain would accept it" if refusal is None else f"  The chain would refuse it: {refusal}")
    return lines


def _greeks(factors: Factors) -> str:
    return (
        f"delta {signed(factors.delta, 4)}, gamma {factors.gamma_per_usd:+.4g} per USD, vega "
        f"{factors.vega_usd_per_vol:+,.2f} USD per vol"
    )


def _greeks_document(factors: Factors) -> dict[str, float]:
    return {
        "delta": factors.delta,
        "gamma_per_usd": factors.gamma_per_usd,
        "vega_usd_per_vol": factors.vega_usd_per_vol,
    }


def _caps_document(state: OptionVenueState) -> dict[str, float | int]:
    return {
        "gamma_of_one_percent": from_wad(state.gamma_left),
        "vega_usd_per_vol": from_wad(state.vega_left),
        "premium_usd": from_wad(state.premium_left),
        "loss_usd": from_wad(state.loss_left),
        "cash_usd": from_wad(state.cash),
        "positions": state.room,
        "max_expiry_unix": state.max_expiry,
    }


def _offer_lines(offer: OptionOffer) -> list[str]:
    """Return the ask of the least and the largest size quoted, and the bid for what is held."""
    quoted = [quote for quote in offer.asks if quote.cost is not None]
    if not quoted and not offer.held:
        return []
    parts = [f"{offer.name} of {utc_minute(offer.expiry)} UTC at {percent(from_wad(offer.iv), 1)}"]
    if quoted:
        asks = [_each(quote.size, quote.cost) for quote in dict.fromkeys((quoted[0], quoted[-1]))]
        parts.append("asks " + ", ".join(f"{price(each, 2)} for {size:g}" for size, each in asks))
    if offer.held:
        bid = "no bid" if offer.bid is None else f"bid {price(_each(offer.held, offer.bid)[1], 2)}"
        parts.append(f"{from_wad(offer.held):g} held, {bid}")
    return ["  " + "; ".join(parts)]


def _each(size: int, cost: int | None) -> tuple[float, float]:
    """Return a size, and what one unit of it costs."""
    units = size / 10**18
    return units, (cost or 0) / 10**18 / units


def _offer_document(offer: OptionOffer) -> dict[str, Any]:
    return {
        "name": offer.name,
        "strike_usd": from_wad(offer.strike),
        "is_call": offer.is_call,
        "expiry_unix": offer.expiry,
        "iv_annual": from_wad(offer.iv),
        "asks": [
            {"size": from_wad(quote.size), "cost_usd": None if quote.cost is None else from_wad(quote.cost)}
            for quote in offer.asks
        ],
        "held": from_wad(offer.held),
        "bid_usd": None if offer.bid is None else from_wad(offer.bid),
    }


def _name_of(order: OptionOrder, offers: Sequence[OptionOffer]) -> str:
    return next(one.name for one in offers if (one.strike_id, one.is_call) == (order.strike_id, order.is_call))


def _order_text(order: OptionOrder, state: OptionVenueState) -> str:
    size, limit = from_wad(order.size_delta), from_wad(order.limit_cost)
    verb, bound = ("buy", "for at most") if size > 0 else ("sell", "for at least")
    return f"{verb} {abs(size):,.4f} of {_name_of(order, state.offers)} {bound} {money(limit)} in all"


def _order_document(order: OptionOrder, state: OptionVenueState) -> dict[str, Any]:
    return {
        "name": _name_of(order, state.offers),
        "size_delta": from_wad(order.size_delta),
        "limit_usd": from_wad(order.limit_cost),
        "strike_id": str(order.strike_id),
        "is_call": order.is_call,
        "size_delta_wad": str(order.size_delta),
        "limit_cost_wad": str(order.limit_cost),
    }


def _delta_text(after: Factors, target: Target) -> str:
    size = target.target_net_delta - after.delta
    if size == 0.0:
        return f"none; {target.reason}"
    return f"{'buy' if size > 0 else 'sell'} {abs(size):,.4f} of the perp; {target.reason}"


def _delta_document(after: Factors, target: Target) -> dict[str, float]:
    return {
        "net_delta": after.delta,
        "target_net_delta": target.target_net_delta,
        "size_delta": target.target_net_delta - after.delta,
    }
