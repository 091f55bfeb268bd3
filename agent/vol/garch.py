"""Conditional variance: GARCH(1,1), GJR-GARCH(1,1,1) and EGARCH(1,1,1) with normal shocks, fitted by `arch`.

With r_t = mean + e_t, e_t = sigma_t z_t, v = sigma^2 per bar and E|z| = sqrt(2/pi):

| kind | recursion |
|---|---|
| GARCH | v_{t+1} = omega + alpha e_t^2 + beta v_t |
| GJR | v_{t+1} = omega + (alpha + gamma 1[e_t < 0]) e_t^2 + beta v_t |
| EGARCH | ln v_{t+1} = omega + alpha (abs(z_t) - E abs(z)) + gamma z_t + beta ln v_t |

v before the first return (the backcast) is passed to `arch` explicitly: its default, a weighted mean of the first 75
squares, gives other estimates than the published benchmark. The likelihood is Gaussian; where shocks are not, the
estimates stay consistent and ``robust_errors`` gives the standard errors that do too.

Sources: T. Bollerslev (1986), "Generalized autoregressive conditional heteroskedasticity", Journal of Econometrics 31;
L. Glosten, R. Jagannathan, D. Runkle (1993), Journal of Finance 48; D. Nelson (1991), Econometrica 59; benchmark:
G. Fiorentini, G. Calzolari, L. Panattoni (1996), Journal of Applied Econometrics 11, 399-417.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from enum import Enum

import numpy as np
from arch import arch_model
from arch.univariate.base import ARCHModel, ARCHModelResult
from numpy.typing import ArrayLike
from scipy.special import ndtr

from agent.checks import require_positive, require_whole
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import as_floats, require_domain
from agent.numerics.series import POSITIVE, as_returns, require_one_series

MIN_RETURNS = 100
"""Fewer returns than this do not tell alpha from beta."""
MAX_HORIZON_BARS = 10_000_000
"""Ten years of half minutes."""
_PERCENT = 100.0
"""Unit of the returns that log likelihoods are quoted for."""
_TOLERANCES = (1e-11, 1e-9, 1e-7)
"""Of the log likelihood at which the optimiser stops, tried in turn: near a flat maximum rounding hides the finest."""
_MAX_ITERATIONS = 1000
_MEAN_ABS_NORMAL = math.sqrt(2.0 / math.pi)


class GarchKind(Enum):
    """Shape of the recursion."""

    GARCH = "garch"
    GJR = "gjr"
    EGARCH = "egarch"


_STARTS = {
    GarchKind.GARCH: ((0.0, 0.02, 0.08, 0.9), (0.0, 0.3, 0.2, 0.5)),
    GarchKind.GJR: ((0.0, 0.02, 0.05, 0.06, 0.9), (0.0, 0.3, 0.1, 0.2, 0.5)),
    GarchKind.EGARCH: ((0.0, 0.0, 0.1, 0.0, 0.9), (0.0, 0.0, 0.2, -0.05, 0.95), (0.0, 0.0, 0.1, -0.1, 0.98)),
}
"""Mean, omega, alpha, gamma and beta, of returns of standard deviation 1, that searches start from beside `arch`'s own:
a search may end on a ridge and report success, so two must end on the highest maximum."""
_SAME_MAXIMUM = 0.05
"""Difference of log likelihoods that tells nothing apart."""


@dataclass(frozen=True, slots=True)
class GarchParameters:
    """Coefficients for returns as ratios; gamma is 0 for plain GARCH. As standard errors: their errors, same units."""

    mean: float
    omega: float
    alpha: float
    gamma: float
    beta: float


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
        A return is not finite (named by row), there are too few, they do not vary, or no maximum was found.
    """
    returns = require_one_series("log_returns", as_returns("log_returns", log_returns, MIN_RETURNS))
    deviation = float(np.mean((returns - returns.mean()) ** 2))
    if deviation <= (np.finfo(np.float64).eps * float(np.max(np.abs(returns)))) ** 2:
        raise DataError("log_returns do not vary; a variance needs prices that moved")
    backcast = deviation if backcast_variance_per_bar is None else backcast_variance_per_bar
    require_positive(backcast, "backcast_variance_per_bar")
    unit = math.sqrt(deviation)
    return _as_fit(kind, _run(returns / unit, kind, backcast / unit**2, robust_errors), unit)


def _run(returns: FloatArray, kind: GarchKind, backcast: float, robust_errors: bool) -> ARCHModelResult:
    """Fit returns of standard deviation 1, on which `arch` optimises best."""
    model = arch_model(
        returns,
        mean="Constant",
        vol="EGARCH" if kind is GarchKind.EGARCH else "GARCH",
        p=1,
        o=0 if kind is GarchKind.GARCH else 1,
        q=1,
        rescale=False,
    )
    for tolerance in _TOLERANCES:
        found = [_maximum(model, backcast, robust_errors, tolerance, start) for start in (None, *_STARTS[kind])]
        maxima = sorted((result for result in found if result), key=lambda result: result.loglikelihood)
        if len(maxima) > 1 and maxima[-1].loglikelihood - maxima[-2].loglikelihood < _SAME_MAXIMUM:
            return maxima[-1]
    raise DataError(
        f"{kind.name} has no clear maximum on these {returns.size} returns: {len(maxima)} of {len(found)} searches "
        "ended, each elsewhere; give a longer series or a plainer model"
    )


def _maximum(
    model: ARCHModel, backcast: float, robust_errors: bool, tolerance: float, start: tuple[float, ...] | None
) -> ARCHModelResult | None:
    """Search from ``start``, or from where `arch` likes; None where the search ends without a maximum."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an overflow on the way is no news; whether a maximum was found is asked below
        result = model.fit(
            disp="off",
            backcast=backcast,
            cov_type="robust" if robust_errors else "classic",
            tol=tolerance,
            options={"maxiter": _MAX_ITERATIONS},
            starting_values=None if start is None else np.array(start),
            show_warning=False,
        )
        try:
            is_curved = bool(np.isfinite(np.asarray(result.std_err)).all())
        except np.linalg.LinAlgError:  # the likelihood is flat here
            is_curved = False
    return result if result.convergence_flag == 0 and is_curved else None


def _as_fit(kind: GarchKind, result: ARCHModelResult, unit: float) -> GarchFit:
    """Return the fit in ratios; ``unit`` is the return that was 1 to the model."""
    estimates = dict(zip(result.params.index, np.asarray(result.params), strict=True))
    errors = dict(zip(result.params.index, np.asarray(result.std_err), strict=True))
    if kind is GarchKind.EGARCH:
        # ln v shifts by L = ln unit^2, so that omega becomes omega + L (1 - beta).
        level = 2.0 * math.log(unit)
        estimates["omega"] += level * (1.0 - estimates["beta[1]"])
        covariance = result.param_cov.loc["omega", "beta[1]"]
        errors["omega"] = math.sqrt(errors["omega"] ** 2 + (level * errors["beta[1]"]) ** 2 - 2.0 * level * covariance)
    parameters = _as_parameters(kind, estimates, unit)
    volatility, residuals = (np.asarray(part) * unit for part in (result.conditional_volatility, result.resid))
    return GarchFit(
        kind,
        parameters,
        _as_parameters(kind, errors, unit),
        float(result.loglikelihood) - residuals.size * math.log(_PERCENT * unit),
        volatility**2,
        residuals / volatility,
        _next_variance(kind, parameters, float(residuals[-1]), float(volatility[-1])),
    )


def _as_parameters(kind: GarchKind, by_name: dict[str, float], unit: float) -> GarchParameters:
    omega_unit = 1.0 if kind is GarchKind.EGARCH else unit**2
    return GarchParameters(
        by_name["mu"] * unit,
        by_name["omega"] * omega_unit,
        by_name["alpha[1]"],
        by_name.get("gamma[1]", 0.0),
        by_name["beta[1]"],
    )


def _next_variance(kind: GarchKind, p: GarchParameters, residual: float, volatility: float) -> float:
    if kind is GarchKind.EGARCH:
        z = residual / volatility
        return math.exp(
            p.omega + p.alpha * (abs(z) - _MEAN_ABS_NORMAL) + p.gamma * z + 2.0 * p.beta * math.log(volatility)
        )
    weight = p.alpha + (p.gamma if residual < 0.0 else 0.0)
    return p.omega + weight * residual**2 + p.beta * volatility**2


def forecast_variance_per_bar(fit: GarchFit, horizon_bars: int) -> FloatArray:
    """Return E[v] of each of the next ``horizon_bars`` bars, given today; exact for all three kinds.

    GARCH and GJR: v_{h+1} = omega + persistence v_h. EGARCH, over j < h - 1, each mean over z in closed form:
    E[v_h] = exp(omega sum_j beta^j + beta^(h-1) ln v_1) prod_j E[exp(beta^j (alpha (|z| - E|z|) + gamma z))].

    Raises
    ------
    DataError
        ``horizon_bars`` is not a whole number >= 1.
    """
    require_whole(horizon_bars, "horizon_bars", 1)
    p = fit.parameters
    later = np.arange(horizon_bars - 1)
    if fit.kind is GarchKind.EGARCH:
        decay = np.asarray(p.beta**later, dtype=np.float64)
        log_mean = np.log(_mean_exp_shock(decay * p.alpha, decay * p.gamma)) - decay * p.alpha * _MEAN_ABS_NORMAL
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
