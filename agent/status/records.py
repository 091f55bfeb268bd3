"""One vault as it stands at one block. None stands for what the chain could not tell."""

from __future__ import annotations

from dataclasses import dataclass

from agent.budgets import Available
from agent.chain.orders import VenueOrder
from agent.domain import BlockRef, Bounds, Measurement
from agent.option_venue import HeldOption
from agent.units import Address, AssetUnits, Seconds, Wad, Wei
from agent.venues.maintenance import Maintenance


@dataclass(frozen=True, slots=True)
class ShareStatus:
    """The vault as its members see it; the price is of one whole share."""

    name: str
    nav_low: AssetUnits
    nav_high: AssetUnits
    share_price: AssetUnits
    idle: AssetUnits
    reserved: AssetUnits
    """What of idle the redemption queue waits for."""
    deposits_closed_by: str | None


@dataclass(frozen=True, slots=True)
class ModeStatus:
    """What a guardian or a governor has stopped."""

    paused_until: Seconds | None
    is_reduce_only: bool
    is_winding_down: bool


@dataclass(frozen=True, slots=True)
class OracleStatus:
    """The price and why it is not believed; ``price`` is 0 where no source answers."""

    price: Wad
    updated_at: Seconds
    max_age_seconds: int
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VenueMarket:
    """What a venue says of its market; its funding is a ratio per day."""

    mark_price: Wad
    index_price: Wad
    funding_rate_per_day: Wad
    free_collateral: AssetUnits
    order: VenueOrder | None = None
    """The one open there, if there is one."""


@dataclass(frozen=True, slots=True)
class KeeperStatus:
    """One keeper: its role, the gas money of its key, and what it may still do."""

    address: Address
    has_role: bool
    gas_money: Wei
    rebalances_left: int
    """That the gas money pays for, at the base fee of the block."""
    last_intent_block: int | None
    budget_left: Available


@dataclass(frozen=True, slots=True)
class ScheduledChange:
    """An operation on ``VaultAccess`` that is scheduled and neither executed nor cancelled nor void."""

    operation_id: str
    caller: Address
    target: str
    call: str
    ready_at: Seconds
    expires_at: Seconds
    worst_case: tuple[str, ...]
    """What it would allow at worst."""
    warnings: tuple[str, ...]
    """What of it is not known."""


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """Everything of one vault at one block."""

    network: str
    chain_id: int
    vault: Address
    asset_decimals: int
    block: BlockRef
    shares: ShareStatus
    modes: ModeStatus
    bounds: Bounds
    budget_left: Available
    """Of all keepers together, outside the reserve for urgent rebalances."""
    is_breaker_tripped: bool | None
    measurement: Measurement
    """Of the hedge alone."""
    book_delta: tuple[Wad, Wad] | None
    book_sources: int
    venue_names: tuple[str, ...]
    markets: tuple[VenueMarket | None, ...]
    maintenance: tuple[Maintenance | None, ...]
    """From what on each venue liquidates."""
    oracle: OracleStatus
    keepers: tuple[KeeperStatus, ...]
    scheduled: tuple[ScheduledChange, ...]
    options: tuple[HeldOption, ...] | None = None
    """Held as a hedge; None where the vault has no venue of options, or it does not answer."""
