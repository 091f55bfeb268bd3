"""A volatility to each expiry from past returns, whatever the returns: a refused model gives way to a plainer one.

The order is the kind asked for, then GJR, GARCH and last EWMA, which has no maximum to miss: v_{t+1} = decay v_t +
(1 - decay) r_t^2, flat over the horizon (RiskMetrics, 4th edition, 1996). Each model that gave way is named in the
answer with its reason, so that the caller can say it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agent.errors import DataError, FitRefusedError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import as_floats, require_domain
from agent.numerics.series import POSITIVE, as_returns, require_one_series
from agent.vol.ewma import RISKMETRICS_DAILY_DECAY, ewma_path
from agent.vol.garch import MIN_RETURNS, GarchKind, fit_garch, forecast_vol_to_expiry_annual

_FROM_RICH_TO_PLAIN = (GarchKind.EGARCH, GarchKind.GJR, GarchKind.GARCH)
EWMA = "EWMA"


@dataclass(frozen=True, slots=True)
class VolForecast:
    """Volatility to each expiry and the model it is from."""

    vol_annual: FloatArray
    """1.00 is 100 % a year, of the shape of the expiries asked for."""
    model: str
    """EGARCH, GJR, GARCH or EWMA."""
    refusals: tuple[str, ...]
    """Why each model before it was refused; empty where the first held. To be shown or logged."""


def forecast_vol(
    log_returns: ArrayLike,
    kind: GarchKind,
    tau_years: ArrayLike,
    bars_per_year: float,
    ewma_decay: float = RISKMETRICS_DAILY_DECAY,
) -> VolForecast:
    """Forecast with ``kind``, or with the richest plainer model that is not refused.

    Parameters
    ----------
    log_returns
        Log returns as ratios, shape (n,), n >= 2, of bars that end now.
    kind
        Model to begin with.
    tau_years
        Times to expiry, positive, any shape.
    bars_per_year
        365 for daily bars of a market that never closes.
    ewma_decay
        Weight of the past where EWMA is what is left; the default is for daily bars.

    Raises
    ------
    DataError
        A return is not finite, all are 0 or alike, or a time is out of range: no volatility can be told from these.
    """
    returns = require_one_series("log_returns", as_returns("log_returns", log_returns, 2))
    tau = as_floats("tau_years", tau_years)
    require_domain("tau_years", tau, POSITIVE, tau.shape)
    refusals: list[str] = []
    for model in _FROM_RICH_TO_PLAIN[_FROM_RICH_TO_PLAIN.index(kind) :]:
        if returns.size < MIN_RETURNS:
            refusals.append(f"{model.name} needs at least {MIN_RETURNS} returns and was given {returns.size}")
            continue
        try:
            vol = forecast_vol_to_expiry_annual(fit_garch(returns, model), tau, bars_per_year)
        except FitRefusedError as error:
            refusals.append(str(error))
        else:
            return VolForecast(vol, model.name, tuple(refusals))
    mean_square = float(np.mean(returns**2))
    if mean_square <= 0.0:
        raise DataError("log_returns do not vary; a variance needs prices that moved")
    flat = ewma_path(returns, ewma_decay, mean_square).next_vol_annual(bars_per_year)
    return VolForecast(np.full(tau.shape, flat), EWMA, tuple(refusals))
