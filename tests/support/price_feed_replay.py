"""Updates of a price feed with a deviation threshold and a heartbeat, derived from candles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

CANDLE_SECONDS = 300
HEARTBEAT_SECONDS = 3_600
DEVIATION_RATIO = 0.005
_PARTS_OF_A_LEG = 100


@dataclass(frozen=True)
class Candle:
    """One candle; ``open_unix`` in seconds, prices in USD."""

    open_unix: int
    open: float
    high: float
    low: float
    close: float


@dataclass(frozen=True)
class Update:
    """One publication; ``jump_ratio`` is the change from the last one."""

    unix: float
    price_usd: float
    jump_ratio: float
    is_deviation: bool


def closes(candles: Iterable[Candle]) -> Iterator[tuple[float, float]]:
    """Price once a candle: the slowest feed, which sees a move of five minutes at once."""
    for candle in candles:
        yield candle.open_unix + CANDLE_SECONDS, candle.close


def paths(candles: Iterable[Candle]) -> Iterator[tuple[float, float]]:
    """Price along open, nearer extreme, farther extreme, close: the fastest feed, which never sees more than a step."""
    for candle in candles:
        extremes = sorted((candle.low, candle.high), key=lambda price, start=candle.open: abs(price - start))
        legs = list(pairwise((candle.open, *extremes, candle.close)))
        length = sum(abs(end - start) for start, end in legs) or 1.0
        unix = float(candle.open_unix)
        for start, end in legs:
            seconds = CANDLE_SECONDS * abs(end - start) / length
            for part in range(1, _PARTS_OF_A_LEG + 1):
                share = part / _PARTS_OF_A_LEG
                yield unix + seconds * share, start + (end - start) * share
            unix += seconds


def updates(prices: Iterable[tuple[float, float]], delay_seconds: float = 0.0) -> Iterator[Update]:
    """Publish what the price is ``delay_seconds`` after it is `DEVIATION_RATIO` away, or every `HEARTBEAT_SECONDS`."""
    points = iter(prices)
    published_at, published = next(points)
    crossed_at = None
    for unix, price in points:
        jump = price / published - 1
        if crossed_at is None and abs(jump) >= DEVIATION_RATIO:
            crossed_at = unix
        is_deviation = crossed_at is not None and unix - crossed_at >= delay_seconds
        if is_deviation or unix - published_at >= HEARTBEAT_SECONDS:
            yield Update(unix, price, jump, is_deviation)
            published_at, published, crossed_at = unix, price, None


def gain_usd(found: Sequence[Update], size: float, nav_usd: float, deposit_usd: float, width_ratio: float) -> float:
    """What a deposit before and an exit after each rising update earns, fees and gas left out.

    A deposit pays ``width_ratio`` of the hedge's notional more than the price, an exit is paid as much less; the hedge
    keeps its ``size``, and NAV is what it was before each update.
    """
    share = deposit_usd / (nav_usd + deposit_usd)
    gain = 0.0
    for update in found:
        before_usd = update.price_usd / (1 + update.jump_ratio)
        high, low = before_usd * (1 + width_ratio), update.price_usd * (1 - width_ratio)
        gain += max(0.0, size * share * (low - high))
    return gain
