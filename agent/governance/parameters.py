"""The parameters that governance sets: names and units of ``config/<network>.toml``, hard limits of the contracts."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum

from agent.errors import DataError
from agent.settings.contracts import (
    HARD_LIMITS,
    MAX_DAILY_LOSS_BPS,
    MAX_DELAY_SECONDS,
    MAX_PRICE_AGE_SECONDS,
    MAX_PRICE_USD,
    MAX_SEQUENCER_GRACE_SECONDS,
    MAX_WIDTH_BPS,
    MIN_COOLDOWN_SECONDS,
    MIN_DELAY_SECONDS,
)
from agent.units import BPS, Rounding, exact_from_units, to_units

MAX_SHARE_LOCK_SECONDS = 7 * 86_400
"""``MemberShares.MAX_SHARE_LOCK``."""
_WAD_DECIMALS = 18


class Group(Enum):
    """Parameters that one call sets together."""

    BOUNDS = "bounds"
    PRICE_LIMITS = "oracle"
    DEPOSIT_CAP = "deposit cap"
    SHARE_LOCK = "share lock"
    VENUE_CAP = "venue cap"
    DELAY = "delay"


class Tighter(Enum):
    """Which way a parameter allows less."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"
    """Each way gives something up: a governor's alone."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One governed number. ``least`` and ``most`` are chain integers; ``decimals`` None means the asset's own."""

    name: str
    group: Group
    unit: str
    decimals: int | None
    least: int
    most: int
    tighter: Tighter
    consequence: str

    def is_loosened(self, old: int, new: int) -> bool:
        """Return whether the change allows more."""
        return {Tighter.LOWER: new > old, Tighter.HIGHER: new < old, Tighter.NEITHER: new != old}[self.tighter]

    def parse(self, written: str, asset_decimals: int) -> int:
        """Return the chain integer of a value written in the parameter's unit; `DataError` outside its hard limits."""
        decimals = self._decimals(asset_decimals)
        try:
            number = Decimal(written.replace("_", ""))
            exact = to_units(number, decimals, Rounding.DOWN)
        except (InvalidOperation, DataError):
            raise DataError(f"{self.name} is {written!r:.40}; write a plain number of {self.unit}") from None
        if exact != to_units(number, decimals, Rounding.UP):
            raise DataError(f"{self.name} {written:.40} is finer than the chain keeps: at most {decimals} decimals")
        for limit, word in ((self.least, "below"), (self.most, "above")):
            if (exact < limit) if word == "below" else (exact > limit):
                shown = self.show(limit, asset_decimals)
                raise DataError(f"{self.name} {written:.40} is {word} {shown} {self.unit}, the contract's hard limit")
        return exact

    def show(self, number: int, asset_decimals: int) -> str:
        """Return a chain integer in the parameter's unit, exactly."""
        if number == self.most and number.bit_length() in _UNLIMITED_BITS:
            return "unlimited"
        text = f"{exact_from_units(number, self._decimals(asset_decimals)):,f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def limits(self, asset_decimals: int) -> str:
        """Return the hard limits in words."""
        least, most = (self.show(limit, asset_decimals) for limit in (self.least, self.most))
        return f"{least} to {most}" if self.least else f"at most {most}"

    def _decimals(self, asset_decimals: int) -> int:
        return asset_decimals if self.decimals is None else self.decimals


_UNLIMITED_BITS = (64, 128)
"""Caps that start as the largest number of their type."""


def _wad(name: str, unit: str, tighter: Tighter, consequence: str) -> Parameter:
    most = to_units(HARD_LIMITS[name], _WAD_DECIMALS, Rounding.DOWN)
    return Parameter(name, Group.BOUNDS, unit, _WAD_DECIMALS, 0, most, tighter, consequence)


def _whole(
    name: str, unit: str, tighter: Tighter, consequence: str, most: int, least: int = 0, group: Group = Group.BOUNDS
) -> Parameter:
    return Parameter(name, group, unit, 0, least, most, tighter, consequence)


_LOWER, _HIGHER, _NEITHER = Tighter.LOWER, Tighter.HIGHER, Tighter.NEITHER

BOUNDS: tuple[Parameter, ...] = (
    _wad("band_underlying", "underlying", _LOWER, "net delta that keepers may leave or reach"),
    _wad("min_improvement_underlying", "underlying", _HIGHER, "least by which a trade outside the band lowers W"),
    _wad("urgent_delta_underlying", "underlying", _HIGHER, "W from which the cooldown is waived and the reserve open"),
    _wad("max_size_delta_underlying", "underlying", _LOWER, "largest trade of one leg"),
    Parameter(
        "min_notional_usd", Group.BOUNDS, "USD", _WAD_DECIMALS, 0,
        to_units(HARD_LIMITS["max_notional_usd"], _WAD_DECIMALS, Rounding.DOWN), _HIGHER,
        "least trade of one rebalance: smaller ones waste fees",
    ),
    _wad("max_notional_usd", "USD", _LOWER, "largest trade of one rebalance"),
    _wad("max_gross_notional_usd", "USD", _LOWER, "positions on all venues together, not netted"),
    _wad("turnover_capacity_usd", "USD", _LOWER, "traded at once, before the refill"),
    _wad("turnover_refill_usd_per_day", "USD a day", _LOWER, "traded day after day"),
    _wad("max_venue_leverage_ratio", "x equity", _LOWER, "leverage on one venue: nearer to liquidation"),
    _wad("max_leverage_ratio", "x NAV", _LOWER, "leverage of the whole vault"),
    _whole("max_slippage_bps", "bps", _LOWER, "execution worse than the oracle price", HARD_LIMITS["max_slippage_bps"]),
    _whole("max_fee_bps", "bps", _LOWER, "fee paid to a venue, of traded notional", HARD_LIMITS["max_fee_bps"]),
    _whole("max_nav_loss_bps", "bps of NAV", _LOWER, "loss of one rebalance", HARD_LIMITS["max_nav_loss_bps"]),
    _whole("loss_capacity_bps", "bps of NAV", _LOWER, "lost by keepers at once", MAX_DAILY_LOSS_BPS),
    _whole("loss_refill_bps_per_day", "bps of NAV a day", _LOWER, "lost by keepers day after day", MAX_DAILY_LOSS_BPS),
    _whole(
        "max_drawdown_bps", "bps of NAV", _NEITHER,
        "unexplained loss that trips the breaker: later when raised, and more easily when lowered",
        HARD_LIMITS["max_drawdown_bps"],
    ),
    _whole("idle_floor_bps", "bps of NAV", _HIGHER, "kept in the vault for exits", HARD_LIMITS["idle_floor_bps"]),
    _whole(
        "urgent_reserve_bps", "bps of turnover", _HIGHER, "turnover kept for an urgent W",
        HARD_LIMITS["urgent_reserve_bps"],
    ),
    _whole("keeper_share_bps", "bps of the budgets", _LOWER, "part of the budgets that one key uses up", BPS),
    _whole(
        "cooldown_seconds", "seconds", _HIGHER, "between two rebalances of a keeper",
        HARD_LIMITS["cooldown_seconds"], MIN_COOLDOWN_SECONDS,
    ),
)  # fmt: skip
"""In the order of ``Bounds`` (``contracts/types/Rebalance.sol``)."""


def _limit(name: str, unit: str, tighter: Tighter, consequence: str, most: int, least: int = 1) -> Parameter:
    return _whole(name, unit, tighter, consequence, most, least, Group.PRICE_LIMITS)


_MAX_PRICE = to_units(MAX_PRICE_USD, _WAD_DECIMALS, Rounding.DOWN)
PRICE_LIMITS: tuple[Parameter, ...] = (
    _limit("max_age_seconds", "seconds", _LOWER, "oldest price believed", MAX_PRICE_AGE_SECONDS),
    _limit("secondary_max_age_seconds", "seconds", _LOWER, "oldest second price believed", MAX_PRICE_AGE_SECONDS),
    _limit("collateral_max_age_seconds", "seconds", _LOWER, "oldest collateral price", MAX_PRICE_AGE_SECONDS),
    _limit(
        "sequencer_grace_seconds", "seconds", _HIGHER, "without a price after the sequencer came back",
        MAX_SEQUENCER_GRACE_SECONDS, 0,
    ),
    _limit(
        "deviation_bps", "bps", _NEITHER, "distance of the true price assumed: losses unseen when lowered, leavers "
        "paid less when raised", MAX_WIDTH_BPS,
    ),
    _limit("max_disagreement_bps", "bps", _LOWER, "distance of the two sources believed", MAX_WIDTH_BPS),
    _limit("max_confidence_bps", "bps", _LOWER, "uncertainty of a source believed", MAX_WIDTH_BPS),
    _limit("max_depeg_bps", "bps", _LOWER, "distance of the collateral from 1 USD accepted", MAX_WIDTH_BPS),
    Parameter(
        "min_price_usd", Group.PRICE_LIMITS, "USD", _WAD_DECIMALS, 1, _MAX_PRICE, _HIGHER, "lowest price believed"
    ),
    Parameter(
        "max_price_usd", Group.PRICE_LIMITS, "USD", _WAD_DECIMALS, 2, _MAX_PRICE, _LOWER, "highest price believed"
    ),
)  # fmt: skip
"""In the order of ``PriceLimits`` (``contracts/types/Prices.sol``)."""

DEPOSIT_CAP = Parameter(
    "deposit_cap", Group.DEPOSIT_CAP, "of the asset", None, 0, 2**128 - 1, _LOWER, "most NAV that a deposit leads to"
)
SHARE_LOCK = _whole(
    "share_lock_seconds", "seconds", _NEITHER, "new shares stay with their owner: exits wait when raised, entries just "
    "before a price update pay when lowered", MAX_SHARE_LOCK_SECONDS, group=Group.SHARE_LOCK,
)  # fmt: skip
VENUE_CAP = _whole(
    "venue_cap_usd", "USD", _LOWER, "most equity on the venue: all of it is at the venue's mercy", 2**64 - 1,
    group=Group.VENUE_CAP,
)  # fmt: skip
DELAY = _whole(
    "delay_seconds", "seconds", _NEITHER, "time in which the guardian vetoes and members leave; a shorter one waits "
    "the difference first", MAX_DELAY_SECONDS, MIN_DELAY_SECONDS, Group.DELAY,
)  # fmt: skip

PARAMETERS: dict[str, Parameter] = {
    parameter.name: parameter for parameter in (*BOUNDS, *PRICE_LIMITS, DEPOSIT_CAP, SHARE_LOCK, VENUE_CAP, DELAY)
}


def find_parameter(name: str) -> Parameter:
    """Return a parameter by name; `DataError` names the nearest one."""
    if name in PARAMETERS:
        return PARAMETERS[name]
    nearest = difflib.get_close_matches(name, PARAMETERS, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(PARAMETERS)}"
    raise DataError(f"no parameter is called {name!r:.60}; {hint}")


def require_consistent(bounds: dict[str, int]) -> None:
    """Raise `DataError` where parameters contradict one another in a way that ``BoundsRules`` or the oracle refuses."""
    daily = bounds["loss_capacity_bps"] + bounds["loss_refill_bps_per_day"]
    pairs = (
        ("urgent_delta_underlying", bounds["urgent_delta_underlying"], "band_underlying", bounds["band_underlying"]),
        ("max_notional_usd", bounds["max_notional_usd"], "min_notional_usd", bounds["min_notional_usd"]),
        ("max_drawdown_bps", bounds["max_drawdown_bps"], "loss_capacity_bps + loss_refill_bps_per_day", daily),
        ("the contract's hard limit", MAX_DAILY_LOSS_BPS, "loss_capacity_bps + loss_refill_bps_per_day", daily),
    )
    for high_name, high, low_name, low in pairs:
        if high < low:
            shown = [_text(name, number) for name, number in ((high_name, high), (low_name, low))]
            raise DataError(f"{high_name} {shown[0]} is below {low_name} {shown[1]}; the contract refuses that")


def _text(name: str, number: int) -> str:
    return PARAMETERS[name].show(number, 0) if name in PARAMETERS else str(number)
