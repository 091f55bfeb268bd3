"""The audit's own judges are shown something bad and must refuse it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.mutants import mutants_of, unjustified
from scripts.mutation import JUSTIFIED, conclude, wilson
from scripts.mutation_targets import TARGETS
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


def test_mutants__names_of_a_pair__each_in_the_others_place():
    source = "contract C {\n        f(navLow);\n        uint256 navHigh = g();\n        h(updatedAt);\n}\n"
    changed = [mutant.new.strip() for mutant in mutants_of("C.sol", source)]
    assert changed == ["f(navHigh);", "// removed", "// removed"]


def test_mutants__modifier_of_a_function__removed():
    source = "contract C {\n    function f(uint256 low) external onlyGovernor nonReentrant {\n        onlyVault\n}\n"
    changed = [mutant.new.strip() for mutant in mutants_of("C.sol", source)]
    assert changed == [
        "function f(uint256 low) external nonReentrant {",
        "function f(uint256 low) external onlyGovernor {",
        "",
    ]


def justify(folder: Path, old: str, reason: str) -> Path:
    file = folder / "survivors.toml"
    file.write_text(f'[[survivor]]\nfile = "C.sol"\nold = "{old}"\nnew = "// removed"\nreason = "{reason}"\n')
    return file


def test_unjustified__entry_with_a_reason__left_out(tmp_path: Path):
    mutants = list(mutants_of("C.sol", "contract C {\n        f(a);\n        g(a);\n}\n"))
    assert unjustified(mutants, justify(tmp_path, "f(a);", "f does nothing")) == mutants[1:]


@pytest.mark.parametrize(("old", "reason"), [("h(a);", "h is gone"), ("f(a);", "")])
def test_unjustified__entry_stale_or_without_reason__raises(tmp_path: Path, old: str, reason: str):
    mutants = list(mutants_of("C.sol", "contract C {\n        f(a);\n}\n"))
    with pytest.raises(ValueError, match=r"survivors\.toml"):
        unjustified(mutants, justify(tmp_path, old, reason))


def test_wilson__known_samples__published_intervals():
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe (1998), table I, method 3
    assert wilson(20, 20) == pytest.approx((0.8389, 1.0), abs=1e-4)  # no survivor is no proof that there is none


def test_conclude__one_contract_below__not_enough(capsys: pytest.CaptureFixture[str]):
    assert conclude([(20, 20), (19, 20)])
    assert not conclude([(200, 200), (18, 20)])
    assert "TOTAL 218 of 220 caught: 99.1%" in capsys.readouterr().out


def test_justified__repository__every_entry_is_a_mutant(repository: Path):
    for target in TARGETS:
        unjustified(list(mutants_of(target, (repository / target).read_text())), repository / JUSTIFIED)


def test_targets__every_contract_with_code__is_judged_by_tests_there_are(repository: Path):
    for judge in TARGETS.values():
        assert judge.files()
        assert all((repository / file).is_file() for file in judge.files())
    for file in (repository / "contracts").rglob("*.sol"):
        name = file.relative_to(repository).as_posix()
        if not name.startswith(("contracts/interfaces/", "contracts/test/")) and name not in TARGETS:
            assert not list(mutants_of(name, file.read_text())), name
