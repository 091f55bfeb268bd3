"""A venue at which the vault buys options as a hedge, as read at one block; integers as the chain has them."""

from __future__ import annotations

from dataclasses import dataclass

from agent.domain import BlockRef
from agent.units import Address, Seconds, Wad


def option_name(strike: Wad, is_call: bool, strike_id: int) -> str:
    """Return an option's name, such as ``1750-C-12``."""
    return f"{strike / 10**18:g}-{'C' if is_call else 'P'}-{strike_id}"


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
        return option_name(self.strike, self.is_call, self.strike_id)


@dataclass(frozen=True, slots=True)
class HeldOption:
    """One option that the vault holds, as `IOptionVenue.holdings` tells it.

    ``size`` is 0 once the option is settled and its payoff not brought home. ``worth_low`` is what selling all of it
    would bring at the least, ``worth_high`` what buying it would cost at the most, USD.
    """

    position_id: int
    strike_id: int
    is_call: bool
    size: Wad
    strike: Wad
    expiry: Seconds
    worth_low: Wad
    worth_high: Wad

    @property
    def name(self) -> str:
        """As `OptionOffer.name`."""
        return option_name(self.strike, self.is_call, self.strike_id)


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
    iv_tolerance: Wad
    """Distance from an option's volatility over which the chain bounds its delta, per year."""
    carry_tolerance: Wad
    """Rate by which the forward may grow or fall there, per year."""
    offers: tuple[OptionOffer, ...]


@dataclass(frozen=True, slots=True)
class OptionOrder:
    """One option to buy or sell, as `IOptionVenue.trade` takes it."""

    strike_id: int
    is_call: bool
    size_delta: Wad
    limit_cost: Wad
