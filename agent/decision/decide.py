"""One cycle's decision: exposure, cost, target, route and the guard's verdict, from frozen inputs alone.

The policy's band is narrowed by the chain's band in force: a worst-case net delta W above it always calls for a trade,
and a trade lands inside that band, with headroom, wherever the bounds permit. A decision never enlarges W, and what
it proposes has passed the guard's mirror.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from agent.checks import require_finite
from agent.costs.quotes import QuotedSides
from agent.costs.trade_costs import CostInputs, trade_costs
from agent.decision.agreement import disagreement, expected_hedge, require_coherent, valued
from agent.decision.budget_refill import loss_refill, turnover_refill
from agent.decision.chain_band import as_known, inside_chain_band, inside_delta_rule, net_delta_limits
from agent.decision.expiry_reserve import held_for_expiry
from agent.decision.largest_accepted import SIZE_ERRORS, largest_accepted
from agent.decision.part_worth import Part, Refill, less_than_an_edge, too_early
from agent.domain import Action, Book, Decision, Exposure, Snapshot, Target, TradeCosts
from agent.errors import BookMismatchError, DataError, RejectedError, VenuesSilentError
from agent.formatting import delta_text
from agent.guard import GuardError, band_now, is_urgent, limit_price, worst_net_delta
from agent.policy.base import Policy
from agent.risk.settlement import Settlement, has_live_positions
from agent.rounding import mul_div_up
from agent.routing import (
    TURNOVER_LEFT,
    Cap,
    Route,
    RouteCosts,
    Router,
    RoutingParameters,
    SlicingParameters,
    plan_margin,
    plan_slices,
)
from agent.units import BPS, WAD, Rounding, Wad, from_wad, to_wad

AT_EXPIRY = Settlement()
"""Options settle on the price at expiry."""
_FLOAT_BITS = 50
"""Two numbers that agree in so many bits are one to a float."""
_NOTHING_LEFT = Target(0.0, 0.0, 0.0, "nothing is left of the book, so its hedge has no reason")


@dataclass(frozen=True, slots=True)
class DecisionParameters:
    """How the agent stays inside the chain's bounds.

    ``delta_tolerance_underlying``: how far the agent's book delta may lie outside the chain's interval.
    ``band_headroom_bps``: a trade lands this part of the chain's band inside it, so that the next block's price and
    time do not carry it out. ``min_trade_underlying``: least size worth a transaction while W is inside the chain's
    band. ``slicing``: how a trade that is dear at once is cut while W is inside the chain's band; None never cuts.
    """

    delta_tolerance_underlying: float
    band_headroom_bps: int
    min_trade_underlying: float
    routing: RoutingParameters
    slicing: SlicingParameters | None = None

    def __post_init__(self) -> None:
        for name in ("delta_tolerance_underlying", "min_trade_underlying"):
            number = require_finite(getattr(self, name), name)
            if number <= 0.0:
                raise DataError(f"{name} is {number}; expected a positive number")
        if not 0 < self.band_headroom_bps < BPS:
            raise DataError(f"band_headroom_bps is {self.band_headroom_bps}; expected 1 to {BPS - 1}")


@dataclass(frozen=True, slots=True)
class _Case:
    """What every answer of one cycle shares."""

    snapshot: Snapshot
    known: Snapshot
    """With the book's delta as narrow as the agent knows it; the chain judges by ``snapshot``."""
    settings: DecisionParameters
    quotes: QuotedSides
    exposure: Exposure
    costs: TradeCosts
    target: Target
    own_band: float
    """Half of the width of the policy's own band, underlying units."""
    route_costs: RouteCosts
    """Funding and gas that the costs reckon with."""

    @property
    def is_urgent(self) -> bool:
        return is_urgent(self.known)

    @property
    def is_outside_chain_band(self) -> bool:
        return worst_net_delta(self.known.measurement) > band_now(self.snapshot)

    def worst_after(self, route: Route) -> int:
        """Return the worst case that a route leaves, with the book's delta as narrow as the agent knows it."""
        known = self.known.measurement
        return worst_net_delta(
            replace(route.after, book_delta_low=known.book_delta_low, book_delta_high=known.book_delta_high)
        )

    def router(self, is_buy: bool) -> Router:
        """Return the planner of one side."""
        return Router.of(self.snapshot, is_buy, self.settings.routing, self.route_costs, self.quotes.side(is_buy))

    def hold(self, reason: str, guard_error: str | None = None) -> Decision:
        return self._answer(Action.HOLD, Route((), (), self.snapshot.measurement), reason, guard_error)

    def rebalance(self, route: Route, reason: str) -> Decision:
        return self._answer(Action.REBALANCE, route, reason, None)

    def _answer(self, action: Action, route: Route, reason: str, guard_error: str | None) -> Decision:
        return Decision(
            action=action,
            exposure=self.exposure,
            costs=self.costs,
            target=self.target,
            legs=route.legs,
            expected_fills=route.fills,
            urgent=self.is_urgent,
            guard_error=guard_error,
            reason=reason,
        )


def decide(
    snapshot: Snapshot,
    book: Book,
    policy: Policy,
    costs: CostInputs,
    settings: DecisionParameters,
    settlement: Settlement = AT_EXPIRY,
) -> Decision:
    """Decide whether to rebalance at the snapshot's block, and how.

    Legs that have expired have no delta, those inside their settlement window what is left of it; of a book of which
    nothing is left the whole hedge is closed, whatever the policy.

    Returns
    -------
    Decision
        HOLD, or REBALANCE with legs whose predicted outcome the guard's mirror accepts. A HOLD forced by the guard
        names the error in ``guard_error``.

    Raises
    ------
    BookMismatchError
        The book's delta lies outside the chain's interval.
    VenuesSilentError
        There is no venue to trade on.
    DataError
        The snapshot contradicts itself, or a number is not finite.

    """
    require_coherent(snapshot)
    settling, exposure = valued(snapshot, book, settlement)
    if (mismatch := disagreement(exposure, snapshot, settings.delta_tolerance_underlying)) is not None:
        raise BookMismatchError(mismatch)
    known = as_known(snapshot, settling)
    exposure = _in_its_situation(exposure, known)
    target_of = policy.target if has_live_positions(book, exposure.at_unix) else _close_all
    return _decide(snapshot, known, exposure, target_of, costs, settings)


def decide_by_chain(snapshot: Snapshot, costs: CostInputs, settings: DecisionParameters, mismatch: str) -> Decision:
    """Decide where book and chain disagree, by the chain alone.

    Below the guard's urgent delta nothing is traded; from there on the hedge goes to the middle of the chain's
    interval. Errors are those of `decide`.
    """
    require_coherent(snapshot)
    measured = snapshot.measurement
    middle = (from_wad(measured.book_delta_low) + from_wad(measured.book_delta_high)) / 2.0
    exposure = Exposure(
        spot_usd=from_wad(measured.price),
        book_delta=middle,
        book_gamma_per_usd=0.0,
        book_vega_usd_per_vol=0.0,
        book_theta_usd_per_year=0.0,
        book_value_usd=0.0,
        hedge_size=from_wad(expected_hedge(snapshot)),
        at_unix=snapshot.block.timestamp,
    )
    words = f"book and chain disagree ({mismatch})"
    middle_target = Target(0.0, 0.0, 0.0, f"{words} and it is urgent: to the middle of the chain's interval")
    decision = _decide(snapshot, snapshot, exposure, lambda *_: middle_target, costs, settings)
    if is_urgent(snapshot):
        return decision
    reason = f"{words}; nothing is traded before the worst case is urgent to the chain"
    return replace(decision, action=Action.HOLD, legs=(), expected_fills=(), guard_error=None, reason=reason)


def _close_all(_exposure: Exposure, _costs: TradeCosts) -> Target:
    return _NOTHING_LEFT


def _decide(
    snapshot: Snapshot,
    known: Snapshot,
    exposure: Exposure,
    target_of: Callable[[Exposure, TradeCosts], Target],
    costs: CostInputs,
    settings: DecisionParameters,
) -> Decision:
    """Decide on an exposure that is settled, given whoever says where the net delta should go."""
    measurement, hedge = snapshot.measurement, expected_hedge(snapshot)
    if all(venue.is_silent for venue in measurement.venues):
        names = ", ".join(venue.name for venue in snapshot.venues)
        raise VenuesSilentError(
            f"{names} does not answer, and no other venue is there to trade on; look at its protocol"
        )
    quotes = QuotedSides(snapshot.venues)
    live_costs = _expected_costs(snapshot, quotes, exposure, costs, settings)
    wanted = target_of(exposure, live_costs)
    for name in ("band_low", "band_high", "target_net_delta"):
        require_finite(getattr(wanted, name), f"{name} of the policy")
    size_delta, target = inside_chain_band(known, exposure, live_costs, wanted, settings.band_headroom_bps)
    if known is not snapshot:
        size_delta = inside_delta_rule(snapshot, size_delta)
    if wanted is _NOTHING_LEFT and abs(size_delta + hedge) << _FLOAT_BITS <= abs(hedge):
        size_delta = Wad(-hedge)  # to the last wei: a rest that floats leave would stay for ever
    own_band = (wanted.band_high - wanted.band_low) / 2.0
    found = exposure, live_costs, target, own_band
    route_costs = RouteCosts.of(snapshot.block.base_fee_wei, costs, costs.split_horizon_days)
    case = _Case(snapshot, known, settings, quotes, *found, route_costs)
    if snapshot.paused:
        return _margin_alone(case, case.hold("the vault is paused"))
    if measurement.nav == 0:
        return case.hold("the vault holds no collateral to hedge with; deposit first")
    if size_delta == 0 or abs(size_delta) < _least_size(case):
        return _margin_alone(case, case.hold(target.reason))
    return _trade(case, size_delta)


def _in_its_situation(exposure: Exposure, snapshot: Snapshot) -> Exposure:
    """Add when the vault last traded, how urgent the worst case is and where it forces a trade, for a policy to use."""
    band, urgent = band_now(snapshot), snapshot.bounds.urgent_delta
    worst = worst_net_delta(snapshot.measurement)
    urgency_ratio = min(max((worst - band) / (urgent - band), 0.0), 1.0) if urgent > band else float(worst >= urgent)
    return replace(
        exposure,
        last_trade_unix=snapshot.usage.own.last_trade_at or None,
        urgency_ratio=urgency_ratio,
        limits=net_delta_limits(snapshot, exposure),
    )


def _expected_costs(
    snapshot: Snapshot, quotes: QuotedSides, exposure: Exposure, costs: CostInputs, settings: DecisionParameters
) -> TradeCosts:
    """Price the trade back to neutral, the largest a policy may ask for."""
    net_delta = exposure.net_delta
    size = max(abs(net_delta), settings.min_trade_underlying)
    size_delta = to_wad(-size if net_delta > 0.0 else size, Rounding.DOWN)
    ladders = quotes.side(size_delta > 0)
    return trade_costs(snapshot.venues, snapshot.block, snapshot.measurement.price, size_delta, costs, ladders)


# --- route and verdict --------------------------------------------------------------------------------------------


def _trade(case: _Case, wanted_size: Wad) -> Decision:
    """Propose the wanted size, or the largest the bounds accept; hold with the guard's reason when none is."""
    router = case.router(wanted_size > 0)
    cap = router.cap()
    size = min(abs(wanted_size), cap.size)
    if size < _least_size(case):
        return _margin_alone(case, case.hold(f"{case.target.reason}; {_cap_text(cap)} leaves too little to trade"))
    if not (case.is_urgent or case.is_outside_chain_band):
        kept = held_for_expiry(case.snapshot, case.exposure, case.costs, from_wad(size))
        if kept is not None:
            return _margin_alone(case, case.hold(f"{case.target.reason}; {kept}"))
    limited = None if size == abs(wanted_size) else f"limited by {_cap_text(cap)}"
    refill = turnover_refill(case.snapshot) if limited is not None and cap.reason == TURNOVER_LEFT else None
    if case.settings.slicing is not None and not (case.is_urgent or case.is_outside_chain_band):
        return _trade_a_slice(case, case.settings.slicing, router, Wad(size), limited)
    return _trade_at_once(case, router, size, limited, abs(wanted_size), refill)


def _trade_a_slice(case: _Case, slicing: SlicingParameters, router: Router, size: Wad, limited: str | None) -> Decision:
    """Trade what the plan says to trade now, once the market has had its time to recover from the last trade."""
    last_trade_unix = case.exposure.last_trade_unix
    if last_trade_unix is not None:
        seconds_left = last_trade_unix + slicing.interval_seconds - case.snapshot.block.timestamp
        if seconds_left > 0.0:
            text = f"the market is given {seconds_left:g} s more to recover from the last trade"
            return _margin_alone(case, case.hold(f"{case.target.reason}; {text}"))
    impact = slicing.impact or router.impact(size)
    plan = plan_slices(from_wad(size), impact, case.exposure.spot_usd, case.costs.gas_usd, slicing)
    if len(plan.trades) == 1:
        return _trade_at_once(case, router, size, limited)
    now = max(to_wad(plan.now, Rounding.DOWN), _least_size(case))
    return _trade_at_once(case, router, min(now, size), plan.reason if limited is None else f"{limited}; {plan.reason}")


def _trade_at_once(
    case: _Case, router: Router, size: int, limited: str | None, whole: int | None = None, refill: Refill | None = None
) -> Decision:
    """Propose a size, or the largest the bounds accept below it.

    ``whole``: what is wanted, where ``size`` is less because of a budget; ``refill``: that budget.
    """
    try:
        route = _accepted_route(case, router, size)
    except RejectedError as rejection:
        found = _largest_accepted(case, router, size, rejection) if rejection.name in SIZE_ERRORS else None
        if found is None:
            return _margin_alone(
                case, case.hold(f"{case.target.reason}; the guard would refuse: {rejection}", rejection.name)
            )
        route, limited = found, f"reduced to avoid {rejection.name}"
        refill = _refill_behind(case, rejection, size) or refill
    if (reason := _left_undone(case, route, whole or size, refill)) is not None:
        return _margin_alone(case, case.hold(f"{case.target.reason}; {reason}"))
    return case.rebalance(route, _trade_text(case, route, limited))


def _refill_behind(case: _Case, rejection: RejectedError, size: int) -> Refill | None:
    """Return the budget that refused a size; None where no waiting ends the refusal."""
    if rejection.name == GuardError.TURNOVER_EXCEEDED:
        return turnover_refill(case.snapshot)
    if rejection.name == GuardError.LOSS_BUDGET_EXCEEDED:
        return loss_refill(case.snapshot, rejection, size)
    return None


def _left_undone(case: _Case, route: Route, whole: int, refill: Refill | None) -> str | None:
    """Return why a part of a trade is not worth its transaction; None where it is, or where it is the whole."""
    part = Part(
        size=abs(from_wad(sum(fill.size_delta for fill in route.fills))),
        whole=from_wad(whole),
        gas_usd=case.costs.gas_usd,
        spot_usd=case.exposure.spot_usd,
        refill=refill,
    )
    band = band_now(case.snapshot)
    if not case.is_outside_chain_band:
        reason = too_early(part)
        return reason and f"{delta_text(part.whole)} cannot be traded at once: {reason}"
    if case.worst_after(route) <= band:
        return None
    distance, narrower = abs(case.exposure.net_delta), min(case.own_band, from_wad(band))
    reason = less_than_an_edge(part, distance, narrower) or too_early(part)
    return (
        reason and f"the worst case does not come inside the chain's band of {delta_text(from_wad(band))} now: {reason}"
    )


def _least_size(case: _Case) -> int:
    """Return the least size worth a transaction; inside the chain's band the guard has a least notional too.

    A trade that the chain's band forces may be small where it leads into the band: the guard judges that itself.
    """
    if case.is_outside_chain_band:
        return 1
    bounds, price = case.snapshot.bounds, case.snapshot.measurement.price
    lowest_price = limit_price(price, -1, bounds.max_slippage_bps)
    of_guard = mul_div_up(bounds.min_notional, WAD, lowest_price)
    return max(to_wad(case.settings.min_trade_underlying, Rounding.UP), of_guard)


def _accepted_route(case: _Case, router: Router, size: int) -> Route:
    """Plan a route that the guard's mirror accepts, at its worst prices too, or raise its `RejectedError`."""
    route = router.route(size)
    route.judge(case.snapshot)
    if (adverse := router.adverse(route)) is not route:
        adverse.judge(case.snapshot)
    return route


def _largest_accepted(case: _Case, router: Router, refused: int, refusal: RejectedError) -> Route | None:
    return largest_accepted(lambda size: _accepted_route(case, router, size), refused, refusal, _least_size(case))


def _margin_alone(case: _Case, otherwise: Decision) -> Decision:
    """Move margin without a trade where leverage or options call for it and the guard accepts; else ``otherwise``.

    While the vault is paused it lets margin go into a venue, or come home from one without a position.
    """
    route = plan_margin(case.snapshot, case.settings.routing)
    if not route.legs or (case.snapshot.paused and not _goes_while_paused(case.snapshot, route)):
        return otherwise
    try:
        route.judge(case.snapshot)
    except RejectedError as rejection:
        refusal = f"{otherwise.reason}; the guard would refuse a margin move: {rejection}"
        return case.hold(refusal, otherwise.guard_error or rejection.name)
    options = {venue.address for venue in case.snapshot.venues if venue.trades_options}
    is_for_options = all(leg.venue in options for leg in route.legs)
    why = "so that options can be bought" if is_for_options else "to keep venue leverage between its watermarks"
    return case.rebalance(route, f"{otherwise.reason}; margin alone moves {why}")


def _goes_while_paused(snapshot: Snapshot, route: Route) -> bool:
    flat = {
        venue.address
        for venue, measured in zip(snapshot.venues, snapshot.measurement.venues, strict=True)
        if measured.size_low == measured.size_high == 0
    }
    return all(leg.margin_delta >= 0 or leg.venue in flat for leg in route.legs)


# --- words --------------------------------------------------------------------------------------------------------


def _cap_text(cap: Cap) -> str:
    return f"{cap.reason} ({delta_text(from_wad(cap.size))})"


def _trade_text(case: _Case, route: Route, limited: str | None) -> str:
    traded = from_wad(sum(fill.size_delta for fill in route.fills))
    verb = "buy" if traded > 0.0 else "sell"
    before, after = (worst_net_delta(measured) for measured in (case.snapshot.measurement, route.after))
    worst = f"worst case {delta_text(from_wad(before))} -> {delta_text(from_wad(after))}"
    text = f"{case.target.reason}; {verb} {delta_text(abs(traded))}, {worst}"
    return f"{text}; {limited}" if limited else text
