"""What every alternative of one cycle shares, and how a trade becomes an alternative: routed, priced and judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.alternatives.alternative import Alternative, Kind, RebalanceCosts, VenueTrade, Yardstick
from agent.costs.quotes import impact_price
from agent.costs.trade_costs import CostInputs, gas_cost_usd, gas_unit_usd, leg_gas_cost_usd
from agent.decision.decide import DecisionParameters
from agent.domain import Exposure, Fill, Leg, Measurement, Snapshot
from agent.errors import RejectedError
from agent.formatting import delta_text
from agent.guard import worst_net_delta
from agent.routing import Route, RouteCosts, plan_route, size_cap
from agent.units import Rounding, from_wad, to_wad


@dataclass(frozen=True, slots=True)
class Case:
    """What every alternative of one cycle shares."""

    snapshot: Snapshot
    costs: CostInputs
    settings: DecisionParameters
    exposure: Exposure
    yardstick: Yardstick

    @property
    def route_costs(self) -> RouteCosts:
        """Funding and gas that a split over venues has to earn."""
        return RouteCosts.of(self.snapshot.block.base_fee_wei, self.costs, self.yardstick.horizon_days)

    @property
    def risk_before_usd(self) -> float:
        """Standard deviation of the residual when nothing is done."""
        exposure = self.exposure
        return math.sqrt(
            self.yardstick.variance_usd2(exposure.net_delta, exposure.book_gamma_per_usd, exposure.spot_usd)
        )

    def measured(self, alternative: Alternative) -> Alternative:
        """Return an alternative with risk and objective of what it leaves."""
        variance_usd2 = self.yardstick.variance_usd2(
            alternative.net_delta_after, alternative.gamma_after_per_usd, self.exposure.spot_usd
        )
        risk_after_usd = math.sqrt(variance_usd2)
        return replace(
            alternative,
            risk_after_usd=risk_after_usd,
            risk_removed_usd=self.risk_before_usd - risk_after_usd,
            objective_usd=alternative.costs.total_usd + 0.5 * self.yardstick.risk_aversion_per_usd * variance_usd2,
        )


def traded(case: Case, name: str, kind: Kind, snapshot: Snapshot, wanted_size: float, reason: str) -> Alternative:
    """Route a size on the venues of ``snapshot`` and put it before the guard's mirror."""
    wanted = to_wad(abs(wanted_size), Rounding.DOWN)
    routing = case.settings.routing
    cap = size_cap(snapshot, wanted_size > 0.0, routing, case.route_costs)
    size = min(wanted, cap.size)
    if size < wanted:
        reason += f"; limited to {delta_text(from_wad(size))} by {cap.reason}"
    if size == 0:
        return alternative_of(case, name, kind, (), (), case.snapshot.measurement, "NoCapacity", reason)
    route = plan_route(snapshot, size if wanted_size > 0.0 else -size, routing, case.route_costs)
    error, refusal = _verdict(case.snapshot, route)
    words = reason if refusal is None else f"{reason}; the guard would refuse: {refusal}"
    return alternative_of(case, name, kind, route.legs, route.fills, route.after, error, words)


def _verdict(snapshot: Snapshot, route: Route) -> tuple[str | None, str | None]:
    if snapshot.paused:
        return "Paused", "the vault is paused"
    try:
        route.judge(snapshot)
    except RejectedError as rejection:
        return rejection.name, str(rejection)
    return None, None


def alternative_of(
    case: Case,
    name: str,
    kind: Kind,
    legs: Sequence[Leg],
    fills: Sequence[Fill],
    after: Measurement,
    refused_by: str | None,
    reason: str,
) -> Alternative:
    """Return what legs and fills come to."""
    unmeasured = Alternative(
        name=name,
        kind=kind,
        trades=tuple(_trade(case.snapshot, fill) for fill in fills),
        costs=_costs(case, legs, fills),
        net_delta_after=case.exposure.net_delta + from_wad(sum(fill.size_delta for fill in fills)),
        gamma_after_per_usd=case.exposure.book_gamma_per_usd,
        worst_net_delta_after=from_wad(worst_net_delta(after)),
        refused_by=refused_by,
        reason=reason,
    )
    return case.measured(unmeasured)


def _trade(snapshot: Snapshot, fill: Fill) -> VenueTrade:
    venue = snapshot.venues[fill.venue_index].name
    return VenueTrade("perp", venue, from_wad(fill.size_delta), from_wad(fill.execution_price), from_wad(fill.fee))


def _costs(case: Case, legs: Sequence[Leg], fills: Sequence[Fill]) -> RebalanceCosts:
    """Return what legs cost; margin that moves alone costs its gas."""
    if not legs:
        return RebalanceCosts()
    base_fee_wei = case.snapshot.block.base_fee_wei
    further = max(len(legs) - 1, 0) * leg_gas_cost_usd(base_fee_wei, case.costs)
    executions = sum(case.snapshot.venues[fill.venue_index].execution_gas(fill.size_delta) for fill in fills)
    further += executions * gas_unit_usd(base_fee_wei, case.costs)
    return RebalanceCosts(
        fee_usd=from_wad(sum(fill.fee for fill in fills)),
        impact_usd=sum(_impact_usd(case.snapshot, fill) for fill in fills),
        funding_usd=sum(_funding_usd(case, fill) for fill in fills),
        gas_usd=gas_cost_usd(base_fee_wei, case.costs) + further,
    )


def _impact_usd(snapshot: Snapshot, fill: Fill) -> float:
    mark_price = snapshot.venues[fill.venue_index].mark_price
    return abs(from_wad(fill.size_delta)) * from_wad(impact_price(fill, mark_price, snapshot.measurement.price))


def _funding_usd(case: Case, fill: Fill) -> float:
    """Return what the added position pays over the horizon: longs pay a positive rate."""
    rate_per_day = from_wad(case.snapshot.venues[fill.venue_index].funding_rate_per_day)
    return from_wad(fill.size_delta) * case.exposure.spot_usd * rate_per_day * case.yardstick.horizon_days
