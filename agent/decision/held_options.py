"""Options that the vault holds as a hedge, as positions of the book: the chain counts their delta there too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.domain import AnyPosition, Book, HeldOptionLeg, HoldingLeg, OptionType
from agent.option_venue import HeldOption
from agent.units import Seconds, Wad, from_wad


def held_positions(
    held: Sequence[HeldOption], volatilities: Sequence[Wad], at_unix: Seconds, price: Wad
) -> tuple[AnyPosition, ...]:
    """Return what each option held is to the book.

    Until its expiry it is an option at the venue's volatility. From then until somebody settles it, it pays by the
    price of that moment: it is as sensitive as the underlying where it is in the money, which is how the chain's source
    counts it. A payoff that is fixed has one worth, and no delta any more.

    Parameters
    ----------
    held
        As the venue tells it.
    volatilities
        The venue's, of each option held, WAD per year.
    at_unix, price
        Time and oracle price of the block.

    """
    found = [
        _position(option, volatility, at_unix, price)
        for option, volatility in zip(held, volatilities, strict=True)
        if option.size
    ]
    return tuple(position for position in found if position is not None)


def with_held(book: Book, held: Sequence[AnyPosition]) -> Book:
    """Return a book with what the vault holds as a hedge beside it; the very book where that is nothing."""
    return replace(book, positions=(*book.positions, *held)) if held else book


def _position(option: HeldOption, volatility: Wad, at_unix: Seconds, price: Wad) -> AnyPosition | None:
    label, size = f"held {option.name}", from_wad(option.size)
    if at_unix >= option.expiry:
        is_in_the_money = price > option.strike if option.is_call else price < option.strike
        if not is_in_the_money or option.worth_low == option.worth_high:
            return None
        return HoldingLeg(size if option.is_call else -size, label)
    iv = from_wad(volatility)
    return HeldOptionLeg(
        option_type=OptionType.CALL if option.is_call else OptionType.PUT,
        strike_usd=from_wad(option.strike),
        expiry_unix=option.expiry,
        quantity=size,
        iv_annual=iv,
        iv_low_annual=iv,
        iv_high_annual=iv,
        label=label,
    )
