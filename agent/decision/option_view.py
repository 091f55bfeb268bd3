"""What a cycle found at the vault's venue of options, and what it would do there."""

from __future__ import annotations

from dataclasses import dataclass

from agent.decision.option_hedge import OptionHedge
from agent.domain import Target
from agent.errors import RejectedError
from agent.optimiser.factors import Factors
from agent.option_venue import OptionVenueState


@dataclass(frozen=True, slots=True)
class OptionView:
    """What was planned at the venue of options on one view of the vault.

    ``reason`` says what is traded or why nothing is. ``state`` is None where the venue was not asked, ``hedge`` where
    nothing could be planned. ``factors`` are those of book, hedge and options held. ``delta_after`` is what the policy
    wants of the net delta once the orders are filled; None without orders.
    """

    venue: str
    """Its name."""
    reason: str
    sells_only: bool = False
    factors: Factors | None = None
    state: OptionVenueState | None = None
    hedge: OptionHedge | None = None
    delta_after: Target | None = None
    refusal: RejectedError | None = None
    """How the chain would refuse the orders; None where it would take them, or there are none."""

    @property
    def has_orders(self) -> bool:
        """Whether anything would be traded."""
        return self.hedge is not None and bool(self.hedge.orders)
