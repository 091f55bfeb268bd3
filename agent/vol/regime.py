r"""Calm and storm: regimes of volatility that returns pass through unseen, fitted by `statsmodels`.

In regime i a return is normal with the common mean and variance v_i; the regime is a Markov chain of transition matrix
P. Regimes are numbered by rising volatility: 0 is the calmest. With pi the probabilities known after bar t - 1,
Hamilton's filter reads bar t:

    predicted = pi P,  filtered_i = predicted_i n(r_t; mean, v_i) / sum_j predicted_j n(r_t; mean, v_j)

Filtered probabilities use no later bar, so they may drive decisions and backtests; smoothed ones would look ahead and
are not offered. Estimation is by maximum likelihood with EM for a start; it is deterministic. It costs about 1 s for a
year of daily bars and two regimes: fit offline, then follow live bars with `filter_regimes`, microseconds a bar.

Sources: J. Hamilton, "A new approach to the economic analysis of nonstationary time series and the business cycle",
Econometrica 57 (1989) 357-384; `statsmodels.tsa.regime_switching.markov_regression.MarkovRegression`.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agent.checks import require_positive, require_whole
from agent.errors import DataError
from agent.extras import extra
from agent.numerics.arrays import FloatArray
from agent.numerics.series import as_returns, require_one_series

with extra("estimation", "Fitting regimes of volatility"):
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression, MarkovRegressionResults

MIN_RETURNS = 100
"""Fewer returns than this do not tell two regimes apart."""
_PERCENT = 100.0
"""The optimiser works well on returns of about 1, so it is given percent."""


@dataclass(frozen=True, slots=True)
class RegimeModel:
    """Parameters of a fitted chain of k regimes, calmest first; per bar, ratios."""

    mean_per_bar: float
    variance_per_bar: FloatArray
    """Shape (k,), increasing."""
    transition: FloatArray
    """Shape (k, k): row i holds the probabilities of going from i to each regime in one bar."""
    log_likelihood: float
    """Of returns in percent."""

    @property
    def expected_duration_bars(self) -> FloatArray:
        """Mean length of a stay in each regime: 1 / (1 - P_ii), shape (k,)."""
        return np.asarray(1.0 / (1.0 - np.diagonal(self.transition)))

    @property
    def stationary_probabilities(self) -> FloatArray:
        """Share of time spent in each regime in the long run: pi = pi P, shape (k,)."""
        count = self.variance_per_bar.size
        system = np.vstack([self.transition.T - np.eye(count), np.ones(count)])
        solution, *_ = np.linalg.lstsq(system, np.append(np.zeros(count), 1.0), rcond=None)
        return np.asarray(solution)

    def vol_annual(self, bars_per_year: float) -> FloatArray:
        """Return the annual volatility of each regime, shape (k,)."""
        return np.asarray(np.sqrt(self.variance_per_bar * require_positive(bars_per_year, "bars_per_year")))


@dataclass(frozen=True, slots=True)
class RegimePath:
    """What was known of the regime after each bar, and what is expected of the next one."""

    filtered: FloatArray
    """Shape (n, k): probabilities after each bar, from that bar and those before it."""
    next_probabilities: FloatArray
    """Shape (k,): for the bar to come."""
    next_variance_per_bar: float
    """Expected variance of the bar to come."""

    @property
    def most_likely(self) -> int:
        """Most probable regime after the last bar; 0 is the calmest."""
        return int(np.argmax(self.filtered[-1]))


def fit_regimes(log_returns: ArrayLike, regimes: int = 2) -> RegimeModel:
    """Fit a chain of volatility regimes.

    Parameters
    ----------
    log_returns
        Log returns as ratios, shape (n,), n >= `MIN_RETURNS`.
    regimes
        Number of regimes, at least 2.

    Raises
    ------
    DataError
        A return is not finite (named by row), there are too few, they do not vary, or no maximum was found.
    """
    require_whole(regimes, "regimes", 2)
    returns = require_one_series("log_returns", as_returns("log_returns", log_returns, MIN_RETURNS))
    if np.ptp(returns) <= 8.0 * np.finfo(np.float64).eps * np.max(np.abs(returns)):
        raise DataError("log_returns do not vary; regimes of volatility need prices that moved")
    result = _estimate(returns, regimes)
    named = dict(zip(result.model.param_names, np.asarray(result.params), strict=True))
    variance = np.array([named[f"sigma2[{regime}]"] for regime in range(regimes)]) / _PERCENT**2
    order = np.argsort(variance, kind="stable")
    transition = np.asarray(result.regime_transition)[:, :, 0].T
    return RegimeModel(
        named["const"] / _PERCENT, variance[order], transition[np.ix_(order, order)].copy(), float(result.llf)
    )


def _estimate(returns: FloatArray, regimes: int) -> MarkovRegressionResults:
    model = MarkovRegression(
        returns * _PERCENT, k_regimes=regimes, trend="c", switching_trend=False, switching_variance=True
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether a maximum was found is asked below
        try:
            result = model.fit(disp=False)
        except np.linalg.LinAlgError as error:
            raise DataError(f"{regimes} regimes cannot be told apart in {returns.size} returns ({error})") from None
    if not (result.mle_retvals["converged"] and np.isfinite(np.asarray(result.params)).all()):
        raise DataError(
            f"{regimes} regimes have no clear maximum on these {returns.size} returns; "
            "give a longer series or fewer regimes"
        )
    return result


def filter_regimes(
    model: RegimeModel, log_returns: ArrayLike, start_probabilities: ArrayLike | None = None
) -> RegimePath:
    """Follow returns bar by bar with Hamilton's filter.

    Parameters
    ----------
    model
        A fitted chain.
    log_returns
        Log returns as ratios, shape (n,), n >= 1.
    start_probabilities
        For the first bar, shape (k,): the ``next_probabilities`` of an earlier path, to go on from it. None for the
        stationary ones.

    Raises
    ------
    DataError
        A return is not finite (named by row), or the probabilities are none.
    """
    returns = require_one_series("log_returns", as_returns("log_returns", log_returns, 1))
    predicted = (
        model.stationary_probabilities if start_probabilities is None else _probabilities(model, start_probabilities)
    )
    variance = model.variance_per_bar
    squares = (returns[:, None] - model.mean_per_bar) ** 2 / variance
    log_density = -0.5 * (squares + np.log(2.0 * math.pi * variance))
    # Against the densest regime, so that a return far from all of them does not underflow.
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    filtered = np.empty_like(density)
    for bar, likelihood in enumerate(density):
        joint = predicted * likelihood
        filtered[bar] = joint / joint.sum()
        predicted = filtered[bar] @ model.transition
    return RegimePath(filtered, predicted, float(predicted @ variance))


def _probabilities(model: RegimeModel, start_probabilities: ArrayLike) -> FloatArray:
    probabilities = np.asarray(start_probabilities, dtype=np.float64)
    if (
        probabilities.shape != model.variance_per_bar.shape
        or not (probabilities >= 0.0).all()
        or not math.isclose(float(probabilities.sum()), 1.0, abs_tol=1e-9)
    ):
        raise DataError(
            f"start_probabilities are {probabilities.tolist()}; give {model.variance_per_bar.size} shares of sum 1"
        )
    return probabilities
