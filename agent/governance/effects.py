"""What a proposal would do, tried: on a fork of the chain, and on a replayed day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agent.governance.day import DayComparison, compare_day
from agent.governance.day_source import DaySource
from agent.governance.day_text import day_document, day_lines
from agent.governance.desk import GovernanceDesk
from agent.governance.review import Review
from agent.governance.simulation import Simulation, simulate
from agent.governance.text import simulation_document, simulation_lines


@dataclass(frozen=True, slots=True)
class Effects:
    """What was tried."""

    simulation: Simulation
    day: DayComparison

    @property
    def refusals(self) -> tuple[str, ...]:
        """What the fork refused."""
        return self.simulation.refusals

    def lines(self) -> Iterator[str]:
        """Yield them for people."""
        yield ""
        yield from simulation_lines(self.simulation)
        yield ""
        yield from day_lines(self.day)

    def document(self) -> dict[str, Any]:
        """Return them for machines."""
        return {"simulation": simulation_document(self.simulation), "day": day_document(self.day)}


def try_out(desk: GovernanceDesk, review: Review, source: DaySource) -> Effects:
    """Try calls on a fork of the first server's chain, and their changes on a day; raises as both do."""
    simulation = simulate(desk.settings.chain.rpc_urls[0], desk.deployment, desk.governor, review.calls)
    return Effects(simulation, compare_day(desk, review.changes, source))
