"""Asks the chain whether it would let a hedge bring W inside at all: what it refuses, no keeper can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from agent.domain import Intent, Leg, Measurement
from agent.execution.intents import call_on
from agent.guard import limit_price, net_delta_interval
from agent.units import AssetUnits, IntentId, Seconds, Wad

if TYPE_CHECKING:
    from tests.chaos.run import Run

_GAS = 10_000_000


def refused(run: Run) -> Iterator[str | None]:
    """Say of some hedges that would bring W in what the chain makes of them; None for one that it would accept."""
    state = run.state()
    measured, head = state.measurement, run.head()
    head = run.eyes.client._by_hash(head.hash)
    low, high = net_delta_interval(measured)
    most = state.bounds.max_size_delta
    for share in (1.0, 0.9, 0.5, 0.25):
        size = max(min(-int((low + high) // 2 * share), most), -most)
        for margin in (0, int(state.idle_assets * 0.4), int(state.idle_assets * 0.7)):
            intent = _one_leg(run, measured, head, margin, size)
            sender = run.world.account("keeper")
            rejection = run.eyes.client.simulate(sender, call_on(intent, head), _GAS, head)
            yield None if rejection is None else str(rejection)


def _one_leg(run: Run, measured: Measurement, head: Any, margin: int, size: int) -> Intent:
    price = limit_price(measured.venues[0].price, size, 60)
    leg = Leg(run.world.base.venue, AssetUnits(margin), Wad(size), price)
    return Intent(
        intent_id=IntentId("0x" + "c4" * 32),
        vault=run.world.base.vault,
        legs=(leg,),
        deadline=Seconds(head.timestamp + 240),
        decided_at_block=head,
    )
