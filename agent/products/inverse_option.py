"""Inverse (coin-settled) European options, as Deribit lists them: a call pays max(S - K, 0) / S coin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agent.numerics.arrays import FloatArray
from agent.numerics.rows import RATE_ANNUAL, as_floats, checked
from agent.products.european import black76_greeks
from agent.products.greeks import Greeks
from agent.products.product import EXAMPLE_OPTION, STRIKE, VOLATILITY, EntryField, Product


def inverse_option_greeks(
    is_call: ArrayLike,
    forward_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    vol_annual: ArrayLike,
    coin_rate_annual: ArrayLike = 0.0,
) -> Greeks:
    """Value coin-settled options in coin and differentiate in the forward.

    W = V / F with V the Black-76 value: the value in USD over the price of the coin, where the coin itself earns
    ``coin_rate_annual`` (0 on Deribit).

    Parameters
    ----------
    is_call
        True a call, False a put.
    forward_usd, strike_usd
        USD, > 0.
    tau_years
        Time left, years, >= 0.
    vol_annual
        1.00 is 100 % a year, >= 0.
    coin_rate_annual
        Continuously compounded, a year; all inputs broadcast.

    Returns
    -------
    Greeks
        In coin: value in coin, delta in coin per USD and so on. `inverse_option_deltas` gives deltas in coin.

    Raises
    ------
    DataError
        For a row outside the domain, naming row, field and value.

    Notes
    -----
    Limits as for `agent.products.european.black_scholes_greeks`.
    """
    checked(coin_rate_annual=(coin_rate_annual, RATE_ANNUAL))
    usd = black76_greeks(is_call, forward_usd, strike_usd, tau_years, vol_annual, coin_rate_annual)
    per_forward = 1.0 / as_floats("forward_usd", forward_usd)
    value, vega, theta = usd.value * per_forward, usd.vega * per_forward, usd.theta * per_forward
    delta = (usd.delta - value) * per_forward
    gamma = (usd.gamma - 2.0 * delta) * per_forward
    vanna, charm = (usd.vanna - vega) * per_forward, (usd.charm - theta) * per_forward
    outputs = {
        "value": value,
        "delta": delta,
        "gamma": gamma,
        "vega": vega,
        "theta": theta,
        "rho": usd.rho * per_forward,
        "vanna": vanna,
        "volga": usd.volga * per_forward,
        "charm": charm,
        "speed": (usd.speed - 3.0 * gamma) * per_forward,
        "zomma": (usd.zomma - 2.0 * vanna) * per_forward,
        "color": (usd.color - 2.0 * charm) * per_forward,
    }
    return Greeks(**{name: np.asarray(output) for name, output in outputs.items()})


@dataclass(frozen=True, slots=True)
class InverseDeltas:
    """Both deltas of coin-settled options, in coin."""

    deribit: FloatArray
    """Plain forward delta of Black-76, as Deribit reports it: the coins to short to hold the USD value."""
    premium_adjusted: FloatArray
    """F dW/dF = deribit - W: the coins to short to hold the coin value, the premium itself being coins."""


def inverse_option_deltas(
    is_call: ArrayLike,
    forward_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    vol_annual: ArrayLike,
) -> InverseDeltas:
    """Return Deribit's delta and the premium-adjusted delta of coin-settled options.

    Arguments, errors and limits are those of `inverse_option_greeks`, at a coin rate of 0.
    """
    usd = black76_greeks(is_call, forward_usd, strike_usd, tau_years, vol_annual)
    return InverseDeltas(usd.delta, np.asarray(usd.delta - usd.value / as_floats("forward_usd", forward_usd)))


INVERSE_OPTION = Product(
    "inverse_option",
    inverse_option_greeks,
    {**EXAMPLE_OPTION, "forward_usd": 2_000.0, "coin_rate_annual": 0.01},
    currency="coin",
    price_field="forward_usd",
    vol_fields=("vol_annual",),
    rate_field="coin_rate_annual",
    time_left_field="tau_years",
    entry=(STRIKE, VOLATILITY, EntryField("forward_usd", is_required=False)),
    plain_label="{expiry_date} {strike_usd:g} {type}, inverse",
)
