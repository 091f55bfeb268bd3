"""Every product by name: a new one is a file and an entry here, and a reader in `agent.files.book_kinds` for books."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.products.european import black76_greeks, black_scholes_greeks
from agent.products.future import future_greeks, inverse_future_greeks
from agent.products.greeks import Greeks
from agent.products.inverse_option import inverse_option_greeks
from agent.products.perp import inverse_perp_greeks, perp_greeks
from agent.products.power_perp import power_perp_greeks
from agent.products.spot import spot_greeks
from agent.products.structures import (
    collar_greeks,
    covered_call_greeks,
    protective_put_greeks,
    straddle_greeks,
    strangle_greeks,
)
from agent.products.uniswap_v3 import uniswap_v3_greeks


@dataclass(frozen=True, slots=True)
class Product:
    """How a product is valued, and which of its fields drives which Greek."""

    greeks: Callable[..., Greeks]
    example: Mapping[str, float | bool]
    """Fields of an ordinary row, all by name."""
    currency: str = "USD"
    price_field: str = "spot_usd"
    vol_fields: tuple[str, ...] = ()
    rate_field: str | None = None
    time_left_field: str | None = None
    """Shrinks as calendar time passes."""
    time_past_field: str | None = None
    """Grows as calendar time passes."""


_OPTION = {"is_call": True, "strike_usd": 2_100.0, "tau_years": 0.25, "vol_annual": 0.6}
_DISCOUNTED = {"spot_usd": 2_000.0, "rate_annual": 0.05, "dividend_annual": 0.02}
_PUT_WING = {"put_strike_usd": 1_800.0, "tau_years": 0.25, "put_vol_annual": 0.7}
_CALL_WING = {"call_strike_usd": 2_300.0, "tau_years": 0.25, "call_vol_annual": 0.55}

PRODUCTS: dict[str, Product] = {
    "spot": Product(spot_greeks, {"spot_usd": 2_000.0}),
    "future": Product(
        future_greeks,
        {**_DISCOUNTED, "entry_usd": 1_900.0, "tau_years": 0.25},
        rate_field="rate_annual",
        time_left_field="tau_years",
    ),
    "inverse_future": Product(
        inverse_future_greeks,
        {**_DISCOUNTED, "entry_usd": 1_900.0, "tau_years": 0.25},
        currency="coin",
        rate_field="rate_annual",
        time_left_field="tau_years",
    ),
    "perp": Product(
        perp_greeks,
        {"spot_usd": 2_000.0, "entry_usd": 1_900.0, "funding_rate_annual": 0.1, "accrued_years": 0.0005},
        rate_field="funding_rate_annual",
        time_past_field="accrued_years",
    ),
    "inverse_perp": Product(
        inverse_perp_greeks,
        {"spot_usd": 2_000.0, "entry_usd": 1_900.0, "funding_rate_annual": 0.1, "accrued_years": 0.0005},
        currency="coin",
        rate_field="funding_rate_annual",
        time_past_field="accrued_years",
    ),
    "european_on_spot": Product(
        black_scholes_greeks,
        {**_OPTION, **_DISCOUNTED},
        vol_fields=("vol_annual",),
        rate_field="rate_annual",
        time_left_field="tau_years",
    ),
    "european_on_future": Product(
        black76_greeks,
        {**_OPTION, "forward_usd": 2_000.0, "rate_annual": 0.05},
        price_field="forward_usd",
        vol_fields=("vol_annual",),
        rate_field="rate_annual",
        time_left_field="tau_years",
    ),
    "inverse_option": Product(
        inverse_option_greeks,
        {**_OPTION, "forward_usd": 2_000.0, "coin_rate_annual": 0.01},
        currency="coin",
        price_field="forward_usd",
        vol_fields=("vol_annual",),
        rate_field="coin_rate_annual",
        time_left_field="tau_years",
    ),
    "uniswap_v3_range": Product(
        uniswap_v3_greeks,
        {"spot_usd": 2_000.0, "lower_usd": 1_500.0, "upper_usd": 2_500.0, "liquidity": 1_000.0},
    ),
    "power_perp": Product(
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
    ),
    "protective_put": Product(
        protective_put_greeks,
        {**_DISCOUNTED, **_PUT_WING},
        vol_fields=("put_vol_annual",),
        rate_field="rate_annual",
        time_left_field="tau_years",
    ),
    "covered_call": Product(
        covered_call_greeks,
        {**_DISCOUNTED, **_CALL_WING},
        vol_fields=("call_vol_annual",),
        rate_field="rate_annual",
        time_left_field="tau_years",
    ),
    "collar": Product(
        collar_greeks,
        {**_DISCOUNTED, **_PUT_WING, **_CALL_WING},
        vol_fields=("put_vol_annual", "call_vol_annual"),
        rate_field="rate_annual",
        time_left_field="tau_years",
    ),
    "straddle": Product(
        straddle_greeks,
        {**_DISCOUNTED, "strike_usd": 2_100.0, "tau_years": 0.25, "vol_annual": 0.6},
        vol_fields=("vol_annual",),
        rate_field="rate_annual",
        time_left_field="tau_years",
    ),
    "strangle": Product(
        strangle_greeks,
        {**_DISCOUNTED, **_PUT_WING, **_CALL_WING},
        vol_fields=("put_vol_annual", "call_vol_annual"),
        rate_field="rate_annual",
        time_left_field="tau_years",
    ),
}
"""Products by the name a book uses for them."""
