r"""What the desk's own trades do to the price: spread, temporary and permanent impact, estimated from its fills.

In the model of Almgren and Chriss a trade of q units is executed at the arrival price, worse by

    epsilon + k q,

and leaves the price moved by gamma q. In between the market recovers. Every fill gives two observations whose errors
are increments of the price over intervals that do not overlap, and so independent:

    execution - arrival  =  epsilon + k q            + noise of the wait,
    settled - execution  = -epsilon + (gamma - k) q  + noise of the recovery,

all signed so that worse for the trader is positive. They are weighted by the variance of the price over their
interval, and what quotes say enters as a prior: with few fills the estimate is the quoted curve, with many the fills
decide. Where residuals are larger than the price's volatility explains, the fills weigh less (Birge's ratio).

Source: R. Almgren and N. Chriss, "Optimal execution of portfolio transactions", Journal of Risk 3 (2001) 5-39, 1.3 to
1.5; R. Almgren, C. Thum, E. Hauptmann and H. Li, "Direct estimation of equity market impact", Risk 18 (2005) 58-62;
H. Theil and A. Goldberger, "On pure and mixed statistical estimation in economics", International Economic Review 2
(1961) 65-78; R. Birge, "The calculation of errors by the method of least squares", Physical Review 40 (1932) 207-227.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from agent.checks import require_finite
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.units import SECONDS_PER_YEAR

_COEFFICIENTS = 3


@dataclass(frozen=True, slots=True)
class ImpactCoefficients:
    """epsilon in USD per unit; k and gamma in USD per unit and unit traded at once."""

    spread_usd: float
    temporary_usd_per_unit: float
    permanent_usd_per_unit: float

    def __post_init__(self) -> None:
        for field in fields(self):
            require_finite(getattr(self, field.name), field.name)


@dataclass(frozen=True, slots=True)
class OwnFill:
    """One trade of the desk; ``size_delta`` signed, prices without fee.

    ``arrival_price_usd`` is the price when the trade was decided, ``waiting_seconds`` before it was executed;
    ``settled_price_usd`` the price ``settling_seconds`` after, when the market had recovered.
    """

    size_delta: float
    arrival_price_usd: float
    execution_price_usd: float
    settled_price_usd: float
    waiting_seconds: float
    settling_seconds: float


@dataclass(frozen=True, slots=True)
class ImpactEstimate:
    """Coefficients with their standard errors, and from how many fills."""

    coefficients: ImpactCoefficients
    standard_errors: ImpactCoefficients
    fills: int


def quoted_impact(size: float, unit_cost_usd: float, half_unit_cost_usd: float) -> ImpactCoefficients:
    """Return the line through what two sizes cost a unit: epsilon + k q at ``size`` and at half of it.

    Quotes say nothing of how the price settles, so that permanent impact is 0. Impact that falls with size counts as
    none.
    """
    if require_finite(size, "size") <= 0.0:
        raise DataError(f"size is {size}; expected a positive number")
    difference_usd = require_finite(unit_cost_usd, "unit_cost_usd") - require_finite(
        half_unit_cost_usd, "half_unit_cost_usd"
    )
    return ImpactCoefficients(half_unit_cost_usd - difference_usd, max(2.0 * difference_usd / size, 0.0), 0.0)


def quoted_prior(quoted: ImpactCoefficients, relative_stdev: float) -> ImpactEstimate:
    """Return quotes as an estimate from no fills.

    Every coefficient is taken to be uncertain by ``relative_stdev`` of itself, permanent impact by that of temporary.
    """
    if require_finite(relative_stdev, "relative_stdev") <= 0.0:
        raise DataError(f"relative_stdev is {relative_stdev}; expected a positive number")
    spread, temporary = abs(quoted.spread_usd), abs(quoted.temporary_usd_per_unit)
    if spread == 0.0 or temporary == 0.0:
        raise DataError(
            f"quoted spread_usd is {spread} and temporary_usd_per_unit {temporary}; a prior needs both above 0: quote "
            "larger sizes"
        )
    errors = ImpactCoefficients(relative_stdev * spread, relative_stdev * temporary, relative_stdev * temporary)
    return ImpactEstimate(quoted, errors, 0)


def estimate_impact(
    fills: Sequence[OwnFill], prior: ImpactEstimate, vol_annual: float, price_noise_usd: float
) -> ImpactEstimate:
    """Estimate the coefficients from fills, drawn toward a prior by how sure it is.

    Parameters
    ----------
    fills
        The desk's trades; none returns the prior.
    prior
        Usually `quoted_prior`, or an earlier estimate.
    vol_annual
        Volatility of the price, 1.00 is 100 % a year; it says how far a price moves by itself over an interval.
    price_noise_usd
        Standard deviation of a price as observed, such as its tick, > 0.

    Raises
    ------
    DataError
        A number of a fill is not finite or out of its domain, naming row, field and value.

    """
    for name, number in (("vol_annual", vol_annual), ("price_noise_usd", price_noise_usd)):
        if require_finite(number, name) <= 0.0:
            raise DataError(f"{name} is {number}; expected a positive number")
    if not fills:
        return prior
    for row, fill in enumerate(fills):
        _require_sound(row, fill)
    design, observed, variances = _observations(fills, vol_annual, price_noise_usd)
    mean, precision = _as_array(prior.coefficients), np.diag(_as_array(prior.standard_errors) ** -2.0)
    first, _ = _mixed(design, observed, variances, mean, precision)
    freedom = observed.size - _COEFFICIENTS
    chi_squared = float((((observed - design @ first) ** 2) / variances).sum())
    birge = max(chi_squared / freedom, 1.0) if freedom > 0 else 1.0
    found, covariance = _mixed(design, observed, variances * birge, mean, precision)
    errors = np.sqrt(np.diag(covariance))
    return ImpactEstimate(
        ImpactCoefficients(*found.tolist()), ImpactCoefficients(*errors.tolist()), prior.fills + len(fills)
    )


def _observations(
    fills: Sequence[OwnFill], vol_annual: float, price_noise_usd: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the design (2 rows a fill), what was observed, and its variances, USD^2."""
    design, observed, variances = [], [], []
    for fill in fills:
        sign, size = math.copysign(1.0, fill.size_delta), abs(fill.size_delta)
        design += [(1.0, size, 0.0), (-1.0, -size, size)]
        observed += [
            sign * (fill.execution_price_usd - fill.arrival_price_usd),
            sign * (fill.settled_price_usd - fill.execution_price_usd),
        ]
        per_second = (vol_annual * fill.arrival_price_usd) ** 2 / SECONDS_PER_YEAR
        variances += [
            per_second * seconds + price_noise_usd**2 for seconds in (fill.waiting_seconds, fill.settling_seconds)
        ]
    return np.array(design), np.array(observed), np.array(variances)


def _mixed(
    design: FloatArray, observed: FloatArray, variances: FloatArray, mean: FloatArray, precision: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return Theil and Goldberger's mixed estimate and its covariance."""
    weighted = design.T / variances
    covariance = np.linalg.inv(weighted @ design + precision)
    return np.asarray(covariance @ (weighted @ observed + precision @ mean)), np.asarray(covariance, np.float64)


def _as_array(coefficients: ImpactCoefficients) -> FloatArray:
    return np.array([getattr(coefficients, field.name) for field in fields(coefficients)])


def _require_sound(row: int, fill: OwnFill) -> None:
    for field in fields(fill):
        require_finite(getattr(fill, field.name), f"row {row}: {field.name}")
    if fill.size_delta == 0.0:
        raise DataError(f"row {row}: size_delta is 0; a fill trades something")
    for name in ("arrival_price_usd", "execution_price_usd", "settled_price_usd"):
        if getattr(fill, name) <= 0.0:
            raise DataError(f"row {row}: {name} is {getattr(fill, name)}; expected a positive price")
    for name in ("waiting_seconds", "settling_seconds"):
        if getattr(fill, name) < 0.0:
            raise DataError(f"row {row}: {name} is {getattr(fill, name)}; expected no negative time")
