r"""Options that settle on an average price, while that average is being taken.

A leg that settles on the average A over a window w before its expiry has, with a part s of the window still to come and
an average a so far,

    A = (1 - s) a + s B,    (A - K)^+ = s (B - K')^+,    K' = (K - (1 - s) a) / s,

B the average of the rest. Of a price with volatility sigma the logarithm of B has about the variance sigma^2 tau / 3,
tau the time left (exact for the geometric average). So the leg is s contracts of strike K' and a third of the time: its
delta falls with s to 0 and lies within [0, s] for a call and [-s, 0] for a put, whatever a is. That interval is what
``OptionBook`` answers, which does not know a.

Source: A. Kemna and A. Vorst, "A pricing method for options based on average asset values", J. Banking and Finance 14
(1990), for the third; Deribit's settlement index is such an average of 1,800 s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.checks import require_finite
from agent.domain import Book, OptionLeg, OptionType
from agent.risk.exposure import book_exposure
from agent.units import Seconds

_CERTAIN_STRIKE_RATIO = 1e-6
"""Strike, as a part of the price, of a leg whose exercise the average so far has made certain: its delta is s."""
_AVERAGE_TIME_RATIO = 3
"""The average of the rest has the variance of a third of the time."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """How the book's options settle.

    ``window_seconds`` before expiry, 0 for the price at expiry. ``averages_usd``: average so far by expiry, of windows
    that have begun; where it is missing, the price of the moment stands for it.
    """

    window_seconds: Seconds = Seconds(0)
    averages_usd: Mapping[Seconds, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SettlingBook:
    """A book at one moment, legs inside their window replaced by what is left of them.

    ``low`` and ``high`` bound those legs' delta whatever the average so far; ``delta`` is what it is. Underlying units.
    """

    book: Book
    low: float = 0.0
    high: float = 0.0
    delta: float = 0.0

    @property
    def has_settling_legs(self) -> bool:
        """True while the average of a leg is being taken."""
        return self.low != self.high


def settling_book(book: Book, spot_usd: float, at_unix: Seconds, settlement: Settlement) -> SettlingBook:
    """Return what a book is at one moment; the very book where no leg is inside its window.

    Raises
    ------
    DataError
        An average that is not finite, or as `book_exposure`.

    """
    averaged = [leg for leg in book.options if leg.settles_on_average]
    settling = [leg for leg in averaged if 0 < leg.expiry_unix - at_unix < settlement.window_seconds]
    if not settling:
        return SettlingBook(book)
    left = {id(leg): _what_is_left(leg, spot_usd, at_unix, settlement) for leg in settling}
    positions = tuple(left.get(id(position), position) for position in book.positions)
    rests = tuple(left.values())
    low, high = _certain_interval(rests)
    delta = book_exposure(Book(book.underlying, rests), spot_usd, at_unix, 0.0).book_delta
    return SettlingBook(replace(book, positions=positions), low, high, delta)


def has_live_positions(book: Book, at_unix: Seconds) -> bool:
    """Return whether anything of a book can still gain or lose with the price."""
    return any(leg.expiry_unix > at_unix for leg in book.options) or any(leg.quantity for leg in book.holdings)


def average_usd(samples: Sequence[tuple[Seconds, float]], from_unix: Seconds, to_unix: Seconds) -> float | None:
    """Return the average of a price over time, each sample (Unix seconds, USD) standing until the next.

    The first stands for what was before it too. None without a sample.
    """
    seen = sorted(sample for sample in samples if sample[0] <= to_unix)
    if not seen or to_unix <= from_unix:
        return None
    before = [price for at_unix, price in seen if at_unix <= from_unix]
    path = [(from_unix, before[-1] if before else seen[0][1])]
    path += [sample for sample in seen if sample[0] > from_unix]
    ends = [at_unix for at_unix, _ in path[1:]] + [to_unix]
    total = sum(price * (end - start) for (start, price), end in zip(path, ends, strict=True))
    return total / (to_unix - from_unix)


def _what_is_left(leg: OptionLeg, spot_usd: float, at_unix: Seconds, settlement: Settlement) -> OptionLeg:
    seconds_left = leg.expiry_unix - at_unix
    share = seconds_left / settlement.window_seconds
    so_far_usd = require_finite(settlement.averages_usd.get(leg.expiry_unix, spot_usd), f"average of {leg.label}")
    strike_usd = (leg.strike_usd - (1.0 - share) * so_far_usd) / share
    return replace(
        leg,
        strike_usd=max(strike_usd, _CERTAIN_STRIKE_RATIO * spot_usd),
        expiry_unix=Seconds(at_unix + max(seconds_left // _AVERAGE_TIME_RATIO, 1)),
        quantity=share * leg.quantity,
    )


def _certain_interval(rests: Sequence[OptionLeg]) -> tuple[float, float]:
    ends = [leg.quantity if leg.option_type is OptionType.CALL else -leg.quantity for leg in rests]
    return sum(min(end, 0.0) for end in ends), sum(max(end, 0.0) for end in ends)
