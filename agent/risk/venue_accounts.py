"""Venue accounts of a snapshot, as the risk measures take them: chain integers become floats here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.domain import Snapshot
from agent.errors import DataError
from agent.risk.factors import VenuePosition
from agent.risk.liquidation import LinearPerpAccount
from agent.units import DAYS_PER_YEAR, from_wad


@dataclass(frozen=True, slots=True)
class LiquidationTerms:
    """Share of notional below which a venue liquidates, and what it takes for doing so."""

    maintenance_margin_ratio: float
    liquidation_fee_ratio: float


def venue_positions(snapshot: Snapshot) -> tuple[VenuePosition, ...]:
    """Return the filled position of every venue, for `agent.risk.factors`.

    Raises
    ------
    DataError
        Two venues of one name.
    """
    _require_distinct_names(snapshot)
    return tuple(
        VenuePosition(
            venue=venue.name,
            size=from_wad(venue.size),
            mark_price_usd=from_wad(venue.mark_price),
            index_price_usd=from_wad(venue.index_price),
            funding_rate_annual=from_wad(venue.funding_rate_per_day) * DAYS_PER_YEAR,
        )
        for venue in snapshot.venues
    )


def linear_accounts(snapshot: Snapshot, terms: Mapping[str, LiquidationTerms]) -> tuple[LinearPerpAccount, ...]:
    """Return every venue's account at its worst, for `agent.risk.liquidation` and `agent.risk.collateral`.

    That is the lower equity, and with pending orders the larger of both sizes.

    Raises
    ------
    DataError
        A venue without terms, named with those that have them; two venues of one name; venues and measurements that do
        not match.
    """
    _require_distinct_names(snapshot)
    measured = snapshot.measurement.venues
    if len(measured) != len(snapshot.venues):
        raise DataError(f"snapshot has {len(snapshot.venues)} venues and {len(measured)} measurements; read both again")
    accounts = []
    for row, (venue, measurement) in enumerate(zip(snapshot.venues, measured, strict=True)):
        if venue.name not in terms:
            known = ", ".join(terms) or "none"
            raise DataError(f"row {row}: venue is {venue.name!r}, which has no liquidation terms; known are {known}")
        accounts.append(
            LinearPerpAccount(
                venue=venue.name,
                size=from_wad(max(measurement.size_low, measurement.size_high, key=abs)),
                equity_usd=from_wad(measurement.equity_low),
                mark_price_usd=from_wad(venue.mark_price),
                maintenance_margin_ratio=terms[venue.name].maintenance_margin_ratio,
                liquidation_fee_ratio=terms[venue.name].liquidation_fee_ratio,
                funding_rate_per_day=from_wad(venue.funding_rate_per_day),
            )
        )
    return tuple(accounts)


def _require_distinct_names(snapshot: Snapshot) -> None:
    names = [venue.name for venue in snapshot.venues]
    for row, name in enumerate(names):
        if name in names[:row]:
            raise DataError(f"row {row}: venue is {name!r}, also in row {names.index(name)}; give each its own name")
