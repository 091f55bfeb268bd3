"""What else could be done this cycle: each alternative with its cost, the risk it removes, and the guard's verdict.

Alternatives are ranked by

    objective = cost + risk aversion x variance / 2,

those the guard would refuse after those it accepts. The objective looks one horizon ahead and counts one trade: it says
what a trade buys, not when to trade. A band also counts the trades that follow, which is why a good policy may hold
where the objective would trade.

Pure: one snapshot in, one table out; nothing is sent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from agent.alternatives.records import Alternative, CostSplit, Explanation, Kind, Trade, Yardstick
from agent.decide import DecisionSettings, decide
from agent.domain import Action, Book, Decision, Exposure, Fill, Leg, Measurement, Snapshot
from agent.errors import DataError, RejectedError
from agent.guard import evaluate, predict, worst_net_delta
from agent.policy.base import Policy
from agent.policy.equivalent_option import equivalent_option
from agent.policy.registry import POLICIES, build_policy
from agent.policy.zakamouline import CONFIRMED_CONSTANT
from agent.risk.costs import CostInputs, gas_cost_usd, leg_gas_cost_usd
from agent.routing import RouteCosts, plan_route, size_cap
from agent.units import Rounding, from_wad, to_wad

DEFAULT_RISK_AVERSION_PER_USD = 1e-3
"""Where the policy has none of its own: what ``config/localnet.toml`` hedges with."""
_HOURS_PER_DAY = 24.0
_LEAST_MOVE = 1e-9
"""Underlying units; a landing closer than this to where the net delta is, or to another landing, is no alternative."""


def yardstick_of(
    decision: Decision,
    policy: Policy,
    costs: CostInputs,
    horizon_days: float | None = None,
    vol_annual: float | None = None,
    risk_aversion_per_usd: float | None = None,
) -> Yardstick:
    """Return what risk is measured with: as given, else what the snapshot, the book and the policy say.

    The horizon is that of the funding: how long a trade is expected to stand. The volatility is that of the book's
    options, weighted by gamma; of a book without any, the policy's. The risk aversion is the policy's own.

    Raises
    ------
    DataError
        A number that nobody gives, or that is not positive.
    """
    vol = vol_annual
    if vol is None:
        option = equivalent_option(decision.exposure)
        vol = getattr(policy, "static_vol_annual", None) if option is None else option.vol_annual
    if vol is None:
        raise DataError("vol_annual is unknown: neither the book's options nor the policy have one; give it")
    own = getattr(policy, "risk_aversion_per_usd", DEFAULT_RISK_AVERSION_PER_USD)
    return Yardstick(
        costs.funding_horizon_days if horizon_days is None else horizon_days,
        vol,
        own if risk_aversion_per_usd is None else risk_aversion_per_usd,
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """What every alternative of one cycle shares."""

    snapshot: Snapshot
    costs: CostInputs
    settings: DecisionSettings
    exposure: Exposure
    yardstick: Yardstick

    @property
    def route_costs(self) -> RouteCosts:
        leg_gas_usd = leg_gas_cost_usd(self.snapshot.block.base_fee_wei, self.costs)
        return RouteCosts(self.yardstick.horizon_days, leg_gas_usd)

    def risk_usd(self, net_delta: float) -> float:
        return math.sqrt(self._variance_usd2(net_delta))

    def objective_usd(self, cost_usd: float, net_delta: float) -> float:
        return cost_usd + 0.5 * self.yardstick.risk_aversion_per_usd * self._variance_usd2(net_delta)

    def _variance_usd2(self, net_delta: float) -> float:
        exposure = self.exposure
        return self.yardstick.variance_usd2(net_delta, exposure.book_gamma_per_usd, exposure.spot_usd)


def explain(
    snapshot: Snapshot,
    book: Book,
    policy_name: str,
    policy: Policy,
    costs: CostInputs,
    settings: DecisionSettings,
    decision: Decision,
    yardstick: Yardstick,
    watch_seconds: float,
) -> Explanation:
    """List the alternatives of a cycle beside what was decided.

    Parameters
    ----------
    snapshot, book, policy, costs, settings, decision
        Those of the cycle.
    policy_name
        The policy's name in the registry.
    yardstick
        See `yardstick_of`.
    watch_seconds
        How often the keeper looks, for policies that reckon with it.

    Returns
    -------
    Explanation
        Hold; every policy of the registry at the chosen one's settings where they share them; trades to neutral and to
        each edge of the band; and the trade on each venue alone where there are several.
    """
    case = _Case(snapshot, costs, settings, decision.exposure, yardstick)
    chosen = replace(_decided(case, policy_name, decision), is_chosen=True)
    policies, left_out = _comparable(case, policy_name, policy, watch_seconds)
    others = [_decided(case, name, decide(snapshot, book, other, costs, settings)) for name, other in policies.items()]
    landings = list(_landings(case, decision))
    venues = list(_venues_alone(case, decision))
    found = [chosen, _hold(case), *others, *landings, *venues]
    ranked = sorted(found, key=lambda alternative: (not alternative.is_accepted, alternative.objective_usd))
    return Explanation(yardstick, case.risk_usd(decision.exposure.net_delta), tuple(ranked), left_out)


# --- alternatives -------------------------------------------------------------------------------------------------


def _hold(case: _Case) -> Alternative:
    measurement, band = case.snapshot.measurement, case.snapshot.bounds.band
    is_outside = worst_net_delta(measurement) > band
    stays = f"; the worst case stays outside the chain's band of {from_wad(band):.4f}" if is_outside else ""
    return _alternative(case, "hold", Kind.HOLD, (), (), measurement, None, f"do nothing this cycle{stays}")


def _decided(case: _Case, name: str, decision: Decision) -> Alternative:
    """Return what a policy decides, inside the chain's bounds; a hold that the guard forces says so in its reason."""
    legs, fills = decision.legs, decision.expected_fills
    after = predict(case.snapshot, legs, fills) if decision.action is Action.REBALANCE else case.snapshot.measurement
    return _alternative(case, name, Kind.POLICY, legs, fills, after, None, decision.reason)


def _comparable(
    case: _Case, chosen_name: str, chosen: Policy, watch_seconds: float
) -> tuple[dict[str, Policy], dict[str, str]]:
    """Build the other policies of the registry from what is known; return those that need more, with what they need."""
    known: dict[str, float] = {
        "risk_aversion_per_usd": case.yardstick.risk_aversion_per_usd,
        "horizon_days": case.yardstick.horizon_days,
        "static_horizon_days": case.yardstick.horizon_days,
        "vol_annual": case.yardstick.vol_annual,
        "static_vol_annual": case.yardstick.vol_annual,
        "watch_seconds": watch_seconds,
        "interval_hours": case.yardstick.horizon_days * _HOURS_PER_DAY,
        "threshold_underlying": from_wad(case.snapshot.bounds.band),
        "volatility_constant": CONFIRMED_CONSTANT,
    }
    known |= {name: getattr(chosen, name) for name in known if hasattr(chosen, name)}
    policies: dict[str, Policy] = {}
    left_out: dict[str, str] = {}
    for name, kind in POLICIES.items():
        wanted = [field.name for field in fields(kind)]
        unknown = [field for field in wanted if field not in known]
        if unknown:
            left_out[name] = f"needs {', '.join(unknown)}, which a snapshot does not tell"
        elif name != chosen_name:
            policies[name] = build_policy(name, {field: known[field] for field in wanted})
    left_out.pop(chosen_name, None)
    return policies, left_out


def _landings(case: _Case, decision: Decision) -> Iterator[Alternative]:
    """Trade to neutral and to the edges of the band, as far as size limits allow, whatever the guard says to it."""
    target, taken = decision.target, [case.exposure.net_delta]
    for name, landing in (
        ("full neutralisation", 0.0),
        ("lower edge of the band", target.band_low),
        ("upper edge of the band", target.band_high),
    ):
        if all(abs(landing - other) > _LEAST_MOVE for other in taken):
            taken.append(landing)
            reason = f"land at {landing:+.4f}"
            yield _traded(case, name, Kind.LANDING, case.snapshot, landing - case.exposure.net_delta, reason)


def _venues_alone(case: _Case, decision: Decision) -> Iterator[Alternative]:
    """Trade the chosen size, or to neutral where nothing is traded, on one venue at a time."""
    venues = case.snapshot.venues
    size = from_wad(sum(fill.size_delta for fill in decision.expected_fills))
    what = "the chosen size" if size else "to neutral"
    wanted = size or -case.exposure.net_delta
    if len(venues) < 2 or abs(wanted) <= _LEAST_MOVE:
        return
    for index, venue in enumerate(venues):
        quotes = [own.quotes if place == index else () for place, own in enumerate(venues)]
        alone = tuple(replace(own, quotes=kept) for own, kept in zip(venues, quotes, strict=True))
        reason = f"{what} on {venue.name} alone"
        yield _traded(case, f"{venue.name} alone", Kind.VENUE, replace(case.snapshot, venues=alone), wanted, reason)


def _traded(case: _Case, name: str, kind: Kind, snapshot: Snapshot, wanted_size: float, reason: str) -> Alternative:
    """Route a size on the venues of ``snapshot`` and put it before the guard's mirror."""
    wanted = to_wad(abs(wanted_size), Rounding.DOWN)
    routing = case.settings.routing
    cap = size_cap(snapshot, wanted_size > 0.0, routing, case.route_costs)
    size = min(wanted, cap.size)
    if size < wanted:
        reason += f"; limited to {from_wad(size):.4f} by {cap.reason}"
    if size == 0:
        return _alternative(case, name, kind, (), (), case.snapshot.measurement, "NoCapacity", reason)
    route = plan_route(snapshot, size if wanted_size > 0.0 else -size, routing, case.route_costs)
    error, refusal = _verdict(case.snapshot, route.fills, route.after)
    words = reason if refusal is None else f"{reason}; the guard would refuse: {refusal}"
    return _alternative(case, name, kind, route.legs, route.fills, route.after, error, words)


def _verdict(snapshot: Snapshot, fills: Sequence[Fill], after: Measurement) -> tuple[str | None, str | None]:
    if snapshot.paused:
        return "Paused", "the vault is paused"
    try:
        evaluate(snapshot.bounds, snapshot.budget, snapshot.measurement, fills, after, snapshot.block.timestamp)
    except RejectedError as rejection:
        return rejection.name, str(rejection)
    return None, None


# --- figures ------------------------------------------------------------------------------------------------------


def _alternative(
    case: _Case,
    name: str,
    kind: Kind,
    legs: Sequence[Leg],
    fills: Sequence[Fill],
    after: Measurement,
    refused_by: str | None,
    reason: str,
) -> Alternative:
    costs = _costs(case, legs, fills)
    net_delta = case.exposure.net_delta + from_wad(sum(fill.size_delta for fill in fills))
    risk_after_usd = case.risk_usd(net_delta)
    return Alternative(
        name=name,
        kind=kind,
        trades=tuple(_trade(case.snapshot, fill) for fill in fills),
        costs=costs,
        net_delta_after=net_delta,
        risk_after_usd=risk_after_usd,
        risk_removed_usd=case.risk_usd(case.exposure.net_delta) - risk_after_usd,
        worst_net_delta_after=from_wad(worst_net_delta(after)),
        objective_usd=case.objective_usd(costs.total_usd, net_delta),
        refused_by=refused_by,
        reason=reason,
    )


def _trade(snapshot: Snapshot, fill: Fill) -> Trade:
    venue = snapshot.venues[fill.venue_index].name
    return Trade(venue, from_wad(fill.size_delta), from_wad(fill.execution_price), from_wad(fill.fee))


def _costs(case: _Case, legs: Sequence[Leg], fills: Sequence[Fill]) -> CostSplit:
    """Return what legs cost; margin that moves alone costs its gas."""
    if not legs:
        return CostSplit()
    base_fee_wei = case.snapshot.block.base_fee_wei
    further = max(len(legs) - 1, 0) * leg_gas_cost_usd(base_fee_wei, case.costs)
    return CostSplit(
        fee_usd=from_wad(sum(fill.fee for fill in fills)),
        impact_usd=sum(_impact_usd(case.snapshot, fill) for fill in fills),
        funding_usd=sum(_funding_usd(case, fill) for fill in fills),
        gas_usd=gas_cost_usd(base_fee_wei, case.costs) + further,
    )


def _impact_usd(snapshot: Snapshot, fill: Fill) -> float:
    """Return what execution is worse than the worse of mark and oracle price, as `agent.risk.quotes` reckons it."""
    mark, oracle = snapshot.venues[fill.venue_index].mark_price, snapshot.measurement.price
    is_buy = fill.size_delta > 0
    worse_by = fill.execution_price - min(mark, oracle) if is_buy else max(mark, oracle) - fill.execution_price
    return abs(from_wad(fill.size_delta)) * from_wad(max(worse_by, 0))


def _funding_usd(case: _Case, fill: Fill) -> float:
    """Return what the added position pays over the horizon: longs pay a positive rate."""
    rate_per_day = from_wad(case.snapshot.venues[fill.venue_index].funding_rate_per_day)
    return from_wad(fill.size_delta) * case.exposure.spot_usd * rate_per_day * case.yardstick.horizon_days
