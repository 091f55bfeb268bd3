"""Margin alone, ahead of the trade that it is for, where a venue takes the trade only once the margin has arrived."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from agent.domain import Leg
from agent.errors import RejectedError
from agent.keeper.guard_check import Verdict
from agent.units import Wad


@dataclass(frozen=True, slots=True)
class MarginAhead:
    """Deposits of a proposal without its trades; the guard was foreseen to take it whole."""

    guard_error: ClassVar[str | None] = None
    legs: tuple[Leg, ...]
    urgent: bool
    reason: str


def margin_ahead(proposal: Verdict, rejection: RejectedError, waits_for_margin: frozenset[str]) -> MarginAhead | None:
    """Return the deposits of a proposal that was refused for want of margin; None where that is not why, or none is.

    ``waits_for_margin``: names of the errors by which the venues say so.
    """
    if rejection.name not in waits_for_margin or all(leg.size_delta == 0 for leg in proposal.legs):
        return None
    deposits = tuple(
        replace(leg, size_delta=Wad(0), limit_price=Wad(0)) for leg in proposal.legs if leg.margin_delta > 0
    )
    if not deposits:
        return None
    reason = f"{proposal.reason}; margin goes ahead of the trade, which waits for it ({rejection})"
    return MarginAhead(deposits, proposal.urgent, reason)
