r"""Options for the vault: what the multi-instrument programme buys and sells at an option venue, as orders.

The programme weighs the variance of what delta, gamma, vega, vanna and volga leave against premiums over fair value.
What it cannot know is put in before and after it: cash and the premium budget are margin that purchases tie up; of the
caps on gamma, vega and loss, of the rule that |gamma| and |vega| fall, and of the guard's rule for the delta, which
options must keep by themselves, the tightest scales all purchases down.

The vault's perps may be planned beside the options: then what options do to the delta costs no more than undoing it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.decision.option_caps import PartLeft, part_of_caps, part_of_delta_rule
from agent.errors import DataError, RejectedError
from agent.optimiser.factors import Factors
from agent.optimiser.instruments import CostStep, Instrument
from agent.optimiser.leg_selection import Gas
from agent.optimiser.limits import GuardLimits, VenueLimits
from agent.optimiser.result import Plan
from agent.option_venue import OptionOffer, OptionOrder, OptionVenueState
from agent.policy.multi_instrument import MultiInstrument
from agent.products.european import black76_greeks
from agent.units import BPS, SECONDS_PER_DAY, SECONDS_PER_YEAR, Rounding, Wad, from_wad, to_wad

VENUE = "options"
_STEP = 10**12
"""Sizes are cut to a millionth of an underlying unit, WAD."""


@dataclass(frozen=True, slots=True)
class OptionTerms:
    """How orders are made of a plan. ``max_worse_bps``: how much worse than quoted an order may still execute, 1e-4.

    The orders of one trade move one another's volatility: each is quoted as if it were alone.
    """

    max_worse_bps: int = 500
    caps_used_ratio: float = 0.95
    """Part of each cap that a plan may take: the chain measures a moment later, at another price."""
    gas_usd: float = 0.0
    """Gas of one trade: what is worth no more is not traded."""

    def __post_init__(self) -> None:
        if not 0 <= self.max_worse_bps < BPS:
            raise DataError(f"max_worse_bps is {self.max_worse_bps}; expected 0 to below {BPS}")
        if not 0.0 < self.caps_used_ratio <= 1.0:
            raise DataError(f"caps_used_ratio is {self.caps_used_ratio}; expected a number above 0, at most 1")
        if not 0.0 <= self.gas_usd < math.inf:
            raise DataError(f"gas_usd is {self.gas_usd}; expected no negative number")


@dataclass(frozen=True, slots=True)
class PerpsBeside:
    """The vault's perps as the programme may trade them beside options, within ``limits``, each leg for ``gas``."""

    instruments: tuple[Instrument, ...] = ()
    limits: tuple[VenueLimits, ...] = ()
    gas: Gas | None = None


NO_PERPS = PerpsBeside()


@dataclass(frozen=True, slots=True)
class OptionHedge:
    """What to trade. ``plan`` is the programme's, ``scale`` the part of its purchases that the caps leave.

    Perps that ``plan`` trades are not among the orders: the delta leg is decided anew once the options are there.
    """

    orders: tuple[OptionOrder, ...]
    plan: Plan
    scale: float
    after: Factors
    """Of book, hedge and options once the orders are filled, the perps as they are."""
    reason: str


def plan_options(
    factors: Factors,
    state: OptionVenueState,
    spot_usd: float,
    policy: MultiInstrument,
    guard: GuardLimits | None = None,
    terms: OptionTerms | None = None,
    perps: PerpsBeside = NO_PERPS,
) -> OptionHedge:
    """Plan what to buy and sell.

    Parameters
    ----------
    factors
        Of book and hedge, what is held at the option venue included.
    state
        The venue.
    spot_usd
        Price of the underlying, USD.
    policy
        Risk aversion, horizon and volatilities of the programme.
    guard
        The guard's bounds: an option's delta is in the chain's book, and W must keep its rule.
    terms
        How orders are made.
    perps
        What may be traded beside the options.

    Raises
    ------
    DataError
        A number out of its domain, or nothing is offered.
    RejectedError
        No trade respects the bounds.

    """
    offers = {offer.name: offer for offer in state.offers if offer.asks or offer.held}
    made = {name: _instrument(offer, state, spot_usd, policy.horizon_days) for name, offer in offers.items()}
    instruments = {name: one for name, one in made.items() if one.buys or one.sells}
    if not instruments:
        raise DataError("the option venue offers nothing that can be bought or sold; look at its caps and its boards")
    case = _Case(factors, state, spot_usd, policy, guard, terms or OptionTerms(), perps, offers, instruments)
    plan = case.plan(instruments)
    kept = _with_room(plan, instruments, state.room)
    if not kept:
        return OptionHedge((), plan, 0.0, factors, "no room for another position: sell one, or let one expire")
    return case.hedge(plan if len(kept) == len(instruments) else case.plan(kept))


@dataclass(frozen=True, slots=True)
class _Case:
    """What every step of one plan shares."""

    factors: Factors
    state: OptionVenueState
    spot_usd: float
    policy: MultiInstrument
    guard: GuardLimits | None
    terms: OptionTerms
    perps: PerpsBeside
    offers: dict[str, OptionOffer]
    instruments: dict[str, Instrument]

    def plan(self, options: dict[str, Instrument]) -> Plan:
        """Return the programme's choice among some options and the perps."""
        cash_usd = from_wad(Wad(min(self.state.cash, self.state.premium_left))) * self.terms.caps_used_ratio
        venue = VenueLimits(VENUE, cash_usd, free_margin_usd=cash_usd)
        beside = [*options.values(), *self.perps.instruments]
        limits = [venue, *self.perps.limits]
        return self.policy.plan(self.factors, beside, limits, self.spot_usd, self.guard, self.perps.gas)

    def hedge(self, plan: Plan) -> OptionHedge:
        """Return the orders of a plan, purchases scaled to what caps and guard leave."""
        sizes = {trade.instrument: trade.size for trade in plan.trades if trade.instrument in self.instruments}
        part = self._part(sizes)
        sizes = {name: size * part.ratio if size > 0.0 else size for name, size in sizes.items()}
        orders = tuple(_order(self.offers[name], size, self.terms) for name, size in sizes.items() if _steps(size))
        if orders and (worth_usd := part.ratio * self._gain_usd(plan)) <= self.terms.gas_usd:
            words = f"what options remove is worth {worth_usd:.2f} USD, less than {self.terms.gas_usd:.2f} USD of gas"
            return OptionHedge((), plan, part.ratio, self.factors, words)
        after = _moved(self.factors, sizes, self.instruments)
        return OptionHedge(orders, plan, part.ratio, after, _reason(self.factors, after, orders, part))

    def _part(self, sizes: dict[str, float]) -> PartLeft:
        used, state, spot_usd = self.terms.caps_used_ratio, self.state, self.spot_usd
        part = part_of_caps(self.factors, sizes, self.instruments, state, spot_usd, used)
        if self.guard is None:
            return part
        rule = part_of_delta_rule(sizes, self.offers, state, spot_usd, self.guard, used)
        return min(part, rule, key=lambda one: one.ratio)

    def _gain_usd(self, plan: Plan) -> float:
        """Return how much lower the objective is than what perps alone reach, USD: an option earns what no perp does.

        The objective is convex, so a part of the options is worth at least that part of what all of them are.
        """
        perps = self.perps
        if not perps.instruments:
            return plan.objective_before_usd - plan.objective_usd
        limits = self.spot_usd, self.guard, perps.gas
        try:
            alone = self.policy.plan(self.factors, perps.instruments, perps.limits, *limits)
        except RejectedError:
            return plan.objective_before_usd - plan.objective_usd
        return alone.objective_usd - plan.objective_usd


def _instrument(offer: OptionOffer, state: OptionVenueState, spot_usd: float, horizon_days: float) -> Instrument:
    """Return an option with the marginal cost of each rung; it is sold as far as it is held."""
    years = (offer.expiry - state.block.timestamp) / SECONDS_PER_YEAR
    greeks = black76_greeks(offer.is_call, spot_usd, from_wad(offer.strike), years, from_wad(offer.iv))
    factors = Factors(*(float(one) for one in (greeks.delta, greeks.gamma, greeks.vega, greeks.vanna, greeks.volga)))
    fair = max(float(greeks.value), 1e-9)
    buys: list[CostStep] = []
    size = cost = 0.0
    for quote in offer.asks:
        if quote.cost is None:
            break
        wider, dearer = from_wad(quote.size) - size, from_wad(quote.cost) - cost
        least = buys[-1].impact_usd_per_unit if buys else 0.0
        buys.append(CostStep(wider, 0.0, max(dearer / wider - fair, least)))
        size, cost = from_wad(quote.size), from_wad(quote.cost)
    held = from_wad(offer.held)
    sells = (
        ()
        if offer.bid is None or not offer.held
        else (CostStep(held, 0.0, max(fair - from_wad(offer.bid) / held, 0.0)),)
    )
    return Instrument(
        name=offer.name,
        venue=VENUE,
        factors=factors,
        fair_usd=fair,
        notional_usd=spot_usd,
        buys=tuple(buys),
        sells=sells,
        position=held,
        expected_gain_usd_per_unit=float(greeks.theta) * horizon_days * SECONDS_PER_DAY / SECONDS_PER_YEAR,
        margin_long_usd=fair,
        counted_delta=factors.delta,
    )


def _with_room(plan: Plan, instruments: dict[str, Instrument], room: int) -> dict[str, Instrument]:
    """Return all instruments where the plan opens no more positions than there is room for.

    Else those held and, of the new ones that it buys, the most gamma.
    """
    gammas = {
        trade.instrument: trade.size * instruments[trade.instrument].factors.gamma_per_usd
        for trade in plan.trades
        if trade.instrument in instruments
    }
    opened = sorted(
        (name for name, gamma in gammas.items() if gamma > 0.0 and instruments[name].position == 0.0),
        key=lambda name: -gammas[name],
    )
    if len(opened) <= room:
        return instruments
    return {name: one for name, one in instruments.items() if one.position != 0.0 or name in opened[: max(room, 0)]}


def _moved(factors: Factors, sizes: dict[str, float], instruments: dict[str, Instrument]) -> Factors:
    moved = list(factors)
    for name, size in sizes.items():
        for index, one in enumerate(instruments[name].factors):
            moved[index] += size * one
    return Factors(*moved)


def _steps(size: float) -> Wad:
    """Return a size in whole steps, toward 0."""
    steps = to_wad(abs(size), Rounding.DOWN) // _STEP * _STEP
    return Wad(steps if size > 0.0 else -steps)


def _order(offer: OptionOffer, size: float, terms: OptionTerms) -> OptionOrder:
    """Return the order, limited by the rung that holds its size, or by the bid for all that is held."""
    delta = _steps(size)
    if delta > 0:
        limits = [
            _share_up(quote.cost, delta, quote.size) for quote in offer.asks if quote.cost and quote.size >= delta
        ]
        limit = limits[0] * (BPS + terms.max_worse_bps) // BPS
    else:
        limit = (offer.bid or 0) * -delta // offer.held * (BPS - terms.max_worse_bps) // BPS
    return OptionOrder(offer.strike_id, offer.is_call, delta, Wad(limit))


def _share_up(cost: int, part: int, whole: int) -> int:
    return -(-cost * part // whole)


def _reason(before: Factors, after: Factors, orders: Sequence[OptionOrder], part: PartLeft) -> str:
    if not orders:
        return (
            "no option is worth what it costs beyond its value"
            if part.binding is None
            else f"{part.binding} leaves nothing of what is planned"
        )
    scaled = "" if part.binding is None else f", {part.ratio:.0%} of the plan, as far as {part.binding} goes"
    return (
        f"{len(orders)} options{scaled}: gamma {before.gamma_per_usd:.4g} to {after.gamma_per_usd:.4g}, "
        f"vega {before.vega_usd_per_vol:.4g} to {after.vega_usd_per_vol:.4g} USD per vol"
    )
