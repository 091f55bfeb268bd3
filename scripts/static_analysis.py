"""Judge the contracts by slither: ``python -m scripts.static_analysis`` (make audit-static).

Every finding of high or medium impact is mended, or has its reason in ``scripts/slither_findings.toml``; an entry there
that no finding answers to is an error too. A contract that is bad on purpose is looked at in the same run: what slither
must say of it shows that it can say something. slither comes from the environment that ``make audit`` builds, the
compiler's output from forge.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from agent.localnet.binaries import native_binary

SLITHER = Path("build/audit-venv/bin/slither")
OUTPUT = Path("build/static")
BUILD_INFO = OUTPUT / "build-info"
REPORT = OUTPUT / "slither.json"
JUDGED = Path("scripts/slither_findings.toml")
CONTRACTS = Path("contracts")
CANARY = Path("tests/canary/slither/KnownBad.sol")
CANARY_FINDINGS = {("reentrancy-eth", "KnownBad.withdraw"), ("arbitrary-send-eth", "KnownBad.give")}
GRAVE = ("High", "Medium")
SILENCER = "slither-disable"


class Finding(NamedTuple):
    """What slither found: its check, the impact, the place as ``Contract.function`` and the first line it says."""

    check: str
    impact: str
    place: str
    says: str


class Entry(NamedTuple):
    """Findings of one check in one place that are judged to be harmless, how many there are, and why."""

    check: str
    place: str
    count: int
    reason: str


def findings(report: dict[str, Any]) -> list[Finding]:
    """Return the findings of high or medium impact in a report of slither."""
    return sorted(
        Finding(one["check"], one["impact"], _place(one["elements"]), one["description"].strip().split("\n")[0])
        for one in report["results"].get("detectors", [])
        if one["impact"] in GRAVE
    )


def _place(elements: list[dict[str, Any]]) -> str:
    """Return ``Contract.function`` of the first element, or ``Contract``: what its parents are, whatever it is."""
    names: list[str] = []
    element = elements[0] if elements else {}
    while element:
        if element["type"] in ("function", "contract"):
            names.insert(0, element["name"])
        element = element.get("type_specific_fields", {}).get("parent", {})
    return ".".join(names)


def entries(text: str) -> list[Entry]:
    """Return the findings that are judged already."""
    found = tomllib.loads(text).get("finding", [])
    return [Entry(one["check"], one["place"], one.get("count", 1), one["reason"].strip()) for one in found]


def not_run(text: str) -> list[str]:
    """Return the names of slither's checks that are not run, each of which has its reason beside it."""
    return [one["check"] for one in tomllib.loads(text).get("not_run", []) if one["reason"].strip()]


def complaints(found: list[Finding], judged: list[Entry], canary: set[tuple[str, str]]) -> list[str]:
    """Return what is not as it must be: a finding without a reason, a reason without a finding, a silent canary."""
    places = Counter((one.check, one.place) for one in found)
    says = {(one.check, one.place): f"{one.impact}: {one.says}" for one in found}
    allowed: Counter[tuple[str, str]] = Counter()
    wrong = [f"{check} in {place}: slither does not see it" for check, place in sorted(canary - places.keys())]
    for entry in judged:
        allowed[entry.check, entry.place] += entry.count
        if not entry.reason:
            wrong.append(f"{entry.check} in {entry.place}: no reason is given")
    for key in sorted((places.keys() | allowed.keys()) - canary):
        check, place = key
        if places[key] > allowed[key]:
            wrong.append(f"{check} in {place}: {places[key]} found, {allowed[key]} judged; {says[key]}")
        elif places[key] < allowed[key]:
            wrong.append(f"{check} in {place}: {allowed[key]} judged, {places[key]} found; the entry is stale")
    return wrong


def silenced(folder: Path) -> list[str]:
    """Return the files in which a comment would silence slither: reasons stand in one place alone."""
    return [
        f"{file}: a comment silences slither; give its reason in {JUDGED}"
        for file in sorted(folder.rglob("*.sol"))
        if SILENCER in file.read_text(encoding="utf-8")
    ]


def analyse(excluded: list[str]) -> dict[str, Any]:
    """Compile the contracts and the canary, and return slither's report on them."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    forge = native_binary("forge").resolve()
    build = [str(forge), "build", str(CONTRACTS), str(CANARY), "--build-info", "--build-info-path", str(BUILD_INFO)]
    build += ["--out", str(OUTPUT / "out"), "--cache-path", str(OUTPUT / "cache"), "--quiet"]
    subprocess.run(build, check=True)
    look = [str(SLITHER), ".", "--foundry-ignore-compile", "--foundry-build-info-directory", str(BUILD_INFO)]
    look += ["--filter-paths", "node_modules/", "--json", str(REPORT)]
    if excluded:
        look += ["--exclude", ",".join(excluded)]
    environment = os.environ | {"PATH": f"{forge.parent}{os.pathsep}{os.environ['PATH']}"}
    # Its exit status counts findings; whether it came to the end stands in the report.
    result = subprocess.run(look, env=environment, capture_output=True, text=True, check=False)
    report: dict[str, Any] = json.loads(REPORT.read_text(encoding="utf-8")) if REPORT.is_file() else {}
    if not report.get("success"):
        sys.exit(f"slither did not finish: {(result.stdout + result.stderr).strip()[-2000:]}")
    return report


def main() -> int:
    """Analyse the contracts, print what was found by impact and check; return the exit status."""
    text = JUDGED.read_text(encoding="utf-8")
    found = findings(analyse(not_run(text)))
    judged = entries(text)
    ours = [one for one in found if (one.check, one.place) not in CANARY_FINDINGS]
    for (impact, check), count in sorted(Counter((one.impact, one.check) for one in ours).items()):
        print(f"{impact:6} {count:3}  {check}")
    wrong = complaints(found, judged, CANARY_FINDINGS) + silenced(CONTRACTS)
    print(f"{len(ours)} findings of high or medium impact, {sum(one.count for one in judged)} judged harmless")
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
