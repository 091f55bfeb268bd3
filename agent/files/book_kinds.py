"""Positions from the entries of a book: every number that the product declares is asked for by name, and judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from agent.domain import AnyPosition, HoldingLeg, OptionLeg, OptionType, Position
from agent.errors import DataError
from agent.files.entry import Entry
from agent.formatting import iso_utc
from agent.products.product import EntryField, Product, Rule
from agent.products.registry import KINDS
from agent.units import Seconds

MAX_IV_ANNUAL = 5.0
"""500 % a year: more is a percentage written as a number, or a typing error."""


class _Stated(NamedTuple):
    """What an entry states: ``terms`` are the product's fields and what else its entry declares."""

    terms: dict[str, float | bool]
    expiry_unix: Seconds | None
    quantity: float
    label: str


def position(kind: str, entry: Entry, now_unix: int | None) -> AnyPosition:
    """Return a position of any kind of `agent.products.registry.KINDS`; without ``now_unix`` it may have expired.

    Raises
    ------
    DataError
        A number that is missing, out of range or contradicts another, or an expiry that has passed.
    """
    stated = _stated(KINDS[kind].product, entry, now_unix)
    record = RECORDS.get(kind)
    return record(stated) if record else Position(kind, stated.quantity, stated.label, stated.terms, stated.expiry_unix)


def _option(stated: _Stated) -> OptionLeg:
    terms = stated.terms
    if stated.expiry_unix is None:
        raise AssertionError("an option is dated")
    return OptionLeg(
        option_type=OptionType.CALL if terms["is_call"] else OptionType.PUT,
        strike_usd=terms["strike_usd"],
        expiry_unix=stated.expiry_unix,
        quantity=stated.quantity,
        iv_annual=terms["vol_annual"],
        iv_low_annual=terms["iv_low_annual"],
        iv_high_annual=terms["iv_high_annual"],
        label=stated.label,
    )


def _holding(stated: _Stated) -> HoldingLeg:
    return HoldingLeg(stated.quantity, stated.label)


RECORDS: dict[str, Callable[[_Stated], AnyPosition]] = {OptionLeg.kind: _option, HoldingLeg.kind: _holding}
"""Kinds with a record of their own: those whose delta the chain verifies."""


# --- fields -------------------------------------------------------------------------------------------------------


def _stated(product: Product, entry: Entry, now_unix: int | None) -> _Stated:
    terms: dict[str, float | bool] = {}
    words: dict[str, str] = {}
    if product.has_right:
        option_type = _option_type(entry)
        terms["is_call"], words["type"] = option_type is OptionType.CALL, option_type.value
    expiry_unix = _expiry(entry, now_unix) if product.is_dated else None
    if expiry_unix is not None:
        words["expiry_date"] = iso_utc(expiry_unix)[:10]
    numbers = {field.key: number for field in product.entry if (number := _number(entry, field)) is not None}
    _require_order(product, entry, numbers)
    terms |= {
        field.term or field.key: field.scale * numbers[field.key] for field in product.entry if field.key in numbers
    }
    label = entry.text("label") if entry.has("label") else product.plain_label.format(**terms, **words)
    return _Stated(terms, expiry_unix, _quantity(entry, product.default_quantity), label)


def _number(entry: Entry, field: EntryField) -> float | None:
    if not field.is_required and not entry.has(field.key):
        return field.default
    return _READERS[field.rule](entry, field.key)


def _volatility(entry: Entry, key: str) -> float:
    iv_annual = entry.positive(key)
    if iv_annual > MAX_IV_ANNUAL:
        raise DataError(f"{entry.where}: an iv is above {MAX_IV_ANNUAL:g} (500 % a year); write 0.65 for 65 %, not 65")
    return iv_annual


_READERS: dict[Rule, Callable[[Entry, str], float]] = {
    Rule.FINITE: Entry.number,
    Rule.POSITIVE: Entry.positive,
    Rule.VOLATILITY: _volatility,
}


def _require_order(product: Product, entry: Entry, numbers: dict[str, float]) -> None:
    if product.interval is not None:
        low, middle, high = product.interval
        if not numbers[low] <= numbers[middle] <= numbers[high]:
            raise DataError(
                f"{entry.where}: {middle} {numbers[middle]:g} is outside [{low} {numbers[low]:g}, "
                f"{high} {numbers[high]:g}]; widen the interval"
            )
    if product.range_keys is not None:
        lower, upper = product.range_keys
        if numbers[lower] >= numbers[upper]:
            raise DataError(
                f"{entry.where}: {lower} {numbers[lower]:g} is not below {upper} {numbers[upper]:g}; swap them"
            )


def _option_type(entry: Entry) -> OptionType:
    written = entry.text("type")
    try:
        return OptionType(written.lower())
    except ValueError:
        raise DataError(f"{entry.where}: type is {written!r}; write call or put") from None


def _expiry(entry: Entry, now_unix: int | None) -> Seconds:
    expiry_unix = entry.instant("expiry")
    if now_unix is not None and expiry_unix <= now_unix:
        raise DataError(
            f"{entry.where}: expiry {iso_utc(expiry_unix)} is not after {iso_utc(now_unix)}; remove the expired leg"
        )
    return expiry_unix


def _quantity(entry: Entry, default: float | None) -> float:
    if default is not None and not entry.has("quantity"):
        return default
    quantity = entry.number("quantity")
    if quantity == 0:
        raise DataError(f"{entry.where}: quantity is 0; remove the entry, or write a negative number for a short")
    return quantity
