"""Conditional variance: GARCH(1,1), GJR-GARCH(1,1,1) and EGARCH(1,1,1) with normal shocks.

With r_t = mean + e_t, e_t = sigma_t z_t, v = sigma^2 per bar and E|z| = sqrt(2/pi):

| kind | recursion | limits of the search |
|---|---|---|
| GARCH | v_{t+1} = omega + alpha e_t^2 + beta v_t | alpha, beta >= 0, persistence <= 1 |
| GJR | v_{t+1} = omega + (alpha + gamma 1[e_t < 0]) e_t^2 + beta v_t | the same, alpha + gamma >= 0 |
| EGARCH | ln v_{t+1} = omega + alpha (abs(z_t) - E abs(z)) + gamma z_t + beta ln v_t | 0 <= beta < 1, invertible |

A fit is the highest of the maxima that `agent.vol.garch_search` verifies; where there is none the fit is refused, and
`agent.vol.vol_forecast` names the volatility that takes its place. The likelihood is Gaussian; where shocks are not,
the estimates stay consistent and ``robust_errors`` gives the standard errors that do too.

Sources: T. Bollerslev (1986), "Generalized autoregressive conditional heteroskedasticity", Journal of Econometrics 31;
L. Glosten, R. Jagannathan, D. Runkle (1993), Journal of Finance 48; D. Nelson (1991), Econometrica 59; benchmark:
G. Fiorentini, G. Calzolari, L. Panattoni (1996), Journal of Applied Econometrics 11, 399-417.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from agent.checks import require_positive, require_whole
from agent.errors import DataError, FitRefusedError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import as_floats, require_domain
from agent.numerics.series import POSITIVE, as_returns, require_one_series
from agent.vol.garch_kernel import MEAN_ABS_NORMAL
from agent.vol.garch_search import Likelihood, Maximum, Recursion, verified_maxima

MIN_RETURNS = 100
"""Fewer returns than this do not tell alpha from beta."""
MAX_HORIZON_BARS = 10_000_000
"""Ten years of half minutes."""
_PERCENT = 100.0
"""Unit of the returns that log likelihoods are quoted for."""
_LEAST_SPREAD_OF_SQUARES = 1e-6
"""Standard deviation of squared deviations over their mean, sqrt(2) for normal ones: less holds no reaction to fit."""
_RIVAL_LOG_UNITS = 2.0
"""A maximum this near the highest is named: the likelihood ratio, e^2 = 7, does not settle between the two."""
MAX_FORECAST_VOL_RATIO = 2.0
"""Largest forecast volatility of a bar, of the highest that the fit saw: further up the model speaks of what no return
of its sample showed, and a recursion near its unit root grows without end."""


class GarchKind(Enum):
    """Shape of the recursion."""

    GARCH = "garch"
    GJR = "gjr"
    EGARCH = "egarch"


_LEAST_OMEGA = 1e-9
"""Of the variance of the returns."""
_LARGEST_LOG_PERSISTENCE = 1.0 - 1e-6
"""Of EGARCH: at 1 a shock never fades."""
_STARTS_OF_SQUARES = tuple(
    (level, alpha) for level in (0.4, 0.7, 0.9, 0.97, 0.995) for alpha in (0.03, 0.1, 0.3) if alpha < level
)
"""Persistence and alpha from which searches start; omega then gives the variance of the returns, 1."""
_RECURSIONS = {
    GarchKind.GARCH: Recursion(
        is_of_logarithms=False,
        spread=np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        limits=np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, -1.0]]),
        least=np.array([_LEAST_OMEGA, 0.0, 0.0, -1.0]),
        starts=tuple((1.0 - level, alpha, level - alpha) for level, alpha in _STARTS_OF_SQUARES),
        reactions=(1,),
    ),
    GarchKind.GJR: Recursion(
        is_of_logarithms=False,
        spread=np.eye(4),
        limits=np.vstack([np.eye(4), [0.0, -0.5, -0.5, -1.0]]),
        least=np.array([_LEAST_OMEGA, 0.0, 0.0, 0.0, -1.0]),
        starts=tuple(
            (1.0 - level, alpha * (1.0 - tilt), alpha * (1.0 + tilt), level - alpha)
            for level, alpha in _STARTS_OF_SQUARES
            for tilt in (-0.6, 0.6)
        ),
        reactions=(1, 2),
    ),
    GarchKind.EGARCH: Recursion(
        is_of_logarithms=True,
        spread=np.eye(4),
        limits=np.array([[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, -1.0]]),
        least=np.array([0.0, -_LARGEST_LOG_PERSISTENCE]),
        starts=tuple(
            (0.0, alpha, gamma, beta)
            for beta in (0.3, 0.6, 0.9, 0.98)
            for alpha in (0.05, 0.25)
            for gamma in (-0.08, 0.08)
        ),
        reactions=(1, 2),
    ),
}
"""Coefficients are of returns of mean 0 and standard deviation 1; GJR's are omega, alpha, alpha + gamma and beta."""


@dataclass(frozen=True, slots=True)
class GarchParameters:
    """Coefficients for returns as ratios; gamma is 0 for plain GARCH.

    As standard errors: their errors, same units; 0 for a coefficient that the kind lacks or a limit holds.
    """

    mean: float
    omega: float
    alpha: float
    gamma: float
    beta: float


@dataclass(frozen=True, slots=True)
class GarchRival:
    """Another verified maximum of the same likelihood, within 2 log units of the highest."""

    parameters: GarchParameters
    log_likelihood: float
    """Of returns in percent."""
    next_variance_per_bar: float


@dataclass(frozen=True, slots=True)
class GarchFit:
    """A fitted model with the variances it saw, all per bar."""

    kind: GarchKind
    parameters: GarchParameters
    standard_errors: GarchParameters
    log_likelihood: float
    """Of returns in percent, the unit of the published benchmark."""
    variance_per_bar: FloatArray
    """Shape (n,): variance of each bar as known before it."""
    standardised_residuals: FloatArray
    """Shape (n,): (return - mean) / sigma, the shocks of a filtered historical simulation."""
    next_variance_per_bar: float
    rivals: tuple[GarchRival, ...] = ()
    """Where not empty, the returns hardly tell these from the fit."""

    @property
    def persistence(self) -> float:
        """Share of a shock to variance (EGARCH: to its logarithm) that is left after one bar."""
        p = self.parameters
        if self.kind is GarchKind.EGARCH:
            return p.beta
        return p.alpha + 0.5 * p.gamma + p.beta


def fit_garch(
    log_returns: ArrayLike,
    kind: GarchKind,
    *,
    backcast_variance_per_bar: float | None = None,
    robust_errors: bool = False,
) -> GarchFit:
    """Fit mean and variance recursion by maximum likelihood.

    Parameters
    ----------
    log_returns
        Log returns as ratios, shape (n,), n >= `MIN_RETURNS`.
    kind
        Recursion to fit.
    backcast_variance_per_bar
        Variance before the first return; None for the mean squared deviation from the mean return, as in the benchmark.
    robust_errors
        Bollerslev-Wooldridge standard errors in place of the Hessian's.

    Raises
    ------
    DataError
        A return is not finite (named by row), there are too few, or they do not vary.
    FitRefusedError
        No maximum of the likelihood could be verified.

    Notes
    -----
    ``log_returns`` times a factor give the same coefficients, with mean and omega in the new unit.
    """
    returns = require_one_series("log_returns", as_returns("log_returns", log_returns, MIN_RETURNS))
    deviation = float(np.mean((returns - returns.mean()) ** 2))
    if deviation <= (np.finfo(np.float64).eps * float(np.max(np.abs(returns)))) ** 2:
        raise DataError("log_returns do not vary; a variance needs prices that moved")
    backcast = deviation if backcast_variance_per_bar is None else backcast_variance_per_bar
    require_positive(backcast, "backcast_variance_per_bar")
    unit, centre = math.sqrt(deviation), float(returns.mean())
    standard = (returns - centre) / unit
    likelihood = Likelihood(standard, _RECURSIONS[kind], backcast / deviation)
    # Squares all alike leave the likelihood flat, and what lies on a plain is decided by rounding.
    maxima = verified_maxima(likelihood) if float(np.std(standard**2)) > _LEAST_SPREAD_OF_SQUARES else ()
    if not maxima:
        raise FitRefusedError(
            f"{kind.name} has no verified maximum on these {returns.size} returns; give a longer series or a plainer "
            "model, or take agent.vol.vol_forecast, which falls back to one"
        )
    best, *others = maxima
    least = best.point.log_likelihood - _RIVAL_LOG_UNITS
    rivals = tuple(_as_rival(kind, other, unit, centre) for other in others if other.point.log_likelihood >= least)
    residuals = returns - (centre + unit * best.point.mean)
    variance = np.exp(best.point.log_variance) * deviation
    return GarchFit(
        kind,
        _as_parameters(kind, best, unit, centre),
        _standard_errors(kind, best, unit, robust=robust_errors),
        _log_likelihood_of_percent(best, unit),
        variance[:-1],
        residuals / np.sqrt(variance[:-1]),
        float(variance[-1]),
        rivals,
    )


def _as_rival(kind: GarchKind, maximum: Maximum, unit: float, centre: float) -> GarchRival:
    return GarchRival(
        _as_parameters(kind, maximum, unit, centre),
        _log_likelihood_of_percent(maximum, unit),
        math.exp(maximum.point.log_variance[-1]) * unit**2,
    )


def _log_likelihood_of_percent(maximum: Maximum, unit: float) -> float:
    return float(maximum.point.log_likelihood) - (maximum.point.log_variance.size - 1) * math.log(_PERCENT * unit)


def _to_parameters(kind: GarchKind, unit: float) -> FloatArray:
    """Return the matrix from (mean, *x) of the search to mean, omega, alpha, gamma and beta, without the shifts."""
    if kind is GarchKind.EGARCH:
        # ln v shifts by L = ln unit^2, so that omega becomes omega + L (1 - beta).
        matrix = np.eye(5)
        matrix[0, 0], matrix[1, 4] = unit, -2.0 * math.log(unit)
        return matrix
    size = _RECURSIONS[kind].spread.shape[1] + 1
    matrix = np.zeros((5, size))
    matrix[0, 0], matrix[1, 1], matrix[2, 2], matrix[4, -1] = unit, unit**2, 1.0, 1.0
    if kind is GarchKind.GJR:
        matrix[3, 2:4] = -1.0, 1.0
    return matrix


def _as_parameters(kind: GarchKind, maximum: Maximum, unit: float, centre: float) -> GarchParameters:
    numbers = _to_parameters(kind, unit) @ np.append(maximum.point.mean, maximum.point.x)
    numbers[0] += centre
    if kind is GarchKind.EGARCH:
        numbers[1] += 2.0 * math.log(unit)
    return GarchParameters(*(float(number) for number in numbers))


def _standard_errors(kind: GarchKind, maximum: Maximum, unit: float, *, robust: bool) -> GarchParameters:
    """Return roots of the diagonal of (-H)^-1, or of (-H)^-1 S (-H)^-1 with S the sum of scores times scores."""
    free, point = maximum.free, maximum.point
    covariance = np.linalg.inv(-(free.T @ point.hessian @ free))
    if robust:
        covariance = covariance @ (free.T @ point.outer @ free) @ covariance
    spread = _to_parameters(kind, unit) @ free
    return GarchParameters(*(math.sqrt(max(float(row @ covariance @ row), 0.0)) for row in spread))


def forecast_variance_per_bar(fit: GarchFit, horizon_bars: int) -> FloatArray:
    """Return E[v] of each of the next ``horizon_bars`` bars, given today; exact for all three kinds.

    GARCH and GJR: v_{h+1} = omega + persistence v_h. EGARCH, over j < h - 1, each mean over z in closed form:
    E[v_h] = exp(omega sum_j beta^j + beta^(h-1) ln v_1) prod_j E[exp(beta^j (alpha (|z| - E|z|) + gamma z))].

    Raises
    ------
    DataError
        ``horizon_bars`` is not a whole number >= 1.
    FitRefusedError
        A bar's forecast volatility is beyond `MAX_FORECAST_VOL_RATIO` of the highest that the fit saw.
    """
    require_whole(horizon_bars, "horizon_bars", 1)
    with np.errstate(over="ignore", invalid="ignore"):  # a forecast beyond every number is refused below
        variances = _expected_variances(fit, horizon_bars)
    highest = max(float(np.max(fit.variance_per_bar)), fit.next_variance_per_bar)
    beyond = ~(variances <= MAX_FORECAST_VOL_RATIO**2 * highest)
    if beyond.any():
        bar = int(np.argmax(beyond))
        raise FitRefusedError(
            f"the {fit.kind.name} forecast of bar {bar + 1} of {horizon_bars} is a volatility of "
            f"{math.sqrt(variances[bar]):.3g} a bar, more than {MAX_FORECAST_VOL_RATIO:g} times the highest of the "
            f"sample, {math.sqrt(highest):.3g} (persistence {fit.persistence:.6f}); shorten the horizon or fit a "
            "plainer model"
        )
    return variances


def _expected_variances(fit: GarchFit, horizon_bars: int) -> FloatArray:
    p = fit.parameters
    later = np.arange(horizon_bars - 1)
    if fit.kind is GarchKind.EGARCH:
        decay = np.asarray(p.beta**later, dtype=np.float64)
        log_mean = np.log(_mean_exp_shock(decay * p.alpha, decay * p.gamma)) - decay * p.alpha * MEAN_ABS_NORMAL
        growth = np.concatenate(([0.0], np.cumsum(p.omega * decay + log_mean)))
        return np.asarray(np.exp(growth + p.beta ** np.arange(horizon_bars) * math.log(fit.next_variance_per_bar)))
    fading = fit.persistence ** np.arange(horizon_bars)
    inflow = np.concatenate(([0.0], np.cumsum(p.omega * fit.persistence**later)))
    return np.asarray(fit.next_variance_per_bar * fading + inflow)


def _mean_exp_shock(alpha: FloatArray, gamma: FloatArray) -> FloatArray:
    """Return E[exp(alpha |z| + gamma z)], z standard normal: each half line gives a shifted normal."""
    up, down = alpha + gamma, alpha - gamma
    return np.asarray(np.exp(0.5 * up * up) * ndtr(up) + np.exp(0.5 * down * down) * ndtr(down))


def forecast_term_structure_vol_annual(fit: GarchFit, horizon_bars: int, bars_per_year: float) -> FloatArray:
    """Return the annual volatility over the next 1, 2, ... ``horizon_bars`` bars, shape (horizon_bars,).

    Formula: sqrt(bars_per_year x mean of the forecast variances up to each horizon): what an option of that life should
    be compared with.
    """
    require_positive(bars_per_year, "bars_per_year")
    variances = forecast_variance_per_bar(fit, horizon_bars)
    return np.asarray(np.sqrt(np.cumsum(variances) / np.arange(1, horizon_bars + 1) * bars_per_year))


def forecast_vol_to_expiry_annual(fit: GarchFit, tau_years: ArrayLike, bars_per_year: float) -> FloatArray:
    """Return the annual volatility expected from now to each expiry: what its implied vol should be compared with.

    Formula: sqrt(integral of the forecast variance to expiry / tau), the variance even within a bar.

    Parameters
    ----------
    fit
        Of bars that end now.
    tau_years
        Times to expiry, positive, any shape; the last bar may count in part.
    bars_per_year
        Bars of the fitted length in a year (365 for daily bars of a market that never closes).

    Returns
    -------
    FloatArray
        1.00 is 100 % a year, of the shape of ``tau_years``.

    Raises
    ------
    DataError
        Naming row, field and value of a time out of range; or an expiry more than `MAX_HORIZON_BARS` away.
    """
    require_positive(bars_per_year, "bars_per_year")
    tau = as_floats("tau_years", tau_years)
    require_domain("tau_years", tau, POSITIVE, tau.shape)
    bars = tau * bars_per_year
    if np.max(bars, initial=0.0) > MAX_HORIZON_BARS:
        raise DataError(
            f"an expiry is {np.max(bars):.0f} bars away; expected at most {MAX_HORIZON_BARS}, fit longer bars"
        )
    whole = np.floor(bars).astype(np.int64)
    variances = forecast_variance_per_bar(fit, int(np.max(whole, initial=0)) + 1)
    up_to = np.concatenate(([0.0], np.cumsum(variances)))
    return np.asarray(np.sqrt((up_to[whole] + (bars - whole) * variances[whole]) / tau))
