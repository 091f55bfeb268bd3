"""Schedules of faults: a seed draws the same again, a line reads back, and what fails is made as small as it can be."""

from __future__ import annotations

import pytest

from agent.errors import DataError
from tests.chaos.faults import FAULTS, GENTLE, LEVELS
from tests.chaos.schedule import Schedule, Use, draw_schedule, shrink

SEEDS = range(200)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_draw_schedule__same_seed__same_schedule(seed):
    assert draw_schedule(seed, LEVELS, GENTLE) == draw_schedule(seed, LEVELS, GENTLE)


def test_draw_schedule__many_seeds__reach_every_fault_and_its_highest_level():
    uses = [use for seed in SEEDS for use in draw_schedule(seed, LEVELS, GENTLE).uses]
    assert {use.fault for use in uses} == set(FAULTS)
    for name, levels in LEVELS.items():
        if levels <= 3:
            assert {use.level for use in uses if use.fault == name} == set(range(1, levels + 1)), name


@pytest.mark.parametrize("seed", SEEDS[:20])
def test_decode__what_encode_wrote__is_the_same_schedule(seed):
    schedule = draw_schedule(seed, LEVELS, GENTLE)
    assert Schedule.decode(schedule.encode(), LEVELS) == schedule


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("reorg", "is no use of a fault"),
        ("reorg:1:2:x:4", "is no use of a fault"),
        ("flood:1:2:1:0", "there is no fault 'flood'"),
        ("reorg:65:2:1:0", "level is 1 to 64"),
        ("reorg:1:2:0:0", "lasts a round or more"),
        ("", "at least one use"),
    ],
)
def test_decode__line_that_is_none__is_refused_in_one_line(text, words):
    with pytest.raises(DataError, match=words) as refused:
        Schedule.decode(text, LEVELS)
    assert "\n" not in str(refused.value)


def schedule(*names: str) -> Schedule:
    return Schedule(tuple(Use(name, 3, 7, 2, 100) for name in names))


def has(one: Schedule, *names: str) -> bool:
    return set(names) <= {use.fault for use in one.uses}


def test_shrink__one_fault_to_blame__is_left_alone_and_weak():
    found = shrink(schedule("http_429", "null", "dropped", "lagging", "hanging"), lambda one: has(one, "dropped"))
    assert found == Schedule((Use("dropped", 1, 7, 1, 0),))


def test_shrink__two_faults_to_blame_together__are_left_in_their_order():
    found = shrink(schedule("null", "dropped", "http_429", "lagging"), lambda one: has(one, "null", "lagging"))
    assert [use.fault for use in found.uses] == ["null", "lagging"]


def test_shrink__level_and_move_to_blame__are_kept():
    def fails(one: Schedule) -> bool:
        return any(use.level >= 2 and use.move_bps for use in one.uses)

    found = shrink(Schedule((Use("null", 1, 7, 3, 0), Use("reorg", 12, 7, 3, -40))), fails)
    assert found == Schedule((Use("reorg", 3, 7, 1, -40),))


def test_shrink__few_runs__stops_with_what_still_fails():
    runs = []

    def fails(one: Schedule) -> bool:
        runs.append(one)
        return has(one, "dropped")

    found = shrink(schedule("null", "dropped", "http_429", "lagging", "hanging"), fails, most_runs=3)
    assert len(runs) == 3
    assert has(found, "dropped")
