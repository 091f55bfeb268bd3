"""How much collateral a venue account should hold for its position.

Leverage is notional over the lower equity. It may drift between a low and a high watermark; outside them the account is
brought to a target between the two. All numbers are integers; deposits round up, withdrawals down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from agent.domain import Measurement, VenueMeasurement
from agent.errors import DataError
from agent.rounding import mul_div_up, share
from agent.units import BPS, WAD, AssetUnits, Rounding, Wad, wad_to_asset_units

_LEAST_PART_DUE = 100
"""A deposit is at least this part, 1 / 100, of what is due: less does not save an account, and each costs its gas."""


@dataclass(frozen=True, slots=True)
class MarginParameters:
    """Watermarks of a venue's leverage (WAD ratios), and what stays in the vault.

    ``idle_reserve_bps`` of NAV stays idle for instant exits; it is touched only for a venue above its high watermark,
    and never below the guard's own floor. ``guard_headroom_bps`` is the distance kept from the guard's venue
    leverage where that is tighter than the high watermark. ``min_margin_delta`` is the least collateral worth moving.
    ``option_cash`` is what a venue of options is brought back to once it holds less than half of it; 0 sends none.
    """

    low_leverage: Wad
    target_leverage: Wad
    high_leverage: Wad
    idle_reserve_bps: int
    guard_headroom_bps: int
    min_margin_delta: AssetUnits
    option_cash: AssetUnits = AssetUnits(0)  # noqa: RUF009 - a plain integer

    def __post_init__(self) -> None:
        if not 0 <= self.low_leverage < self.target_leverage < self.high_leverage:
            raise DataError(
                f"leverage watermarks {self.low_leverage} < {self.target_leverage} < {self.high_leverage} do not hold; "
                "order them low, target, high, none negative"
            )
        for name in ("idle_reserve_bps", "guard_headroom_bps"):
            if not 0 <= getattr(self, name) < BPS:
                raise DataError(f"{name} is {getattr(self, name)}; expected 0 to {BPS - 1}")
        if self.min_margin_delta < 1:
            raise DataError(f"min_margin_delta is {self.min_margin_delta}; expected at least 1 asset unit")
        if self.option_cash < 0:
            raise DataError(f"option_cash is {self.option_cash}; expected no negative number of asset units")


@dataclass(frozen=True, slots=True)
class Watermarks:
    """Leverage limits in force on one vault, WAD ratios."""

    low: int
    target: int
    high: int


class Backing(NamedTuple):
    """What carries a notional, both WAD USD."""

    notional: int
    equity: int


@dataclass(frozen=True, slots=True)
class IdleFunds:
    """Collateral in the vault, how much of it is reserved for exits, and the guard's floor, asset units."""

    assets: AssetUnits
    reserve: AssetUnits
    floor: AssetUnits
    decimals: int

    @property
    def spare(self) -> AssetUnits:
        """What may be deposited without touching the reserve."""
        return AssetUnits(max(self.assets - self.reserve, 0))

    @property
    def above_floor(self) -> AssetUnits:
        """What may be deposited at all."""
        return AssetUnits(max(self.assets - self.floor, 0))

    @property
    def shortfall(self) -> AssetUnits:
        """What the reserve lacks."""
        return AssetUnits(max(self.reserve - self.assets, 0))

    def after(self, margin_delta: AssetUnits) -> IdleFunds:
        """Return the funds left for the next venue; a withdrawal arrives too late to count."""
        return replace(self, assets=AssetUnits(self.assets - max(margin_delta, 0)))


def watermarks(settings: MarginParameters, max_venue_leverage: Wad) -> Watermarks:
    """Return the configured watermarks, all scaled down alike where the guard's bound less headroom is tighter."""
    ceiling = max_venue_leverage * (BPS - settings.guard_headroom_bps) // BPS
    if settings.high_leverage <= ceiling:
        return Watermarks(settings.low_leverage, settings.target_leverage, settings.high_leverage)
    low, target = (
        leverage * ceiling // settings.high_leverage for leverage in (settings.low_leverage, settings.target_leverage)
    )
    return Watermarks(low, target, ceiling)


def idle_funds(
    settings: MarginParameters, measurement: Measurement, idle_assets: AssetUnits, idle_floor_bps: int, decimals: int
) -> IdleFunds:
    """Return the idle collateral that nobody has asked back, its reserve and the guard's floor, both rounded up."""
    floor = wad_to_asset_units(share(measurement.firm_nav, idle_floor_bps), decimals, Rounding.UP)
    reserve = wad_to_asset_units(mul_div_up(measurement.nav, settings.idle_reserve_bps, BPS), decimals, Rounding.UP)
    unclaimed = wad_to_asset_units(measurement.idle, decimals, Rounding.DOWN)
    return IdleFunds(AssetUnits(min(idle_assets, unclaimed)), AssetUnits(max(reserve, floor)), floor, decimals)


def deposit_due(
    after: VenueMeasurement, limits: Watermarks, funds: IdleFunds, opening: Backing | None = None
) -> AssetUnits:
    """Return the collateral to deposit so that leverage comes back to target; 0 while it is at most high.

    Spare idle funds pay for it. Where they do not reach a quarter of the way from the high watermark to target, the
    reserve is drawn on for that, but not below the guard's floor: drawn for the watermark alone, it went in crumbs,
    one a look. The venue's cap on equity is kept. Less than a hundredth of what is due waits until more has gathered.
    ``opening``: what a trade opens and the cash that alone can back it; None where all equity does.
    """
    account = Backing(after.notional, after.equity_low)
    to_target, to_inside = max(_lacking(one, limits, funds) for one in (account, opening) if one is not None)
    if to_inside <= 0:
        return AssetUnits(0)
    under_cap = wad_to_asset_units(max(after.cap - max(after.equity, 0), 0), funds.decimals, Rounding.DOWN)
    found = min(max(min(to_target, funds.spare), to_inside), funds.above_floor, under_cap)
    due = min(to_inside, _deposit(after.notional, funds))
    return AssetUnits(found if found * _LEAST_PART_DUE >= due else 0)


def option_cash_due(measured: VenueMeasurement, cash: AssetUnits, wanted: AssetUnits, funds: IdleFunds) -> AssetUnits:
    """Return the collateral to send to a venue of options that holds ``cash``; 0 while that is half of ``wanted``.

    Spare idle funds pay for it, and the venue's cap on equity is kept: the reserve for exits is never touched.
    """
    if 2 * cash >= wanted:
        return AssetUnits(0)
    under_cap = wad_to_asset_units(max(measured.cap - max(measured.equity, 0), 0), funds.decimals, Rounding.DOWN)
    return AssetUnits(min(wanted - cash, funds.spare, under_cap))


def withdrawal_due(after: VenueMeasurement, limits: Watermarks, withdrawable: Wad, decimals: int) -> AssetUnits:
    """Return the collateral to withdraw so that leverage rises to target; 0 while it is at least low."""
    is_in_use = after.notional > 0 and after.equity_low * limits.low <= after.notional * WAD
    if is_in_use or after.equity_low <= 0:
        return AssetUnits(0)
    excess = min(after.equity_low - _equity_for(after.notional, limits.target), withdrawable)
    return wad_to_asset_units(max(excess, 0), decimals, Rounding.DOWN)


def _lacking(backing: Backing, limits: Watermarks, funds: IdleFunds) -> tuple[int, int]:
    """Return what is missing at target, and a quarter of the way there from high; 0 for both while high is kept."""
    if backing.equity >= _equity_for(backing.notional, limits.high):
        return 0, 0
    inside = (limits.target + 3 * limits.high) // 4
    missing = (_equity_for(backing.notional, leverage) - backing.equity for leverage in (limits.target, inside))
    to_target, to_inside = (_deposit(wad, funds) for wad in missing)
    return to_target, to_inside


def _equity_for(notional: int, leverage: int) -> int:
    """Return the least equity that holds ``notional`` at ``leverage``; beyond any account at leverage 0."""
    if notional == 0:
        return 0
    return mul_div_up(notional, WAD, leverage) if leverage > 0 else 2**256


def _deposit(wad: int, funds: IdleFunds) -> int:
    return wad_to_asset_units(wad, funds.decimals, Rounding.UP)
