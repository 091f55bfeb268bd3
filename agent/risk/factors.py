"""Exposure by factor: what moves the P&L of book and hedge, each with its unit.

| factor | unit | formula |
|---|---|---|
| delta | underlying units | sum q dV/dS, holdings and perps included |
| gamma | underlying units per USD | sum q d2V/dS2 |
| vega, by expiry too | USD per 1.00 of volatility | sum q dV/dvol |
| theta | USD per year | sum q dV/dt; funding of perps stands apart |
| vanna | underlying units per 1.00 of volatility | sum q d2V/dS dvol |
| volga | USD per 1.00 of volatility, squared | sum q d2V/dvol2 |
| rho | USD per 1.00 of the discount rate | sum -q tau V, at a fixed forward |
| carry, by expiry | USD per 1.00 of annual basis of forwards | sum q tau S dV/dS |
| basis, by venue | USD per 1.00 of mark over index | size x index price |
| funding, by venue | USD per year, and per 1.00 of the annual rate | -size x mark price x rate |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agent.checks import require_finite, require_positive
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import as_floats
from agent.products.european import black76_greeks
from agent.risk.exposure import LiveOptions
from agent.risk.positions import checked_options
from agent.units import SECONDS_PER_DAY, SECONDS_PER_YEAR

_DAY_YEARS = SECONDS_PER_DAY / SECONDS_PER_YEAR
EXPIRY_EDGES_YEARS: tuple[float, ...] = tuple(days * _DAY_YEARS for days in (1, 7, 30, 90, 180))
"""Upper ends of the usual expiry buckets, the last open: a day, a week, a month, a quarter, half a year."""


@dataclass(frozen=True, slots=True)
class VenuePosition:
    """A perp position on one venue; ``size`` in underlying units, long positive, funding as longs pay it a year."""

    venue: str
    size: float
    mark_price_usd: float
    index_price_usd: float
    funding_rate_annual: float


@dataclass(frozen=True, slots=True)
class ExpiryBucket:
    """Options with ``from_years`` < tau <= ``to_years``; the last bucket has no end."""

    from_years: float
    to_years: float | None
    legs: int
    gamma_per_usd: float
    vega_usd_per_vol: float
    carry_usd_per_basis: float


@dataclass(frozen=True, slots=True)
class VenueExposure:
    """Basis and funding of one venue's position, USD."""

    venue: str
    size: float
    notional_usd: float
    basis_ratio: float
    """Mark over index, less 1."""
    basis_usd_per_ratio: float
    funding_usd_per_year: float
    """At the present rate; negative is paid."""
    funding_usd_per_rate: float


@dataclass(frozen=True, slots=True)
class FactorExposure:
    """Sums over book and hedge; units in the module's table."""

    spot_usd: float
    delta: float
    gamma_per_usd: float
    vega_usd_per_vol: float
    theta_usd_per_year: float
    vanna_per_vol: float
    volga_usd_per_vol2: float
    rho_usd_per_rate: float
    by_expiry: tuple[ExpiryBucket, ...]
    by_venue: tuple[VenueExposure, ...]

    @property
    def funding_usd_per_year(self) -> float:
        """Funding of all venues at the present rates; negative is paid."""
        return sum(venue.funding_usd_per_year for venue in self.by_venue)


def factor_exposure(
    options: LiveOptions,
    spot_usd: float,
    holding_quantity: float,
    venues: Sequence[VenuePosition],
    expiry_edges_years: ArrayLike = EXPIRY_EDGES_YEARS,
) -> FactorExposure:
    """Gather the exposure of options, holdings and perps.

    Parameters
    ----------
    options
        Columns, a leg a row; may have none.
    spot_usd
        Price, used as the forward, USD.
    holding_quantity
        Underlying held, underlying units.
    venues
        Perp positions, each venue once.
    expiry_edges_years
        Upper ends of the expiry buckets, years, growing; one more bucket holds what expires later.

    Raises
    ------
    DataError
        A number outside its domain, named by row, field and value; a venue named twice; edges that do not grow; a sum
        that is not finite.
    """
    checked_columns = checked_options(options)
    is_call, strike, tau, iv, quantity = checked_columns
    require_positive(spot_usd, "spot_usd")
    greeks = black76_greeks(is_call, spot_usd, strike, tau, iv)
    by_venue = _venue_exposures(venues)
    held = require_finite(holding_quantity, "holding_quantity") + sum(venue.size for venue in by_venue)

    def total(name: str) -> float:
        return require_finite(float(quantity @ getattr(greeks, name)), name)

    parts = {
        "gamma": quantity * greeks.gamma,
        "vega": quantity * greeks.vega,
        "carry": quantity * tau * spot_usd * greeks.delta,
    }
    return FactorExposure(
        spot_usd=spot_usd,
        delta=require_finite(total("delta") + held, "delta"),
        gamma_per_usd=total("gamma"),
        vega_usd_per_vol=total("vega"),
        theta_usd_per_year=total("theta"),
        vanna_per_vol=total("vanna"),
        volga_usd_per_vol2=total("volga"),
        rho_usd_per_rate=total("rho"),
        by_expiry=_buckets(tau, parts, expiry_edges_years),
        by_venue=by_venue,
    )


def _buckets(tau: FloatArray, parts: dict[str, FloatArray], edges_years: ArrayLike) -> tuple[ExpiryBucket, ...]:
    edges = as_floats("expiry_edges_years", edges_years)
    if edges.ndim != 1 or edges.size == 0 or not (np.isfinite(edges).all() and (np.diff(edges, prepend=0.0) > 0).all()):
        raise DataError(f"expiry_edges_years is {edges.tolist()}; give growing times above 0")
    place = np.searchsorted(edges, tau, side="left")
    count = edges.size + 1
    legs = np.bincount(place, minlength=count)
    sums = {name: np.bincount(place, part, count) for name, part in parts.items()}
    starts, ends = (0.0, *edges.tolist()), (*edges.tolist(), None)
    return tuple(
        ExpiryBucket(start, end, int(legs[i]), float(sums["gamma"][i]), float(sums["vega"][i]), float(sums["carry"][i]))
        for i, (start, end) in enumerate(zip(starts, ends, strict=True))
    )


def _venue_exposures(venues: Sequence[VenuePosition]) -> tuple[VenueExposure, ...]:
    names = [venue.venue for venue in venues]
    for row, name in enumerate(names):
        if name in names[:row]:
            raise DataError(
                f"row {row}: venue is {name!r}, already given in row {names.index(name)}; add them up first"
            )
    return tuple(_venue_exposure(row, venue) for row, venue in enumerate(venues))


def _venue_exposure(row: int, position: VenuePosition) -> VenueExposure:
    where = f"of venue {position.venue} (row {row})"
    for name in ("size", "funding_rate_annual"):
        require_finite(getattr(position, name), f"{name} {where}")
    mark = require_positive(position.mark_price_usd, f"mark_price_usd {where}")
    index = require_positive(position.index_price_usd, f"index_price_usd {where}")
    per_rate = -position.size * mark
    return VenueExposure(
        venue=position.venue,
        size=position.size,
        notional_usd=abs(position.size) * mark,
        basis_ratio=mark / index - 1.0,
        basis_usd_per_ratio=position.size * index,
        funding_usd_per_year=per_rate * position.funding_rate_annual,
        funding_usd_per_rate=per_rate,
    )
