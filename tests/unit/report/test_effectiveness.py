"""Effectiveness is the share of hourly variance removed, and is withheld where it would mean nothing."""

from __future__ import annotations

import numpy as np
import pytest

from agent.report.effectiveness import hedge_effectiveness, hourly_changes, removed_share

UNHEDGED = np.cumsum(np.random.default_rng(1).normal(size=12 * 24 + 1))


def test_hourly_changes__five_minute_steps__differences_of_every_twelfth():
    pnl_usd = np.arange(30.0) ** 2
    assert hourly_changes(pnl_usd, 300).tolist() == [144.0, 576.0 - 144.0]


def test_hourly_changes__steps_longer_than_an_hour__every_step():
    assert hourly_changes(np.array([0.0, 5.0, 7.0]), 14_400).tolist() == [5.0, 2.0]


@pytest.mark.parametrize(("scale", "expected"), [(0.0, 1.0), (1.0, 0.0), (0.5, 0.75), (2.0, -3.0)])
def test_effectiveness__hedged_is_a_multiple_of_unhedged__closed_form(scale, expected):
    assert hedge_effectiveness(scale * UNHEDGED, UNHEDGED, 300) == pytest.approx(expected, abs=1e-12)


def test_effectiveness__steady_drift_in_the_hedged__no_variance():
    assert hedge_effectiveness(np.arange(len(UNHEDGED)) * 3.0, UNHEDGED, 300) == pytest.approx(1.0)


def test_effectiveness__noise_inside_the_hour__does_not_count():
    hedged = np.zeros(len(UNHEDGED))
    hedged[np.arange(len(hedged)) % 12 != 0] = 1e6
    assert hedge_effectiveness(hedged, UNHEDGED, 300) == 1.0


@pytest.mark.parametrize("count", [1, 12, 24])
def test_effectiveness__fewer_than_two_hours__none(count):
    assert hedge_effectiveness(UNHEDGED[:count], UNHEDGED[:count], 300) is None


def test_effectiveness__unhedged_does_not_vary__none():
    assert hedge_effectiveness(UNHEDGED, np.zeros(len(UNHEDGED)), 300) is None


def test_removed_share__variance_of_next_to_nothing__is_no_senseless_percentage():
    """A study of a flat week told that -10,480,932,163 % were removed."""
    assert removed_share(-104_809_321.63) == "\N{MINUS SIGN}100\N{NO-BREAK SPACE}% or worse"
    assert removed_share(-1.0) == "\N{MINUS SIGN}100.0\N{NO-BREAK SPACE}%"
    assert removed_share(0.97) == "97.0\N{NO-BREAK SPACE}%"
