"""What a cycle would do at the vault's venue of options, and why it does nothing where it does nothing."""

from __future__ import annotations

from dataclasses import replace

from agent.chain.state import VenueState
from agent.costs.trade_costs import gas_cost_usd, leg_gas_cost_usd
from agent.decision.option_hedge import OptionHedge, PerpsBeside, plan_options
from agent.decision.option_view import OptionView
from agent.domain import Target
from agent.errors import DataError, RejectedError, TransientError
from agent.execution.option_intents import OptionTrade
from agent.guard import shrinking_alone
from agent.keeper.planner import CycleView, Planner
from agent.optimiser.factors import Factors, book_factors
from agent.optimiser.leg_selection import Gas
from agent.optimiser.limits import guard_limits, venue_limits
from agent.optimiser.perps import perp_instrument
from agent.option_venue import OptionVenueState
from agent.policy.multi_instrument import MultiInstrument
from agent.settings.options import OptionSettings
from agent.units import Address, from_asset_units, from_wad
from agent.venues.registry import option_protocol


def plan_option_trade(planner: Planner, view: CycleView) -> OptionView | None:
    """Return what is to be traded at the venue of options at a view's block; None where the vault has no such venue.

    Servers that do not answer are a reason to trade nothing, as all else is.
    """
    entry = planner.deployment.option_venue
    if entry is None:
        return None
    index = next((at for at, own in enumerate(view.state.venues) if own.address == entry.address), None)
    if index is None:
        return OptionView(entry.name, f"the vault's registry does not list {entry.name}; have the governor add it")
    settings, policy = planner.settings.options, planner.policy
    why_not = _why_not(planner, view, view.state.venues[index])
    if why_not is not None or settings is None or not isinstance(policy, MultiInstrument):
        return OptionView(entry.name, why_not or "")
    sells_only = shrinking_alone(view.snapshot)[index]
    try:
        factors = view_factors(view)
        protocol = option_protocol(entry.kind, f"option venue {entry.name}")
        address = Address(entry.address)
        state = protocol.read_state(planner.client, address, view.block, settings.quoted_sizes)
        return _planned(planner, view, policy, settings, OptionView(entry.name, "", sells_only, factors, state))
    except (RejectedError, DataError, TransientError) as refusal:
        return OptionView(entry.name, f"no trade is planned: {refusal}", sells_only)


def view_factors(view: CycleView) -> Factors:
    """Return the sensitivities of book, hedge and options held; raises as `book_factors`."""
    exposure = view.decision.exposure
    if exposure.book is None:
        raise DataError("book and chain disagree, so the book's gamma and vega are not known")
    return book_factors(exposure.book, exposure.spot_usd, exposure.at_unix, exposure.hedge_size)


def _why_not(planner: Planner, view: CycleView, venue: VenueState) -> str | None:
    """Say why nothing is even asked."""
    if planner.settings.options is None:
        return "the configuration has no [options]; add it to have options traded"
    if not isinstance(planner.policy, MultiInstrument):
        return f"the policy is {planner.settings.policy.name}; multi_instrument alone weighs options"
    if view.snapshot.paused:
        return "the vault is paused, and trades no option"
    measured = {own.address: one for own, one in zip(view.state.venues, view.snapshot.measurement.venues, strict=True)}
    if measured[venue.address].is_silent:
        return f"{venue.name} does not answer"
    return None


def _planned(
    planner: Planner, view: CycleView, policy: MultiInstrument, settings: OptionSettings, found: OptionView
) -> OptionView:
    """Add the programme's plan to what was found."""
    state, factors = found.state, found.factors
    if state is None or factors is None:
        return found
    if found.sells_only:
        state = replace(state, offers=tuple(replace(offer, asks=()) for offer in state.offers))
    if not any(quote.cost is not None for offer in state.offers for quote in offer.asks) and not any(
        offer.bid is not None for offer in state.offers
    ):
        reason = "nothing is held that could be sold, and nothing may be bought" if found.sells_only else _NOT_QUOTED
        return replace(found, state=state, reason=reason)
    spot_usd, guard = from_wad(view.snapshot.measurement.price), guard_limits(view.snapshot)
    trade_costs = replace(view.costs, gas_units=settings.trade_gas_units)
    terms = settings.to_option_terms(gas_cost_usd(view.block.base_fee_wei, trade_costs))
    found = replace(found, state=state)
    try:
        perps = _perps(planner, view, policy)
        hedge = plan_options(factors, state, spot_usd, policy, guard, terms, perps)
    except (RejectedError, DataError) as refusal:
        return replace(found, reason=f"no trade is planned: {refusal}")
    planned = replace(found, hedge=hedge, reason=hedge.reason)
    if not hedge.orders:
        return planned
    trade = option_trade(planner, hedge, state)
    answer = planner.client.simulate(planner.keeper, trade.call_on(view.block), settings.max_gas_units, view.block)
    return replace(planned, delta_after=_delta_after(view, policy, factors, hedge), refusal=answer)


def option_trade(planner: Planner, hedge: OptionHedge, state: OptionVenueState) -> OptionTrade:
    """Return what was planned on a state of the venue as an intent."""
    vault = planner.deployment.chain_id, planner.deployment.contract("HedgeVault")
    deadline = planner.settings.execution.deadline_seconds
    return OptionTrade.of(vault, state.address, hedge.orders, state.block, deadline)


_NOT_QUOTED = "the venue quotes nothing: look at its caps, its boards and its liquidity"


def _perps(planner: Planner, view: CycleView, policy: MultiInstrument) -> PerpsBeside:
    """Return the vault's perps as instruments, with what a rebalance of them costs in gas."""
    snapshot, costs, fee = view.snapshot, view.costs, view.block.base_fee_wei
    leverage = from_wad(planner.decision_settings.routing.margin.target_leverage)
    price, horizon = snapshot.measurement.price, policy.horizon_days
    instruments = [perp_instrument(venue, price, snapshot.bounds, horizon, leverage) for venue in snapshot.perp_venues]
    idle_usd = from_asset_units(snapshot.idle_assets, snapshot.asset_decimals)
    limits = venue_limits(snapshot, idle_usd, {venue.name: 0.0 for venue in snapshot.perp_venues}, 1.0)
    quoted = tuple(one for one in instruments if one.buys or one.sells)
    return PerpsBeside(quoted, limits, Gas(gas_cost_usd(fee, costs), leg_gas_cost_usd(fee, costs)))


def _delta_after(view: CycleView, policy: MultiInstrument, before: Factors, hedge: OptionHedge) -> Target:
    """Return what the policy wants of the net delta once the orders are filled."""
    exposure, after = view.decision.exposure, hedge.after
    moved = replace(
        exposure,
        book_delta=exposure.book_delta + after.delta - before.delta,
        book_gamma_per_usd=exposure.book_gamma_per_usd + after.gamma_per_usd - before.gamma_per_usd,
        book_vega_usd_per_vol=exposure.book_vega_usd_per_vol + after.vega_usd_per_vol - before.vega_usd_per_vol,
        book=None,
    )
    return policy.target(moved, view.decision.costs)
