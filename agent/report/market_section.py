"""The part of the page that says what was assumed of the market: its depth, and what expired in it."""

from __future__ import annotations

from agent.report.expiries import Expiry, expiries
from agent.report.formatting import counted, duration, money_change, price, signed, utc_minute
from agent.report.html_parts import paragraph, section, table
from agent.report.replay_report import DepthQuote, ReplayReport


def depth_section(report: ReplayReport) -> str:
    """Return the section: what the venues quoted at the first step, and what else was assumed."""
    venues = list(dict.fromkeys(quote.venue for quote in report.depth))
    tables = [part for venue in venues for part in (paragraph(f"Venue {venue}, first step:"), _ladder(report, venue))]
    return section("The depth that was assumed", report.market_note, *tables)


def expiry_section(report: ReplayReport) -> str:
    """Return the section, nothing where no leg expired inside the replay."""
    found = expiries(report)
    if not found:
        return ""
    words = "Legs settle at the first price at or after their expiry; the book holds the cash from then on."
    columns = ("Position", "Quantity", "Expiry, UTC", "Settled at", "Received")
    rows = [
        (leg.label, signed(leg.quantity, 2), utc_minute(own.unix), price(own.price_usd), money_change(leg.payoff_usd))
        for own in found
        for leg in own.settled
    ]
    told = [paragraph(_left(own, report.underlying)) for own in found]
    return section("Expiries", words, table(columns, rows, label="Settled legs"), *told)


def _left(own: Expiry, underlying: str) -> str:
    back = (
        "by the end the net delta was not inside the keeper's band again"
        if own.seconds_to_inside is None
        else "the first step from it on left the net delta inside the keeper's band"
        if own.seconds_to_inside == 0
        else f"the net delta was inside the keeper's band again {duration(own.seconds_to_inside)} later"
    )
    left = "nothing of the options was left" if not own.legs_left else f"{counted(own.legs_left, 'option leg')} left"
    return (
        f"{utc_minute(own.unix)}: the book's delta went from {signed(own.book_delta_before, 2)} to "
        f"{signed(own.book_delta_after, 2)} {underlying} and the hedge from {signed(own.hedge_before, 2)} to "
        f"{signed(own.hedge_after, 2)}; {back}; {left}."
    )


def _ladder(report: ReplayReport, venue: str) -> str:
    quotes = {quote.size_delta: quote for quote in report.depth if quote.venue == venue}
    sizes = sorted({abs(size) for size in quotes})
    rows = [(signed(size, 3), *_side(quotes.get(size)), *_side(quotes.get(-size))) for size in sizes]
    columns = (f"Size, {report.underlying}", "Buying: impact, bps", "fee, bps", "Selling: impact, bps", "fee, bps")
    return table(columns, rows)


def _side(quote: DepthQuote | None) -> tuple[str, str]:
    return ("not quoted", "") if quote is None else (signed(quote.impact_bps, 1), signed(quote.fee_bps, 1))
