"""The collector works between two cycles, and not over what was there before the first."""

from __future__ import annotations

import gc
import weakref

import pytest

from agent.keeper.memory import Housekeeping


class Ring:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collector():
    thresholds = gc.get_threshold()
    gc.disable()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    gc.enable()


def lost_ring() -> weakref.ref[Ring]:
    return weakref.ref(Ring())


def test_between_cycles__garbage_of_a_cycle__is_gone(collector) -> None:
    housekeeping = Housekeeping()
    for _ in range(2):
        garbage = lost_ring()
        assert garbage() is not None
        housekeeping.between_cycles()
        assert garbage() is None


def test_between_cycles__first__leaves_out_what_is_there_and_later_ones_add_nothing(collector) -> None:
    housekeeping = Housekeeping()
    housekeeping.between_cycles()
    frozen = gc.get_freeze_count()
    assert frozen > 1_000
    kept = [Ring() for _ in range(1_000)]
    housekeeping.between_cycles()
    assert gc.get_freeze_count() <= frozen
    assert len(kept) == 1_000


@pytest.mark.parametrize(("objects", "pauses"), [(50_000, False), (150_000, True)])
def test_cycle__makes_objects__pauses_only_where_they_are_very_many(collector, objects, pauses) -> None:
    Housekeeping().between_cycles()
    phases: list[str] = []

    def watch(phase: str, _info: dict[str, int]) -> None:
        phases.append(phase)

    gc.callbacks.append(watch)
    gc.enable()
    kept = [Ring() for _ in range(objects)]
    gc.disable()
    gc.callbacks.remove(watch)
    assert len(kept) == objects
    assert bool(phases) is pauses
