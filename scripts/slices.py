"""What one slice of the long campaigns did, and what slices come to together.

A slice is one run of tests/contracts/invariants under a seed of its own. Its record is one line of JSON; slices of the
same sources add up, those of other sources are told apart.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

JUDGES = "tests/contracts/invariants"
LEAST_ACCEPTED = 0.30
"""Part of the calls of every action that must be accepted, as in Invariants.t.sol."""
LEAST_JUDGED = 200_000
"""Calls in all from which on acceptance is judged, as many as `make test` sends: chance decides over fewer."""
GOALS = ("loss", "loss by trades", "exposure")
"""Goals of the climbs in Attackers.t.sol, by number."""

_IMPORT = re.compile(r"""^(?:import|\}\s*from)[^"';]*?["'](\.[^"']+)["']""", re.MULTILINE)
_ACTION = re.compile(r"^(\d+) (\d+) \d+ (\w+)$")
_CALLS = re.compile(r"^calls in all (\d+)$")
_CLIMB = re.compile(r"^goal, sequences, best ratio of the bound \(1e18\) (\d) (\d+) (\d+)$")
_CHAMPION = re.compile(r"^champion (\d) ((?:\d+,)*\d+)$")


@dataclass(frozen=True)
class Slice:
    """Record of one slice."""

    seed: int
    sources: str
    """Digest of all that was judged and that judged it."""
    finished_at: str
    seconds: float
    calls: int
    attacks: int
    broken: str
    """Why forge failed it; empty where every invariant held."""
    accepted: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Calls of each action, and how many of them were accepted."""
    ratios: dict[str, float] = field(default_factory=dict)
    """Best attack on each goal, as a part of its bound."""
    champions: dict[str, str] = field(default_factory=dict)
    """Genes of that attack."""


@dataclass(frozen=True)
class Asked:
    """What one slice has to do."""

    calls: int
    climb: int
    """Sequences of each climb."""


@dataclass
class Sum:
    """What slices of the same sources come to."""

    calls: int = 0
    attacks: int = 0
    hours: float = 0.0
    accepted: dict[str, tuple[int, int]] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    champions: dict[str, str] = field(default_factory=dict)
    """Genes of the best attack on each goal that any slice found."""
    seeds: list[int] = field(default_factory=list)
    broken: list[Slice] = field(default_factory=list)

    @property
    def slices(self) -> int:
        """How many slices held."""
        return len(self.seeds)

    def least_accepted(self) -> tuple[str, float]:
        """Return the action that was accepted least often, and the part of its calls."""
        parts = {action: accepted / calls for action, (calls, accepted) in self.accepted.items() if calls}
        least = min(parts, key=lambda action: parts[action])
        return least, parts[least]

    def complaints(self) -> list[str]:
        """Return what is not as it must be: slices that broke, an action that means little."""
        wrong = [f"BROKEN by seed {one.seed} ({one.finished_at}): {one.broken}" for one in self.broken]
        if self.calls >= LEAST_JUDGED:
            least, part = self.least_accepted()
            if part < LEAST_ACCEPTED:
                wrong.append(f"too seldom accepted: {least}, {part:.1%} of its calls")
        return wrong


def judged_sources(root: Path) -> list[Path]:
    """Return the campaigns' own sources and all of this repository's that they are compiled with, sorted.

    What no campaign imports, as the adapter of a venue that they do not trade on, makes no slice another.
    """
    found: set[Path] = set()
    waiting = list((root / JUDGES).rglob("*.sol"))
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            imports = _IMPORT.findall(file.read_text(encoding="utf-8"))
            waiting += [(file.parent / path).resolve() for path in imports]
    return sorted(found)


def digest_of(root: Path) -> str:
    """Return a digest of what the campaigns judge, of the campaigns and of forge's settings."""
    root = root.resolve()
    digest = hashlib.sha256()
    for file in (root / "foundry.toml", *judged_sources(root)):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(root).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def figures(report: dict[str, Any]) -> dict[str, Any]:
    """Return the counted fields of a slice from what ``forge test --json`` printed."""
    accepted: dict[str, tuple[int, int]] = {}
    ratios: dict[str, float] = {}
    champions: dict[str, str] = {}
    calls, attacks = 0, 0
    for line in _lines(report):
        if found := _ACTION.match(line):
            before = accepted.get(found[3], (0, 0))
            accepted[found[3]] = (before[0] + int(found[1]), before[1] + int(found[2]))
        elif found := _CALLS.match(line):
            calls += int(found[1])
        elif found := _CLIMB.match(line):
            attacks += int(found[2])
            ratios[GOALS[int(found[1])]] = int(found[3]) / 1e18
        elif found := _CHAMPION.match(line):
            champions[GOALS[int(found[1])]] = found[2]
    return {"calls": calls, "attacks": attacks, "accepted": accepted, "ratios": ratios, "champions": champions}


def complaint(report: dict[str, Any], returncode: int, asked: Asked, counted: dict[str, Any]) -> str:
    """Return why a slice failed, or an empty text: exit status, verdicts and counts all have to say that it held."""
    failed = [f"{name}: {result['reason']}" for name, result in _results(report) if result["status"] != "Success"]
    if failed:
        return "; ".join(failed)
    if returncode != 0:
        return f"forge ended with {returncode} and named no test that failed"
    done = (counted["calls"], counted["attacks"], set(counted["ratios"]))
    wanted = (asked.calls, asked.climb * len(GOALS), set(GOALS))
    return (
        "" if done == wanted else f"forge judged {done[0]} calls and {done[1]} attacks, not {wanted[0]} and {wanted[1]}"
    )


def _results(report: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    for suite in report.values():
        yield from suite["test_results"].items()


def _lines(report: dict[str, Any]) -> Iterable[str]:
    for _, result in _results(report):
        yield from result["decoded_logs"]


# --- records ----------------------------------------------------------------------------------------------------------


def record(file: Path, one: Slice) -> None:
    """Append one slice, in one write: another process or thread may read meanwhile."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab", buffering=0) as lines:
        lines.write(f"{json.dumps(asdict(one))}\n".encode())


def recorded(file: Path) -> list[Slice]:
    """Return every slice on record; a line that is not finished yet is none."""
    if not file.exists():
        return []
    written = file.read_text(encoding="utf-8")
    return [Slice(**json.loads(line)) for line in written[: written.rfind("\n") + 1].splitlines()]


def sum_of(slices: Iterable[Slice], total: Sum | None = None) -> Sum:
    """Add slices up, to those of ``total``.

    Neither is counted what a broken one did before it broke, nor a seed that ran again.
    """
    total = deepcopy(total) if total else Sum()
    seeds = set(total.seeds)
    for one in slices:
        if one.broken:
            total.broken.append(one)
            continue
        if one.seed in seeds:
            continue
        seeds.add(one.seed)
        total.seeds.append(one.seed)
        total.calls += one.calls
        total.attacks += one.attacks
        total.hours += one.seconds / 3600
        for action, (calls, accepted) in one.accepted.items():
            before = total.accepted.get(action, (0, 0))
            total.accepted[action] = (before[0] + calls, before[1] + accepted)
        for goal, ratio in one.ratios.items():
            if ratio > total.ratios.get(goal, 0.0):
                total.ratios[goal] = ratio
                total.champions |= {goal: one.champions[goal]} if goal in one.champions else {}
    return total


# --- the sum that machines hand on ------------------------------------------------------------------------------------


def keep(file: Path, sources: str, total: Sum) -> None:
    """Write what slices of these sources come to where another machine goes on from it.

    Raises
    ------
    ValueError
        An invariant broke: that is mended first.

    """
    if total.broken:
        raise ValueError(f"{len(total.broken)} slices broke an invariant, and are no part of a sum")
    written = {"sources": sources} | {key: value for key, value in asdict(total).items() if key != "broken"}
    file.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def kept(file: Path, sources: str) -> Sum:
    """Return the sum that was kept of these sources, empty where it is of others."""
    written = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if written.pop("sources", None) != sources:
        return Sum()
    accepted = {action: (calls, accepted) for action, (calls, accepted) in written.pop("accepted").items()}
    return Sum(accepted=accepted, **written)
