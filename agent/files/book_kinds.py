"""Positions from the entries of a book: every number asked for by name, and judged."""

from __future__ import annotations

from collections.abc import Callable

from agent.domain import HoldingLeg, OptionLeg, OptionType
from agent.errors import DataError
from agent.files.book_contents import HOLDING, OPTION
from agent.files.entry import Entry
from agent.files.timestamps import iso_utc
from agent.products.portfolio import Position
from agent.units import DAYS_PER_YEAR, Seconds

MAX_IV_ANNUAL = 5.0
"""500 % a year: more is a percentage written as a number, or a typing error."""


def option_leg(entry: Entry, now_unix: int) -> OptionLeg:
    """Return a linear option with its volatility interval."""
    option_type, strike_usd, expiry_unix, plain_label = _option_terms(entry, now_unix)
    iv_annual, iv_low_annual, iv_high_annual = _iv_interval(entry)
    return OptionLeg(
        option_type=option_type,
        strike_usd=strike_usd,
        expiry_unix=expiry_unix,
        quantity=_quantity(entry),
        iv_annual=iv_annual,
        iv_low_annual=iv_low_annual,
        iv_high_annual=iv_high_annual,
        label=_label(entry, plain_label),
    )


def holding_leg(entry: Entry) -> HoldingLeg:
    """Return a holding of the underlying."""
    return HoldingLeg(_quantity(entry), _label(entry, "holding"))


def position(kind: str, entry: Entry, now_unix: int) -> Position:
    """Return a position of any kind of `agent.files.book_contents.KIND_KEYS`."""
    return _POSITIONS[kind](entry, now_unix)


# --- kinds --------------------------------------------------------------------------------------------------------


def _option(entry: Entry, now_unix: int) -> Position:
    leg = option_leg(entry, now_unix)
    terms = {
        "is_call": leg.option_type is OptionType.CALL,
        "strike_usd": leg.strike_usd,
        "vol_annual": leg.iv_annual,
    }
    return Position("european_on_spot", leg.quantity, leg.label, terms, leg.expiry_unix)


def _holding(entry: Entry, _now_unix: int) -> Position:
    leg = holding_leg(entry)
    return Position("spot", leg.quantity, leg.label, {})


def _inverse_option(entry: Entry, now_unix: int) -> Position:
    option_type, strike_usd, expiry_unix, plain_label = _option_terms(entry, now_unix)
    terms = {"is_call": option_type is OptionType.CALL, "strike_usd": strike_usd, "vol_annual": _iv(entry)}
    if entry.has("forward_usd"):
        terms["forward_usd"] = entry.positive("forward_usd")
    label = _label(entry, f"{plain_label}, inverse")
    return Position("inverse_option", _quantity(entry), label, terms, expiry_unix)


def _dated(product: str) -> Callable[[Entry, int], Position]:
    def read(entry: Entry, now_unix: int) -> Position:
        expiry_unix = _expiry(entry, now_unix)
        label = _label(entry, f"{iso_utc(expiry_unix)[:10]} {product.replace('_', ' ')}")
        return Position(product, _quantity(entry), label, {"entry_usd": entry.positive("entry_usd")}, expiry_unix)

    return read


def _perpetual(product: str) -> Callable[[Entry, int], Position]:
    def read(entry: Entry, _now_unix: int) -> Position:
        per_day = entry.number("funding_rate_per_day") if entry.has("funding_rate_per_day") else 0.0
        terms = {
            "entry_usd": entry.positive("entry_usd"),
            "funding_rate_annual": per_day * DAYS_PER_YEAR,
        }
        return Position(product, _quantity(entry), _label(entry, product.replace("_", " ")), terms)

    return read


def _uniswap_v3_position(entry: Entry, _now_unix: int) -> Position:
    terms = {key: entry.positive(key) for key in ("lower_usd", "upper_usd", "liquidity")}
    if terms["lower_usd"] >= terms["upper_usd"]:
        raise DataError(
            f"{entry.where}: lower_usd {terms['lower_usd']:g} is not below upper_usd {terms['upper_usd']:g}; swap them"
        )
    quantity = _quantity(entry) if entry.has("quantity") else 1.0
    plain_label = f"Uniswap v3 {terms['lower_usd']:g} to {terms['upper_usd']:g}"
    return Position("uniswap_v3_range", quantity, _label(entry, plain_label), terms)


def _power_perp(entry: Entry, _now_unix: int) -> Position:
    terms = {"vol_annual": _iv(entry), "normalization_factor": entry.positive("normalization_factor")}
    return Position("power_perp", _quantity(entry), _label(entry, "power perp"), terms)


_POSITIONS: dict[str, Callable[[Entry, int], Position]] = {
    OPTION: _option,
    HOLDING: _holding,
    "inverse_option": _inverse_option,
    "future": _dated("future"),
    "inverse_future": _dated("inverse_future"),
    "perp": _perpetual("perp"),
    "inverse_perp": _perpetual("inverse_perp"),
    "uniswap_v3_position": _uniswap_v3_position,
    "power_perp": _power_perp,
}


# --- fields -------------------------------------------------------------------------------------------------------


def _option_terms(entry: Entry, now_unix: int) -> tuple[OptionType, float, Seconds, str]:
    """Return right, strike, expiry and a label made of them."""
    written = entry.text("type")
    try:
        option_type = OptionType(written.lower())
    except ValueError:
        raise DataError(f"{entry.where}: type is {written!r}; write call or put") from None
    strike_usd = entry.positive("strike_usd")
    expiry_unix = _expiry(entry, now_unix)
    return option_type, strike_usd, expiry_unix, f"{iso_utc(expiry_unix)[:10]} {strike_usd:g} {option_type.value}"


def _expiry(entry: Entry, now_unix: int) -> Seconds:
    expiry_unix = entry.instant("expiry")
    if expiry_unix <= now_unix:
        raise DataError(
            f"{entry.where}: expiry {iso_utc(expiry_unix)} is not after {iso_utc(now_unix)}; remove the expired leg"
        )
    return expiry_unix


def _quantity(entry: Entry) -> float:
    quantity = entry.number("quantity")
    if quantity == 0:
        raise DataError(f"{entry.where}: quantity is 0; remove the entry, or write a negative number for a short")
    return quantity


def _label(entry: Entry, plain: str) -> str:
    return entry.text("label") if entry.has("label") else plain


def _iv(entry: Entry) -> float:
    iv_annual = entry.positive("iv_annual")
    _require_ratio(entry, iv_annual)
    return iv_annual


def _iv_interval(entry: Entry) -> tuple[float, float, float]:
    iv_annual, iv_low_annual, iv_high_annual = (
        entry.positive(key) for key in ("iv_annual", "iv_low_annual", "iv_high_annual")
    )
    _require_ratio(entry, max(iv_annual, iv_high_annual))
    if not iv_low_annual <= iv_annual <= iv_high_annual:
        raise DataError(
            f"{entry.where}: iv_annual {iv_annual:g} is outside [iv_low_annual {iv_low_annual:g}, "
            f"iv_high_annual {iv_high_annual:g}]; widen the interval"
        )
    return iv_annual, iv_low_annual, iv_high_annual


def _require_ratio(entry: Entry, iv_annual: float) -> None:
    if iv_annual > MAX_IV_ANNUAL:
        raise DataError(f"{entry.where}: an iv is above {MAX_IV_ANNUAL:g} (500 % a year); write 0.65 for 65 %, not 65")
