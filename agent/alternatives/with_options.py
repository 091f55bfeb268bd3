"""Options bought or sold beside the perps: the multi-instrument programme, measured by the yardstick of the others.

The programme weighs what it trades by the variance of delta and gamma at a volatility that stands still, which is the
risk all alternatives are measured by. The perps it asks for are routed and judged like any other trade; options stand
at another venue, which the chain does not see.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from agent.alternatives.alternative import Alternative, Kind, RebalanceCosts, VenueTrade
from agent.alternatives.case import Case, alternative_of, traded
from agent.costs.trade_costs import gas_cost_usd, leg_gas_cost_usd
from agent.domain import Book
from agent.errors import DataError, RejectedError
from agent.formatting import figure
from agent.optimiser.covariance import gaussian_covariance
from agent.optimiser.factors import book_factors
from agent.optimiser.instruments import Instrument
from agent.optimiser.leg_selection import Gas
from agent.optimiser.limits import VenueLimits, guard_limits, venue_limits
from agent.optimiser.options import DERIBIT, OptionRows, option_instruments
from agent.optimiser.perps import perp_instrument
from agent.optimiser.plan import make_plan
from agent.optimiser.result import Plan
from agent.units import from_asset_units, from_wad
from agent.vol.option_chain import OptionChain

MAX_PRICE_DIFFERENCE_RATIO = 0.005
MAX_AGE_SECONDS = 600.0
"""How far the chain's index and time may be from the snapshot's: beyond, its quotes are of another market."""
NAME = "perps and options"


@dataclass(frozen=True, slots=True)
class OptionOffers:
    """A chain of quotes and how many contracts each is taken to be good for: the chain itself does not say."""

    chain: OptionChain
    contracts_per_quote: float

    def __post_init__(self) -> None:
        if not 0.0 < self.contracts_per_quote < math.inf:
            raise DataError(f"contracts_per_quote is {self.contracts_per_quote}; expected a positive number")


def with_options(case: Case, book: Book, offers: OptionOffers) -> Alternative:
    """Return the hedge of perps and listed options that the programme finds.

    Raises
    ------
    DataError
        The chain is of another underlying or another moment than the snapshot, or has numbers that cannot be used.
    """
    _require_same_market(case, book, offers.chain)
    perps = _perps(case)
    options = _options(case, offers)
    try:
        plan = _plan(case, book, [*perps, *options])
    except RejectedError as rejection:
        refused, measured = f"no trade respects the bounds: {rejection}", case.snapshot.measurement
        return alternative_of(case, NAME, Kind.OPTIONS, (), (), measured, rejection.name, refused)
    return _alternative(case, plan, {instrument.name: instrument for instrument in options})


def _require_same_market(case: Case, book: Book, chain: OptionChain) -> None:
    if chain.underlying != book.underlying:
        raise DataError(f"the chain is of {chain.underlying}, the book of {book.underlying}; give the book's chain")
    index_usd, spot_usd = _index_usd(chain), case.exposure.spot_usd
    if abs(index_usd / spot_usd - 1.0) > MAX_PRICE_DIFFERENCE_RATIO:
        raise DataError(
            f"the chain is of a price of {figure(index_usd, 2)} USD, the snapshot of {figure(spot_usd, 2)}; give "
            "quotes of its time"
        )
    age_seconds = case.snapshot.block.timestamp - chain.now_unix
    if abs(age_seconds) > MAX_AGE_SECONDS:
        raise DataError(
            f"the chain is {abs(age_seconds):,.0f} s {'older' if age_seconds > 0 else 'younger'} than the snapshot; "
            "give quotes of its time"
        )


def _index_usd(chain: OptionChain) -> float:
    """Return the index, or the nearest forward where the chain does not say it."""
    return chain.index_usd if chain.index_usd is not None else float(chain.forward_usd[chain.expiry_unix.argmin()])


def _perps(case: Case) -> list[Instrument]:
    snapshot = case.snapshot
    leverage = from_wad(case.settings.routing.margin.target_leverage)
    return [
        perp_instrument(venue, snapshot.measurement.price, snapshot.bounds, case.yardstick.horizon_days, leverage)
        for venue in snapshot.perp_venues
    ]


def _options(case: Case, offers: OptionOffers) -> tuple[Instrument, ...]:
    chain = offers.chain
    rows = OptionRows(
        names=chain.instrument_name,
        is_call=chain.is_call,
        forward_usd=chain.forward_usd,
        strike_usd=chain.strike_usd,
        tau_years=chain.tau_years,
        bid=chain.bid_coin,
        ask=chain.ask_coin,
        mark=chain.mark_coin,
        bid_size=offers.contracts_per_quote,
        ask_size=offers.contracts_per_quote,
    )
    return option_instruments(rows, _index_usd(chain), DERIBIT, case.yardstick.horizon_days).instruments


def _plan(case: Case, book: Book, instruments: list[Instrument]) -> Plan:
    snapshot, exposure, measure = case.snapshot, case.exposure, case.yardstick
    block, base_fee_wei = snapshot.block, snapshot.block.base_fee_wei
    vol_stands_still = gaussian_covariance(exposure.spot_usd, measure.vol_annual, 0.0, 0.0, measure.horizon_days)
    idle_usd = from_asset_units(snapshot.idle_assets, snapshot.asset_decimals)
    # Venues are taken as safe here, as all other alternatives take them.
    on_chain = venue_limits(snapshot, idle_usd, {venue.name: 0.0 for venue in snapshot.venues}, 1.0)
    return make_plan(
        book_factors(book, exposure.spot_usd, block.timestamp, exposure.hedge_size),
        instruments,
        [*on_chain, VenueLimits(DERIBIT.venue, 0.0)],
        vol_stands_still,
        measure.risk_aversion_per_usd,
        guard_limits(snapshot),
        Gas(gas_cost_usd(base_fee_wei, case.costs), leg_gas_cost_usd(base_fee_wei, case.costs)),
    )


def _alternative(case: Case, plan: Plan, options: dict[str, Instrument]) -> Alternative:
    """Route the plan's perps like any other trade and add its options."""
    bought = [trade for trade in plan.trades if trade.instrument in options]
    perp_size = sum(trade.size for trade in plan.trades if trade.instrument not in options)
    hedged = (
        traded(case, NAME, Kind.OPTIONS, case.snapshot, perp_size, plan.reason)
        if perp_size
        else alternative_of(case, NAME, Kind.OPTIONS, (), (), case.snapshot.measurement, None, plan.reason)
    )
    costs = hedged.costs
    return case.measured(
        replace(
            hedged,
            costs=RebalanceCosts(
                costs.fee_usd + sum(trade.fee_usd for trade in bought),
                costs.impact_usd + sum(trade.impact_usd for trade in bought),
                costs.funding_usd,
                costs.gas_usd,
            ),
            net_delta_after=hedged.net_delta_after
            + sum(trade.size * options[trade.instrument].factors.delta for trade in bought),
            gamma_after_per_usd=hedged.gamma_after_per_usd
            + sum(trade.size * options[trade.instrument].factors.gamma_per_usd for trade in bought),
            option_trades=tuple(
                VenueTrade(trade.instrument, trade.venue, trade.size, trade.price_usd, trade.fee_usd)
                for trade in bought
            ),
        )
    )
