"""From a size to legs: which venue trades how much, at what limit, with what margin.

Sizes go to venues by quoted marginal cost with the funding expected, inside what each quotes, the guard's price limit,
size, notional and turnover. All numbers are integers, rounded toward less risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.checks import require_finite
from agent.costs.impact import ImpactCoefficients, quoted_impact
from agent.costs.quotes import (
    ROUNDING_UNITS,
    Ladder,
    adverse_fills,
    fill_at,
    highest_price,
    ladder_after,
    ladders_of,
    size_within,
)
from agent.costs.trade_costs import CostInputs, gas_unit_usd, leg_gas_cost_usd
from agent.domain import Fill, Leg, Measurement, Snapshot, VenueMeasurement
from agent.errors import DataError
from agent.guard import budget_left, fee_limit, judged_notional, shrinking_alone
from agent.prediction import predict
from agent.rounding import mul_div_up
from agent.routing.carry import Carry, expected_carry
from agent.routing.foreseen import Route, foresee, has_open_order
from agent.routing.limits import leg_limit, planned_limit, shown_at_limits
from agent.routing.margin import (
    Backing,
    IdleFunds,
    MarginParameters,
    Watermarks,
    deposit_due,
    idle_funds,
    option_cash_due,
    watermarks,
    withdrawal_due,
)
from agent.routing.waterfill import MarginalCurve, Waterfill, marginal_curve
from agent.units import BPS, WAD, AssetUnits, Rounding, Wad, Wei, asset_units_to_wad, from_wad, to_wad


@dataclass(frozen=True, slots=True)
class RoutingParameters:
    """``limit_tolerance_bps``: how much worse than quoted a leg may fill; plans keep as far from the guard's limit.

    ``margin``: how much collateral stands on a venue.
    """

    limit_tolerance_bps: int
    margin: MarginParameters

    def __post_init__(self) -> None:
        if not 0 <= self.limit_tolerance_bps < BPS:
            raise DataError(f"limit_tolerance_bps is {self.limit_tolerance_bps}; expected 0 to {BPS - 1}")


@dataclass(frozen=True, slots=True)
class RouteCosts:
    """What trading costs beyond the quotes.

    ``funding_horizon_days``: how long what is traded is expected to stand and pay, or earn, its venue's funding.
    ``leg_gas_usd``: what each leg of a rebalance costs; a venue that saves less than that, and what executing an order
    there takes, is left out. ``gas_unit_usd``: what a unit of that gas costs.
    """

    funding_horizon_days: float = 0.0
    leg_gas_usd: float = 0.0
    gas_unit_usd: float = 0.0

    def __post_init__(self) -> None:
        for name in ("funding_horizon_days", "leg_gas_usd", "gas_unit_usd"):
            number = require_finite(getattr(self, name), name)
            if number < 0.0:
                raise DataError(f"{name} is {number}; expected no negative number")

    @classmethod
    def of(cls, base_fee_wei: Wei, inputs: CostInputs, horizon_days: float) -> RouteCosts:
        """Return the costs at the price of gas in a block."""
        leg_gas_usd = leg_gas_cost_usd(base_fee_wei, inputs)
        return cls(horizon_days, leg_gas_usd, gas_unit_usd(base_fee_wei, inputs))


TURNOVER_LEFT = "the guard's turnover left"
"""What sets the cap where waiting raises it."""
VENUES_QUOTE = "what venues quote inside the guard's size and price limits"
LEG_SIZE = "the guard's size of one leg"
REBALANCE_NOTIONAL = "the guard's notional of one rebalance"
NO_COSTS = RouteCosts()
"""Quotes alone decide."""


@dataclass(frozen=True, slots=True)
class Cap:
    """Largest size that can be traded now (absolute, WAD underlying), and what sets it."""

    size: Wad
    reason: str


@dataclass(frozen=True, slots=True)
class Router:
    """Plans any size on one side of one snapshot; quotes are read once, however many sizes are tried."""

    snapshot: Snapshot
    settings: RoutingParameters
    is_buy: bool
    ladders: tuple[Ladder, ...]
    """What pending orders leave of the venues' quotes."""
    price_limit: Wad
    """Worst quoted price planned with."""
    curves: tuple[MarginalCurve, ...]
    """Marginal cost of each venue inside its room."""
    waterfills: dict[tuple[int, ...], Waterfill]
    """By the venues they spread over."""
    carries: tuple[Carry, ...]
    """Funding that is expected on each venue."""
    leg_gas: Wad
    """USD."""
    gas_unit: Wad
    """USD a unit of gas, of what executing orders takes."""
    closing: Router | None = None
    """Plans what positions can give up by moving toward 0; None where there is but one venue."""

    @classmethod
    def of(
        cls, snapshot: Snapshot, is_buy: bool, settings: RoutingParameters, costs: RouteCosts, ladders: Sequence[Ladder]
    ) -> Router:
        """Prepare for one side, given the venues' ladders of that side."""
        limit = planned_limit(snapshot, is_buy, settings.limit_tolerance_bps)
        horizon = to_wad(costs.funding_horizon_days, Rounding.DOWN)
        price = snapshot.measurement.price
        carries = tuple(expected_carry(venue, price, horizon, is_buy=is_buy) for venue in snapshot.venues)
        left = [ladder_after(ladder, _pending(snapshot, index, is_buy)) for index, ladder in enumerate(ladders)]
        closing_only = shrinking_alone(snapshot)
        curves: list[MarginalCurve] = []
        closing: list[MarginalCurve] = []
        for index, (ladder, carry) in enumerate(zip(left, carries, strict=True)):
            room = 0 if has_open_order(snapshot, index) else size_within(ladder, limit)
            room = min(room, snapshot.bounds.max_size_delta)
            reducible = min(room, _reducible(snapshot.measurement.venues[index], is_buy))
            closing.append(marginal_curve(ladder, carry.per_unit, int(reducible), carry.slope))
            if closing_only[index]:
                room = reducible
            curves.append(marginal_curve(ladder, carry.per_unit, int(room), carry.slope))
        gas = to_wad(costs.leg_gas_usd, Rounding.UP), to_wad(costs.gas_unit_usd, Rounding.UP)
        plain = cls(snapshot, settings, is_buy, tuple(left), limit, tuple(curves), {}, carries, *gas)
        if len(curves) == 1:
            return plain
        return replace(plain, closing=replace(plain, curves=tuple(closing), waterfills={}))

    def cap(self) -> Cap:
        """Return the largest size that quotes and the guard's size, price, notional and turnover bounds admit.

        Notional is converted to size at the highest price a fill can have (a small sale fills above the smallest one
        that is quoted), less what a fill is rounded up by.
        What only closes positions needs no turnover.
        """
        snapshot = self.snapshot
        is_leg_full = all(curve.sizes[-1] >= snapshot.bounds.max_size_delta for curve in self.curves)
        by_venues = Cap(Wad(self._waterfill(self._all_venues).room), LEG_SIZE if is_leg_full else VENUES_QUOTE)
        closable = sum(_reducible(venue, self.is_buy) for venue in snapshot.measurement.venues)
        prices = [highest_price(ladder) for ladder in self.ladders if ladder.rungs]
        highest = self.price_limit if self.is_buy else max([self.price_limit, *prices])

        def within(notional: int) -> int:
            return max(notional - (1 + ROUNDING_UNITS) * len(self.ladders), 0) * WAD // highest

        by_notional = Cap(Wad(within(snapshot.bounds.max_notional)), REBALANCE_NOTIONAL)
        by_turnover = Cap(Wad(max(within(budget_left(snapshot).turnover), closable)), TURNOVER_LEFT)
        return min(by_venues, by_notional, by_turnover, key=lambda cap: cap.size)

    def route(self, size: int) -> Route:
        """Plan legs for an absolute size within the cap, less what is no whole step of a venue's sizes.

        Raises
        ------
        DataError
            The size exceeds what the venues take.

        """
        return _with_margin(self.snapshot, self._in_steps(self._fills(size)), self.ladders, self.settings)

    def adverse(self, route: Route) -> Route:
        """Return the route at the worst prices that its fills may have: what it may lose.

        Its notional at the best ones, of a sale, is inside `cap`.
        """
        fills = adverse_fills(self.ladders, route.fills)
        if fills == route.fills:
            return route
        shown = shown_at_limits(self.snapshot, fills, self.ladders, self.settings.limit_tolerance_bps)
        return foresee(self.snapshot, route.legs, fills, shown)

    def impact(self, size: int) -> ImpactCoefficients:
        """Return what quotes say of how the cost of a unit grows up to an absolute size within the cap."""
        half = max(size // 2, 1)
        unit_cost, half_unit_cost = (self._unit_cost_usd(part) for part in (size, half))
        return quoted_impact(from_wad(size), unit_cost, half_unit_cost)

    def _unit_cost_usd(self, size: int) -> float:
        """Return cost with fee, carry and the gas of legs beyond the first, above the oracle price, USD a unit.

        What a leg costs whatever its size says nothing of how the price moves: fixed fees are left out.
        """
        at_oracle_price = (size if self.is_buy else -size) * self.snapshot.measurement.price
        fills = self._fills(size)
        fixed = self.leg_gas + sum(self._order_cost(fill) for fill in fills)
        return (self._total_cost(fills) - fixed * WAD - at_oracle_price) / size / WAD

    def _fills(self, size: int) -> tuple[Fill, ...]:
        """Spread a size at one marginal cost and leave out venues that save less than their gas.

        Venues are dropped one by one; each alone is tried too, where dropping several pays and dropping one does not.
        What positions can give up they give up first, at fees that the guard admits: a long here and a short there
        hedge nothing, cost margin twice, and have both to be closed one day.
        """
        closing_first = self._closing_first(size)
        if closing_first is not None:
            return closing_first
        fills, marginal_cost = self._spread(self._affordable_venues(size), size)
        if not self._has_fixed_fees and (self.leg_gas == 0 or len(fills) == 1):
            return fills
        while len(fills) > 1 and (fewer := self._without_one(fills, marginal_cost, size)) is not None:
            fills, marginal_cost = fewer
        alone = [
            (fill_at(ladder, index, size),)
            for index, (ladder, curve) in enumerate(zip(self.ladders, self.curves, strict=True))
            if curve.sizes[-1] >= size
        ]
        fitting = (one for one in alone if not self._fixed_fee(one[0].venue_index) or self._is_fee_allowed(one[0]))
        allowed = [fills, *fitting]
        return min(allowed, key=self._total_cost)

    def _closing_first(self, size: int) -> tuple[Fill, ...] | None:
        """Return fills that give up positions before any is opened; None where there are none, or at fees not allowed.

        What is beyond all of them goes where it adds least: over the venues, or to one of them alone.
        """
        closable = [] if self.closing is None else [curve.sizes[-1] for curve in self.closing.curves]
        rest = size - sum(closable)
        plans: list[tuple[Fill, ...]] = []
        if self.closing is not None and rest <= 0:
            plans = [self.closing._fills(size)]
        elif rest < size:
            beyond = [curve.beyond(taken) for curve, taken in zip(self.curves, closable, strict=True)]
            alone = [
                [rest * (index == other) for other in self._all_venues]
                for index, curve in enumerate(beyond)
                if curve.sizes[-1] >= rest
            ]
            for more in ([*Waterfill(beyond).shares(rest).sizes], *alone):
                sizes = zip(self._all_venues, closable, more, strict=True)
                plans.append(tuple(fill_at(self.ladders[at], at, one + two) for at, one, two in sizes if one + two))
        allowed = [plan for plan in plans if all(self._is_fee_allowed(fill) for fill in plan)]
        return min(allowed, key=self._total_cost, default=None)

    def _in_steps(self, fills: tuple[Fill, ...]) -> tuple[Fill, ...]:
        """Return fills in whole steps of their venues' sizes, those below one left out."""
        found = []
        for fill in fills:
            terms = self.snapshot.venues[fill.venue_index].order_terms
            rest = 0 if terms is None else abs(fill.size_delta) % terms.size_step
            whole = abs(fill.size_delta) - rest
            if rest and whole:
                found.append(fill_at(self.ladders[fill.venue_index], fill.venue_index, whole))
            elif whole:
                found.append(fill)
        return tuple(found)

    def _affordable_venues(self, size: int) -> tuple[int, ...]:
        """Return the venues over which a size can be spread so that the fixed part of no order's fee is too much of it.

        Where the others do not take the size, a venue stays, and the guard has the last word.
        """
        venues = self._all_venues
        while True:
            fills, _ = self._spread(venues, size)
            orders = [fill for fill in fills if self._fixed_fee(fill.venue_index)]
            dear = {fill.venue_index for fill in orders if not self._is_fee_allowed(fill)}
            rest = tuple(index for index in venues if index not in dear)
            if not dear or not rest or self._waterfill(rest).room < size:
                return venues
            venues = rest

    def _is_fee_allowed(self, fill: Fill) -> bool:
        [shown] = shown_at_limits(self.snapshot, (fill,), self.ladders, self.settings.limit_tolerance_bps)
        price = self.snapshot.measurement.venues[fill.venue_index].price
        return shown.fee <= fee_limit(self.snapshot.bounds, judged_notional(shown, price))

    @property
    def _has_fixed_fees(self) -> bool:
        """Whether an order costs something whatever its size, at most or as expected."""
        known = any(venue.order_gas is not None for venue in self.snapshot.venues)
        return len(self.curves) > 1 and (known or any(self._fixed_fee(index) for index in self._all_venues))

    def _fixed_fee(self, index: int) -> int:
        """Return what an order costs beside its rate where a stranger executes it, USD: it may come back."""
        terms = self.snapshot.venues[index].order_terms
        return 0 if terms is None else terms.fixed_fee

    def _order_cost(self, fill: Fill) -> int:
        """Return what executing an order is expected to cost whatever its size, USD.

        Where gas pays for it the fixed fee is no more than a limit, or comes back.
        """
        venue = self.snapshot.venues[fill.venue_index]
        if venue.order_gas is None:
            return self._fixed_fee(fill.venue_index)
        return venue.execution_gas(fill.size_delta) * self.gas_unit

    def _total_cost(self, fills: tuple[Fill, ...]) -> int:
        return sum([self._cost(fill) for fill in fills])

    def _without_one(
        self, fills: tuple[Fill, ...], marginal_cost: int, size: int
    ) -> tuple[tuple[Fill, ...], int] | None:
        """Return a cheaper spread that lacks one venue, the one that saves least first; None where there is none.

        What a venue traded would cost the others at least the present marginal cost, so that it saves at least the
        distance from there to what its share costs now.
        """
        costs = [self._cost(fill) for fill in fills]
        savings = [marginal_cost * abs(fill.size_delta) - cost for fill, cost in zip(fills, costs, strict=True)]
        for position in sorted(range(len(fills)), key=savings.__getitem__):
            if savings[position] >= 0:
                break
            rest = tuple(fill.venue_index for other, fill in enumerate(fills) if other != position)
            if self._waterfill(rest).room >= size:
                found = self._spread(rest, size)
                if self._total_cost(found[0]) < sum(costs):
                    return found
        return None

    @property
    def _all_venues(self) -> tuple[int, ...]:
        return tuple(range(len(self.curves)))

    def _waterfill(self, venues: tuple[int, ...]) -> Waterfill:
        if venues not in self.waterfills:
            self.waterfills[venues] = Waterfill([self.curves[index] for index in venues])
        return self.waterfills[venues]

    def _spread(self, venues: tuple[int, ...], size: int) -> tuple[tuple[Fill, ...], int]:
        """Return what each venue would fill, those without a share left out, and the marginal cost."""
        found = self._waterfill(venues).shares(size)
        shares = zip(venues, found.sizes, strict=True)
        return tuple(fill_at(self.ladders[index], index, share) for index, share in shares if share > 0), found.cost

    def _cost(self, fill: Fill) -> int:
        """Return what a fill costs with fee, carry and gas, WAD^2 USD."""
        carry = self.carries[fill.venue_index].cost(abs(fill.size_delta))
        return fill.size_delta * fill.execution_price + carry + (fill.fee + self._order_cost(fill) + self.leg_gas) * WAD


def size_cap(snapshot: Snapshot, is_buy: bool, settings: RoutingParameters, costs: RouteCosts = NO_COSTS) -> Cap:
    """Return the largest size of one side that can be traded now; see `Router.cap`."""
    return Router.of(snapshot, is_buy, settings, costs, ladders_of(snapshot.venues, is_buy)).cap()


def plan_route(snapshot: Snapshot, size_delta: int, settings: RoutingParameters, costs: RouteCosts = NO_COSTS) -> Route:
    """Plan legs for ``size_delta`` (signed; 0 plans margin alone) that lies within `size_cap`.

    Raises
    ------
    DataError
        ``size_delta`` exceeds what the venues take, or a quote is malformed.

    """
    if size_delta == 0:
        return plan_margin(snapshot, settings)
    is_buy = size_delta > 0
    ladders = ladders_of(snapshot.venues, is_buy)
    return Router.of(snapshot, is_buy, settings, costs, ladders).route(abs(size_delta))


def plan_margin(snapshot: Snapshot, settings: RoutingParameters) -> Route:
    """Plan the moves of margin that are due without a trade; where there are none, cash for options."""
    route = _with_margin(snapshot, (), (), settings)
    return route if route.legs else _option_cash(snapshot, settings.margin)


def _option_cash(snapshot: Snapshot, settings: MarginParameters) -> Route:
    """Plan what a venue lacks of the cash that options are bought with; nothing while none may be bought."""
    legs: list[Leg] = []
    reducing = shrinking_alone(snapshot)
    for index, venue in enumerate(snapshot.venues):
        measured = snapshot.measurement.venues[index]
        if not venue.trades_options or measured.is_silent or reducing[index] or snapshot.paused:
            continue
        due = option_cash_due(measured, venue.free_collateral, settings.option_cash, _idle_funds(snapshot, settings))
        if due >= settings.min_margin_delta:
            legs.append(Leg(venue.address, due, Wad(0), Wad(0)))
    return foresee(snapshot, legs, (), ())


def _idle_funds(snapshot: Snapshot, settings: MarginParameters) -> IdleFunds:
    floor_bps, decimals = snapshot.bounds.idle_floor_bps, snapshot.asset_decimals
    return idle_funds(settings, snapshot.measurement, snapshot.idle_assets, floor_bps, decimals)


def _with_margin(
    snapshot: Snapshot, fills: tuple[Fill, ...], ladders: Sequence[Ladder], settings: RoutingParameters
) -> Route:
    """Add limits and margin to fills."""
    shown = shown_at_limits(snapshot, fills, ladders, settings.limit_tolerance_bps)
    margins = _margins(snapshot, predict(snapshot, (), shown), shown, settings.margin)
    filled = {fill.venue_index: fill for fill in fills}
    legs: list[Leg] = []
    for index, venue in enumerate(snapshot.venues):
        fill = filled.get(index)
        if fill is not None:
            limit = leg_limit(snapshot, ladders[index], fill, settings.limit_tolerance_bps)
            legs.append(Leg(venue.address, margins[index], fill.size_delta, limit))
        elif margins[index] != 0:
            legs.append(Leg(venue.address, margins[index], Wad(0), Wad(0)))
    return foresee(snapshot, legs, fills, shown)


def _pending(snapshot: Snapshot, index: int, is_buy: bool) -> int:
    """Return the size of orders sent and not yet filled on one side of a venue: they take its liquidity first."""
    measured, filled = snapshot.measurement.venues[index], snapshot.venues[index].size
    return measured.size_high - filled if is_buy else filled - measured.size_low


def _reducible(venue: VenueMeasurement, is_buy: bool) -> int:
    """Return the largest size of one side that moves a position toward 0 and not past it, pending orders counted."""
    return max(-venue.size_high if is_buy else venue.size_low, 0)


def _margins(
    snapshot: Snapshot, unfunded: Measurement, fills: Sequence[Fill], settings: MarginParameters
) -> list[AssetUnits]:
    """Plan each venue's margin: deposit where leverage is high; withdraw beside a trade or to mend the reserve.

    None comes home beside an order, and while one is open none moves at all.
    """
    limits = watermarks(settings, snapshot.bounds.max_venue_leverage)
    funds = _idle_funds(snapshot, settings)
    trading = {fill.venue_index: fill for fill in fills}
    asking = {fill.venue_index for fill in fills if fill.is_pending}
    margins: list[AssetUnits] = []
    for index in range(len(snapshot.venues)):
        holds_options = snapshot.venues[index].trades_options
        if unfunded.venues[index].is_silent or has_open_order(snapshot, index) or holds_options:
            margins.append(AssetUnits(0))
            continue
        margin = deposit_due(unfunded.venues[index], limits, funds, _opening(snapshot, index, trading.get(index)))
        if margin == 0 and index not in asking:
            margin = AssetUnits(-_withdrawal(snapshot, unfunded, index, limits))
            if index not in trading:
                margin = AssetUnits(max(margin, -funds.shortfall))
        if abs(margin) < settings.min_margin_delta:
            margin = AssetUnits(0)
        if margin > 0:
            funds = funds.after(margin)
        margins.append(margin)
    return margins


def _opening(snapshot: Snapshot, index: int, fill: Fill | None) -> Backing | None:
    """Return what a fill opens and the cash for it, where cash alone takes margin along."""
    venue, measured = snapshot.venues[index], snapshot.measurement.venues[index]
    if fill is None or not venue.opens_from_cash:
        return None
    opened = max(abs(fill.size_delta) - _reducible(measured, fill.size_delta > 0), 0)
    notional = mul_div_up(opened, max(fill.execution_price, measured.price), WAD)
    return Backing(notional, asset_units_to_wad(venue.free_collateral, snapshot.asset_decimals))


def _withdrawal(snapshot: Snapshot, unfunded: Measurement, index: int, limits: Watermarks) -> AssetUnits:
    """Return the withdrawal due, within the free collateral the venue will surely grant after the trade.

    The venue's own margin rules are not known here: what the trade costs, and all notional it adds, count as tied up.
    """
    before, after = snapshot.measurement.venues[index], unfunded.venues[index]
    tied_up = max(after.notional - before.notional, 0) + max(before.equity_low - after.equity_low, 0)
    free = asset_units_to_wad(snapshot.venues[index].free_collateral, snapshot.asset_decimals)
    return withdrawal_due(after, limits, Wad(max(free - tied_up, 0)), snapshot.asset_decimals)
