"""How the benchmark of policies in the whole system compares one with the default."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from agent.errors import DataError
from agent.policy.registry import POLICIES, build_policy
from agent.study.case import Names
from agent.study.case import Outcome as Lived
from agent.study.results import Results
from benchmarks import vault_policies
from benchmarks.vault_policies import (
    ALIKE,
    Outcome,
    excess,
    figures_of,
    lived_through,
    numbers_of,
    settings_of_all,
)

WEEKS = 8
UNHEDGED = np.linspace(1.0, 3.0, WEEKS)


def outcome(cost_usd, effectiveness):
    weekly = cost_usd * np.linspace(0.8, 1.2, WEEKS)
    return Outcome(weekly, 0.5 * weekly, np.full(WEEKS, 20.0), UNHEDGED, (1.0 - effectiveness) * UNHEDGED)


FAMILY = [outcome(1_000.0, 0.96), outcome(2_000.0, 0.98)]


def test_settings__every_policy_of_the_registry__is_there_and_can_be_built():
    settings = settings_of_all()
    assert {setting.policy for setting in settings} == set(POLICIES)
    for setting in settings:
        build_policy(setting.policy, dict(setting.parameters))
    assert len({setting.name for setting in settings}) == len(settings)


def test_excess__one_of_the_family__is_nothing():
    assert excess(FAMILY[0], FAMILY) == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)


def test_excess__between_two_of_the_family__is_against_the_line_between_them():
    low, median, high = excess(outcome(1_650.0, 0.97), FAMILY)
    assert median == pytest.approx(0.1, abs=1e-6)
    assert low <= median <= high


def test_excess__less_effective_than_all__is_against_the_cheapest():
    assert excess(outcome(900.0, 0.90), FAMILY)[1] == pytest.approx(-0.1, abs=1e-6)


def test_excess__more_effective_than_all__is_none_but_for_a_tenth_of_a_point():
    assert excess(outcome(3_000.0, 0.99), FAMILY) is None
    assert excess(outcome(3_000.0, 0.98 + 0.9 * ALIKE), FAMILY)[1] == pytest.approx(0.5, abs=1e-6)


def test_figures_of__policy_refuses_a_week__says_how_many_and_compares_nothing():
    refused = np.full(WEEKS, 1_000.0)
    refused[[1, 4]] = np.nan
    (figure,) = figures_of("a setting", Outcome(refused, refused, refused, UNHEDGED, refused), FAMILY)
    assert (figure.name, figure.value, figure.unit) == ("a setting: refused", 2, "weeks")


def test_figures_of__lived_through_all_weeks__are_cost_gas_and_what_is_over():
    names = [figure.name for figure in figures_of("a setting", FAMILY[0], FAMILY)]
    assert names[0] == "a setting: cost"
    assert names[-1] == "a setting: over the default, at 97.5 %"


@dataclass(frozen=True)
class CaseDouble:
    key: str


def lived(key: str, policy: str = "leland", error: str | None = None) -> Lived:
    return Lived(key, Names("a week", "short calls", policy, "as configured"), fee_usd=7.0, gas_usd=2.0, error=error)


def test_lived_through__run_that_was_stopped__goes_on_with_what_is_missing(monkeypatch, tmp_path):
    replayed: list[str] = []

    def outcomes(cases, workers):
        for case in cases:
            replayed.append(case.key)
            yield lived(case.key)

    monkeypatch.setattr(vault_policies, "outcomes", outcomes)
    first, second = CaseDouble("1"), CaseDouble("2")
    assert set(lived_through([first], Results(tmp_path / "kept.jsonl"))) == {"1"}
    found = lived_through([first, second], Results(tmp_path / "kept.jsonl"))
    assert replayed == ["1", "2"]
    assert found == {"1": lived("1"), "2": lived("2")}


def test_numbers_of__policy_refused_the_week__are_none_and_of_the_default_an_error():
    assert numbers_of(lived("1"), "whalley_wilmott") == (9.0, 2.0, 0.0, 0.0, 0.0)
    assert np.isnan(numbers_of(lived("1", error="unknown"), "whalley_wilmott")).all()
    with pytest.raises(DataError, match="a week, leland: unknown"):
        numbers_of(lived("1", error="unknown"), "leland")
