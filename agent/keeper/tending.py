"""What a cycle has done before it decides, and what there is to see since."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.chain.ahead import Ahead
from agent.domain import BlockRef
from agent.execution.settlement import Settlement
from agent.keeper.option_tending import OptionAct
from agent.keeper.order_plan import OrderCare
from agent.keeper.planner import Sight
from agent.keeper.venue_errands import VenueAct


@dataclass(frozen=True, slots=True)
class Tending:
    """What became of open intents, orders, a venue's errand and expired options.

    ``waits`` says what the chain has not answered yet; nothing is decided beside it.
    """

    head: BlockRef
    seen: Ahead[Sight]
    resumed: Settlement | None = None
    orders: tuple[OrderCare, ...] = ()
    errand: VenueAct | None = None
    options: tuple[OptionAct, ...] = ()
    waits: str | None = None

    def at(self, head: BlockRef, seen: Ahead[Sight]) -> Tending:
        """Return the same with what there is to see at another head."""
        return replace(self, head=head, seen=seen)
