"""Frozen records that flow through the agent; the integer ones mirror ``contracts/types/Rebalance.sol``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from agent.units import Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei

# --- the guard's integers: same names, order and units as in Solidity ---------------------------------------------


@dataclass(frozen=True, slots=True)
class Leg:
    """One instruction of a rebalance. ``limit_price`` 0 means the guard's own bound."""

    venue: Address
    margin_delta: AssetUnits
    size_delta: Wad
    limit_price: Wad


@dataclass(frozen=True, slots=True)
class Fill:
    """What a leg did, measured after execution; price without fee.

    Of an order that is yet to fill (``is_pending``) its worst: the size asked for, its limit, its highest fee.
    """

    venue_index: int
    size_delta: Wad
    execution_price: Wad
    fee: Wad
    is_pending: bool = False


@dataclass(frozen=True, slots=True)
class VenueMeasurement:
    """One venue at one moment; pending orders at their worst case.

    A silent venue did not answer: no equity, and a size between 0 and the last one known. A closing one may only
    shrink. ``price`` is what it is judged at, between ``price_low`` and ``price_high`` as far as is known; ``equity``
    is taken there, its ends over mark, index and the range. ``cap`` is the most equity that margin may lead to.
    """

    is_silent: bool
    is_closing: bool
    price: Wad
    price_low: Wad
    price_high: Wad
    size_low: Wad
    size_high: Wad
    notional: Wad
    equity: Wad
    equity_low: Wad
    equity_high: Wad
    cap: Wad


@dataclass(frozen=True, slots=True)
class Measurement:
    """All the guard judges; ``price`` is the oracle's, 0 while it is not healthy.

    ``idle``: collateral in the vault that nobody has asked back. ``firm_nav``: NAV without deposits too young to carry
    exposure. ``net_flows``: deposits less exits since deployment. All USD.
    """

    price: Wad
    is_reduce_only: bool
    book_delta_low: Wad
    book_delta_high: Wad
    idle: Wad
    nav: Wad
    firm_nav: Wad
    net_flows: Wad
    venues: tuple[VenueMeasurement, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Governed bounds on what a keeper may do."""

    band: Wad
    min_improvement: Wad
    urgent_delta: Wad
    max_size_delta: Wad
    min_notional: Wad
    max_notional: Wad
    max_gross_notional: Wad
    turnover_capacity: Wad
    turnover_refill_per_day: Wad
    max_venue_leverage: Wad
    max_leverage: Wad
    max_slippage_bps: int
    max_fee_bps: int
    max_nav_loss_bps: int
    loss_capacity_bps: int
    loss_refill_bps_per_day: int
    max_drawdown_bps: int
    idle_floor_bps: int
    urgent_reserve_bps: int
    keeper_share_bps: int
    cooldown_seconds: Seconds


@dataclass(frozen=True, slots=True)
class Budget:
    """What has been used up and not refilled at ``updated_at``, by all keepers together or by one of them.

    Turnover in USD; losses as a part of NAV (1e18 is all of it).
    """

    turnover_used: Wad
    loss_used: Wad
    updated_at: Seconds
    last_trade_at: Seconds


@dataclass(frozen=True, slots=True)
class Track:
    """The hedge's result so far, less what the price's moves explain; ``highs`` are its newest four, US cents.

    ``size`` and ``price`` are those of the last rebalance (price 0 before the first), ``period`` counts periods of 8
    hours, and the highs are of this period and the three before, newest first. ``flows`` are the deposits that carry
    exposure, less exits, at the last rebalance, USD.
    """

    size: Wad
    explained: Wad
    price: Wad
    period: int
    flows: Wad
    highs: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a rebalance is judged against beside the bounds: used by all keepers, by its own, and the result's track."""

    all: Budget
    own: Budget
    track: Track


# --- the book -----------------------------------------------------------------------------------------------------


class OptionType(Enum):
    """Right of a European option."""

    CALL = "call"
    PUT = "put"


@dataclass(frozen=True, slots=True)
class OptionLeg:
    """European option, linear, one underlying unit a contract; ``quantity`` negative is short."""

    kind: ClassVar[str] = "option"
    option_type: OptionType
    strike_usd: float
    expiry_unix: Seconds
    quantity: float
    iv_annual: float
    iv_low_annual: float
    iv_high_annual: float
    label: str
    settles_on_average: ClassVar[bool] = True
    """Whether the book's window of settlement is this leg's too."""

    @property
    def terms(self) -> dict[str, float | bool]:
        """Fields of the product by name; the volatility interval is for the chain alone."""
        is_call = self.option_type is OptionType.CALL
        return {"is_call": is_call, "strike_usd": self.strike_usd, "vol_annual": self.iv_annual}


@dataclass(frozen=True, slots=True)
class HeldOptionLeg(OptionLeg):
    """An option that the vault has bought as a hedge: it settles by its venue's rule, not by the book's average."""

    settles_on_average: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class HoldingLeg:
    """Plain holding of the underlying."""

    kind: ClassVar[str] = "holding"
    expiry_unix: ClassVar[Seconds | None] = None
    quantity: float
    label: str

    @property
    def terms(self) -> dict[str, float | bool]:
        """Fields of the product by name: none."""
        return {}


@dataclass(frozen=True, slots=True)
class Position:
    """``quantity`` units of a kind of `agent.products.registry.KINDS` that has no record of its own; negative is short.

    ``terms`` are the product's own fields by name, apart from what the market says (``spot_usd``, ``rate_annual``,
    ``tau_years``). ``forward_usd`` is among them where an option has a forward of its own.
    """

    kind: str
    quantity: float
    label: str
    terms: Mapping[str, float | bool]
    expiry_unix: Seconds | None = None


AnyPosition = OptionLeg | HoldingLeg | Position


@dataclass(frozen=True, slots=True)
class Book:
    """Positions of any kind in one underlying."""

    underlying: str
    positions: tuple[AnyPosition, ...]

    @property
    def options(self) -> tuple[OptionLeg, ...]:
        """Options, in the book's order."""
        return tuple(own for own in self.positions if isinstance(own, OptionLeg))

    @property
    def holdings(self) -> tuple[HoldingLeg, ...]:
        """Holdings of the underlying, in the book's order."""
        return tuple(own for own in self.positions if isinstance(own, HoldingLeg))


# --- the snapshot -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BlockRef:
    """The one block a cycle is decided on; ``parent_hash`` is None where the block does not come from a node."""

    number: int
    hash: BlockHash
    timestamp: Seconds
    base_fee_wei: Wei
    parent_hash: BlockHash | None = field(default=None, compare=False)


LADDER_RUNGS = 9
"""Sizes quoted on each side: the guard's largest leg and its halves, down to 1/256 of it."""


@dataclass(frozen=True, slots=True)
class QuotePoint:
    """Answer of a venue's ``quote`` for one size."""

    size_delta: Wad
    execution_price: Wad
    fee: Wad


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What an order asked for now may cost at a venue that fills later, as ``IOrderTerms`` tells it.

    ``fee_rate``: highest fee as a part of notional (WAD). ``fixed_fee``: what it may cost beside, USD. ``sale_rise``:
    how far above the quoted price a sale may fill, as a part of that price (WAD). ``size_step``: sizes are whole
    multiples of it, WAD.
    """

    fee_rate: Wad
    fixed_fee: Wad
    sale_rise: Wad
    size_step: Wad


@dataclass(frozen=True, slots=True)
class OrderGas:
    """Gas that executing an order is paid for beyond the transaction that asks for it, whoever burns it.

    Of an order that enlarges a position, of one that makes it smaller, and of one that goes past 0.
    """

    opening: int
    closing: int
    crossing: int

    def of(self, held: Wad, size_delta: Wad) -> int:
        """Return the gas of an order of ``size_delta`` beside a position of ``held``."""
        if held == 0 or (held > 0) == (size_delta > 0):
            return self.opening
        return self.closing if abs(size_delta) <= abs(held) else self.crossing


@dataclass(frozen=True, slots=True)
class FundingSpeed:
    """How a funding rate drifts, WAD rate per day and day: as the market stands, and more for each unit bought."""

    per_day: Wad
    per_unit: Wad


@dataclass(frozen=True, slots=True)
class VenueSnapshot:
    """One venue as read at the snapshot block; ``quotes`` is a ladder of sizes on both sides, smallest first.

    A venue that does not answer has no quotes; its size and prices are those of its measurement. ``order_terms``: of a
    venue that fills later; None where it fills at once. ``order_gas``: what executing its orders takes, None where that
    is not known. ``funding_speed``: of a venue whose rate drifts.
    """

    address: Address
    name: str
    size: Wad
    mark_price: Wad
    index_price: Wad
    funding_rate_per_day: Wad
    free_collateral: AssetUnits
    quotes: tuple[QuotePoint, ...]
    order_terms: OrderTerms | None = None
    funding_speed: FundingSpeed | None = None
    trades_options: bool = False
    """Whether it holds options for the vault and trades no perp: no quotes, and its margin is not leverage's matter."""
    order_gas: OrderGas | None = None
    opens_from_cash: bool = False
    """Whether what opens takes its margin from ``free_collateral`` alone, however much equity its positions hold."""

    def execution_gas(self, size_delta: Wad) -> int:
        """Return the gas that executing an order takes, as far as it is known."""
        return 0 if self.order_gas is None else self.order_gas.of(self.size, size_delta)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a decision depends on, at one block hash."""

    chain_id: int
    block: BlockRef
    vault: Address
    asset_decimals: int
    idle_assets: AssetUnits
    measurement: Measurement
    bounds: Bounds
    usage: Usage
    """Of the keeper who decides."""
    deviation_bps: int
    """How far the price feed may lag, 1e-4 of the price: what widens the equity interval around a venue's index."""
    venues: tuple[VenueSnapshot, ...]
    paused: bool

    @property
    def perp_venues(self) -> tuple[VenueSnapshot, ...]:
        """Venues where perps are traded, in order."""
        return tuple(venue for venue in self.venues if not venue.trades_options)


# --- the decision -------------------------------------------------------------------------------------------------


class Action(Enum):
    """What a cycle decided."""

    HOLD = "hold"
    REBALANCE = "rebalance"


@dataclass(frozen=True, slots=True)
class NetDeltaLimits:
    """Net delta, underlying units, outside which the chain's band calls for a trade, whatever it is worth."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Exposure:
    """Book and hedge in floats, at the snapshot's price and time; gamma per USD, theta per year, vega per 1.00."""

    spot_usd: float
    book_delta: float
    book_gamma_per_usd: float
    book_vega_usd_per_vol: float
    book_theta_usd_per_year: float
    book_value_usd: float
    hedge_size: float
    book: Book | None = field(default=None, compare=False, repr=False)
    """What the sums are of, for policies that value it in their own way."""
    at_unix: Seconds = Seconds(0)
    """Time of valuation."""
    last_trade_unix: Seconds | None = None
    """Time of the last hedge; None before the first."""
    urgency_ratio: float = 0.0
    """0 while the worst case lies inside the chain's band, 1 where it is urgent to the chain, linear in between."""
    limits: NetDeltaLimits | None = None
    """Where a trade is forced; None where nothing forces one."""

    @property
    def net_delta(self) -> float:
        """Book delta plus hedge, underlying units."""
        return self.book_delta + self.hedge_size


@dataclass(frozen=True, slots=True)
class TradeCosts:
    """Cost of hedging now: proportional part as a ratio of notional, fixed part in USD per transaction."""

    fee_ratio: float
    impact_ratio: float
    funding_ratio: float
    gas_usd: float
    funding_horizon_days: float = 0.0
    """How long the funding above runs; 0 where that is not known."""

    @property
    def proportional_ratio(self) -> float:
        """Fee, impact and expected funding as one ratio of traded notional, never below 0."""
        return max(self.fee_ratio + self.impact_ratio + self.funding_ratio, 0.0)


@dataclass(frozen=True, slots=True)
class Target:
    """Answer of a policy: the no-trade band of the net delta and where to move it."""

    band_low: float
    band_high: float
    target_net_delta: float
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One cycle's answer, with the reason in words."""

    action: Action
    exposure: Exposure
    costs: TradeCosts
    target: Target
    legs: tuple[Leg, ...]
    expected_fills: tuple[Fill, ...]
    urgent: bool
    guard_error: str | None
    """Name of the guard error the mirror predicts, or None when it predicts acceptance."""
    reason: str


@dataclass(frozen=True, slots=True)
class Intent:
    """A rebalance that was decided and must be carried out at most once."""

    intent_id: IntentId
    vault: Address
    legs: tuple[Leg, ...]
    deadline: Seconds
    decided_at_block: BlockRef
