r"""What positions of every kind are worth together: USD at one spot price, one instant and one rate.

Every Greek is a derivative in the spot S at a fixed carry, so that they add up whatever drives the product itself. With
x the product's own price, c = x / S and b its carry (x = S e^(b tau)), a coin-settled position worth W(x) coin is worth
V = S W(c S) USD:

    dV/dS = W + x W_x,    d2V/dS2 = c (2 W_x + x W_xx),    dV/dvol = S W_vol,    dV/dt = S (W_t - b x W_x).

The first is the coins to short to hold the USD value: Deribit's delta for an option. Less W, the coins that the
position itself holds, it is the premium-adjusted delta x W_x that holds the coin value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from agent.checks import require_finite
from agent.domain import AnyPosition, Book
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.products.greeks import Greeks
from agent.products.product import Product
from agent.products.registry import KINDS
from agent.units import DAYS_PER_YEAR, SECONDS_PER_YEAR, Seconds

_POINT = 100.0
"""Points (1 %) in 1.00 of volatility or rate."""


@dataclass(frozen=True, slots=True)
class PositionGreeks:
    """Greeks of a whole position: unit Greeks times signed quantity."""

    value_usd: float
    delta_underlying: float
    gamma_underlying_per_usd: float
    vega_usd_per_vol_point: float
    theta_usd_per_day: float
    rho_usd_per_rate_point: float
    """In the market's rate; what moves with funding alone has none."""


@dataclass(frozen=True, slots=True)
class CoinValue:
    """A coin-settled position in its own currency."""

    value_coin: float
    premium_adjusted_delta_coin: float
    """Coins to short to hold the coin value."""


@dataclass(frozen=True, slots=True)
class PositionValue:
    """A position and what it is worth; ``coin`` is None for what settles in USD."""

    position: AnyPosition
    greeks: PositionGreeks
    coin: CoinValue | None


@dataclass(frozen=True, slots=True)
class Market:
    """What positions are valued at; the rate is continuously compounded, a year."""

    spot_usd: float
    now_unix: Seconds
    rate_annual: float


def value_book(book: Book, market: Market) -> tuple[PositionValue, ...]:
    """Value every position, in the book's order.

    Raises
    ------
    DataError
        An expired position, or a number outside the domain of its product.
    """
    require_finite(market.spot_usd, "spot_usd")
    rows_of_kind: dict[str, list[int]] = {}
    for row, position in enumerate(book.positions):
        rows_of_kind.setdefault(position.kind, []).append(row)
    valued: dict[int, PositionValue] = {}
    for kind, rows in rows_of_kind.items():
        group = [book.positions[row] for row in rows]
        valued.update(zip(rows, _values(KINDS[kind].product, group, market), strict=True))
    return tuple(valued[row] for row in range(len(book.positions)))


def total_greeks(values: Sequence[PositionValue]) -> PositionGreeks:
    """Return the sum over positions."""
    names = [field.name for field in fields(PositionGreeks)]
    return PositionGreeks(**{name: sum(getattr(value.greeks, name) for value in values) for name in names})


@dataclass(frozen=True, slots=True)
class _Drivers:
    """The market as one product sees it, an element a position."""

    price_usd: FloatArray
    """x: spot or forward."""
    tau_years: FloatArray
    carry_annual: FloatArray
    """b of the forward; 0 where the product itself carries the spot."""
    forward_follows_rate: FloatArray
    """1 where the forward is the spot carried at the rate, so that the rate moves it; else 0."""


def _values(product: Product, group: Sequence[AnyPosition], market: Market) -> list[PositionValue]:
    drivers = _drivers(product, group, market)
    unit = product.greeks(**_arguments(product, group, market, drivers))
    quantities = np.array([position.quantity for position in group])
    in_coin = product.currency == "coin"
    columns = (_coin_greeks if in_coin else _usd_greeks)(product, unit, drivers, market.spot_usd)
    scaled = [column * quantities for column in np.broadcast_arrays(quantities, *columns)[1:]]
    coin_columns = np.stack([unit.value * quantities, unit.delta * drivers.price_usd * quantities], axis=-1)
    return [
        PositionValue(position, PositionGreeks(*row), CoinValue(*coin) if in_coin else None)
        for position, row, coin in zip(
            group,
            np.stack(scaled, axis=-1).tolist(),
            np.broadcast_to(coin_columns, (len(group), 2)).tolist(),
            strict=True,
        )
    ]


def _drivers(product: Product, group: Sequence[AnyPosition], market: Market) -> _Drivers:
    tau = np.array([_tau_years(position, market.now_unix) for position in group])
    if product.price_field == "spot_usd":
        nothing = np.zeros(len(group))
        return _Drivers(np.full(len(group), market.spot_usd), tau, nothing, nothing)
    carried = market.spot_usd * np.exp(market.rate_annual * tau)
    given = np.array([float(position.terms.get("forward_usd", np.nan)) for position in group])
    follows = np.isnan(given)
    forward = np.where(follows, carried, given)
    return _Drivers(forward, tau, np.log(forward / market.spot_usd) / tau, follows.astype(np.float64))


def _tau_years(position: AnyPosition, now_unix: Seconds) -> float:
    if position.expiry_unix is None:
        return 0.0
    if position.expiry_unix <= now_unix:
        raise DataError(f"{position.label}: expiry {position.expiry_unix} is not after {now_unix}; remove the position")
    return (position.expiry_unix - now_unix) / SECONDS_PER_YEAR


def _arguments(
    product: Product, group: Sequence[AnyPosition], market: Market, drivers: _Drivers
) -> dict[str, FloatArray]:
    """Return the product's fields: the market's by their name, the position's own from its terms."""
    known = {
        "rate_annual": np.full(len(group), market.rate_annual),
        "tau_years": drivers.tau_years,
        product.price_field: drivers.price_usd,
    }
    terms = [position.terms for position in group]
    wanted = [name for name in product.example if name in known or name in terms[0]]
    return {name: known[name] if name in known else np.array([own[name] for own in terms]) for name in wanted}


def _usd_greeks(product: Product, unit: Greeks, _drivers: _Drivers, _spot_usd: float) -> tuple[FloatArray, ...]:
    return (
        unit.value,
        unit.delta,
        unit.gamma,
        unit.vega / _POINT,
        unit.theta / DAYS_PER_YEAR,
        _rate_rho(product, unit) / _POINT,
    )


def _coin_greeks(product: Product, unit: Greeks, drivers: _Drivers, spot_usd: float) -> tuple[FloatArray, ...]:
    x = drivers.price_usd
    adjusted = x * unit.delta
    by_rate = drivers.forward_follows_rate * drivers.tau_years * adjusted
    theta = unit.theta - drivers.carry_annual * adjusted
    return (
        spot_usd * unit.value,
        unit.value + adjusted,
        x / spot_usd * (2.0 * unit.delta + x * unit.gamma),
        spot_usd * unit.vega / _POINT,
        spot_usd * theta / DAYS_PER_YEAR,
        spot_usd * (_rate_rho(product, unit) + by_rate) / _POINT,
    )


def _rate_rho(product: Product, unit: Greeks) -> FloatArray:
    """Return rho where it is in the market's rate, else 0: a funding rate or a coin's own rate is another one."""
    return unit.rho if product.rate_field == "rate_annual" else np.zeros_like(unit.rho)
