"""What a book needs of the guard's bounds: sizes from its extremes, budgets from replays that no budget limits.

Sizes hold for any price from a third to three times today's, until the last option has expired. The turnover of a day
is the largest of any 24 hours of the replays, the first hedge apart, under the band and policy in question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.backtest.vault_day import Step, VaultDay
from agent.budgets import settled
from agent.decision.feasible_hedge import delta_interval
from agent.domain import Book
from agent.guard import worst_net_delta
from agent.numerics.arrays import FloatArray
from agent.units import BPS, SECONDS_PER_DAY, Seconds, from_wad

PRICE_RATIOS = np.geomspace(1.0 / 3.0, 3.0, 121)
_LIFE_PARTS = np.array([0.0, 0.5, 0.9, 0.99])
"""Parts of the time to the last expiry at which the book's extremes are looked for."""
WICK_RATIOS = np.geomspace(0.7, 1.0 / 0.7, 31)
"""Farthest that a price goes from one look to the next and comes back from at the one after."""


@dataclass(frozen=True, slots=True)
class Extremes:
    """Of a book's delta, underlying units."""

    first_hedge: float
    """Absolute delta now."""
    largest: float
    """Largest absolute delta."""
    half_width: float
    """Largest half of the interval that the chain is told, within a tenth of today's price and time."""
    wick_turnover: float
    """Turnover over today's price of a wick that is hedged at its tip and again after it."""


def extremes(book: Book, spot_usd: float, at_unix: Seconds) -> Extremes:
    """Return what a book's delta comes to."""
    low, high = _interval(book, spot_usd, float(at_unix), np.ones(1))
    last = max((leg.expiry_unix for leg in book.options), default=at_unix)
    sides = [
        _interval(book, spot_usd, at_unix + part * (last - at_unix), PRICE_RATIOS) for part in _LIFE_PARTS.tolist()
    ]
    largest = max(float(np.max(np.abs(side))) for pair in sides for side in pair)
    near_low, near_high = _interval(book, spot_usd, float(at_unix), np.linspace(0.9, 1.1, 21))
    at_tip = sum(_interval(book, spot_usd, float(at_unix), WICK_RATIOS)) / 2.0
    moved = np.abs(at_tip - (low + high) / 2.0)
    return Extremes(
        first_hedge=float(np.max(np.abs((low, high)))),
        largest=largest,
        half_width=float(np.max(near_high - near_low)) / 2.0,
        wick_turnover=float(np.max(moved * (1.0 + WICK_RATIOS))),
    )


def _interval(book: Book, spot_usd: float, at_unix: float, ratios: FloatArray) -> tuple[FloatArray, FloatArray]:
    return delta_interval(book, np.full(len(ratios), at_unix), spot_usd * ratios)


@dataclass(frozen=True, slots=True)
class Needs:
    """What replays used, USD and underlying units."""

    first_turnover_usd: float
    day_turnover_usd: float
    largest_trade: float
    largest_trade_usd: float
    charged_ratio: float
    """Loss budget that a trade used, of its notional: the oracle's deviation, slippage and fee."""
    slippage_ratio: float
    """Farthest from the oracle that a trade executed, fee excluded."""
    hour_swing: float
    """Largest W that an hour made of one inside the band, underlying units."""


class NeedsWatch:
    """Collects the needs of one replay."""

    def __init__(self) -> None:
        self._trades: list[tuple[int, float, float]] = []
        self._worst: list[float] = []
        self._charges: list[float] = []
        self._slippages: list[float] = []

    def __call__(self, step: Step) -> None:
        """Take in a step."""
        self._worst.append(from_wad(worst_net_delta(step.snapshot.measurement)))
        fills = step.decision.expected_fills
        if not fills:
            return
        size = sum(abs(from_wad(fill.size_delta)) for fill in fills)
        usd = sum(abs(from_wad(fill.size_delta)) * from_wad(fill.execution_price) for fill in fills)
        self._trades.append((step.snapshot.block.timestamp, size, usd))
        before = step.snapshot
        _, used = settled(before.bounds, before.usage.all, BPS, before.block.timestamp)
        charged = from_wad(step.after.usage.all.loss_used - used) * from_wad(before.measurement.firm_nav)
        self._charges.append(max(charged, 0.0) / usd)
        price = from_wad(before.measurement.price)
        self._slippages += [abs(from_wad(fill.execution_price) / price - 1.0) for fill in fills]

    def needs(self, day: VaultDay) -> Needs:
        """Sum up."""
        per_hour = max(3_600 // day.interval_seconds, 1)
        worst = np.array(self._worst[1:] or [0.0])
        swing = np.array([worst[at : at + per_hour].max() for at in range(len(worst))])
        later = self._trades[1:]
        return Needs(
            first_turnover_usd=self._trades[0][2] if self._trades else 0.0,
            day_turnover_usd=_largest_day(later),
            largest_trade=max((size for _, size, _ in self._trades), default=0.0),
            largest_trade_usd=max((usd for _, _, usd in self._trades), default=0.0),
            charged_ratio=max(self._charges, default=0.0),
            slippage_ratio=max(self._slippages, default=0.0),
            hour_swing=float(swing.max()),
        )


def _largest_day(trades: Sequence[tuple[int, float, float]]) -> float:
    return max(
        (sum(usd for then, _, usd in trades if at <= then < at + SECONDS_PER_DAY) for at, _, _ in trades), default=0.0
    )


def together(needs: Sequence[Needs]) -> Needs:
    """Return the largest of several replays' needs."""
    return Needs(*(max(getattr(own, name) for own in needs) for name in Needs.__dataclass_fields__))
