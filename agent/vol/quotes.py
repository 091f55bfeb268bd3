"""Option quotes of one underlying as implied vols, checked row by row, and laid out an expiry a row for a fit.

A quote that is absent is NaN, in these arrays alone: a missing bid bounds nothing from below, a missing ask nothing
from above. Everything else that is not a plain finite number is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import as_floats, common_shape, require_domain
from agent.numerics.series import POSITIVE
from agent.units import SECONDS_PER_YEAR

_SAME_EXPIRY_YEARS, _SAME_EXPIRY_SHARE = 600 / SECONDS_PER_YEAR, 0.05
"""Rows whose times to expiry differ by less than either, the second of the time itself, belong together: quotes of one
call carry stamps milliseconds apart."""
_MIN_TOLERANCE, _MAX_MARK_TOLERANCE = 0.004, 0.04
"""Relative to total variance: 0.2 % and 2 % of the vol. No quote is believed more than the first, no mark less than the
second."""
_BOUND_TOLERANCE, _IDLE_BOUND_TOLERANCE = 20.0, 1e4
"""Relative pull of a lone bid or ask: enough to place an expiry that has nothing else. The bound that a mark leaves
where its tick reaches intrinsic value pulls so only there; beside other quotes it but pushes what is beyond it."""


@dataclass(frozen=True, slots=True)
class ChainQuotes:
    """Quotes of one underlying, one a row: shape (rows,), vols annual with 1.0 = 100 %, NaN where there is none."""

    tau_years: FloatArray
    log_moneyness: FloatArray
    """ln(strike / forward of the expiry)."""
    bid_vol_annual: FloatArray
    ask_vol_annual: FloatArray
    mark_vol_annual: FloatArray
    mark_low_vol_annual: FloatArray
    """Lowest vol that the mark allows; 0 where it bounds nothing from below, NaN where there is no mark."""
    mark_high_vol_annual: FloatArray
    """Highest vol that the mark allows; infinite where it bounds nothing from above."""

    @property
    def is_two_sided(self) -> NDArray[np.bool_]:
        """Rows with a bid and an ask: those a surface is judged by."""
        return np.isfinite(self.bid_vol_annual) & np.isfinite(self.ask_vol_annual)


def chain_quotes(
    forward_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    bid_vol_annual: ArrayLike,
    ask_vol_annual: ArrayLike,
    mark_vol_annual: ArrayLike = np.nan,
    mark_low_vol_annual: ArrayLike = np.nan,
    mark_high_vol_annual: ArrayLike = np.nan,
) -> ChainQuotes:
    """Check quotes given as implied vols.

    Parameters
    ----------
    forward_usd, strike_usd, tau_years
        Forward of the row's expiry, strike and time to expiry, all positive; shapes broadcast to (rows,).
    bid_vol_annual, ask_vol_annual, mark_vol_annual
        Implied vols, positive; NaN where there is no such quote.
    mark_low_vol_annual, mark_high_vol_annual
        Ends of what the mark allows, 0 <= low <= high, of which high may be infinite; NaN where the mark is exact. A
        row without a mark's vol but with an end of its interval is bounded by that end.

    Raises
    ------
    DataError
        Naming row, field and value: a number out of range, an expired row, a bid above its ask; or no quote at all.
    """
    parts = {
        "forward_usd": as_floats("forward_usd", forward_usd),
        "strike_usd": as_floats("strike_usd", strike_usd),
        "tau_years": as_floats("tau_years", tau_years),
        "bid_vol_annual": as_floats("bid_vol_annual", bid_vol_annual),
        "ask_vol_annual": as_floats("ask_vol_annual", ask_vol_annual),
        "mark_vol_annual": as_floats("mark_vol_annual", mark_vol_annual),
    }
    ends = {
        "mark_low_vol_annual": as_floats("mark_low_vol_annual", mark_low_vol_annual),
        "mark_high_vol_annual": as_floats("mark_high_vol_annual", mark_high_vol_annual),
    }
    shape = common_shape({**parts, **ends})
    if len(shape) != 1 or shape[0] == 0:
        raise DataError(f"quotes have shape {shape}; give at least one row, one quote a row")
    for name, numbers in parts.items():
        present = np.where(np.isnan(numbers), 1.0, numbers) if name.endswith("vol_annual") else numbers
        require_domain(name, present, POSITIVE, shape)
    forward, strike, tau, bid, ask, mark = (np.array(np.broadcast_to(part, shape)) for part in parts.values())
    low, high = (np.where(np.isnan(end), mark, end) for end in ends.values())
    _require_interval(low, high)
    crossed = bid > ask
    if crossed.any():
        row = int(np.argmax(crossed))
        raise DataError(
            f"row {row}: bid_vol_annual is {bid[row]}, above ask_vol_annual {ask[row]}; drop the crossed quote"
        )
    quotes = ChainQuotes(tau, np.log(strike / forward), bid, ask, mark, low, high)
    if not _is_quoted(quotes).any():
        raise DataError(f"none of {shape[0]} rows has a bid, an ask or a mark that tells a vol; give quotes")
    return quotes


def _require_interval(low: FloatArray, high: FloatArray) -> None:
    wrong = ~((low >= 0.0) & (low <= high)) & ~(np.isnan(low) & np.isnan(high))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"row {row}: mark_low_vol_annual is {low[row]}, mark_high_vol_annual {high[row]}; expected 0 <= low <= high"
        )


def _is_quoted(quotes: ChainQuotes) -> NDArray[np.bool_]:
    """Return the rows that bound the vol from either side."""
    bounded_by_mark = (quotes.mark_low_vol_annual > 0.0) | np.isfinite(quotes.mark_high_vol_annual)
    return np.isfinite(quotes.bid_vol_annual) | np.isfinite(quotes.ask_vol_annual) | bounded_by_mark


@dataclass(frozen=True, slots=True)
class SliceTargets:
    """Quotes in total variance, an expiry a row, padded with rows of weight 0; arrays (expiries, quotes)."""

    tau_years: FloatArray
    """Shape (expiries,), increasing."""
    log_moneyness: FloatArray
    low: FloatArray
    """Bid; 0 where there is none."""
    high: FloatArray
    """Ask; infinite where there is none."""
    centre: FloatArray
    """Mark where it tells a vol, put inside bid and ask; else the middle of bid and ask, in vol; else the one bound."""
    tolerance: FloatArray
    """How far from the centre is as good as on it."""
    half_spread: FloatArray
    """Unit in which an excess over bid or ask is measured."""
    weight: FloatArray
    """1, or 0 for padding."""

    @property
    def counts(self) -> NDArray[np.int64]:
        """Quotes of each expiry; they fill the first columns of its row."""
        return np.asarray(np.sum(self.weight > 0.0, axis=1), dtype=np.int64)


def slice_targets(quotes: ChainQuotes) -> SliceTargets:
    """Lay ``quotes`` out by expiry, in total variance; rows without any quote are left out, expiries so emptied too."""
    present = _is_quoted(quotes)
    order = np.flatnonzero(present)[np.argsort(quotes.tau_years[present], kind="stable")]
    tau = quotes.tau_years[order]
    together = np.minimum(_SAME_EXPIRY_YEARS, _SAME_EXPIRY_SHARE * tau[:-1])
    expiry = np.concatenate(([0], np.cumsum(np.diff(tau) > together)))
    first = np.searchsorted(expiry, np.arange(expiry[-1] + 1))
    column = np.arange(order.size) - first[expiry]
    low = np.nan_to_num(quotes.bid_vol_annual[order] ** 2 * tau, nan=0.0)
    high = np.nan_to_num(quotes.ask_vol_annual[order] ** 2 * tau, nan=np.inf)
    mark_low, mark, mark_high = (
        vol[order] ** 2 * tau
        for vol in (quotes.mark_low_vol_annual, quotes.mark_vol_annual, quotes.mark_high_vol_annual)
    )
    low, high = _bounds(low, high, np.isnan(mark), mark_low, mark_high)
    is_idle = np.isnan(mark) & ~np.isnan(mark_high) & ((low == 0.0) | np.isinf(high))
    is_placed = np.zeros(expiry[-1] + 1, dtype=np.bool_)
    is_placed[expiry[~is_idle]] = True
    centre, tolerance, half_spread = _aims(low, high, mark, np.nan_to_num(0.5 * (mark_high - mark_low)))
    tolerance = np.where(is_idle & is_placed[expiry], _IDLE_BOUND_TOLERANCE * centre, tolerance)

    def padded(numbers: FloatArray, filler: float) -> FloatArray:
        table = np.full((expiry[-1] + 1, int(column.max()) + 1), filler)
        table[expiry, column] = numbers
        return table

    return SliceTargets(
        tau[first],
        padded(quotes.log_moneyness[order], 0.0),
        padded(low, 0.0),
        padded(high, np.inf),
        padded(centre, 1.0),
        padded(tolerance, 1.0),
        padded(half_spread, 1.0),
        padded(np.ones(order.size), 0.0),
    )


def _bounds(
    low: FloatArray, high: FloatArray, is_bound_alone: NDArray[np.bool_], mark_low: FloatArray, mark_high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return bid and ask, or where neither a bid nor a mark's vol is, the tighter of the ask and the mark's upper end.

    The same from below, of a mark that only says how high the vol is at least.
    """
    no_bid, no_ask = low == 0.0, np.isinf(high)
    upper = np.where(is_bound_alone & no_bid, np.fmin(high, mark_high), high)
    lower = np.where(is_bound_alone & no_bid & no_ask & np.isinf(upper), np.fmax(low, mark_low), low)
    return lower, upper


def _aims(
    low: FloatArray, high: FloatArray, mark: FloatArray, mark_half_width: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return centre, tolerance and unit of excess of each quote, all in total variance.

    A mark is believed to no less than half the width of what it allows: its pull falls as the square of that.
    """
    two_sided = (low > 0.0) & np.isfinite(high)
    has_mark = np.isfinite(mark)
    bound = np.where(np.isfinite(high), high, low)
    middle = (0.5 * (np.sqrt(low) + np.sqrt(bound))) ** 2
    centre = np.where(has_mark, np.clip(mark, low, high), np.where(two_sided, middle, bound))
    half = np.where(two_sided, 0.5 * (bound - low), _MAX_MARK_TOLERANCE * centre)
    widest = np.where(has_mark, _MAX_MARK_TOLERANCE * centre, np.inf)
    tolerance = np.where(
        has_mark | two_sided, np.clip(half, _MIN_TOLERANCE * centre, widest), _BOUND_TOLERANCE * centre
    )
    tolerance = np.where(has_mark, np.maximum(tolerance, mark_half_width), tolerance)
    return centre, tolerance, np.maximum(half, _MIN_TOLERANCE * centre)
