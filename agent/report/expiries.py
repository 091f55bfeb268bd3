"""Each expiry inside a replay: what settled, at what price, and what was left of book and hedge."""

from __future__ import annotations

from dataclasses import dataclass

from agent.domain import OptionLeg, OptionType
from agent.report.replay_report import ReplayReport, StepRecord


@dataclass(frozen=True, slots=True)
class SettledLeg:
    """A leg at its expiry; ``payoff_usd`` of the whole quantity, positive is received."""

    label: str
    quantity: float
    payoff_usd: float


@dataclass(frozen=True, slots=True)
class Expiry:
    """One expiry, settled at the first price at or after it; deltas and hedge in underlying units."""

    unix: int
    price_usd: float
    settled: tuple[SettledLeg, ...]
    book_delta_before: float
    hedge_before: float
    """At the last step before it."""
    book_delta_after: float
    hedge_after: float
    """At the first step from it on, the hedge after that step's trade."""
    legs_left: int
    seconds_to_inside: int | None
    """From the expiry until a step left the net delta inside the keeper's band; None where none did."""


def expiries(report: ReplayReport) -> tuple[Expiry, ...]:
    """Return the expiries that the replay went through, in their order."""
    first, last = report.steps[0].unix, report.steps[-1].unix
    instants = sorted({leg.expiry_unix for leg in report.book.options if first < leg.expiry_unix <= last})
    return tuple(_expiry(report, unix) for unix in instants)


def _expiry(report: ReplayReport, unix: int) -> Expiry:
    before = [step for step in report.steps if step.unix < unix][-1]
    later = [step for step in report.steps if step.unix >= unix]
    inside = next((step for step in later if _is_inside(step)), None)
    legs = report.book.options
    return Expiry(
        unix=unix,
        price_usd=later[0].price_usd,
        settled=tuple(_settled(leg, later[0].price_usd) for leg in legs if leg.expiry_unix == unix),
        book_delta_before=before.book_delta,
        hedge_before=before.hedge_size,
        book_delta_after=later[0].book_delta,
        hedge_after=later[0].hedge_size,
        legs_left=sum(leg.expiry_unix > unix for leg in legs),
        seconds_to_inside=None if inside is None else inside.unix - unix,
    )


def _is_inside(step: StepRecord) -> bool:
    return step.band_low <= step.net_delta_after <= step.band_high


def _settled(leg: OptionLeg, price_usd: float) -> SettledLeg:
    above_strike = price_usd - leg.strike_usd
    payoff = max(above_strike if leg.option_type is OptionType.CALL else -above_strike, 0.0)
    return SettledLeg(leg.label, leg.quantity, leg.quantity * payoff)
