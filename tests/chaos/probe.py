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
    """Say of hedges that would bring W inside what the chain makes of them; None for one that it would accept.

    Where none of them could, as with W further out than the largest trade, of all of them.
    """
    state = run.state()
    measured, head = state.measurement, run.head()
    head = run.eyes.client._by_hash(head.hash)
    low, high = net_delta_interval(measured)
    band, most = state.bounds.band, state.bounds.max_size_delta
    sizes = [max(min(-int((low + high) // 2 * share), most), -most) for share in (1.0, 0.9, 0.5, 0.25)]
    landing = [size for size in sizes if max(abs(low + size), abs(high + size)) <= band]
    for size in landing or sizes:
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
