"""What a moved surface adds to an option: linear between tenors, flat beyond, and the skew by moneyness."""

from __future__ import annotations

import pytest

from agent.vol.iv_move import HELD, IvMove, parallel


@pytest.mark.parametrize(("days", "expected"), [(1.0, 0.3), (7.0, 0.3), (18.5, 0.2), (30.0, 0.1), (365.0, 0.1)])
def test_of__days_left__level_between_its_tenors(days, expected):
    move = IvMove((0.3, 0.1), (7.0, 30.0))
    assert move.of([3_000.0], 3_000.0, [days / 365.0]) == pytest.approx([expected])


def test_of__skew__counts_strikes_against_the_price_now():
    move = IvMove((0.0,), skew=-0.2)
    assert move.of([3_000.0, 3_300.0], 3_300.0, [0.1, 0.1]) == pytest.approx([0.2 * 0.0953101798, 0.0])


def test_is_held__nothing_moved__alone():
    assert HELD.is_held
    assert not any(move.is_held for move in (parallel(0.1), IvMove((0.0,), skew=0.1), IvMove((0.0, 0.1), (7.0, 30.0))))


def test_is_parallel__one_change_at_all_tenors_and_no_skew__alone():
    assert IvMove((0.1, 0.1), (7.0, 30.0)).is_parallel
    assert not IvMove((0.1,), skew=0.1).is_parallel
