"""The campaign in short: schedules from seeds hold, keepers broken on purpose do not, and what fails becomes small.

`make chaos` runs thousands of cycles of the same.
"""

from __future__ import annotations

import pytest

from tests.chaos.campaign import Stage
from tests.chaos.faults import FAULTS, GENTLE, LEVELS
from tests.chaos.schedule import Schedule, draw_schedule

pytestmark = pytest.mark.chain

SEEDS = range(1, 15)
BROKEN = {
    "no_intent_check": ("calm:1:0:1:+0 unmined:2:1:1:+250", "lost intent"),
    "no_fence": ("calm:1:0:1:+0 stopped:1:58:1:+250", "fence"),
    "one_server": ("dropped:1:6:1:+0", "liveness"),
    "executed_first": ("killed:2:101:1:+0", "lost intent"),
}


@pytest.mark.parametrize("seed", SEEDS)
def test_keeper__faults_of_a_seed__keeps_every_promise(stage: Stage, seed):
    assert stage.play(draw_schedule(seed, LEVELS, GENTLE)).violations == ()


def test_seeds__of_this_file__draw_most_faults():
    drawn = {use.fault for seed in SEEDS for use in draw_schedule(seed, LEVELS, GENTLE).uses}
    assert len(drawn) > 0.7 * len(FAULTS)


@pytest.mark.parametrize("mutant", BROKEN)
def test_keeper__broken_on_purpose__fails_under_a_fault_that_whole_ones_bear(stage: Stage, mutant):
    text, broken = BROKEN[mutant]
    schedule = Schedule.decode(text, LEVELS)
    assert stage.play(schedule).violations == ()
    assert broken in " ".join(stage.play(schedule, mutant=mutant).violations)
