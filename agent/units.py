"""The one boundary between chain integers and floats.

Chain integers are NewTypes so that a type checker keeps them apart; floats carry their unit in the name.
Nothing outside this module multiplies or divides by a power of ten.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from enum import Enum
from typing import NewType

from agent.errors import DataError

Wad = NewType("Wad", int)
"""Signed fixed point with 18 decimals."""
AssetUnits = NewType("AssetUnits", int)
"""Smallest units of the vault's collateral (1e-6 USDC)."""
Shares = NewType("Shares", int)
"""Smallest units of the vault's shares."""
Wei = NewType("Wei", int)
"""1e-18 ETH, as gas is paid in."""
Bps = NewType("Bps", int)
"""1e-4."""
Seconds = NewType("Seconds", int)
"""Unix time or a duration."""
BlockHash = NewType("BlockHash", str)
"""0x-prefixed, 32 bytes."""
Address = NewType("Address", str)
"""0x-prefixed, EIP-55 checksummed."""
IntentId = NewType("IntentId", str)
"""0x-prefixed, 32 bytes."""

WAD = 10**18
BPS = 10**4
WEI_PER_GWEI = 10**9
SECONDS_PER_DAY = 86_400
SECONDS_PER_YEAR = 365 * SECONDS_PER_DAY
"""ACT/365 fixed, the convention of crypto options venues and of ``OptionBook``."""
DAYS_PER_YEAR = SECONDS_PER_YEAR / SECONDS_PER_DAY
"""The same in days."""

_EXACT = Context(prec=100)


class Rounding(Enum):
    """Direction of a conversion that cannot be exact."""

    DOWN = ROUND_FLOOR
    """Toward minus infinity."""
    UP = ROUND_CEILING
    """Toward plus infinity."""


def to_units(number: float | Decimal | str, decimals: int, rounding: Rounding) -> int:
    """Convert a number to a chain integer with so many decimals, rounded in the named direction."""
    if isinstance(number, float) and math.isfinite(number):
        numerator, denominator = number.as_integer_ratio()
        units: int = numerator * 10**decimals
        return units // denominator if rounding is Rounding.DOWN else -(-units // denominator)
    decimal = Decimal(number)
    if not decimal.is_finite():
        raise DataError(f"{number} is not a finite number and cannot become a chain integer")
    scaled = _EXACT.multiply(decimal, Decimal(10) ** decimals)
    return int(scaled.to_integral_value(rounding=rounding.value, context=_EXACT))


def exact_from_units(number: int, decimals: int) -> Decimal:
    """Return a chain integer with so many decimals, exactly."""
    return Decimal(number).scaleb(-decimals, _EXACT)


def to_wad(number: float | Decimal | str, rounding: Rounding) -> Wad:
    """Convert a number to WAD, exactly where it has at most 18 decimals, else rounded in the named direction."""
    return Wad(to_units(number, 18, rounding))


def from_wad(wad: Wad | int) -> float:
    """Nearest float of a WAD."""
    return int(wad) / WAD


def to_asset_units(number: float | Decimal | str, decimals: int, rounding: Rounding) -> AssetUnits:
    """Convert a collateral amount to its smallest units."""
    return AssetUnits(to_units(number, decimals, rounding))


def from_asset_units(assets: AssetUnits | int, decimals: int) -> float:
    """Nearest float of an amount in smallest units."""
    return float(Decimal(int(assets)).scaleb(-decimals))


def asset_units_to_wad(assets: AssetUnits | int, decimals: int) -> Wad:
    """Scale collateral to WAD; exact for up to 18 decimals, rounded down beyond."""
    return Wad(int(assets) * 10 ** (18 - decimals) if decimals <= 18 else int(assets) // 10 ** (decimals - 18))


def wad_to_asset_units(wad: Wad | int, decimals: int, rounding: Rounding) -> AssetUnits:
    """Scale WAD to collateral, rounded in the named direction below 18 decimals, exact from there on."""
    if decimals >= 18:
        return AssetUnits(int(wad) * 10 ** (decimals - 18))
    unit = 10 ** (18 - decimals)
    return AssetUnits(int(wad) // unit if rounding is Rounding.DOWN else -(-int(wad) // unit))


def wei_to_eth(wei: Wei | int) -> float:
    """Nearest float of an amount of ether."""
    return int(wei) / WAD


def wei_to_gwei(wei: Wei | int) -> float:
    """Nearest float of a gas price in gwei."""
    return int(wei) / WEI_PER_GWEI


def gwei_to_wei(gwei: float | Decimal | str, rounding: Rounding) -> Wei:
    """Convert a gas price."""
    return Wei(to_units(gwei, 9, rounding))


def eth_to_wei(eth: float | Decimal | str, rounding: Rounding) -> Wei:
    """Convert an amount of ether."""
    return Wei(to_units(eth, 18, rounding))


def seconds_to_years(seconds: Seconds | int) -> float:
    """Year fraction, ACT/365 fixed."""
    return int(seconds) / SECONDS_PER_YEAR
