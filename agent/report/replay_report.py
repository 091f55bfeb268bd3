"""Frozen records of a finished replay: all that its report and its summary are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from agent.domain import Book
from agent.report.option_gains import OptionGains
from agent.report.option_results import OptionResult
from agent.report.venues import VenueFigures
from agent.units import Seconds
from agent.vol.iv_move import HELD, IvMove


class StepAction(Enum):
    """What became of one step."""

    HOLD = "hold"
    HEDGED = "hedge"
    REJECTED = "rejected"


class OutsideReason(Enum):
    """Why a step left the net delta outside a band."""

    TURNOVER = "turnover"
    COOLDOWN = "cooldown"
    LOSS_BUDGET = "loss_budget"
    COST = "cost"
    """Gas or the trade itself cost more than it was worth."""
    VENUE = "venue"
    """It refused, did not answer, or had too little depth."""
    ANOTHER_BOUND = "another_bound"
    PENDING = "pending"
    """The transaction was on its way."""
    POLICY = "policy"
    """It wanted no more."""


@dataclass(frozen=True, slots=True)
class HedgingCosts:
    """What hedging cost, USD; a negative figure was earned."""

    fee_usd: float = 0.0
    slippage_usd: float = 0.0
    funding_usd: float = 0.0
    gas_usd: float = 0.0

    @property
    def total_usd(self) -> float:
        """Sum of the four parts."""
        return self.fee_usd + self.slippage_usd + self.funding_usd + self.gas_usd

    def plus(self, other: HedgingCosts) -> HedgingCosts:
        """Add part by part."""
        return HedgingCosts(
            fee_usd=self.fee_usd + other.fee_usd,
            slippage_usd=self.slippage_usd + other.slippage_usd,
            funding_usd=self.funding_usd + other.funding_usd,
            gas_usd=self.gas_usd + other.gas_usd,
        )


@dataclass(frozen=True, slots=True)
class Trade:
    """What the transactions of one step did, all venues together, and what each part of it cost, USD.

    ``size_delta`` is 0 where margin moved or options were traded, and where a transaction reverted, which costs gas all
    the same.
    """

    size_delta: float
    price_usd: float | None
    """Average execution price without fee; None where nothing was traded."""
    fee_usd: float
    slippage_usd: float
    """Against the oracle price, positive when the execution was worse."""
    gas_units: int
    gas_usd: float
    gas_token_usd: float
    """Price of the coin that pays for gas."""

    @property
    def cost_usd(self) -> float:
        """Fee and slippage, without gas."""
        return self.fee_usd + self.slippage_usd


@dataclass(frozen=True, slots=True)
class MarginUse:
    """How the hedge was backed after a step, valued as the guard values it."""

    nav_usd: float
    equity_usd: float
    """On the venues."""
    notional_usd: float
    leverage: float
    """Notional over NAV."""
    venue_leverage: float | None
    """Notional over equity on the venue where that is highest; None without a position."""
    liquidation_distance: float | None
    """Relative move against the position at which the nearest venue liquidates; None without a position or where no
    price does it."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One price, what the keeper saw at it, and what it did. Deltas in underlying units, long is positive.

    P&L and costs are cumulative since the first step, as seen before this step's own trade.
    """

    unix: Seconds
    price_usd: float
    book_delta: float
    net_delta: float
    net_delta_after: float
    band_low: float
    band_high: float
    action: StepAction
    hedge_size_delta: float
    hedge_size: float
    pnl_unhedged_usd: float
    pnl_hedged_usd: float
    costs: HedgingCosts
    reason: str
    worst_before: float
    """Worst-case net delta W as the chain measures it, before the step's own trade and after."""
    worst_after: float
    governed_band: float
    """W that the chain accepted at this step, whatever it was before."""
    margin: MarginUse
    iv_move: IvMove
    """How far the mark of every option is from its own IV in the book."""
    trade: Trade | None
    """What was executed and paid in this step; None where nothing was."""
    outside_reason: OutsideReason | None
    """Why the step left W or the net delta outside its band; None where both were inside."""
    guard_error: str | None = None
    """The bound that kept the keeper from what it wanted, where one did."""
    options: OptionGains | None = None
    """None where none was held as a hedge so far."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of the JSON summary; ``effectiveness`` is None when the replay is too short to have one."""

    steps: int
    rebalances: int
    rejected: int
    effectiveness: float | None
    pnl_unhedged_usd: float
    pnl_hedged_usd: float
    costs: HedgingCosts
    max_abs_net_delta: float
    band_breaches_after_rebalance: int
    guard_mirror_mismatches: int | None
    """None, like the ledger's error, where no chain judged."""
    vault_nav_usd: float
    ledger_nav_error_bps: float | None
    wall_s: float
    p99_decision_ms: float


@dataclass(frozen=True, slots=True)
class Closing:
    """When and at what price the account of a replay was closed: after the last step's own trade."""

    unix: Seconds
    price_usd: float
    iv_move: IvMove = HELD


@dataclass(frozen=True, slots=True)
class DepthQuote:
    """What a venue quoted for one size at the first step, against the oracle price; a cost is positive."""

    venue: str
    size_delta: float
    impact_bps: float
    fee_bps: float


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """A replay, its figures, and where everything in it comes from."""

    title: str
    underlying: str
    steps: tuple[StepRecord, ...]
    closing: Closing
    """``summary`` is as of here."""
    interval_seconds: Seconds
    book: Book
    guard_band: float
    """Worst-case net delta the chain always accepts, underlying units."""
    iv_rule: str | None
    """What the book's mark followed, as the end of "IV follows ..."; None where IV was held."""
    depth: tuple[DepthQuote, ...]
    """Smallest first, sales before purchases of one size."""
    market_note: str
    """What else was assumed of the market that the hedge traded in."""
    turnover_usd: float
    unexplained_usd: float
    """Hedge P&L measured on chain minus what prices and the four costs explain."""
    ended_early: str | None
    """Why the replay ended before its last price; None where it did not."""
    inputs: Mapping[str, str]
    """What was replayed, by name, for a program that reads the summary."""
    summary: Summary
    provenance: Mapping[str, Mapping[str, str]]
    """Section, then name and text, in the order to be shown."""
    venues: tuple[VenueFigures, ...] = ()
    """As of the close; none where no chain kept them apart."""
    options: OptionGains | None = None
    """Of all that were held as a hedge, at the close; None where none was."""
    option_positions: tuple[OptionResult, ...] = ()

    @property
    def marks(self) -> tuple[StepRecord | Closing, ...]:
        """When the book was marked: at every step, and at the close."""
        return (*self.steps, self.closing)
