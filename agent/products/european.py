"""European options: on spot (Black-Scholes with a continuous dividend) and on futures (Black-76)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from agent.products.greeks import FloatArray, Greeks
from agent.products.rows import Domain, as_flags, as_floats, common_shape, require_domain

__all__ = ["Greeks", "black76_delta", "black76_greeks", "black_scholes_greeks"]

_MIN_STDEV = 1e-30
"""Total standard deviation below which an option is its discounted intrinsic value."""
_MAX_ABS_D = 39.0
"""The normal density is 0 in double precision beyond this many standard deviations."""


def black_scholes_greeks(
    is_call: ArrayLike,
    spot_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    vol_annual: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike = 0.0,
) -> Greeks:
    """Value European options on spot with a continuous dividend yield."""
    return _greeks(is_call, "spot_usd", spot_usd, strike_usd, tau_years, vol_annual, rate_annual, dividend_annual)


def black76_greeks(
    is_call: ArrayLike,
    forward_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    vol_annual: ArrayLike,
    rate_annual: ArrayLike = 0.0,
) -> Greeks:
    """Value European options on a future; derivatives in the forward, rho at a fixed forward."""
    return _greeks(is_call, "forward_usd", forward_usd, strike_usd, tau_years, vol_annual, rate_annual, None)


def black76_delta(
    is_call: ArrayLike,
    forward_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    vol_annual: ArrayLike,
) -> FloatArray:
    """Return the undiscounted Black-76 forward delta."""
    return black76_greeks(is_call, forward_usd, strike_usd, tau_years, vol_annual).delta


def _greeks(
    is_call: ArrayLike,
    price_name: str,
    price_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    vol_annual: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike | None,
) -> Greeks:
    call = as_flags("is_call", is_call)
    S, K = as_floats(price_name, price_usd), as_floats("strike_usd", strike_usd)
    tau, vol = as_floats("tau_years", tau_years), as_floats("vol_annual", vol_annual)
    r = as_floats("rate_annual", rate_annual)
    q = r if dividend_annual is None else as_floats("dividend_annual", dividend_annual)
    shape = common_shape(
        is_call=call, **{price_name: S}, strike_usd=K, tau_years=tau, vol_annual=vol, rate_annual=r, dividend_annual=q
    )
    require_domain(price_name, S, Domain.POSITIVE, shape)
    require_domain("strike_usd", K, Domain.POSITIVE, shape)
    require_domain("tau_years", tau, Domain.NON_NEGATIVE, shape)
    require_domain("vol_annual", vol, Domain.NON_NEGATIVE, shape)
    require_domain("rate_annual", r, Domain.FINITE, shape)
    require_domain("dividend_annual", q, Domain.FINITE, shape)

    sign = np.where(call, 1.0, -1.0)
    root = np.sqrt(tau)
    stdev = vol * root
    alive = stdev >= _MIN_STDEV
    per_stdev = np.where(alive, 1.0 / np.where(alive, stdev, 1.0), 0.0)
    per_vol, per_tau = root * per_stdev, vol * vol * per_stdev * per_stdev
    drift = (r - q) * tau
    x = np.log(S / K) + drift
    centre = np.where(alive, x * per_stdev, np.sign(x) * _MAX_ABS_D)
    d1 = np.clip(centre + 0.5 * stdev, -_MAX_ABS_D, _MAX_ABS_D)
    d2 = np.clip(centre - 0.5 * stdev, -_MAX_ABS_D, _MAX_ABS_D)
    carry, discount = np.exp(-q * tau), np.exp(-r * tau)
    density = carry * np.exp(-0.5 * d1 * d1) / np.sqrt(2.0 * np.pi)
    asset, cash = carry * ndtr(sign * d1), discount * K * ndtr(sign * d2)

    value = np.maximum(sign * (S * asset - cash), 0.0)
    delta = sign * asset
    gamma = density * per_stdev / S
    vega = S * density * root
    theta = -0.5 * S * density * vol * root * per_tau + sign * (q * S * asset - r * cash)
    rho = -tau * value if dividend_annual is None else sign * tau * cash
    vanna = -density * d2 * per_vol
    volga = vega * d1 * d2 * per_vol
    moneyness_drift = drift * per_stdev * per_tau - 0.5 * d2 * per_tau
    charm = q * delta - density * moneyness_drift
    speed = -gamma / S * (d1 * per_stdev + 1.0)
    zomma = gamma * (d1 * d2 - 1.0) * per_vol
    color = gamma * (q + 0.5 * per_tau + d1 * moneyness_drift)
    results = (value, delta, gamma, vega, theta, rho, vanna, volga, charm, speed, zomma, color)
    return Greeks(*(np.array(np.broadcast_to(result, shape)) for result in results))
