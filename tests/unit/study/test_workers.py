"""One seed has one answer, whoever works on it and however often it was stopped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.backtest.pool_market import History
from agent.errors import DataError
from agent.study.case import run
from agent.study.cases import cases_of
from agent.study.results import Results
from agent.study.study_file import read_study
from agent.study.workers import LOCAL_RAY, outcomes
from tests.support.study_builders import write_study


@pytest.fixture(scope="module")
def cases(tmp_path_factory, repository):
    directory = tmp_path_factory.mktemp("study")
    return cases_of(read_study(write_study(directory, repository / "config" / "localnet.toml")), directory)[:3]


@pytest.fixture(scope="module")
def expected(cases):
    return {outcome.key: outcome for outcome in outcomes(cases, 1)}


def test_outcomes__in_processes__are_those_of_one(cases, expected):
    assert {outcome.key: outcome for outcome in outcomes(cases, 2)} == expected


@pytest.mark.enable_socket
def test_outcomes__on_a_local_ray__are_those_of_one(cases, expected):
    assert {outcome.key: outcome for outcome in outcomes(cases, 2, LOCAL_RAY)} == expected


def test_run__hedged_day__removes_most_of_the_variance_without_a_breach(expected):
    for outcome in expected.values():
        assert outcome.effectiveness is not None
        assert outcome.effectiveness > 0.8
        assert (outcome.breaches, outcome.error) == (0, None)


def test_run__first_step_cannot_be_taken__is_an_outcome_with_its_error(cases):
    broke = replace(cases[0], deposit_usd=0.0)
    assert "no collateral" in str(run(broke).error)


def test_results__stopped_and_cut_off__goes_on_with_what_is_whole(tmp_path, expected):
    path = tmp_path / "outcomes.jsonl"
    results = Results(path)
    for outcome in expected.values():
        results.add(outcome)
    whole = path.read_text()
    path.write_text(whole[:-40])
    again = Results(path)
    kept = [key for key in expected if again.get(key) is not None]
    assert kept == list(expected)[:-1]
    again.add(expected[list(expected)[-1]])
    assert path.read_text() == whole
    assert Results(path).get(kept[0]) == expected[kept[0]]


def test_results__no_outcomes_in_the_file__is_refused_with_the_line(tmp_path):
    path = tmp_path / "outcomes.jsonl"
    path.write_text('{"key": "x"}\n')
    with pytest.raises(DataError, match="line 1 is no outcome"):
        Results(path)


def test_history__another_length_than_the_prices__ends_the_case(cases):
    short = replace(cases[0], history=History(np.ones(3)))
    assert "3 base fees for" in str(run(short).error)
