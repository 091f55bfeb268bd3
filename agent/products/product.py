"""What a product declares of itself: how it is valued, what drives it, and what an entry of a book file says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from agent.products.greeks import Greeks


class Rule(Enum):
    """What a number in a book file must be."""

    FINITE = "finite"
    POSITIVE = "positive"
    VOLATILITY = "volatility"
    """Positive, and a ratio a year rather than a percentage."""


@dataclass(frozen=True, slots=True)
class EntryField:
    """A number that an entry of a book file holds.

    ``key`` is its name in the file and ``term`` the product's field that it sets, the same name when None; the field is
    ``scale`` times the number. A key that is absent sets ``default``, or leaves the field out when that is None.
    """

    key: str
    rule: Rule = Rule.POSITIVE
    term: str | None = None
    scale: float = 1.0
    is_required: bool = True
    default: float | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """How a product is valued, which of its fields drives which Greek, and how a book file states it."""

    name: str
    greeks: Callable[..., Greeks]
    example: Mapping[str, float | bool]
    """Fields of an ordinary row, all by name."""
    currency: str = "USD"
    price_field: str = "spot_usd"
    vol_fields: tuple[str, ...] = ()
    rate_field: str | None = None
    time_left_field: str | None = None
    """Shrinks as calendar time passes."""
    time_past_field: str | None = None
    """Grows as calendar time passes."""
    entry: tuple[EntryField, ...] = ()
    """Numbers of an entry beside its type, expiry, quantity and label."""
    interval: tuple[str, str, str] | None = None
    """Keys of a low end, a number and a high end that must not decrease."""
    range_keys: tuple[str, str] | None = None
    """Keys of two ends, the first below the second."""
    plain_label: str = ""
    """Label of an entry that has none: ``str.format`` over its terms, ``type`` and ``expiry_date``."""
    default_quantity: float | None = None
    """What an entry without quantity holds; None where it must say."""

    @property
    def entry_keys(self) -> tuple[str, ...]:
        """Keys that an entry of a book file may have."""
        right = ("type",) if self.has_right else ()
        expiry = ("expiry",) if self.is_dated else ()
        return (*right, *expiry, "quantity", *(field.key for field in self.entry), "label")

    @property
    def has_right(self) -> bool:
        """Whether it is a call or a put."""
        return "is_call" in self.example

    @property
    def is_dated(self) -> bool:
        """Whether it expires."""
        return self.time_left_field is not None


EXAMPLE_OPTION = {"is_call": True, "strike_usd": 2_100.0, "tau_years": 0.25, "vol_annual": 0.6}
EXAMPLE_DISCOUNTED = {"spot_usd": 2_000.0, "rate_annual": 0.05, "dividend_annual": 0.02}
ENTRY_PRICE = EntryField("entry_usd")
VOLATILITY = EntryField("iv_annual", Rule.VOLATILITY, term="vol_annual")
STRIKE = EntryField("strike_usd")
