"""The gate over what the Solidity tests run through can fail: a line or branch not run, files missing."""

from __future__ import annotations

from pathlib import Path

from scripts import coverage


def traced(line_hits: int, branch_hits: str, files: int = coverage.LEAST_FILES) -> dict[str, coverage.Coverage]:
    """Traces of so many files of the accounting: 4 lines and 1 branch each, of which the last file has these hits."""
    hits = [(1, "1")] * (files - 1) + [(line_hits, branch_hits)]
    return coverage.read(
        "\n".join(
            f"TN:\nSF:contracts/vault/{number}.sol\nFN:1,f\nDA:1,{lines}\nDA:2,3\nDA:3,3\nDA:4,3\n"
            f"BRDA:2,0,0,{branches}\nend_of_record"
            for number, (lines, branches) in enumerate(hits)
        )
    )


def test_coverage__all_run_through__none():
    assert coverage.complaints(traced(1, "2")) == []


def test_coverage__line_or_branch_not_run__named():
    last = f"contracts/vault/{coverage.LEAST_FILES - 1}.sol"
    assert f"{last}:1: line not run" in coverage.complaints(traced(0, "1"))
    for hits in ("0", "-"):
        assert f"{last}:2: branch not run" in coverage.complaints(traced(1, hits))


def test_coverage__files_missing_or_empty__named():
    assert coverage.complaints(traced(1, "1", files=coverage.LEAST_FILES - 1))
    assert coverage.complaints({})


def test_coverage__rest_not_run__is_no_complaint_but_in_the_table():
    rest = coverage.read("SF:contracts/venues/A.sol\nDA:1,0\nBRDA:1,0,0,-\nend_of_record")
    assert coverage.complaints(traced(1, "1") | rest) == []
    assert "contracts/venues/A.sol" in coverage.table(rest)


def test_coverage__guard_and_accounting__are_there(repository: Path):
    contracts = [path.relative_to(repository).as_posix() for path in (repository / "contracts").rglob("*.sol")]
    assert len(coverage.bound(contracts)) >= coverage.LEAST_FILES
    assert all((repository / name).exists() for name in coverage.GUARD + coverage.ACCOUNTING)
