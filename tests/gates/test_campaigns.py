"""The runner of the long campaigns is shown slices that failed in every way there is, and must not count them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from scripts import campaigns
from scripts.slices import (
    GOALS,
    Asked,
    Slice,
    Sum,
    complaint,
    digest_of,
    figures,
    judged_sources,
    keep,
    kept,
    record,
    recorded,
    sum_of,
)

ASKED = Asked(calls=200, climb=5)
SHIM_SAID_NOTHING: dict[str, Any] = {}


def report(reason: str | None = None) -> dict[str, Any]:
    """Return what forge says of a slice as ASKED; `reason` is that of a campaign that broke."""
    campaign = [
        "calls accepted refused action",
        "70 40 30 hedge",
        "30 30 0 pass",
        "calls in all 100",
        "judged 7 INV-01: x",
    ]
    verdicts = {"test_campaign_first()": reason, "test_campaign_second()": None}
    attacks = {
        f"test_climb_{number}()": {
            "status": "Success",
            "reason": None,
            "decoded_logs": [
                f"goal, sequences, best ratio of the bound (1e18) {number} 5 {(number + 5) * 10**17}",
                f"champion {number} {number},7",
            ],
        }
        for number in range(len(GOALS))
    }
    judged = {
        name: {"status": "Failure" if why else "Success", "reason": why, "decoded_logs": campaign}
        for name, why in verdicts.items()
    }
    return {"Invariants.t.sol": {"test_results": judged}, "Attackers.t.sol": {"test_results": attacks}}


def judged(said: dict[str, Any], returncode: int = 0) -> str:
    return complaint(said, returncode, ASKED, figures(said))


def one(seed: int, broken: str = "", ratio: float = 0.5) -> Slice:
    champion = {"loss": f"{seed}"}
    return Slice(seed, "a", "2026-01-01", 36.0, 200, 15, broken, {"hedge": (4, 3)}, {"loss": ratio}, champion)


def test_figures__report__counts_of_both_campaigns_and_all_climbs():
    counted = figures(report())
    assert (counted["calls"], counted["attacks"]) == (200, 15)
    assert counted["accepted"] == {"hedge": (140, 80), "pass": (60, 60)}
    assert counted["ratios"] == pytest.approx({"loss": 0.5, "loss by trades": 0.6, "exposure": 0.7})
    assert counted["champions"]["exposure"] == "2,7"


def test_complaint__slice_that_held__none():
    assert judged(report()) == ""


def test_complaint__invariant_broke__named_whatever_the_exit_status():
    for returncode in (0, 1):
        assert "INV-05: price" in judged(report("INV-05: price of those who stay"), returncode)


def test_complaint__every_test_passed_but_the_exit_status_says_otherwise__failed():
    assert "ended with 137" in judged(report(), 137)


def test_complaint__success_without_verdicts__failed():
    assert "judged 0 calls" in judged(SHIM_SAID_NOTHING)
    fewer = report()
    del fewer["Attackers.t.sol"]["test_results"]["test_climb_1()"]
    assert "10 attacks, not 200 and 15" in judged(fewer)


def test_sum_of__broken_slice__named_and_not_counted():
    total = sum_of([one(1), one(2, ratio=0.7), one(3, "INV-01: the delta rule", ratio=0.9)])
    assert (total.slices, total.calls, total.attacks, total.hours) == (2, 400, 30, 0.02)
    assert (total.accepted, total.ratios) == ({"hedge": (8, 6)}, {"loss": 0.7})
    assert [slice_.seed for slice_ in total.broken] == [3]


@pytest.mark.parametrize(
    ("calls", "accepted", "fails"), [(200_000, 29, True), (200_000, 30, False), (199_999, 29, False)]
)
def test_complaints__action_seldom_accepted__fails_once_there_are_calls_enough(calls: int, accepted: int, fails: bool):
    total = Sum(calls=calls, accepted={"hedge": (100, 80), "unwind": (100, accepted)})
    assert total.least_accepted() == ("unwind", accepted / 100)
    assert ("too seldom accepted: unwind" in "".join(total.complaints())) is fails


def test_environment__champions__every_other_seed_climbs_on_from_them():
    best = {"exposure": "1,2"}
    assert campaigns.environment(7, ASKED, best)["EVENKEEL_CHAMPION_2"] == "1,2"
    assert "EVENKEEL_CHAMPION_2" not in campaigns.environment(8, ASKED, best)


def test_sum_of__same_seed_again__counted_once_unless_it_broke():
    assert sum_of([one(1), one(1)]).calls == 200
    assert sum_of([one(1), one(1, "INV-01: the delta rule")]).complaints()


def test_champions__several_slices__genes_of_the_best():
    assert sum_of([one(1, ratio=0.6), one(2, ratio=0.8), one(3, ratio=0.7)]).champions == {"loss": "2"}


def test_kept__sum_of_another_machine__is_gone_on_from_and_no_seed_counts_twice(tmp_path: Path):
    file = tmp_path / "kept.json"
    assert kept(file, "a") == Sum()
    keep(file, "a", sum_of([one(1, ratio=0.6), one(2, ratio=0.8)]))
    total = sum_of([one(2, ratio=0.8), one(3, ratio=0.7)], kept(file, "a"))
    assert total == sum_of([one(1, ratio=0.6), one(2, ratio=0.8), one(3, ratio=0.7)])
    assert kept(file, "other sources") == Sum()


def test_keep__slice_that_broke__refused_and_the_file_as_it_was(tmp_path: Path):
    file = tmp_path / "kept.json"
    keep(file, "a", sum_of([one(1)]))
    with pytest.raises(ValueError, match="1 slices broke"):
        keep(file, "a", sum_of([one(1), one(2, "INV-01: the delta rule")]))
    assert kept(file, "a") == sum_of([one(1)])


def test_record__slices__read_back(tmp_path: Path):
    file = tmp_path / "new" / "slices.jsonl"
    assert recorded(file) == []
    for seed in (1, 2):
        record(file, one(seed))
    assert [slice_.seed for slice_ in recorded(file)] == [1, 2]


def test_recorded__line_that_is_being_written__is_not_there_yet(tmp_path: Path):
    file = tmp_path / "slices.jsonl"
    record(file, one(1))
    whole = file.read_text()
    file.write_text(whole + whole[: len(whole) // 2])
    assert [slice_.seed for slice_ in recorded(file)] == [1]


def test_digest_of__contract_or_judge_changed__another(repository: Path, tmp_path: Path):
    shutil.copy(repository / "foundry.toml", tmp_path)
    for folder in ("contracts", "tests/contracts/invariants", "tests/contracts/support"):
        shutil.copytree(repository / folder, tmp_path / folder)
    same = digest_of(tmp_path)
    assert same == digest_of(repository)
    for file in ("contracts/HedgeVault.sol", "tests/contracts/invariants/Record.sol", "foundry.toml"):
        changed = tmp_path / file
        before = changed.read_text()
        changed.write_text(f"{before} ")
        assert digest_of(tmp_path) != same, file
        changed.write_text(before)
    apart = tmp_path / "contracts" / "venues" / "curie" / "CurieVenue.sol"
    apart.write_text(f"{apart.read_text()} ")
    assert digest_of(tmp_path) == same


def test_judged_sources__imports_of_every_shape__followed(tmp_path: Path):
    judges = tmp_path / "tests" / "contracts" / "invariants"
    judges.mkdir(parents=True)
    (judges / "A.t.sol").write_text(
        'import "./B.sol";\nimport {\n    C,\n    D\n} from "../../C.sol";\nimport {E} from "forge-std/Test.sol";\n'
    )
    (judges / "B.sol").write_text("import * as A from '../invariants/A.t.sol'; // a circle\n")
    (tmp_path / "tests" / "C.sol").write_text("")
    (tmp_path / "tests" / "Apart.sol").write_text("")
    assert [file.name for file in judged_sources(tmp_path)] == ["C.sol", "A.t.sol", "B.sol"]


@pytest.mark.parametrize(("calls", "attacks", "slices"), [(200, 0, 0), (201, 0, 1), (1000, 15, 4), (0, 46, 3)])
def test_missing__either_target__slices_it_needs(calls: int, attacks: int, slices: int):
    assert campaigns.missing(sum_of([one(1)]), ASKED, calls, attacks) == slices


class Forge:
    """In forge's place: builds, says the same of every slice, and keeps their seeds."""

    def __init__(self, said: str, returncode: int, build_returncode: int) -> None:
        self.said = said
        self.returncode = returncode
        self.build_returncode = build_returncode
        self.seeds: list[str] = []

    def run(self, arguments: list[str], env: dict[str, str] | None = None, **_: Any) -> CompletedProcess[str]:
        if arguments[1] == "build":
            return CompletedProcess(arguments, self.build_returncode)
        assert env is not None
        self.seeds.append(env["EVENKEEL_SEED"])
        return CompletedProcess(arguments, self.returncode, self.said, "forge's own words")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(campaigns, "FOLDER", tmp_path)
    monkeypatch.setattr(campaigns, "RECORD", tmp_path / "slices.jsonl")
    monkeypatch.setattr(campaigns, "KEPT", tmp_path / "kept.json")
    monkeypatch.setattr(campaigns, "SLICE", ASKED)
    return tmp_path


def forge(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, Any] | str, returncode: int = 0, build_returncode: int = 0
) -> Forge:
    double = Forge(said if isinstance(said, str) else json.dumps(said), returncode, build_returncode)
    monkeypatch.setattr(campaigns.subprocess, "run", double.run)
    return double


ENOUGH = ["--calls", "1000", "--attacks", "15", "--processes", "1"]


def test_main__slices_hold__stops_at_the_target_and_goes_on_from_it(place: Path, monkeypatch: pytest.MonkeyPatch):
    double = forge(monkeypatch, report())
    assert campaigns.main([*ENOUGH, "--slices", "2"]) == 0
    assert len(set(double.seeds)) == 2
    assert campaigns.main(ENOUGH) == 0
    assert len(set(double.seeds)) == 5
    assert sum_of(recorded(place / "slices.jsonl")).calls == 1000


def test_main__record_kept_and_lost__nothing_is_missing(place: Path, monkeypatch: pytest.MonkeyPatch):
    double = forge(monkeypatch, report())
    assert campaigns.main(ENOUGH) == 0
    assert campaigns.main([*ENOUGH, "--keep"]) == 0
    (place / "slices.jsonl").unlink()
    assert campaigns.main(ENOUGH) == 0
    assert len(double.seeds) == 5


def test_main__invariant_breaks__stops_and_fails_until_the_sources_change(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    double = forge(monkeypatch, report("INV-05: price"), 1)
    assert campaigns.main(ENOUGH) == 1
    assert len(double.seeds) == 1
    assert f"BROKEN by seed {double.seeds[0]}" in capsys.readouterr().err
    assert (place / f"{double.seeds[0]}.json").is_file()
    assert campaigns.main(["--sum"]) == 1
    monkeypatch.setattr(campaigns, "digest_of", lambda _: "mended")
    assert campaigns.main(["--sum"]) == 0


@pytest.mark.parametrize(("said", "returncode"), [("", 0), ("Compiler run failed", 1), ("", -9)])
@pytest.mark.usefixtures("place")
def test_main__forge_says_nothing__fails_and_records_nothing(
    monkeypatch: pytest.MonkeyPatch, said: str, returncode: int
):
    double = forge(monkeypatch, said, returncode)
    with pytest.raises(SystemExit, match="forge ended with"):
        campaigns.main(ENOUGH)
    assert len(double.seeds) == 1
    assert recorded(campaigns.RECORD) == []


@pytest.mark.usefixtures("place")
def test_main__sources_change_meanwhile__fails_and_records_nothing(monkeypatch: pytest.MonkeyPatch):
    double = forge(monkeypatch, report())
    digests = iter(["before", "after"])
    monkeypatch.setattr(campaigns, "digest_of", lambda _: next(digests))
    with pytest.raises(SystemExit, match="sources changed"):
        campaigns.main(ENOUGH)
    assert len(double.seeds) == 1
    assert recorded(campaigns.RECORD) == []


@pytest.mark.usefixtures("place")
def test_main__contracts_do_not_compile__fails_before_any_slice(monkeypatch: pytest.MonkeyPatch):
    double = forge(monkeypatch, report(), build_returncode=1)
    with pytest.raises(SystemExit, match="forge build ended with 1"):
        campaigns.main(ENOUGH)
    assert double.seeds == []
