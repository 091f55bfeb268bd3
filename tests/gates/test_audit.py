"""The audit's own judges are shown something bad and must refuse it."""

from __future__ import annotations

from pathlib import Path

from scripts import coverage, static_analysis
from scripts.mutation import TARGETS, mutants_of
from scripts.proofs import CANARY, FOLDER, LEAST_PROOFS, Verdict, claims, complaints, verdicts
from scripts.static_analysis import CANARY_FINDINGS, Entry, Finding

NAMES = {f"check_{number}" for number in range(LEAST_PROOFS)}
CLAIMED = {"SomeProof": NAMES, CANARY: {"check_false"}}
JUDGED = {
    "SomeProof": [Verdict("PASS", name, 1.0) for name in sorted(NAMES)],
    CANARY: [Verdict("FAIL", "check_false", 1.0)],
}


def test_verdicts__line_of_halmos__is_read():
    line = "\x1b[32m[PASS]\x1b[0m check_a__b__c(int96,uint8) (paths: 8, time: 0.62s (paths: 0.1s), bounds: [])"
    assert verdicts(line) == [Verdict("PASS", "check_a__b__c", 0.62)]


def test_complaints__all_proved_and_canary_refuted__none():
    assert complaints(JUDGED, CLAIMED) == []


def test_complaints__proof_missing_failed_or_timed_out__named():
    for verdict in ([], [Verdict("FAIL", "check_0", 1.0)], [Verdict("TIMEOUT", "check_0", 1.0)]):
        rest = [one for one in JUDGED["SomeProof"] if one.name != "check_0"]
        assert complaints(JUDGED | {"SomeProof": rest + verdict}, CLAIMED)


def test_complaints__canary_passes_or_is_gone__named():
    assert complaints(JUDGED | {CANARY: [Verdict("PASS", "check_false", 1.0)]}, CLAIMED)
    assert "no canary" in complaints(JUDGED, {"SomeProof": NAMES})


def test_claims__repository__canary_and_enough_proofs(repository: Path):
    found = claims(repository / FOLDER)
    assert len(found[CANARY]) == 1
    assert sum(len(names) for contract, names in found.items() if contract != CANARY) >= LEAST_PROOFS


def test_mutants__known_line__every_operator():
    source = "contract C {\n    uint256 constant A = 10;\n    // a < b\n        if (a < b) revert X();\n}\n"
    changed = [mutant.new.strip() for mutant in mutants_of("C.sol", source)]
    assert changed == [
        "uint256 constant A = 11;",
        "uint256 constant A = 9;",
        "if (a <= b) revert X();",
        "if (a >= b) revert X();",
        "// removed",
    ]


def test_targets__every_file__is_there(repository: Path):
    for target, files in TARGETS.items():
        assert (repository / target).is_file()
        assert all((repository / "tests/contracts" / name).is_file() for name in files)


SEEN = [Finding(check, "High", place, "is bad") for check, place in sorted(CANARY_FINDINGS)]
GRAVE = Finding("unused-return", "Medium", "Vault.pay", "ignores a return value")
HARMLESS = Entry("unused-return", "Vault.pay", 1, "The balance is measured.")


def test_findings__report_of_slither__grave_ones_by_place():
    contract = {"type": "contract", "name": "Vault", "type_specific_fields": {}}
    function = {"type": "function", "name": "pay", "type_specific_fields": {"parent": contract}}
    variable = {"type": "variable", "name": "sum", "type_specific_fields": {"parent": function}}
    detectors = [
        {"check": "a", "impact": "High", "elements": [function], "description": "first\n\tsecond"},
        {"check": "b", "impact": "Medium", "elements": [variable], "description": "first"},
        {"check": "c", "impact": "Medium", "elements": [{"type": "contract", "name": "Vault"}], "description": "first"},
        {"check": "d", "impact": "Low", "elements": [function], "description": "first"},
    ]
    assert static_analysis.findings({"results": {"detectors": detectors}}) == [
        Finding("a", "High", "Vault.pay", "first"),
        Finding("b", "Medium", "Vault.pay", "first"),
        Finding("c", "Medium", "Vault", "first"),
    ]


def test_static_analysis__every_finding_judged__none():
    assert static_analysis.complaints([*SEEN, GRAVE], [HARMLESS], CANARY_FINDINGS) == []


def test_static_analysis__finding_not_judged__named():
    for found, judged in (([GRAVE], []), ([GRAVE, GRAVE], [HARMLESS])):
        (wrong,) = static_analysis.complaints(SEEN + found, judged, CANARY_FINDINGS)
        assert wrong.startswith("unused-return in Vault.pay")
        assert wrong.endswith("Medium: ignores a return value")


def test_static_analysis__reason_missing_or_stale__named():
    empty = HARMLESS._replace(reason="")
    assert "no reason" in static_analysis.complaints([*SEEN, GRAVE], [empty], CANARY_FINDINGS)[0]
    assert "stale" in static_analysis.complaints(SEEN, [HARMLESS], CANARY_FINDINGS)[0]
    assert "stale" in static_analysis.complaints([*SEEN, GRAVE], [HARMLESS._replace(count=2)], CANARY_FINDINGS)[0]


def test_static_analysis__canary_not_seen__named():
    assert len(static_analysis.complaints([], [], CANARY_FINDINGS)) == len(CANARY_FINDINGS)


def test_static_analysis__comment_that_silences__named(tmp_path: Path):
    (tmp_path / "A.sol").write_text("contract A {}\n")
    assert static_analysis.silenced(tmp_path) == []
    (tmp_path / "A.sol").write_text("// slither-disable-next-line all\ncontract A {}\n")
    assert len(static_analysis.silenced(tmp_path)) == 1


def test_static_analysis__committed_reasons__are_of_contracts_that_exist(repository: Path):
    text = (repository / static_analysis.JUDGED).read_text(encoding="utf-8")
    contracts = {path.stem for path in (repository / static_analysis.CONTRACTS).rglob("*.sol")}
    assert {entry.place.partition(".")[0] for entry in static_analysis.entries(text)} <= contracts
    assert text.count("[[finding]]") == len({(entry.check, entry.place) for entry in static_analysis.entries(text)})
    assert text.count("[[not_run]]") == len(static_analysis.not_run(text))


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
