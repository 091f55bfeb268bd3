"""How far a surface of implied volatility moved since an instant: at the money by tenor, and its skew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agent.numerics.arrays import FloatArray
from agent.units import DAYS_PER_YEAR

ANY_TENOR_DAYS = (30.0,)
"""Of a surface that is told at one tenor, which stands for all."""


@dataclass(frozen=True, slots=True)
class IvMove:
    """Change of volatility at the money (0.1 is 10 points) at increasing tenors, and of the skew.

    The skew is volatility a unit of log moneyness ``ln(strike / price)``: -0.2 is 2 points less for a strike about
    10 % higher.
    """

    level_annual: tuple[float, ...] = (0.0,)
    tenor_days: tuple[float, ...] = ANY_TENOR_DAYS
    skew: float = 0.0

    @property
    def is_parallel(self) -> bool:
        """Whether every option moves alike."""
        return self.skew == 0.0 and len(set(self.level_annual)) == 1

    @property
    def is_held(self) -> bool:
        """Whether nothing moved."""
        return self.is_parallel and self.level_annual[0] == 0.0

    def of(self, strike_usd: ArrayLike, price_usd: float, tau_years: ArrayLike) -> FloatArray:
        """Return each option's change of volatility.

        ``level(tau) + skew ln(strike / price)``, the level linear in days between two tenors and flat beyond them.

        Parameters
        ----------
        strike_usd, tau_years
            Of the options, shape (n,) or of one.
        price_usd
            Now, > 0.

        Returns
        -------
        FloatArray
            Shape (n,).

        """
        days = DAYS_PER_YEAR * np.asarray(tau_years, dtype=np.float64)
        level = np.interp(days, self.tenor_days, self.level_annual)
        moneyness = np.log(np.asarray(strike_usd, dtype=np.float64) / price_usd)
        return np.asarray(level + self.skew * moneyness)


HELD = IvMove()
"""Nothing moved."""


def parallel(level_annual: float) -> IvMove:
    """Return the move of every option by the same."""
    return IvMove((level_annual,))
