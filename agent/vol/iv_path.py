"""How implied volatility moved through a period: levels at instants, from a file or from what prices realised.

A path of one level moves every option of a book in parallel: each keeps its own distance to the level, so that the
smile and the term structure that the book was marked with stay as they are. A path may tell the level at the money at
several tenors, and a skew: then an option moves by what its own tenor's level and its own moneyness do, and a surface
that stays as it is moves none. What counts is the change since the start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.checks import require_whole
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import VOL_ANNUAL, require_domain
from agent.numerics.series import as_prices
from agent.units import SECONDS_PER_YEAR, Seconds
from agent.vol.iv_move import ANY_TENOR_DAYS, IvMove


@dataclass(frozen=True, slots=True, eq=False)
class IvPath:
    """Levels of IV (1.00 is 100 % a year) at increasing Unix times; each holds until the next.

    Raises
    ------
    DataError
        No level, times or tenors that do not increase, or a level outside the domain of volatilities.
    """

    times_unix: NDArray[np.int64]
    iv_annual: FloatArray
    """Shape (n,), or (n, k) with k tenors."""
    rule: str
    """Where the levels come from, as the end of "IV follows ..."."""
    tenor_days: tuple[float, ...] = ANY_TENOR_DAYS
    skew: FloatArray | None = None
    """Volatility a unit of log moneyness, shape (n,); None where it does not move."""

    def __post_init__(self) -> None:
        count, tenors = self.times_unix.size, len(self.tenor_days)
        if count == 0 or self.iv_annual.shape not in ((count,) if tenors == 1 else None, (count, tenors)):
            each = "one" if tenors == 1 else str(tenors)
            raise DataError(f"{count} times for {self.iv_annual.size} levels of IV; give {each} each")
        if self.skew is not None and self.skew.shape != (count,):
            raise DataError(f"{count} times for {self.skew.size} skews; give one each")
        if not (np.diff(self.tenor_days) > 0.0).all():
            raise DataError(f"the tenors of IV are {self.tenor_days} days; sort them, each once")
        grows = np.diff(self.times_unix) > 0
        if not grows.all():
            row = int(np.argmin(grows)) + 1
            raise DataError(f"row {row}: the time is not after the one before; sort the levels by time, one each")
        require_domain("iv_annual", self.iv_annual, VOL_ANNUAL, self.iv_annual.shape)
        self.times_unix.setflags(write=False)
        self.iv_annual.setflags(write=False)

    def move(self, from_unix: int, to_unix: int) -> IvMove:
        """Return the change of the surface between two instants.

        Raises
        ------
        DataError
            An instant is before the first level.
        """
        before, after = self._row(from_unix), self._row(to_unix)
        levels = np.atleast_1d(self.iv_annual[after] - self.iv_annual[before])
        skew = 0.0 if self.skew is None else float(self.skew[after] - self.skew[before])
        return IvMove(tuple(levels.tolist()), self.tenor_days, skew)

    def _row(self, at_unix: int) -> int:
        row = int(np.searchsorted(self.times_unix, at_unix, side="right")) - 1
        if row < 0:
            raise DataError(f"IV is known from {self.times_unix[0]} on, not at {at_unix}; start the path earlier")
        return row


def realised_iv_path(
    times_unix: NDArray[np.int64], prices_usd: ArrayLike, interval_seconds: Seconds, window: int, rule: str
) -> IvPath:
    """Take the volatility that prices realised over a trailing window for the level of IV.

    ``sqrt(sum(r_i^2) / window * year / interval)``, the last ``window`` log returns up to an instant, mean not
    subtracted. Nothing later than the instant enters its level.

    Parameters
    ----------
    times_unix, prices_usd
        Evenly spaced, shape (n,), n > window.
    interval_seconds
        Between two prices.
    window
        Returns in the window, >= 1.
    rule
        Says all this in words.

    Returns
    -------
    IvPath
        From the first instant that has a whole window on, shape (n - window,).

    Raises
    ------
    DataError
        Fewer prices than the window takes, or a price that is not positive.

    Source: Andersen, Bollerslev (1998), "Answering the skeptics", for the zero-mean estimator at high frequency.
    """
    require_whole(window, "window", 1)
    prices = as_prices("prices_usd", prices_usd, window + 1)
    sums = np.concatenate([[0.0], np.cumsum(np.diff(np.log(prices)) ** 2)])
    variance = np.maximum(sums[window:] - sums[:-window], 0.0) / window
    return IvPath(times_unix[window:].copy(), np.sqrt(variance * SECONDS_PER_YEAR / interval_seconds), rule)
