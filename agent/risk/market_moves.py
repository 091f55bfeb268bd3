r"""Moves of the market over a horizon, from history: as they were, or filtered by a volatility model.

* **Historical**: log returns over the horizon, as they were.
* **Rescaled** (Hull and White): each past return times the forecast volatility over the volatility of its own time, so
  that a calm past is not taken for a calm tomorrow.
* **Filtered** (Barone-Adesi, Giannopoulos and Vosper): standardised residuals of a GARCH fit, drawn with replacement,
  are sent through its own recursion from today's variance over each bar of the horizon: fat tails from the past,
  volatility of today, and its clustering on the way.

Implied volatility may follow the price: it changes by beta x log return, in volatility points of 1.00, where beta is
what the desk has estimated (negative where volatility rises in a fall); 0 leaves it.

Source: J. Hull, A. White, "Incorporating volatility updating into the historical simulation method for value at risk",
Journal of Risk 1 (1998) 5-19; G. Barone-Adesi, K. Giannopoulos, L. Vosper, "VaR without correlations for portfolios of
derivative securities", Journal of Futures Markets 19 (1999) 583-602.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agent.checks import require_finite, require_positive, require_whole
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import as_floats, require_domain
from agent.numerics.series import FINITE, as_prices, as_returns, require_one_series
from agent.vol.garch import GarchFit, GarchKind, GarchParameters

_MEAN_ABS_NORMAL = math.sqrt(2.0 / math.pi)


@dataclass(frozen=True, slots=True)
class MarketMoves:
    """What the market may do over ``horizon_years``: arrays of shape (moves,)."""

    log_return: FloatArray
    vol_shift_annual: FloatArray
    horizon_years: float

    def __post_init__(self) -> None:
        for name in ("log_return", "vol_shift_annual"):
            column = require_one_series(name, as_returns(name, getattr(self, name), 1))
            object.__setattr__(self, name, column)
        if self.log_return.size != self.vol_shift_annual.size:
            raise DataError(
                f"log_return has {self.log_return.size} rows and vol_shift_annual {self.vol_shift_annual.size}; "
                "give one of each a move"
            )
        if require_finite(self.horizon_years, "horizon_years") < 0.0:
            raise DataError(f"horizon_years is {self.horizon_years}; expected a time of 0 or more")


def historical_moves(
    price_usd: ArrayLike,
    horizon_bars: int,
    bars_per_year: float,
    vol_beta: float = 0.0,
    *,
    is_overlapping: bool = False,
) -> MarketMoves:
    """Return the log returns of past horizons.

    Parameters
    ----------
    price_usd
        Prices a bar apart, USD, shape (bars,).
    horizon_bars
        Bars of a horizon.
    bars_per_year
        365 for days.
    vol_beta
        Change of implied volatility for a log return of 1.
    is_overlapping
        Whether a horizon begins at every bar rather than where the last one ended: more rows, but not independent ones,
        so that the intervals of `tail_risk` come out too narrow.

    Raises
    ------
    DataError
        A price that is not finite and positive, named by row, or fewer than one horizon of them.
    """
    require_whole(horizon_bars, "horizon_bars", 1)
    price = require_one_series("price_usd", as_prices("price_usd", price_usd, horizon_bars + 1))
    levels = np.log(price)
    if is_overlapping:
        returns = levels[horizon_bars:] - levels[:-horizon_bars]
    else:
        returns = np.diff(levels[(levels.size - 1) % horizon_bars :: horizon_bars])
    return _moves(returns, horizon_bars, bars_per_year, vol_beta)


def rescaled_moves(
    log_returns: ArrayLike,
    variance_per_bar: ArrayLike,
    next_variance_per_bar: float,
    bars_per_year: float,
    vol_beta: float = 0.0,
) -> MarketMoves:
    """Return every past return of one bar at the volatility forecast for the next bar.

    Formula: r_t sigma_next / sigma_t.

    Parameters
    ----------
    log_returns
        Log returns as ratios, shape (bars,).
    variance_per_bar
        Variance of each bar as known before it, as `GarchFit` and `EwmaPath` give it, shape (bars,), > 0.
    next_variance_per_bar
        Forecast for the bar to come.
    bars_per_year
        365 for days.
    vol_beta
        Change of implied volatility for a log return of 1.

    Raises
    ------
    DataError
        A number that is not finite, or a variance that is not positive, named by row; series of different lengths.
    """
    returns = require_one_series("log_returns", as_returns("log_returns", log_returns, 1))
    variance = require_one_series("variance_per_bar", as_prices("variance_per_bar", variance_per_bar, 1))
    if returns.size != variance.size:
        raise DataError(f"log_returns has {returns.size} rows and variance_per_bar {variance.size}; give one of each")
    scale = np.sqrt(require_positive(next_variance_per_bar, "next_variance_per_bar") / variance)
    return _moves(returns * scale, 1, bars_per_year, vol_beta)


def filtered_moves(
    fit: GarchFit, horizon_bars: int, bars_per_year: float, paths: int, seed: int, vol_beta: float = 0.0
) -> MarketMoves:
    """Simulate the horizon by drawing the fit's standardised residuals, volatility following its recursion.

    Parameters
    ----------
    fit
        Fitted to returns of one bar, see `agent.vol.garch.fit_garch`.
    horizon_bars
        Bars of the horizon.
    bars_per_year
        365 for days.
    paths
        Horizons to simulate.
    seed
        Of the draws.
    vol_beta
        Change of implied volatility for a log return of 1.

    Raises
    ------
    DataError
        A count that is not whole and positive, or a variance that grows beyond every number on the way.
    """
    require_whole(horizon_bars, "horizon_bars", 1)
    require_whole(paths, "paths", 1)
    rng = np.random.default_rng(seed)
    parameters, shocks = fit.parameters, fit.standardised_residuals
    total, variance = np.zeros(paths), np.full(paths, fit.next_variance_per_bar)
    with np.errstate(over="ignore", invalid="ignore"):  # a variance that explodes is named below
        for _ in range(horizon_bars):
            z = shocks[rng.integers(shocks.size, size=paths)]
            total += parameters.mean + np.sqrt(variance) * z
            variance = _next_variance(fit.kind, parameters, variance, z)
    if not np.isfinite(total).all():
        raise DataError(
            f"variance grows without end over horizon_bars {horizon_bars}: persistence is {fit.persistence}; "
            "shorten the horizon or fit a longer series"
        )
    return _moves(total, horizon_bars, bars_per_year, vol_beta)


def _next_variance(kind: GarchKind, p: GarchParameters, variance: FloatArray, z: FloatArray) -> FloatArray:
    if kind is GarchKind.EGARCH:
        shock = p.alpha * (np.abs(z) - _MEAN_ABS_NORMAL) + p.gamma * z
        return np.exp(p.omega + shock + p.beta * np.log(variance))
    weight = p.alpha + p.gamma * (z < 0.0)
    return np.asarray(p.omega + variance * (weight * z * z + p.beta))


def _moves(returns: FloatArray, horizon_bars: int, bars_per_year: float, vol_beta: float) -> MarketMoves:
    require_positive(bars_per_year, "bars_per_year")
    beta = as_floats("vol_beta", vol_beta)
    require_domain("vol_beta", beta, FINITE, beta.shape)
    return MarketMoves(returns, beta * returns, horizon_bars / bars_per_year)
