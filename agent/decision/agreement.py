"""What a decision stands on: a snapshot that agrees with itself, and a book that the chain sees too."""

from __future__ import annotations

from agent.domain import Book, Exposure, Snapshot
from agent.errors import DataError
from agent.formatting import figure
from agent.risk.exposure import book_exposure
from agent.risk.settlement import Settlement, SettlingBook, settling_book
from agent.units import from_wad


def book_disagreement(
    snapshot: Snapshot, book: Book, tolerance_underlying: float, settlement: Settlement
) -> str | None:
    """Say how far a book's delta lies outside the chain's interval; None where it lies inside."""
    _, exposure = valued(snapshot, book, settlement)
    return disagreement(exposure, snapshot, tolerance_underlying)


def valued(snapshot: Snapshot, book: Book, settlement: Settlement) -> tuple[SettlingBook, Exposure]:
    """Return the book as it settles at the snapshot's time, and its exposure with the hedge expected."""
    spot_usd, at_unix = from_wad(snapshot.measurement.price), snapshot.block.timestamp
    settling = settling_book(book, spot_usd, at_unix, settlement)
    return settling, book_exposure(settling.book, spot_usd, at_unix, from_wad(expected_hedge(snapshot)))


def expected_hedge(snapshot: Snapshot) -> int:
    """Return the hedge with all pending orders filled; a silent venue counts half of what it may hold.

    What a venue of options names as an order is the distance of bid and ask, no hedge: its options are in the book.
    """
    return sum(
        (measured.size_low + measured.size_high) // 2
        if measured.is_silent
        else measured.size_low + measured.size_high - venue.size
        for measured, venue in zip(snapshot.measurement.venues, snapshot.venues, strict=True)
        if not venue.trades_options
    )


def require_coherent(snapshot: Snapshot) -> None:
    """Raise `DataError` where a snapshot contradicts itself."""
    measured = snapshot.measurement
    if len(measured.venues) != len(snapshot.venues):
        raise DataError(
            f"snapshot holds {len(snapshot.venues)} venues but {len(measured.venues)} measurements; "
            "read both at one block"
        )
    if measured.price <= 0:
        raise DataError(f"measured price is {measured.price}; expected a positive price")
    if measured.book_delta_low > measured.book_delta_high:
        raise DataError(
            f"measured book delta runs from {measured.book_delta_low} to {measured.book_delta_high}; "
            "expected low <= high"
        )
    for venue, venue_measured in zip(snapshot.venues, measured.venues, strict=True):
        if not venue_measured.size_low <= venue.size <= venue_measured.size_high:
            raise DataError(
                f"venue {venue.name} reports size {venue.size} outside its measured {venue_measured.size_low} to "
                f"{venue_measured.size_high}; read both at one block"
            )


def disagreement(exposure: Exposure, snapshot: Snapshot, tolerance_underlying: float) -> str | None:
    """Say where the chain does not see the book: one set of positions, price and time has one delta."""
    low, high = from_wad(snapshot.measurement.book_delta_low), from_wad(snapshot.measurement.book_delta_high)
    if low - tolerance_underlying <= exposure.book_delta <= high + tolerance_underlying:
        return None
    return (
        f"book delta {figure(exposure.book_delta, 6)} lies outside the chain's interval {figure(low, 6)} to "
        f"{figure(high, 6)} by more than {tolerance_underlying}; align the book file with the chain's sources"
    )
