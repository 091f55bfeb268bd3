"""A file of IV is read whole or refused with the line to mend."""

from __future__ import annotations

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


def test_load_iv_path__example_of_the_repository__covers_the_crash_week(repository):
    found = load_iv_path(repository / "examples" / "iv.csv")
    assert found.level(1_722_470_400) == 0.6
    assert found.iv_annual.max() == 1.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the columns are none; write time and iv"),
        ("time,iv,tenor\n", "the columns are 'time, iv, tenor'"),
        ("when,iv\n2024-08-01,0.6\n", "the columns are 'when, iv'"),
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
