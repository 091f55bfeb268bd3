"""The gate over slither's findings can fail: a finding without a reason, a reason without a finding, a silence."""

from __future__ import annotations

from pathlib import Path

from scripts import static_analysis
from scripts.static_analysis import CANARY_FINDINGS, Entry, Finding

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
