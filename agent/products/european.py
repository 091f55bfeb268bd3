"""European options: on spot (Black-Scholes with a continuous dividend yield) and on futures (Black-76)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from agent.numerics.arrays import FloatArray
from agent.numerics.parallel import count_over_rows
from agent.numerics.rows import (
    DISCOUNT_EXPONENT,
    PRICE_USD,
    RATE_ANNUAL,
    TAU_YEARS,
    VOL_ANNUAL,
    as_column,
    as_flags,
    as_floats,
    common_shape,
    output_array,
    require_domain,
)
from agent.products.european_kernel import greeks_rows
from agent.products.greeks import GREEK_NAMES, STANDARD_GREEK_NAMES, Greeks, StandardGreeks
from agent.products.product import EXAMPLE_DISCOUNTED, EXAMPLE_OPTION, STRIKE, VOLATILITY, EntryField, Product, Rule

__all__ = [
    "EUROPEAN_ON_FUTURE",
    "EUROPEAN_ON_SPOT",
    "Greeks",
    "StandardGreeks",
    "black76_delta",
    "black76_greeks",
    "black76_standard_greeks",
    "black_scholes_greeks",
    "black_scholes_standard_greeks",
]


def black_scholes_greeks(
    is_call: ArrayLike,
    spot_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    vol_annual: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike = 0.0,
    *,
    out: FloatArray | None = None,
) -> Greeks:
    """Value European options on spot and differentiate the value.

    Call: V = S e^(-q tau) N(d1) - K e^(-r tau) N(d2); put, by parity: V less S e^(-q tau) plus K e^(-r tau); with
    d1 = (ln(S / K) + (r - q) tau) / s + s / 2, d2 = d1 - s and s = vol * sqrt(tau).

    Parameters
    ----------
    is_call
        True a call, False a put.
    spot_usd, strike_usd
        USD, > 0.
    tau_years
        Time left, years, >= 0.
    vol_annual
        1.00 is 100 % a year, >= 0.
    rate_annual, dividend_annual
        Continuously compounded, a year.
    out
        Float64 array of shape (12, *shape) to write the results into, which saves a new one; all inputs broadcast.
        Without it, the block of one dropped answer of 4 to 256 MB is kept and written into again.

    Returns
    -------
    Greeks
        Of one option, in USD, derivatives in the spot; see `Greeks` for units.

    Raises
    ------
    DataError
        For a row outside the domain, naming row, field and value.

    Notes
    -----
    Where s is below 1e-30 (expired, or without volatility) the option is its discounted intrinsic value: delta is that
    of the side the forward is on, half of it exactly at the strike, and the infinite gamma there is left out, so that
    every number is finite. Out of the money the value is exact to about 1e-15 of itself, in the wings and near expiry
    too, as far as d1 is determined by the inputs; in the money to about 2e-16 of both legs, of which it is the
    difference. Greeks that cross 0 are as exact beside the terms they are made of.

    Source: Haug, The Complete Guide to Option Pricing Formulas, 2nd ed. (2007), chapters 1 and 2.
    """
    columns = {"spot_usd": spot_usd, "strike_usd": strike_usd, "tau_years": tau_years, "vol_annual": vol_annual}
    columns |= {"rate_annual": rate_annual, "dividend_annual": dividend_annual}
    return Greeks(*_outputs(is_call, columns, len(GREEK_NAMES), out))


def black_scholes_standard_greeks(
    is_call: ArrayLike,
    spot_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    vol_annual: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike = 0.0,
    *,
    out: FloatArray | None = None,
) -> StandardGreeks:
    """Value European options on spot and give the eight standard Greeks: a third less memory to write than all twelve.

    Arguments, errors and numbers are those of `black_scholes_greeks`, to the last bit; ``out`` has shape (8, *shape).
    """
    columns = {"spot_usd": spot_usd, "strike_usd": strike_usd, "tau_years": tau_years, "vol_annual": vol_annual}
    columns |= {"rate_annual": rate_annual, "dividend_annual": dividend_annual}
    return StandardGreeks(*_outputs(is_call, columns, len(STANDARD_GREEK_NAMES), out))


def black76_greeks(
    is_call: ArrayLike,
    forward_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    vol_annual: ArrayLike,
    rate_annual: ArrayLike = 0.0,
    *,
    out: FloatArray | None = None,
) -> Greeks:
    """Value European options on a future and differentiate the value.

    V = e^(-r tau) (F N(d1) - K N(d2)) for a call, d1 = ln(F / K) / s + s / 2, d2 = d1 - s, s = vol * sqrt(tau).

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
    rate_annual
        Discount rate, continuously compounded, a year.
    out
        As for `black_scholes_greeks`.

    Returns
    -------
    Greeks
        Of one option, in USD, derivatives in the forward; rho at a fixed forward, that is -tau V.

    Raises
    ------
    DataError
        For a row outside the domain, naming row, field and value.

    Notes
    -----
    Limits as for `black_scholes_greeks`, of which this is the case q = r.

    Source: Black, The pricing of commodity contracts, Journal of Financial Economics 3 (1976).
    """
    columns = {"forward_usd": forward_usd, "strike_usd": strike_usd, "tau_years": tau_years, "vol_annual": vol_annual}
    return Greeks(*_outputs(is_call, columns | {"rate_annual": rate_annual}, len(GREEK_NAMES), out))


def black76_standard_greeks(
    is_call: ArrayLike,
    forward_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    vol_annual: ArrayLike,
    rate_annual: ArrayLike = 0.0,
    *,
    out: FloatArray | None = None,
) -> StandardGreeks:
    """Value European options on a future and give the eight standard Greeks.

    Arguments, errors and numbers are those of `black76_greeks`, to the last bit; ``out`` has shape (8, *shape).
    """
    columns = {"forward_usd": forward_usd, "strike_usd": strike_usd, "tau_years": tau_years, "vol_annual": vol_annual}
    return StandardGreeks(*_outputs(is_call, columns | {"rate_annual": rate_annual}, len(STANDARD_GREEK_NAMES), out))


def black76_delta(
    is_call: ArrayLike,
    forward_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    vol_annual: ArrayLike,
) -> FloatArray:
    """Return the undiscounted forward delta, N(d1) for a call and N(d1) - 1 for a put: Deribit's delta.

    Arguments, errors and limits are those of `black76_greeks`.
    """
    return black76_standard_greeks(is_call, forward_usd, strike_usd, tau_years, vol_annual).delta


def _outputs(
    is_call: ArrayLike, fields: dict[str, ArrayLike], count: int, out: FloatArray | None
) -> Iterator[FloatArray]:
    """Run the kernel for the first ``count`` outputs; without a dividend among the fields the price is a forward."""
    flags = as_flags("is_call", is_call)
    numbers = {name: as_floats(name, field) for name, field in fields.items()}
    shape = common_shape({"is_call": flags, **numbers})
    columns = [as_column(array, shape) for array in numbers.values()]
    has_fixed_forward = "dividend_annual" not in numbers
    if has_fixed_forward:
        columns.append(columns[-1])  # a forward is carried at the rate
    results = output_array(count, shape, out)
    rows, sides = greeks_rows(), as_column(flags, shape)

    def run(first: int, last: int) -> int:
        return rows(sides, *columns, has_fixed_forward, results, first, last)

    if count_over_rows(run, results.shape[1]) > 0:
        _raise_bad_row(numbers, shape)
    outputs = results.reshape(count, *shape)
    return (outputs[index, ...] for index in range(count))


def _raise_bad_row(numbers: dict[str, FloatArray], shape: tuple[int, ...]) -> None:
    domains = dict.fromkeys(numbers, RATE_ANNUAL) | dict.fromkeys(("spot_usd", "forward_usd", "strike_usd"), PRICE_USD)
    domains |= {"tau_years": TAU_YEARS, "vol_annual": VOL_ANNUAL}
    for name, column in numbers.items():
        require_domain(name, column, domains[name], shape)
    for name in ("rate_annual", "dividend_annual"):
        if name in numbers:
            exponent = np.multiply(numbers[name], numbers["tau_years"])
            require_domain(f"{name} * tau_years", exponent, DISCOUNT_EXPONENT, shape)


EUROPEAN_ON_SPOT = Product(
    "european_on_spot",
    black_scholes_greeks,
    {**EXAMPLE_OPTION, **EXAMPLE_DISCOUNTED},
    vol_fields=("vol_annual",),
    rate_field="rate_annual",
    time_left_field="tau_years",
    entry=(
        STRIKE,
        VOLATILITY,
        EntryField("iv_low_annual", Rule.VOLATILITY),
        EntryField("iv_high_annual", Rule.VOLATILITY),
    ),
    interval=("iv_low_annual", "iv_annual", "iv_high_annual"),
    plain_label="{expiry_date} {strike_usd:g} {type}",
)
EUROPEAN_ON_FUTURE = Product(
    "european_on_future",
    black76_greeks,
    {**EXAMPLE_OPTION, "forward_usd": 2_000.0, "rate_annual": 0.05},
    price_field="forward_usd",
    vol_fields=("vol_annual",),
    rate_field="rate_annual",
    time_left_field="tau_years",
)
