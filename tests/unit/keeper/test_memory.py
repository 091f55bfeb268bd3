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
    gc.disable()
    yield
    gc.unfreeze()
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
