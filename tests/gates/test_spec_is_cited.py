"""Every requirement and invariant of docs/spec.md is cited by a test, and no test cites one that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NUMBER = re.compile(r"\b(?:HEDGE|INV)-\d{2,3}\b")
HEADS_A_ROW = re.compile(r"^\| ((?:HEDGE|INV)-\d{2,3}) \|", flags=re.MULTILINE)
RANGE = re.compile(r"\b(?:HEDGE|INV)-\d{2,3} \.\. (?:HEDGE|INV)-\d{2,3}\b")
"""What a file is about as a whole; a test cites its own number."""


def defined(spec: str) -> set[str]:
    """Numbers that head a row of a table."""
    return set(HEADS_A_ROW.findall(spec))


def cited(text: str) -> set[str]:
    """Numbers cited one by one."""
    return set(NUMBER.findall(RANGE.sub("", text)))


@pytest.fixture(scope="module")
def cited_by_tests(repository: Path) -> set[str]:
    files = [*repository.glob("tests/**/*.sol"), *repository.glob("tests/**/test_*.py")]
    return set().union(*(cited(file.read_text()) for file in files if file != Path(__file__)))


def test_spec__every_requirement__is_cited_by_a_test(repository: Path, cited_by_tests: set[str]) -> None:
    assert defined((repository / "docs" / "spec.md").read_text()) - cited_by_tests == set()


def test_tests__every_number_cited__is_a_requirement(repository: Path, cited_by_tests: set[str]) -> None:
    assert cited_by_tests - defined((repository / "docs" / "spec.md").read_text()) == set()


def test_cited__range_of_a_whole_file__counts_for_nothing() -> None:
    assert cited("/// HEDGE-001 .. HEDGE-013: shares\n// HEDGE-004, INV-04\n") == {"HEDGE-004", "INV-04"}


def test_defined__number_in_running_text__is_no_row() -> None:
    assert defined("HEDGE-001 is explained here\n| HEDGE-002 | A rule. |\n") == {"HEDGE-002"}
