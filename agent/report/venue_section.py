"""The part of the page that tells the venues apart."""

from __future__ import annotations

from agent.report.formatting import counted, money, money_change, signed
from agent.report.html_parts import paragraph, section, table
from agent.report.venues import VenueFigures

_WORDS = (
    "Fees, slippage, funding and turnover add up to those of the replay. Slippage is against the oracle's "
    "price of the step that traded; funding that is paid is positive."
)


def venue_section(venues: tuple[VenueFigures, ...], underlying: str) -> str:
    """Return the section; nothing where one venue did all, and at once."""
    has_orders = any(venue.orders.asked for venue in venues)
    if len(venues) < 2 and not has_orders:
        return ""
    columns = ("Venue", "Trades", "Traded", "Fee", "Slippage", "Funding", f"Position, {underlying}", "Equity")
    rows = [
        (
            f"{venue.name} ({venue.title})",
            str(venue.trades),
            money(venue.turnover_usd),
            money(venue.fee_usd),
            money_change(venue.slippage_usd),
            money_change(venue.funding_usd),
            signed(venue.size, 3),
            money(venue.equity_usd),
        )
        for venue in venues
    ]
    told = [paragraph(_orders(venue)) for venue in venues if venue.orders.asked]
    return section("By venue", _WORDS, table(columns, rows, label="Venues"), *told)


def _orders(venue: VenueFigures) -> str:
    orders = venue.orders
    ends = {
        "filled": orders.filled,
        "filled in part": orders.partly,
        "cancelled": orders.cancelled,
        "expired": orders.expired,
        "open at the end": orders.still_open,
    }
    told = ", ".join(f"{count} {end}" for end, count in ends.items() if count)
    return f"{venue.name} was asked for {counted(orders.asked, 'order')}: {told}."
