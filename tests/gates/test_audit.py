"""The audit's own judges are shown something bad and must refuse it."""

from __future__ import annotations

from pathlib import Path

from scripts.mutation import TARGETS, mutants_of
from scripts.proofs import CANARY, FOLDER, LEAST_PROOFS, Verdict, claims, complaints, verdicts

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
