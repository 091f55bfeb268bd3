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
    ``coin_rate_annual`` (0 on Deribit). With w = 1 for a call and -1 for a put, D the discount factor and n the normal
    density, delta = w D K N(w d2) / F^2 and charm = r delta + D n(d1) d1 / (2 tau F): neither is a difference of alike
    numbers, far in or out of the money.

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
    row = _Rows.of(is_call, forward_usd, strike_usd, tau_years, vol_annual)
    per_forward, rate = 1.0 / row.forward, as_floats("coin_rate_annual", coin_rate_annual)
    value, vega, theta = usd.value * per_forward, usd.vega * per_forward, usd.theta * per_forward
    delta = row.strike_delta(usd, np.exp(-rate * row.tau)) * per_forward
    gamma = (usd.gamma - 2.0 * delta) * per_forward
    vanna = (usd.vanna - vega) * per_forward
    charm = row.charm(usd, theta, rate, delta)
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
    row = _Rows.of(is_call, forward_usd, strike_usd, tau_years, vol_annual)
    return InverseDeltas(usd.delta, row.strike_delta(usd, np.ones(())))


@dataclass(frozen=True, slots=True)
class _Rows:
    """Inputs in one shape, and what Black-76 makes of them. Rows without time or vol have no d1 and no d2: NaN."""

    sign: FloatArray
    forward: FloatArray
    strike: FloatArray
    tau: FloatArray
    stdev: FloatArray
    d1: FloatArray

    @classmethod
    def of(
        cls,
        is_call: ArrayLike,
        forward_usd: ArrayLike,
        strike_usd: ArrayLike,
        tau_years: ArrayLike,
        vol_annual: ArrayLike,
    ) -> _Rows:
        """Broadcast inputs that `black76_greeks` has checked."""
        sign = np.where(np.asarray(is_call), 1.0, -1.0)
        numbers = [np.asarray(field, dtype=np.float64) for field in (forward_usd, strike_usd, tau_years, vol_annual)]
        sign, forward, strike, tau, vol = np.broadcast_arrays(sign, *numbers)
        stdev = vol * np.sqrt(tau)
        with np.errstate(divide="ignore", invalid="ignore"):
            d1 = np.where(stdev > 0.0, _log_ratio(forward, strike) / stdev + 0.5 * stdev, np.nan)
        return cls(sign, forward, strike, tau, stdev, d1)

    def strike_delta(self, usd: Greeks, discount: FloatArray) -> FloatArray:
        """Return w D K N(w d2) / F, coin: the USD delta less the value over the forward."""
        by_legs = usd.delta - usd.value / self.forward
        from scipy.special import ndtr  # noqa: PLC0415 - loaded by who needs it: it takes longer than many a command

        by_strike = self.sign * discount * (self.strike / self.forward) * ndtr(self.sign * (self.d1 - self.stdev))
        return np.asarray(np.where(np.isnan(by_strike), by_legs, by_strike))

    def charm(self, usd: Greeks, theta: FloatArray, rate: FloatArray, delta: FloatArray) -> FloatArray:
        """Return the change of ``delta`` with time; ``theta`` is that of the value in coin."""
        with np.errstate(divide="ignore", invalid="ignore"):
            by_density = rate * delta + usd.gamma * self.stdev * self.d1 / (2.0 * self.tau)
        by_legs = (usd.charm - theta) / self.forward
        return np.asarray(np.where(np.isnan(by_density), by_legs, by_density))


def _log_ratio(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return ln(a / b) without loss where both are close: there the difference is exact."""
    near = np.abs(a - b) < 0.5 * b
    return np.asarray(np.where(near, np.log1p(np.where(near, a - b, 0.0) / b), np.log(a) - np.log(b)))


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
