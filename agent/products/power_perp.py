"""Power perpetuals: a claim on a power of the price that pays its carry in kind, as squeeth does."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from agent.checks import require_finite, require_positive
from agent.numerics.rows import (
    NON_NEGATIVE,
    PRICE_USD,
    RATE_ANNUAL,
    TAU_YEARS,
    VOL_ANNUAL,
    Domain,
    checked,
    require_discountable,
    require_domain,
)
from agent.products.greeks import Greeks, from_outputs
from agent.products.product import VOLATILITY, EntryField, Product

SQUEETH_POWER = 2.0
SQUEETH_SCALE_USD = 10_000.0
"""Opyn divides the squared price by this."""
SQUEETH_FUNDING_PERIOD_YEARS = 17.5 / 365.0
"""Opyn pays the premium of mark over index within this time."""
_VALUE = Domain(0.0, 1e300, "a value up to 1e300: check power and scale_usd")


def power_perp_greeks(
    spot_usd: ArrayLike,
    vol_annual: ArrayLike,
    normalization_factor: ArrayLike,
    rate_annual: ArrayLike = 0.0,
    accrued_years: ArrayLike = 0.0,
    *,
    power: float = SQUEETH_POWER,
    scale_usd: float = SQUEETH_SCALE_USD,
    funding_period_years: float = SQUEETH_FUNDING_PERIOD_YEARS,
) -> Greeks:
    """Value one unit of a power perp at its fair mark and differentiate in the spot.

    V = n S^p / c * e^(g (T - a)), where n is the normalisation factor when funding was last charged, c the scale, T the
    funding period, g = (p - 1) (r + p vol^2 / 2) the growth of E[S^p] over the discount rate, and a the time since the
    charge: the mark stands e^(g T) over the index, and the factor shrinks at the rate ln(mark / index) / T = g.

    Parameters
    ----------
    spot_usd
        USD, > 0.
    vol_annual
        1.00 is 100 % a year, >= 0.
    normalization_factor
        n as last charged, >= 0.
    rate_annual
        Continuously compounded, a year.
    accrued_years
        a, years, >= 0; all inputs up to here broadcast.
    power, scale_usd, funding_period_years
        Terms of the contract; the defaults are squeeth's.

    Returns
    -------
    Greeks
        In USD, of one unit long.

    Raises
    ------
    DataError
        For a row outside the domain, naming row, field and value; for a scale or a period not above 0; for a value
        beyond the floats, as of a high power.

    Notes
    -----
    Source: Clark, Bankman-Fried and White, Power Perpetuals (Paradigm, 2021); Opyn, Squeeth primer (2021).
    """
    shape, (spot, vol, factor, rate, accrued) = checked(
        spot_usd=(spot_usd, PRICE_USD),
        vol_annual=(vol_annual, VOL_ANNUAL),
        normalization_factor=(normalization_factor, NON_NEGATIVE),
        rate_annual=(rate_annual, RATE_ANNUAL),
        accrued_years=(accrued_years, TAU_YEARS),
    )
    p = require_finite(power, "power")
    require_positive(scale_usd, "scale_usd")
    require_positive(funding_period_years, "funding_period_years")
    growth, ahead = (p - 1.0) * (rate + 0.5 * p * vol**2), funding_period_years - accrued
    require_discountable("growth", growth, ahead, shape)
    with np.errstate(over="ignore"):
        value = np.asarray(factor * spot**p / scale_usd * np.exp(growth * ahead))
    require_domain("the value", value, _VALUE, shape)
    per_spot, per_spot2 = p / spot, p * (p - 1.0) / spot**2
    per_vol = p * (p - 1.0) * vol * ahead
    return from_outputs(
        shape,
        value=value,
        delta=value * per_spot,
        gamma=value * per_spot2,
        vega=value * per_vol,
        theta=-growth * value,
        rho=value * (p - 1.0) * ahead,
        vanna=value * per_vol * per_spot,
        volga=value * (per_vol**2 + p * (p - 1.0) * ahead),
        charm=-growth * value * per_spot,
        speed=value * per_spot2 * (p - 2.0) / spot,
        zomma=value * per_vol * per_spot2,
        color=-growth * value * per_spot2,
    )


POWER_PERP = Product(
    "power_perp",
    power_perp_greeks,
    {
        "spot_usd": 2_000.0,
        "vol_annual": 0.7,
        "normalization_factor": 0.6,
        "rate_annual": 0.03,
        "accrued_years": 0.0005,
    },
    vol_fields=("vol_annual",),
    rate_field="rate_annual",
    time_past_field="accrued_years",
    entry=(VOLATILITY, EntryField("normalization_factor")),
    plain_label="power perp",
)
