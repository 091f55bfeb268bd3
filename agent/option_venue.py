"""A venue at which the vault buys options as a hedge, as read at one block; integers as the chain has them."""

from __future__ import annotations

from dataclasses import dataclass

from agent.domain import BlockRef
from agent.units import Address, Seconds, Wad


@dataclass(frozen=True, slots=True)
class OptionQuote:
    """What buying ``size`` would cost in all, fees inside; None where the venue refuses."""

    size: Wad
    cost: Wad | None


@dataclass(frozen=True, slots=True)
class OptionOffer:
    """One listed option. ``asks`` is a ladder of sizes, smallest first; ``bid`` is of all that is held."""

    strike_id: int
    is_call: bool
    strike: Wad
    expiry: Seconds
    iv: Wad
    """As the venue has it, per year."""
    asks: tuple[OptionQuote, ...]
    held: Wad
    bid: Wad | None

    @property
    def name(self) -> str:
        """Such as ``1750-C-12``, with the venue's number of strike and expiry at the end."""
        return f"{self.strike / 10**18:g}-{'C' if self.is_call else 'P'}-{self.strike_id}"


@dataclass(frozen=True, slots=True)
class OptionVenueState:
    """`IOptionVenue` at a block: what is held and may be bought, with what the caps leave."""

    address: Address
    block: BlockRef
    cash: Wad
    premium_left: Wad
    loss_left: Wad
    gamma_left: Wad
    """Delta for a move of 1 % that what is held may still grow by, underlying units."""
    vega_left: Wad
    """USD for one unit of volatility."""
    max_expiry: Seconds
    room: int
    """Positions that may still be opened."""
    offers: tuple[OptionOffer, ...]


@dataclass(frozen=True, slots=True)
class OptionOrder:
    """One option to buy or sell, as `IOptionVenue.trade` takes it."""

    strike_id: int
    is_call: bool
    size_delta: Wad
    limit_cost: Wad
