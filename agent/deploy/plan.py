"""A plan as it is shown before anything is sent: steps and costs, parameters, what can be lost, and the live price."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from agent.budgets import loss_of_keys
from agent.chain.abi import load_abi
from agent.deploy.approval import findings
from agent.deploy.checks import FeedReading, read_feed
from agent.deploy.costs import Costs, estimate
from agent.deploy.digest import digest_of, standing_on
from agent.deploy.execution import remaining
from agent.deploy.holders import Holder, holders
from agent.deploy.parameters import PlannedParameter, parameters
from agent.deploy.session import Session
from agent.deploy.simulation import simulate
from agent.deploy.steps import Create, Step, Transaction
from agent.errors import DataError
from agent.units import BPS, WAD, Address, Wad, from_wad


@dataclass(frozen=True, slots=True)
class PlannedLosses:
    """``lossBounds()`` of the planned bounds, of NAV in 24 hours; ``funding`` None where no venue could be asked."""

    keeper_key: Wad
    all_keeper_keys: Wad
    funding: Wad | None
    """At the greatest leverage, with every venue at the most that it can charge."""


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What ``evenkeel deploy plan`` shows; ``price`` None where the feed cannot be read."""

    digest: str
    session: Session
    costs: Costs
    addresses: dict[str, Address]
    holders: tuple[Holder, ...]
    parameters: tuple[PlannedParameter, ...]
    losses: PlannedLosses
    price: FeedReading | None
    findings: tuple[str, ...]


def plan_report(session: Session) -> PlanReport:
    """Return the plan from where the chain stands; sends nothing."""
    blueprint, state = session.blueprint, session.state
    left = remaining(blueprint, state)
    costs = estimate(blueprint, state, left)
    try:
        price = read_feed(state, Address(blueprint.inputs.price_feed))
    except DataError:
        price = None
    return PlanReport(
        digest=digest_of(blueprint, state),
        session=session,
        costs=costs,
        addresses={step.title: step.creation.address for step in blueprint.steps if isinstance(step, Create)},
        holders=tuple(holders(blueprint, state)),
        parameters=tuple(parameters(blueprint.network)),
        losses=planned_losses(session, left),
        price=price,
        findings=tuple(findings(session, costs)),
    )


def planned_losses(session: Session, left: list[tuple[Step, Transaction | None]]) -> PlannedLosses:
    """Return the loss bounds as parts of NAV (WAD): the keys' by the guard's own formula, funding by the adapters."""
    blueprint = session.blueprint
    bounds = blueprint.network.bounds.to_bounds()
    one_key, all_keys = loss_of_keys(bounds, WAD)
    sent = [wanted for _, wanted in left if wanted is not None]
    asked = [
        Transaction(
            blueprint.address(key), load_abi(blueprint.creations[key].contract).function("maxFundingRate").encode()
        )
        for key in blueprint.venues.values()
    ]
    outcomes = simulate(session.state, Address(blueprint.inputs.deployer), [*sent, *asked])
    answers = [] if outcomes is None else outcomes[len(sent) :]
    if not answers or not all(one.succeeded and len(one.output) > 2 for one in answers):
        return PlannedLosses(one_key, all_keys, None)
    worst_rate = max(int(one.output, 16) for one in answers)
    return PlannedLosses(one_key, all_keys, Wad(worst_rate * bounds.max_leverage // WAD))


def sanity(report: PlanReport) -> list[str]:
    """Return what the bounds mean at the live price, a line each."""
    if report.price is None:
        return ["the price feed cannot be read"]
    bounds, price = report.session.blueprint.network.bounds, from_wad(report.price.price)
    inside = report.session.blueprint.network.oracle
    return [
        f"{report.price.description}: {price:,.2f} USD, {report.price.age_seconds} s old; [oracle] allows "
        f"{inside.min_price_usd} to {inside.max_price_usd} and {inside.max_age_seconds} s",
        f"the band of {bounds.band_underlying} is {float(bounds.band_underlying) * price:,.0f} USD, a rebalance of "
        f"{bounds.max_notional_usd} USD is {float(bounds.max_notional_usd) / price:,.2f}, and all venues hold at most "
        f"{float(bounds.max_gross_notional_usd) / price:,.2f}",
    ]


def as_document(report: PlanReport) -> dict[str, Any]:
    """Return a plan for machines; wei as whole numbers, parts of NAV in bps rounded up."""
    losses, costs, blueprint = report.losses, report.costs, report.session.blueprint
    return {
        "plan": report.digest,
        "network": blueprint.network.network,
        "chain_id": blueprint.network.chain.chain_id,
        "deployer": blueprint.inputs.deployer,
        "standing_on": standing_on(blueprint),
        "steps": [asdict(step) | {"address": report.addresses.get(step.title)} for step in costs.steps],
        "gas": costs.gas,
        "gas_price_wei": costs.gas_price_wei,
        "cost_wei": costs.gas_wei,
        "value_wei": costs.value_wei,
        "is_simulated": costs.is_simulated,
        "holders": [asdict(one) for one in report.holders],
        "parameters": [asdict(one) for one in report.parameters],
        "loss_bounds_bps_of_nav_per_day": {
            "keeper_key": in_bps(losses.keeper_key),
            "all_keeper_keys": in_bps(losses.all_keeper_keys),
            "funding": None if losses.funding is None else in_bps(losses.funding),
        },
        "price_usd": None if report.price is None else from_wad(report.price.price),
        "sanity": sanity(report),
        "findings": list(report.findings),
    }


def in_bps(part: Wad) -> int:
    """Return a part of NAV in 1e-4, rounded up."""
    return -(-part * BPS // WAD)
