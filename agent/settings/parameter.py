"""A number that the contracts are given: name, unit, hard limits, which way it allows less, and who may change it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum

from agent.errors import DataError
from agent.units import Rounding, exact_from_units, to_units

NO_LIMIT = "none"
_UNLIMITED = "unlimited"
TEXT = "text"
"""Unit of what is no number."""
_NO_LIMITS = tuple(2**bits - 1 for bits in (64, 96, 128, 256))
"""The largest number of a type is no limit; caps start there."""
_SMALLEST_UNITS = 10
"""A least of so few of the chain's smallest units says that the number must not be 0."""


class Group(Enum):
    """Parameters that one call sets together; the value is their section of a network's file, where they have one."""

    TOKEN = "vault"  # noqa: S105  - the share token, no secret
    DELAY = "governance"
    PRICE_LIMITS = "oracle"
    BOUNDS = "bounds"
    QUEUE = "queue"
    RESCUE = "rescue"
    TANK = "rescue tank"
    FEES = "fees"
    DEPOSIT_CAP = "deposit cap"
    SHARE_LOCK = "share lock"
    VENUE_CAP = "venue cap"


class Tighter(Enum):
    """Which way a parameter allows less."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"
    """Each way gives something up: a governor's alone."""


class Authority(Enum):
    """Who may change a parameter, and how soon."""

    GUARDIAN_TIGHTENS = "guardian tightens at once, governor after the delay"
    GOVERNOR = "governor after the delay"
    NOBODY = "nobody: fixed for good"
    TANK = "anyone adds, governor takes out after the delay"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One of them.

    ``least`` and ``most`` are hard limits of the contracts as chain integers, ``most`` the largest number of its type
    where there is none. ``decimals`` None means the asset's own. ``limited_with`` names what the limit counts in too.
    """

    name: str
    group: Group
    unit: str
    decimals: int | None
    least: int
    most: int
    tighter: Tighter
    authority: Authority
    consequence: str
    limited_with: str = ""

    @property
    def type(self) -> str:
        """What is written: text, a whole number, or a decimal one."""
        if self.unit == TEXT:
            return TEXT
        return "whole" if self.decimals == 0 else "decimal"

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
        if number == self.most and number in _NO_LIMITS:
            return _UNLIMITED
        text = f"{exact_from_units(number, self._decimals(asset_decimals)):,f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def limits(self, asset_decimals: int) -> str:
        """Return the hard limits in words."""
        least, most = (self.show(limit, asset_decimals) for limit in (self.least, self.most))
        if most == _UNLIMITED:
            return NO_LIMIT
        if self._decimals(asset_decimals) and 0 < self.least < _SMALLEST_UNITS:
            return f"above 0, at most {most}"
        with_another = f" together with {self.limited_with}" if self.limited_with else ""
        return f"{least} to {most}" if self.least else f"at most {most}{with_another}"

    def _decimals(self, asset_decimals: int) -> int:
        return asset_decimals if self.decimals is None else self.decimals
