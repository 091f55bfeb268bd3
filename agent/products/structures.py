"""Structures of spot and European options on it, each of one unit of the underlying."""

from __future__ import annotations

from numpy.typing import ArrayLike

from agent.numerics.rows import PRICE_USD, VOL_ANNUAL, checked, require_ordered
from agent.products.european import black_scholes_greeks
from agent.products.greeks import Greeks, combine
from agent.products.product import EXAMPLE_DISCOUNTED, Product
from agent.products.spot import spot_greeks


def protective_put_greeks(
    spot_usd: ArrayLike,
    put_strike_usd: ArrayLike,
    tau_years: ArrayLike,
    put_vol_annual: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike = 0.0,
) -> Greeks:
    """Value long spot and a long put: the loss below the strike is insured.

    Parameters
    ----------
    spot_usd, put_strike_usd
        USD, > 0.
    tau_years
        Time left, years, >= 0.
    put_vol_annual
        1.00 is 100 % a year, >= 0.
    rate_annual, dividend_annual
        Continuously compounded, a year; all inputs broadcast.

    Returns
    -------
    Greeks
        In USD, derivatives in the spot; dividends on the spot leg are cash beside the structure.

    Raises
    ------
    DataError
        For a row outside the domain, naming row, field and value.
    """
    put = _leg(False, spot_usd, put_strike_usd, tau_years, put_vol_annual, rate_annual, dividend_annual)
    return combine([(1.0, spot_greeks(spot_usd)), (1.0, put)])


def covered_call_greeks(
    spot_usd: ArrayLike,
    call_strike_usd: ArrayLike,
    tau_years: ArrayLike,
    call_vol_annual: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike = 0.0,
) -> Greeks:
    """Value long spot and a short call: the gain above the strike is sold.

    Parameters, returns and errors as for `protective_put_greeks`.
    """
    call = _leg(True, spot_usd, call_strike_usd, tau_years, call_vol_annual, rate_annual, dividend_annual)
    return combine([(1.0, spot_greeks(spot_usd)), (-1.0, call)])


def collar_greeks(
    spot_usd: ArrayLike,
    put_strike_usd: ArrayLike,
    call_strike_usd: ArrayLike,
    tau_years: ArrayLike,
    put_vol_annual: ArrayLike,
    call_vol_annual: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike = 0.0,
) -> Greeks:
    """Value long spot, a long put and a short call above it: the insurance is paid for with the gain.

    Parameters, returns and errors as for `protective_put_greeks`; the put's strike must be below the call's. Vega,
    vanna, volga and zomma are for a move of both volatilities together.
    """
    _require_strikes(put_strike_usd, call_strike_usd)
    put = _leg(False, spot_usd, put_strike_usd, tau_years, put_vol_annual, rate_annual, dividend_annual)
    call = _leg(True, spot_usd, call_strike_usd, tau_years, call_vol_annual, rate_annual, dividend_annual)
    return combine([(1.0, spot_greeks(spot_usd)), (1.0, put), (-1.0, call)])


def straddle_greeks(
    spot_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    vol_annual: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike = 0.0,
) -> Greeks:
    """Value a long call and a long put of one strike.

    Parameters, returns and errors as for `protective_put_greeks`.
    """
    call = black_scholes_greeks(True, spot_usd, strike_usd, tau_years, vol_annual, rate_annual, dividend_annual)
    put = black_scholes_greeks(False, spot_usd, strike_usd, tau_years, vol_annual, rate_annual, dividend_annual)
    return combine([(1.0, call), (1.0, put)])


def strangle_greeks(
    spot_usd: ArrayLike,
    put_strike_usd: ArrayLike,
    call_strike_usd: ArrayLike,
    tau_years: ArrayLike,
    put_vol_annual: ArrayLike,
    call_vol_annual: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike = 0.0,
) -> Greeks:
    """Value a long put and a long call above it.

    Parameters, returns and errors as for `collar_greeks`.
    """
    _require_strikes(put_strike_usd, call_strike_usd)
    put = _leg(False, spot_usd, put_strike_usd, tau_years, put_vol_annual, rate_annual, dividend_annual)
    call = _leg(True, spot_usd, call_strike_usd, tau_years, call_vol_annual, rate_annual, dividend_annual)
    return combine([(1.0, put), (1.0, call)])


def _leg(
    is_call: bool,
    spot_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    vol_annual: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike,
) -> Greeks:
    """Value one option of a structure; a bad strike or volatility is named after its leg."""
    side = "call" if is_call else "put"
    checked(**{f"{side}_strike_usd": (strike_usd, PRICE_USD), f"{side}_vol_annual": (vol_annual, VOL_ANNUAL)})
    return black_scholes_greeks(is_call, spot_usd, strike_usd, tau_years, vol_annual, rate_annual, dividend_annual)


def _require_strikes(put_strike_usd: ArrayLike, call_strike_usd: ArrayLike) -> None:
    shape, (low, high) = checked(
        put_strike_usd=(put_strike_usd, PRICE_USD), call_strike_usd=(call_strike_usd, PRICE_USD)
    )
    require_ordered("put_strike_usd", low, "call_strike_usd", high, shape)


_PUT_WING = {"put_strike_usd": 1_800.0, "tau_years": 0.25, "put_vol_annual": 0.7}
_CALL_WING = {"call_strike_usd": 2_300.0, "tau_years": 0.25, "call_vol_annual": 0.55}

PROTECTIVE_PUT = Product(
    "protective_put",
    protective_put_greeks,
    {**EXAMPLE_DISCOUNTED, **_PUT_WING},
    vol_fields=("put_vol_annual",),
    rate_field="rate_annual",
    time_left_field="tau_years",
)
COVERED_CALL = Product(
    "covered_call",
    covered_call_greeks,
    {**EXAMPLE_DISCOUNTED, **_CALL_WING},
    vol_fields=("call_vol_annual",),
    rate_field="rate_annual",
    time_left_field="tau_years",
)
COLLAR = Product(
    "collar",
    collar_greeks,
    {**EXAMPLE_DISCOUNTED, **_PUT_WING, **_CALL_WING},
    vol_fields=("put_vol_annual", "call_vol_annual"),
    rate_field="rate_annual",
    time_left_field="tau_years",
)
STRADDLE = Product(
    "straddle",
    straddle_greeks,
    {**EXAMPLE_DISCOUNTED, "strike_usd": 2_100.0, "tau_years": 0.25, "vol_annual": 0.6},
    vol_fields=("vol_annual",),
    rate_field="rate_annual",
    time_left_field="tau_years",
)
STRANGLE = Product(
    "strangle",
    strangle_greeks,
    {**EXAMPLE_DISCOUNTED, **_PUT_WING, **_CALL_WING},
    vol_fields=("put_vol_annual", "call_vol_annual"),
    rate_field="rate_annual",
    time_left_field="tau_years",
)
