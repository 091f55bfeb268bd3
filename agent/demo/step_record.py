"""From a cycle of the keeper to the record of a step: what was seen, what was paid, how the hedge is backed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from agent.chain.state import ChainState
from agent.demo.left_outside import outside_reason
from agent.demo.pnl import Execution, Pnl
from agent.domain import Bounds, Measurement, Snapshot
from agent.guard import effective_band, worst_net_delta
from agent.keeper.planner import CycleView
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.records import Receipt
from agent.report.replay_report import DepthQuote, MarginUse, StepAction, StepRecord, Trade
from agent.status.risk import liquidation_distance
from agent.units import BPS, Address, Wad, asset_units_to_wad, from_wad, wei_to_eth
from agent.venues.maintenance import Maintenance
from agent.vol.iv_move import IvMove

_ACTIONS = {
    Outcome.HELD: StepAction.HOLD,
    Outcome.PENDING: StepAction.HOLD,
    Outcome.EXECUTED: StepAction.HEDGED,
    Outcome.REJECTED: StepAction.REJECTED,
}


class VenueAccount(Protocol):
    """What both a reading of the chain and a snapshot tell of a venue."""

    @property
    def address(self) -> Address:
        """The adapter's."""
        ...

    @property
    def size(self) -> Wad:
        """Filled size."""
        ...


class VaultView(Protocol):
    """What both a reading of the chain and a snapshot tell of a vault."""

    @property
    def measurement(self) -> Measurement:
        """As the guard measures it."""
        ...

    @property
    def bounds(self) -> Bounds:
        """In force."""
        ...

    @property
    def venues(self) -> Sequence[VenueAccount]:
        """In the measurement's order."""
        ...


def hedge_size(state: VaultView) -> float:
    """Return the filled size on all venues, underlying units."""
    return from_wad(sum(venue.size for venue in state.venues))


def nav_at_oracle_usd(state: ChainState, asset_decimals: int) -> float:
    """Return the vault's NAV with every position valued at the oracle's price, as the book is; debts count in full.

    Options held as a hedge count at what selling them would bring.
    """
    idle = asset_units_to_wad(state.idle_assets, asset_decimals)
    accounts = zip(state.venues, state.measurement.venues, strict=True)
    equity = sum(own.equity if venue.options is None else own.equity_low for venue, own in accounts)
    return from_wad(idle + equity)


def band_in_force(state: VaultView) -> Wad:
    """Return the band that the guard holds W to."""
    return effective_band(state.bounds, state.measurement.firm_nav, state.measurement.price)


def trade_of(
    executions: Sequence[Execution], receipts: Sequence[Receipt], price_usd: float, gas_token_usd: float
) -> Trade | None:
    """Add up what a step executed and paid; None where nothing was sent. Gas is priced at ``gas_token_usd``."""
    if not executions and not receipts:
        return None
    traded = sum(abs(own.size_delta) for own in executions)
    gas_eth = sum(wei_to_eth(receipt.gas_used * receipt.gas_price_wei) for receipt in receipts)
    return Trade(
        size_delta=sum(own.size_delta for own in executions),
        price_usd=sum(abs(own.size_delta) * own.execution_price_usd for own in executions) / traded if traded else None,
        fee_usd=sum(own.fee_usd for own in executions),
        slippage_usd=sum(own.size_delta * (own.execution_price_usd - price_usd) for own in executions),
        gas_units=sum(receipt.gas_used for receipt in receipts),
        gas_usd=gas_eth * gas_token_usd,
        gas_token_usd=gas_token_usd,
    )


def margin_use(state: VaultView, maintenance: Mapping[Address, Maintenance]) -> MarginUse:
    """Return how the hedge is backed; ``maintenance``: from what on each venue liquidates."""
    measured = state.measurement
    equity_usd = from_wad(sum(venue.equity for venue in measured.venues))
    notional_usd = from_wad(sum(venue.notional for venue in measured.venues))
    nav_usd = from_wad(measured.nav)
    leverages = [
        from_wad(venue.notional) / from_wad(venue.equity) if venue.equity > 0 else math.inf
        for venue in measured.venues
        if venue.notional
    ]
    distances = [
        liquidation_distance(measured_venue, maintenance[venue.address])
        for venue, measured_venue in zip(state.venues, measured.venues, strict=True)
        if venue.address in maintenance
    ]
    nearest = min((known for known in distances if known is not None), default=math.inf)
    return MarginUse(
        nav_usd=nav_usd,
        equity_usd=equity_usd,
        notional_usd=notional_usd,
        leverage=notional_usd / nav_usd if nav_usd > 0.0 else 0.0,
        venue_leverage=_finite(max(leverages, default=math.inf)),
        liquidation_distance=_finite(nearest),
    )


def depth_quotes(snapshot: Snapshot) -> tuple[DepthQuote, ...]:
    """Return what the venues quote, as costs against the oracle price."""
    price = from_wad(snapshot.measurement.price)
    quotes = [
        DepthQuote(
            venue=venue.name,
            size_delta=from_wad(quote.size_delta),
            impact_bps=math.copysign(BPS, quote.size_delta) * (from_wad(quote.execution_price) / price - 1.0),
            fee_bps=BPS * from_wad(quote.fee) / abs(from_wad(quote.size_delta) * from_wad(quote.execution_price)),
        )
        for venue in snapshot.venues
        for quote in venue.quotes
    ]
    return tuple(sorted(quotes, key=lambda quote: (quote.venue, abs(quote.size_delta), quote.size_delta)))


def step_record(
    result: CycleResult,
    view: CycleView,
    pnl: Pnl,
    seen: ChainState,
    after: ChainState,
    trade: Trade | None,
    margin: MarginUse,
    iv_move: IvMove,
) -> StepRecord:
    """Return the record of one cycle: ``seen`` is the vault before any trade of it, ``after`` as the cycle left it."""
    decision, size_after = view.decision, hedge_size(after)
    size_delta = from_wad(sum(fill.size_delta for fill in result.fills))
    net_delta_after, target = decision.exposure.book_delta + size_after, decision.target
    is_outside = worst_net_delta(after.measurement) > band_in_force(after)
    is_outside |= not target.band_low <= net_delta_after <= target.band_high
    return StepRecord(
        unix=seen.block.timestamp,
        price_usd=from_wad(seen.measurement.price),
        book_delta=decision.exposure.book_delta,
        net_delta=decision.exposure.net_delta,
        net_delta_after=net_delta_after,
        band_low=target.band_low,
        band_high=target.band_high,
        action=_ACTIONS[result.outcome],
        hedge_size_delta=size_delta,
        hedge_size=size_after,
        pnl_unhedged_usd=pnl.unhedged_usd,
        pnl_hedged_usd=pnl.hedged_usd,
        costs=pnl.costs,
        reason=result.reason,
        worst_before=from_wad(worst_net_delta(view.state.measurement)),
        worst_after=from_wad(worst_net_delta(after.measurement)),
        governed_band=from_wad(band_in_force(after)),
        margin=margin,
        iv_move=iv_move,
        trade=trade,
        outside_reason=outside_reason(result) if is_outside else None,
        guard_error=decision.guard_error,
        options=pnl.options,
    )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
