"""The campaign in short: schedules from seeds hold, keepers broken on purpose do not, and what fails becomes small.

`make chaos` runs thousands of cycles of the same.
"""

from __future__ import annotations

import contextlib

import pytest

from tests.chaos.campaign import Stage
from tests.chaos.faults import FAULTS, GENTLE, LEVELS
from tests.chaos.run import Run
from tests.chaos.schedule import Schedule, draw_schedule

pytestmark = pytest.mark.chain

SEEDS = range(117, 127)
"""Ten of which hold nearly every fault."""
NEARBY = (0, -1, 1, -2, 2, -3, 3, -4, 4, -6, 6)
BROKEN = {
    "no_intent_check": (["calm:1:0:1:+0 unmined:2:1:1:+250"], "lost intent"),
    "no_fence": ([f"calm:1:0:1:+0 stopped:1:{58 + step}:1:+250" for step in NEARBY], "fence"),
    "one_server": (["dropped:1:6:1:+0"], "liveness"),
    "executed_first": ([f"killed:2:{101 + step}:1:+0" for step in NEARBY], "lost intent"),
}
"""Schedules of which one must show it: which operation comes how late differs from run to run, as threads happen to."""


@pytest.mark.parametrize("seed", SEEDS)
def test_keeper__faults_of_a_seed__keeps_every_promise(stage: Stage, seed):
    assert stage.play(draw_schedule(seed, LEVELS, GENTLE)).violations == ()


@pytest.mark.parametrize("mutant", BROKEN)
def test_keeper__broken_on_purpose__fails_under_a_fault_that_whole_ones_bear(stage: Stage, mutant):
    texts, broken = BROKEN[mutant]
    for schedule in (Schedule.decode(text, LEVELS) for text in texts):
        assert stage.play(schedule).violations == ()
        if broken in " ".join(stage.play(schedule, mutant=mutant).violations):
            return
    raise AssertionError(f"{mutant} shows in none of {texts}")


# --- faults that strike nothing would prove nothing ---------------------------------------------------------------


def failures(run: Run) -> str:
    return " ".join(note.failure or "" for note in run.notes)


def was_filled_in_part(run: Run) -> bool:
    legs = run.world.base.events("LegExecuted")
    return any(0 < abs(leg["filledSizeDelta"]) < abs(leg["requestedSizeDelta"]) for leg in legs)


def was_undone(run: Run) -> bool:
    statement = "SELECT count(*) FROM verdicts WHERE is_canonical = 0"
    with contextlib.closing(run._database()) as database:
        return database.execute(statement).fetchone()[0] > 0


FELT = {
    "calm:1:0:1:+0 partly_filled:2:0:1:+250": was_filled_in_part,
    "calm:1:0:1:+0 liquidated:1:0:1:+0": lambda run: run.was_liquidated,
    "calm:1:0:1:+0 disk_full:2:0:1:+250": lambda run: "make room" in failures(run),
    "calm:1:0:1:+0 clock_astray:1:0:1:+0": lambda run: "the clock is wrong" in failures(run),
    "calm:1:0:1:+250 reorg:20:0:1:-250": was_undone,
    "hanging:3:2:1:+0": lambda run: "did not answer" in failures(run),
    "calm:1:0:1:+0 venue_paused:1:0:3:+250": lambda run: run.recorder.told["outside_band"] > 0,
    "nonce_taken:2:0:1:+0": lambda run: run.took_nonce,
    "calm:1:0:1:+0 ledger_deleted:1:0:1:+0": lambda run: run.was_at_work,
}


@pytest.mark.parametrize("text", FELT)
def test_fault__of_a_schedule__is_felt_and_survived(stage: Stage, text):
    felt: list[bool] = []
    assert stage.play(Schedule.decode(text, LEVELS), seen=lambda run: felt.append(FELT[text](run))).violations == ()
    assert felt == [True]


def test_schedules__of_this_file__hold_every_fault():
    schedules = [draw_schedule(seed, LEVELS, GENTLE) for seed in SEEDS] + [
        Schedule.decode(text, LEVELS) for text in FELT
    ]
    assert {use.fault for schedule in schedules for use in schedule.uses} == set(FAULTS)
