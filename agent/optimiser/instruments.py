"""What the programme may trade: instruments with their quotes, and the quotes cut into slices of one marginal cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.optimiser.factors import FACTOR_NAMES, Factors


class CostStep(NamedTuple):
    """The next ``size`` units cost this much each, beyond what they are worth; USD."""

    size: float
    fee_usd_per_unit: float
    impact_usd_per_unit: float
    """Execution price against fair value: half the spread, and what depth costs."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One thing that can be bought or sold. Units are underlying units of a perp, contracts of an option.

    ``tabulate`` checks every number and names the row of a bad one.
    """

    name: str
    venue: str
    factors: Factors
    """Of one unit, long."""
    fair_usd: float
    """What one unit is worth, per unit."""
    notional_usd: float
    """What one unit counts toward notional, turnover and leverage."""
    buys: tuple[CostStep, ...]
    """Quoted sizes, cheapest first; empty where nothing is offered."""
    sells: tuple[CostStep, ...]
    position: float = 0.0
    """Held now, long positive."""
    impact_usd_per_unit2: float = 0.0
    """q of a quadratic impact q x^2 / 2 on top of the steps."""
    carry_usd_per_unit: float = 0.0
    """Funding that one long unit pays until the next rebalance; a short one receives it."""
    expected_gain_usd_per_unit: float = 0.0
    """What one long unit is expected to gain by then, such as theta; counted on request alone."""
    margin_long_usd: float = 0.0
    """Equity that one long unit ties up at the venue."""
    margin_short_usd: float = 0.0
    counted_delta: float = 0.0
    """Delta of one unit as the chain's book of deltas counts it: 1 for a vault's perp, 0 for a position elsewhere."""
    is_on_chain: bool = False
    """Traded by the vault: under the guard's bounds, and each leg pays gas."""
    lot: float = 0.0
    """Sizes come in multiples of this; 0 for any size."""
    quote_currency_usd: float = 1.0
    """USD per unit of the currency that prices are quoted in: the index price where that is the coin."""


class SliceTable(NamedTuple):
    """Slices of all instruments, one a row; within an instrument and side, the cheapest first."""

    instrument: NDArray[np.int64]
    sign: FloatArray
    """+1 buys, -1 sells."""
    start: FloatArray
    """Units of the same side before this slice."""
    width: FloatArray
    """Units."""
    fee: FloatArray
    impact: FloatArray
    closes: NDArray[np.bool_]
    """Takes off a position rather than adding to one."""

    @property
    def long_change(self) -> FloatArray:
        """Long units added by one unit of the slice."""
        return np.where(self.closes, np.where(self.sign < 0.0, -1.0, 0.0), np.where(self.sign > 0.0, 1.0, 0.0))

    @property
    def short_change(self) -> FloatArray:
        """Short units added by one unit of the slice."""
        return np.where(self.closes, np.where(self.sign > 0.0, -1.0, 0.0), np.where(self.sign < 0.0, 1.0, 0.0))


_ROUNDING = 1e-12
"""Relative: fee and impact of a step need not add up to the last digit."""
_POSITIVE = ("fair_usd", "notional_usd", "quote_currency_usd")
_NOT_NEGATIVE = ("impact_usd_per_unit2", "margin_long_usd", "margin_short_usd", "lot")
_FINITE = ("position", "carry_usd_per_unit", "expected_gain_usd_per_unit", "counted_delta")


def tabulate(instruments: Sequence[Instrument], max_size: float) -> SliceTable:
    """Check instruments and cut their quotes into slices, on-chain ones no longer than ``max_size`` a side in all.

    Raises
    ------
    DataError
        Naming row, field and value: a number out of its domain, a size without bound, quotes that cross, become
        cheaper with size, or cost nothing there and back; no instrument; or two of one name.

    """
    if not instruments:
        raise DataError("there are no instruments to trade; give at least one")
    rows: list[tuple[int, float, float, float, float, float, bool]] = []
    seen: dict[str, int] = {}
    for row, instrument in enumerate(instruments):
        if seen.setdefault(instrument.name, row) != row:
            raise DataError(
                f"row {row}: name is {instrument.name}, as in row {seen[instrument.name]}; expected another"
            )
        _check(row, instrument)
        longest = max_size if instrument.is_on_chain else math.inf
        rows += [(row, *piece) for piece in _pieces(instrument.buys, 1.0, instrument.position, longest)]
        rows += [(row, *piece) for piece in _pieces(instrument.sells, -1.0, instrument.position, longest)]
    columns = np.array(rows, dtype=np.float64).reshape(-1, 7).T
    sign, start, width, fee, impact = (np.ascontiguousarray(column) for column in columns[1:6])
    return SliceTable(columns[0].astype(np.int64), sign, start, width, fee, impact, columns[6] > 0.0)


def _pieces(
    steps: tuple[CostStep, ...], sign: float, position: float, longest: float
) -> list[tuple[float, float, float, float, float, bool]]:
    """Cut one side's steps where the position passes through 0, and at the longest size."""
    to_close = max(-sign * position, 0.0)
    pieces = []
    start = 0.0
    for step in steps:
        end = min(start + step.size, longest)
        for low, high in ((start, min(end, to_close)), (max(start, to_close), end)):
            if high > low:
                fee, impact = step.fee_usd_per_unit, step.impact_usd_per_unit
                pieces.append((sign, low, high - low, fee, impact, low < to_close))
        start = end
    return pieces


def _check(row: int, instrument: Instrument) -> None:
    where = f"row {row} ({instrument.name})"
    for names, lowest, expected in (
        (_POSITIVE, math.ulp(0.0), "a positive number"),
        (_NOT_NEGATIVE, 0.0, "no negative number"),
        (_FINITE, -math.inf, "a finite number"),
    ):
        for name in names:
            number = getattr(instrument, name)
            if not (math.isfinite(number) and number >= lowest):
                raise DataError(f"{where}: {name} is {number}; expected {expected}")
    for name, factor in zip(FACTOR_NAMES, instrument.factors, strict=True):
        if not math.isfinite(factor):
            raise DataError(f"{where}: {name} is {factor}; expected a finite number")
    if instrument.lot > 0.0 and instrument.is_on_chain:
        raise DataError(f"{where}: lot is {instrument.lot}; expected 0, the vault's perps trade in any size")
    _check_side(f"{where}: buys", instrument.buys)
    _check_side(f"{where}: sells", instrument.sells)
    _check_round_trip(where, instrument)


def _check_side(where: str, steps: tuple[CostStep, ...]) -> None:
    before = -math.inf
    for step in steps:
        if not (math.isfinite(step.size) and step.size > 0.0):
            raise DataError(f"{where}: size is {step.size}; expected the size that is quoted, else nothing bounds it")
        if not (math.isfinite(step.fee_usd_per_unit) and step.fee_usd_per_unit >= 0.0):
            raise DataError(f"{where}: fee_usd_per_unit is {step.fee_usd_per_unit}; expected no negative number")
        if not math.isfinite(step.impact_usd_per_unit):
            raise DataError(f"{where}: impact_usd_per_unit is {step.impact_usd_per_unit}; expected a finite number")
        cost = step.fee_usd_per_unit + step.impact_usd_per_unit
        if cost < before - _ROUNDING * abs(before):
            raise DataError(f"{where}: a further {step.size} cost {cost} USD each after {before}; expected no less")
        before = cost


def _check_round_trip(where: str, instrument: Instrument) -> None:
    """Refuse what could be traded back and forth for nothing or for gain: such a programme has no one best answer."""
    if not instrument.buys or not instrument.sells:
        return
    buy, sell = instrument.buys[0], instrument.sells[0]
    spread = buy.impact_usd_per_unit + sell.impact_usd_per_unit
    if spread < 0.0:
        raise DataError(f"{where}: ask lies {-spread} USD below bid; drop the crossed quote")
    if spread + buy.fee_usd_per_unit + sell.fee_usd_per_unit + instrument.impact_usd_per_unit2 <= 0.0:
        raise DataError(f"{where}: fee and spread are 0.0, so buying and selling back is free; give its costs")
