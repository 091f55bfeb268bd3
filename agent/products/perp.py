"""Perpetual futures, linear (margined in USD) and inverse (margined in coin), with funding as their carry."""

from __future__ import annotations

from numpy.typing import ArrayLike

from agent.numerics.rows import PRICE_USD, RATE_ANNUAL, TAU_YEARS, checked
from agent.products.greeks import Greeks, from_outputs
from agent.products.product import ENTRY_PRICE, EntryField, Product, Rule
from agent.units import DAYS_PER_YEAR


def perp_greeks(
    spot_usd: ArrayLike,
    entry_usd: ArrayLike,
    funding_rate_annual: ArrayLike,
    accrued_years: ArrayLike = 0.0,
) -> Greeks:
    """Value a long linear perp on one unit, entered at ``entry_usd``, and differentiate in the spot.

    V = S - entry - f S a: the profit less the funding that has accrued at rate f over a years and is not yet paid.
    Theta is the funding a year, -f S; positive funding means longs pay.

    Parameters
    ----------
    spot_usd, entry_usd
        USD, > 0.
    funding_rate_annual
        Share of the notional that longs pay a year, simple.
    accrued_years
        Time since funding was last paid, years, >= 0; all inputs broadcast.

    Returns
    -------
    Greeks
        In USD; rho in the funding rate.

    Raises
    ------
    DataError
        For a row outside the domain, naming row, field and value.
    """
    shape, (spot, entry, funding, accrued) = checked(
        spot_usd=(spot_usd, PRICE_USD),
        entry_usd=(entry_usd, PRICE_USD),
        funding_rate_annual=(funding_rate_annual, RATE_ANNUAL),
        accrued_years=(accrued_years, TAU_YEARS),
    )
    return from_outputs(
        shape,
        value=(spot - entry) - funding * spot * accrued,
        delta=1.0 - funding * accrued,
        theta=-funding * spot,
        rho=-spot * accrued,
        charm=-funding,
    )


def inverse_perp_greeks(
    spot_usd: ArrayLike,
    entry_usd: ArrayLike,
    funding_rate_annual: ArrayLike,
    accrued_years: ArrayLike = 0.0,
) -> Greeks:
    """Value a long inverse perp of 1 USD face, entered at ``entry_usd``, in coin, and differentiate in the spot.

    V = 1 / entry - (1 + f a) / S coin: funding is paid in coin on the face. Arguments and errors as for `perp_greeks`.

    Returns
    -------
    Greeks
        In coin: delta is coin per USD; rho in the funding rate.
    """
    shape, (spot, entry, funding, accrued) = checked(
        spot_usd=(spot_usd, PRICE_USD),
        entry_usd=(entry_usd, PRICE_USD),
        funding_rate_annual=(funding_rate_annual, RATE_ANNUAL),
        accrued_years=(accrued_years, TAU_YEARS),
    )
    owed = 1.0 + funding * accrued
    return from_outputs(
        shape,
        value=(spot - entry) / (entry * spot) - funding * accrued / spot,
        delta=owed / spot**2,
        gamma=-2.0 * owed / spot**3,
        theta=-funding / spot,
        rho=-accrued / spot,
        charm=funding / spot**2,
        speed=6.0 * owed / spot**4,
        color=-2.0 * funding / spot**3,
    )


_EXAMPLE = {"spot_usd": 2_000.0, "entry_usd": 1_900.0, "funding_rate_annual": 0.1, "accrued_years": 0.0005}
_ENTRY = (
    ENTRY_PRICE,
    EntryField(
        "funding_rate_per_day",
        Rule.FINITE,
        term="funding_rate_annual",
        scale=DAYS_PER_YEAR,
        is_required=False,
        default=0.0,
    ),
)

PERP = Product(
    "perp",
    perp_greeks,
    _EXAMPLE,
    rate_field="funding_rate_annual",
    time_past_field="accrued_years",
    entry=_ENTRY,
    plain_label="perp",
)
INVERSE_PERP = Product(
    "inverse_perp",
    inverse_perp_greeks,
    _EXAMPLE,
    currency="coin",
    rate_field="funding_rate_annual",
    time_past_field="accrued_years",
    entry=_ENTRY,
    plain_label="inverse perp",
)
