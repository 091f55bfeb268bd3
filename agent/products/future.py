"""Dated futures, linear (margined in USD) and inverse (margined in coin)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from agent.numerics.arrays import FloatArray
from agent.numerics.rows import PRICE_USD, RATE_ANNUAL, TAU_YEARS, checked, require_discountable
from agent.products.greeks import Greeks, from_outputs
from agent.products.product import ENTRY_PRICE, EXAMPLE_DISCOUNTED, Product


def future_greeks(
    spot_usd: ArrayLike,
    entry_usd: ArrayLike,
    tau_years: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike = 0.0,
) -> Greeks:
    """Value a long linear future on one unit, entered at ``entry_usd``, and differentiate in the spot.

    V = F - entry, F = S e^((r - q) tau); undiscounted, because variation margin is paid as it arises.

    Parameters
    ----------
    spot_usd, entry_usd
        USD, > 0.
    tau_years
        Time left, years, >= 0.
    rate_annual, dividend_annual
        Continuously compounded, a year; all inputs broadcast.

    Returns
    -------
    Greeks
        In USD; rho in the rate.

    Raises
    ------
    DataError
        For a row outside the domain, naming row, field and value.
    """
    shape, entry, forward, spot, carry, tau = _forward(spot_usd, entry_usd, tau_years, rate_annual, dividend_annual)
    delta = forward / spot
    return from_outputs(
        shape, value=forward - entry, delta=delta, theta=-carry * forward, rho=tau * forward, charm=-carry * delta
    )


def inverse_future_greeks(
    spot_usd: ArrayLike,
    entry_usd: ArrayLike,
    tau_years: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike = 0.0,
) -> Greeks:
    """Value a long inverse future of 1 USD face, entered at ``entry_usd``, in coin, and differentiate in the spot.

    V = 1 / entry - 1 / F coin, F = S e^((r - q) tau). Arguments and errors as for `future_greeks`.

    Returns
    -------
    Greeks
        In coin: delta is coin per USD; rho in the rate.
    """
    shape, entry, forward, spot, carry, tau = _forward(spot_usd, entry_usd, tau_years, rate_annual, dividend_annual)
    delta = 1.0 / (forward * spot)
    gamma = -2.0 * delta / spot
    return from_outputs(
        shape,
        value=(forward - entry) / (entry * forward),
        delta=delta,
        gamma=gamma,
        theta=-carry / forward,
        rho=tau / forward,
        charm=carry * delta,
        speed=-3.0 * gamma / spot,
        color=carry * gamma,
    )


def _forward(
    spot_usd: ArrayLike, entry_usd: ArrayLike, tau_years: ArrayLike, rate_annual: ArrayLike, dividend_annual: ArrayLike
) -> tuple[tuple[int, ...], FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Check the rows and return their shape, entry, forward, spot, carry and time."""
    shape, (spot, entry, tau, rate, dividend) = checked(
        spot_usd=(spot_usd, PRICE_USD),
        entry_usd=(entry_usd, PRICE_USD),
        tau_years=(tau_years, TAU_YEARS),
        rate_annual=(rate_annual, RATE_ANNUAL),
        dividend_annual=(dividend_annual, RATE_ANNUAL),
    )
    carry = rate - dividend
    require_discountable("(rate_annual - dividend_annual)", carry, tau, shape)
    return shape, entry, spot * np.exp(carry * tau), spot, carry, tau


FUTURE = Product(
    "future",
    future_greeks,
    {**EXAMPLE_DISCOUNTED, "entry_usd": 1_900.0, "tau_years": 0.25},
    rate_field="rate_annual",
    time_left_field="tau_years",
    entry=(ENTRY_PRICE,),
    plain_label="{expiry_date} future",
)
INVERSE_FUTURE = Product(
    "inverse_future",
    inverse_future_greeks,
    {**EXAMPLE_DISCOUNTED, "entry_usd": 1_900.0, "tau_years": 0.25},
    currency="coin",
    rate_field="rate_annual",
    time_left_field="tau_years",
    entry=(ENTRY_PRICE,),
    plain_label="{expiry_date} inverse future",
)
