"""A file of IV is read whole or refused with the line to mend."""

from __future__ import annotations

import math

import pytest

from agent.errors import DataError
from agent.files.iv_file import load_iv_path


@pytest.fixture
def read(tmp_path):
    def load(text):
        path = tmp_path / "iv.csv"
        path.write_text(text)
        return load_iv_path(path)

    return load


def test_load_iv_path__two_rows__levels_at_their_times(read):
    found = read("time,iv\n2024-08-01T00:00:00Z,0.6\n2024-08-02,0.85\n")
    assert found.times_unix.tolist() == [1_722_470_400, 1_722_556_800]
    assert found.iv_annual.tolist() == [0.6, 0.85]
    assert found.rule == "iv.csv, the level last told at each step"


def test_load_iv_path__levels_by_days_and_skew__are_read_in_any_order(read):
    found = read("time,iv_30d,skew,iv_7d\n2024-08-01,0.6,-0.1,0.7\n2024-08-02,0.65,-0.3,0.9\n")
    move = found.move(1_722_470_400, 1_722_556_800)
    assert (move.tenor_days, move.level_annual) == ((7.0, 30.0), pytest.approx((0.2, 0.05)))
    assert move.skew == pytest.approx(-0.2)
    assert found.rule == "iv.csv, the levels at the money at 7, 30 days and the skew last told at each step"


def test_load_iv_path__level_and_skew__is_one_level_for_all_tenors(read):
    found = read("time,iv,skew\n2024-08-01,0.6,0\n2024-08-02,0.8,-0.2\n")
    move = found.move(1_722_470_400, 1_722_556_800)
    assert move.of([3_000.0, 3_300.0], 3_000.0, [0.01, 2.0]) == pytest.approx([0.2, 0.2 - 0.2 * math.log(1.1)])


def test_load_iv_path__example_of_the_repository__covers_the_crash_week(repository):
    found = load_iv_path(repository / "examples" / "iv.csv")
    assert found.move(1_722_470_400, 1_722_470_400).is_held
    assert found.iv_annual.max() == 1.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the columns are none; write time and iv"),
        ("time,iv,tenor\n", "the columns are 'time, iv, tenor'"),
        ("when,iv\n2024-08-01,0.6\n", "the columns are 'when, iv'"),
        ("time,skew\n", "the columns are 'time, skew'"),
        ("time,iv,iv_7d\n", "the columns are 'time, iv, iv_7d'"),
        ("time,iv_07d,iv_7d\n2024-08-01,0.6,0.6\n", "the columns are"),
        ("time,iv,skew\n2024-08-01,0.6,-20\n", "line 2: skew is -20, beyond 5; write the change of IV a unit"),
        ("time,iv_7d,iv_30d\n2024-08-01,0.6,65\n", "line 2: iv_30d is 65, above 5"),
        ("time,iv\n", "no level of IV below the header"),
        ("time,iv\n2024-08-01,65\n", "line 2: iv is 65, above 5; write 0.65 for 65 %"),
        ("time,iv\n2024-08-01,0\n", "line 2: iv is 0; it must be above 0"),
        ("time,iv\n2024-08-01,nan\n", "line 2: iv is nan; write a finite number"),
        ("time,iv\n2024-08-01T12:00,0.6\n", "has no time zone"),
        ("time,iv\n2024-08-02,0.6\n2024-08-01,0.6\n", "line 3: time is not after that of the row before"),
        ("time,iv\n2024-08-01,0.6\n2024-08-01,0.7\n", "line 3: time is not after"),
    ],
)
def test_load_iv_path__bad_file__one_line_says_what_to_mend(read, text, words):
    with pytest.raises(DataError, match=words) as caught:
        read(text)
    assert "\n" not in str(caught.value)
