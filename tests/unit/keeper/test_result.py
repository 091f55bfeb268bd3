"""What a cycle's result shows of what it saw, and what while nothing could be read."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from agent.decision.decide import decide
from agent.keeper.planner import CycleView
from agent.keeper.result import CycleResult, Outcome
from agent.policy.fixed_threshold import FixedThreshold
from tests.support.decision_builders import COSTS, SETTINGS, held, snapshot_of

BOOK = held(1.0)
SNAPSHOT = snapshot_of(BOOK)
DECISION = decide(SNAPSHOT, BOOK, FixedThreshold(50.0), COSTS, SETTINGS)
VIEW = CycleView(SNAPSHOT, None, DECISION, 0.25, COSTS)
BLIND = CycleResult(SNAPSHOT.block, Outcome.HELD, "because", 1.0)


def test_result__nothing_read__shows_nothing():
    assert (BLIND.snapshot, BLIND.decision, BLIND.measurement_after, BLIND.decision_seconds) == (None, None, None, 0.0)
    assert (BLIND.guard_mirror_mismatch, BLIND.fills) == (False, ())


def test_result__decided__shows_what_it_decided_on_and_how_long_that_took():
    seen = replace(BLIND, view=VIEW)
    assert (seen.snapshot, seen.decision, seen.decision_seconds) == (SNAPSHOT, DECISION, 0.25)
    assert seen.measurement_after is SNAPSHOT.measurement


def test_result__traded__measures_what_it_led_to():
    after = SimpleNamespace(measurement=replace(SNAPSHOT.measurement, nav=1))
    assert replace(BLIND, view=VIEW, after=after).measurement_after is after.measurement
