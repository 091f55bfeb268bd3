"""``evenkeel decide``: one cycle without a transaction, what the keeper would do and why."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.alternatives import Explanation, OptionOffers, explain, yardstick_of
from agent.budgets import LossBounds, loss_bounds
from agent.cli.keeper_inputs import DEFAULT_NETWORK, AsJson, BookFile, Network, load_inputs
from agent.cli.order_lines import care_documents, care_lines, open_cares
from agent.decision.held_options import with_held
from agent.domain import Action, Book, Decision, Leg, Snapshot
from agent.errors import DataError, RejectedError
from agent.files.deribit_chain import load_chain
from agent.guard import band_now, budget_left, worst_net_delta
from agent.keeper.fit import view_misfits
from agent.keeper.option_plan import plan_option_trade
from agent.keeper.planner import CycleView, Planner
from agent.report.alternatives import explanation_document, explanation_lines
from agent.report.formatting import money, percent, price, signed, utc_minute
from agent.report.options import option_document, option_lines
from agent.risk.settlement import Settlement, settling_book
from agent.settings import Settings
from agent.units import Address, from_asset_units, from_wad

EXAMPLE = "Example: evenkeel decide --book examples/book.toml --network localnet --explain"


Explain = Annotated[
    bool, typer.Option("--explain", help="List the alternatives, each with its cost and the risk it removes.")
]
HorizonDays = Annotated[
    float | None,
    typer.Option(help="With --explain: how far ahead risk is measured; the funding's horizon if not given."),
]
VolAnnual = Annotated[
    float | None,
    typer.Option(help="With --explain: volatility, 0.65 is 65 %; that of the book's options if not given."),
]
RiskAversion = Annotated[
    float | None,
    typer.Option(help="With --explain: weight of variance against cost; the policy's own if not given."),
]
OptionsFile = Annotated[
    Path | None,
    typer.Option(help="With --explain: a Deribit chain of this moment, to hedge with options beside the perps."),
]
OptionsSize = Annotated[
    float | None,
    typer.Option(help="With --options: contracts that each quote is good for; the chain does not say."),
]


def decide(
    book: BookFile,
    network: Network = DEFAULT_NETWORK,
    with_alternatives: Explain = False,
    horizon_days: HorizonDays = None,
    vol_annual: VolAnnual = None,
    risk_aversion_per_usd: RiskAversion = None,
    options: OptionsFile = None,
    options_size: OptionsSize = None,
    as_json: AsJson = False,
) -> None:
    """Read the chain once and say what the keeper would do now, and why. Sends nothing and needs no key."""
    yardstick = {
        "horizon_days": horizon_days,
        "vol_annual": vol_annual,
        "risk_aversion_per_usd": risk_aversion_per_usd,
    }
    offers = _offers(options, options_size, with_alternatives)
    _require_explained(yardstick, with_alternatives)
    settings, positions = load_inputs(network, book)
    with Planner.open(settings, positions) as planner:
        view = planner.look(planner.head())
        rejection: RejectedError | None = None
        if view.decision.action is Action.REBALANCE:
            rejection = planner.simulate(planner.intent(view), planner.keeper, view.block)
        cares = open_cares(planner, view)
        options_view = plan_option_trade(planner, view)
    unfit = view_misfits(settings, positions, view)
    explanation = explained(settings, positions, view, yardstick, offers) if with_alternatives else None
    if as_json:
        document = as_document(view, rejection) | {
            "keeper": planner.keeper,
            "misfits": list(unfit),
            "open_orders": care_documents(view, cares),
        }
        if options_view is not None:
            document["options"] = option_document(options_view)
        if explanation is not None:
            document["explanation"] = explanation_document(explanation)
        typer.echo(json.dumps(document, indent=2, allow_nan=False))
    else:
        lines = [
            *as_lines(view, rejection, positions.underlying, planner.keeper),
            *care_lines(view, cares),
            *([] if options_view is None else option_lines(options_view)),
            *(f"Bounds and book do not fit: {one}" for one in unfit),
        ]
        typer.echo("\n".join(lines if explanation is None else lines + explanation_lines(explanation)))


def _require_explained(yardstick: dict[str, float | None], with_alternatives: bool) -> None:
    for name, given in yardstick.items():
        option = f"--{name.replace('_', '-')}"
        if given is not None and not with_alternatives:
            raise DataError(f"{option} measures alternatives; add --explain, or leave it out")
        if given is not None and not given > 0.0:
            raise DataError(f"{option} is {given:g}; it must be above 0")


def _offers(chain: Path | None, contracts: float | None, with_alternatives: bool) -> OptionOffers | None:
    """Return the options that may be traded, read before the vault is."""
    if chain is None:
        if contracts is not None:
            raise DataError("--options-size belongs to a chain; add --options CHAINFILE, or leave it out")
        return None
    if not with_alternatives:
        raise DataError("--options is for the alternatives; add --explain, or leave it out")
    if contracts is None:
        raise DataError(
            f"{chain}: a chain does not say how much is quoted; add --options-size, contracts at each quote"
        )
    if not 0.0 < contracts < math.inf:
        raise DataError(f"--options-size is {contracts:g}; it must be a number above 0")
    return OptionOffers(load_chain(chain), contracts)


def explained(
    settings: Settings,
    book: Book,
    view: CycleView,
    yardstick: dict[str, float | None],
    offers: OptionOffers | None = None,
) -> Explanation:
    """Return the alternatives to what a view decides, from the same snapshot."""
    snapshot, policy = view.snapshot, settings.policy.build()
    settlement = Settlement(view.state.settlement_window_seconds)
    spot_usd, whole = from_wad(snapshot.measurement.price), with_held(book, view.held)
    settled = settling_book(whole, spot_usd, view.block.timestamp, settlement).book
    costs = view.costs
    return explain(
        snapshot,
        settled,
        settings.policy.name,
        policy,
        costs,
        settings.to_decision_parameters(snapshot.asset_decimals),
        view.decision,
        yardstick_of(view.decision, policy, costs, **yardstick),
        settings.keeper.interval_seconds,
        offers,
    )


def as_document(view: CycleView, rejection: RejectedError | None) -> dict[str, Any]:
    """Return the decision for machines: floats with their unit in the key, exact integers of the legs as text."""
    snapshot, decision = view.snapshot, view.decision
    left, loss = budget_left(snapshot), _loss_bounds(view)
    return {
        "chain_id": snapshot.chain_id,
        "block": {"number": view.block.number, "hash": view.block.hash, "unix": view.block.timestamp},
        "vault": snapshot.vault,
        "price_usd": from_wad(snapshot.measurement.price),
        "nav_usd": from_wad(snapshot.measurement.nav),
        "book_delta": decision.exposure.book_delta,
        "hedge_size": decision.exposure.hedge_size,
        "net_delta": decision.exposure.net_delta,
        "worst_net_delta": from_wad(worst_net_delta(snapshot.measurement)),
        "guard_band": from_wad(band_now(snapshot)),
        "band_low": decision.target.band_low,
        "band_high": decision.target.band_high,
        "target_net_delta": decision.target.target_net_delta,
        "costs": {
            "fee_ratio": decision.costs.fee_ratio,
            "impact_ratio": decision.costs.impact_ratio,
            "funding_ratio": decision.costs.funding_ratio,
            "gas_usd": decision.costs.gas_usd,
        },
        "action": decision.action.value,
        "is_urgent": decision.urgent,
        "legs": [_leg_document(snapshot, leg) for leg in decision.legs],
        "budget_left_usd": {"turnover": from_wad(left.turnover), "loss": from_wad(left.loss)},
        "loss_at_most_24h_usd": {
            "keeper_key": from_wad(loss.keeper_key),
            "all_keeper_keys": from_wad(loss.all_keeper_keys),
            "funding": from_wad(loss.funding),
            "total": from_wad(loss.total),
        },
        "guard_error": decision.guard_error,
        "chain_refuses": None if rejection is None else str(rejection),
        "decision_ms": view.decision_seconds * 1_000,
        "reason": decision.reason,
    }


def as_lines(view: CycleView, rejection: RejectedError | None, underlying: str, keeper: Address) -> list[str]:
    """Return the decision for people; ``keeper`` is whose budget was read, and who would send."""
    snapshot, decision = view.snapshot, view.decision
    worst = from_wad(worst_net_delta(snapshot.measurement))
    guard_band = from_wad(band_now(snapshot))
    left, loss = budget_left(snapshot), _loss_bounds(view)
    lines = [
        f"Block {view.block.number:,} at {utc_minute(view.block.timestamp)} UTC, {underlying} "
        f"{price(from_wad(snapshot.measurement.price), 0)}, NAV {money(from_wad(snapshot.measurement.nav))}",
        f"Book delta {signed(decision.exposure.book_delta, 4)}, hedge {signed(decision.exposure.hedge_size, 4)}, "
        f"net delta {signed(decision.exposure.net_delta, 4)}; worst case {signed(worst, 4)}, the chain's band "
        f"{signed(guard_band, 4)}",
        f"Costs now: fee {percent(decision.costs.fee_ratio, 3)}, impact {percent(decision.costs.impact_ratio, 3)}, "
        f"funding {percent(decision.costs.funding_ratio, 3)}, gas {money(decision.costs.gas_usd)}",
        f"Left for keeper {keeper}: {money(from_wad(left.turnover))} of turnover, {money(from_wad(left.loss))} of "
        f"loss; in 24 hours one stolen key costs at most {money(from_wad(loss.keeper_key))}, all together "
        f"{money(from_wad(loss.all_keeper_keys))}, funding {money(from_wad(loss.funding))}",
        _verdict(decision, rejection),
    ]
    return [*lines, *(_leg_line(snapshot, leg) for leg in decision.legs)]


def _loss_bounds(view: CycleView) -> LossBounds:
    rates = [venue.max_funding_rate_per_day for venue in view.state.venues]
    return loss_bounds(view.snapshot.bounds, view.snapshot.measurement, rates)


def _verdict(decision: Decision, rejection: RejectedError | None) -> str:
    if decision.action is Action.HOLD:
        return f"Hold: {decision.reason}"
    urgency = " at once" if decision.urgent else ""
    chain = "the chain would accept it" if rejection is None else f"the chain would refuse it: {rejection}"
    return f"Rebalance{urgency}: {decision.reason}; {chain}"


def _leg_line(snapshot: Snapshot, leg: Leg) -> str:
    margin = from_asset_units(leg.margin_delta, snapshot.asset_decimals)
    parts = [f"  {_venue_name(snapshot, leg)}:"]
    if leg.margin_delta != 0:
        parts.append(f"{'deposit' if margin > 0 else 'withdraw'} {money(abs(margin))} margin")
    if leg.size_delta != 0:
        size, limit = from_wad(leg.size_delta), from_wad(leg.limit_price)
        verb, bound = ("buy", "most") if size > 0 else ("sell", "least")
        parts.append(f"{verb} {signed(abs(size), 4)} at {bound} {price(limit, 0)}")
    return parts[0] + " " + ", ".join(parts[1:])


def _leg_document(snapshot: Snapshot, leg: Leg) -> dict[str, Any]:
    return {
        "venue": _venue_name(snapshot, leg),
        "margin_usd": from_asset_units(leg.margin_delta, snapshot.asset_decimals),
        "size_delta": from_wad(leg.size_delta),
        "limit_price_usd": from_wad(leg.limit_price),
        "margin_delta_units": str(leg.margin_delta),
        "size_delta_wad": str(leg.size_delta),
        "limit_price_wad": str(leg.limit_price),
    }


def _venue_name(snapshot: Snapshot, leg: Leg) -> str:
    return next(venue.name for venue in snapshot.venues if venue.address == leg.venue)
