"""What stands on the frontier, what an interval says, and that a choice never sees what comes after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.study.comparison import compare
from agent.study.walk_forward import walk_forward
from tests.support.study_builders import outcome


def test_compare__several_settings__those_that_nothing_beats_are_marked():
    lived = [
        outcome("p", "cheap", 100.0, 10.0),
        outcome("p", "dear and better", 200.0, 2.0),
        outcome("p", "dear and no better", 201.0, 2.0),
        outcome("p", "cut short", 1.0, 0.0, error="step 3: no depth"),
    ]
    assert {row.setting.policy: row.is_on_frontier for row in compare(lived, 1)} == {
        "cheap": True,
        "dear and better": True,
        "dear and no better": False,
        "cut short": False,
    }


def test_compare__periods_together__weigh_by_their_variance():
    lived = [outcome("calm", "one", 10.0, 1.0, 2.0), outcome("storm", "one", 30.0, 1.0, 98.0)]
    (row,) = compare(lived, 1)
    assert (row.periods, row.cost_usd, row.effectiveness) == (2, 20.0, pytest.approx(0.98))
    assert row.cost_interval_usd is None, "two periods say nothing of others"


def test_compare__many_periods__interval_holds_the_mean_and_follows_the_seed():
    lived = [outcome(f"{number}", "one", 100.0 + number, 5.0 + number) for number in range(8)]
    (row,) = compare(lived, 7)
    assert row.cost_interval_usd is not None
    low, high = row.cost_interval_usd
    assert 100.0 < low < row.cost_usd < high < 107.0
    assert compare(lived, 7) == [row]
    assert compare(lived, 8) != [row]


def test_compare__flat_book__has_no_effectiveness():
    (row,) = compare([outcome("p", "one", 10.0, 0.0, 0.0)] * 3, 1)
    assert (row.effectiveness, row.effectiveness_interval) == (None, None)


PATH = [
    outcome("1", "a", 100.0, 4.0),
    outcome("1", "b", 120.0, 4.0),
    outcome("2", "a", 150.0, 4.0),
    outcome("2", "b", 110.0, 4.0),
    outcome("3", "a", 90.0, 4.0),
    outcome("3", "b", 180.0, 4.0),
    outcome("4", "a", 95.0, 4.0),
    outcome("4", "b", 105.0, 4.0),
]


def chosen(outcomes, train=1, held_back=1, least=0.95):
    return [
        (own.period, own.setting.policy, own.is_held_back) for own in walk_forward(outcomes, train, held_back, least)
    ]


def test_walk_forward__each_period__is_chosen_by_those_before_it():
    assert chosen(PATH) == [("2", "a", False), ("3", "b", False), ("4", "a", True)]


def test_walk_forward__held_back_periods__choose_nothing():
    assert chosen(PATH, held_back=2) == [("2", "a", False), ("3", "b", True), ("4", "b", True)]


@pytest.mark.parametrize("period", ["3", "4"])
def test_walk_forward__what_a_held_back_period_was_like__changes_no_choice(period):
    other = [replace(own, gas_usd=1_000.0 - own.gas_usd) if own.names.period == period else own for own in PATH]
    assert chosen(other, held_back=2) == chosen(PATH, held_back=2)


def test_walk_forward__nothing_hedged_enough__takes_the_most_effective():
    lived = [outcome("1", "a", 1.0, 40.0), outcome("1", "b", 9.0, 20.0), *PATH[2:4]]
    assert chosen(lived) == [("2", "b", True)]


def test_walk_forward__cheapest_ended_early__is_not_chosen():
    lived = [outcome("1", "a", 1.0, 1.0, error="step 2: no depth"), outcome("1", "b", 9.0, 1.0), *PATH[2:4]]
    assert chosen(lived) == [("2", "b", True)]


def test_walk_forward__hindsight__stands_beside_the_choice():
    (choice,) = walk_forward(PATH[:4], 1, 1, 0.95)
    assert (choice.cost_usd, choice.best_setting.policy, choice.best_cost_usd) == (150.0, "b", 110.0)
    assert choice.chosen_by == ("1",)
