"""Measure what the Solidity tests run through: ``python -m scripts.coverage`` (make audit-coverage).

forge builds the contracts without the optimiser and counts lines and branches; this prints them by file. Of the guard
and of the accounting every line must be run through, and 98 % of the branches. A branch here is one side of an ``if``
that has code of its own, a ``try`` or a ``catch``: forge counts no ``&&``, no ``?:`` and no side without code.

The invariants are left out, and so is what is tested on a real chain alone, from Python: the limits do not hold for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from agent.localnet.binaries import native_binary
from scripts.mutation_judges import ONLY_OPTIMISED

TRACE = Path("build/coverage/lcov.info")
CONTRACTS = "contracts/"
GUARD = (
    "contracts/RebalanceGuard.sol",
    "contracts/libraries/BoundsRules.sol",
    "contracts/libraries/GuardRules.sol",
    "contracts/libraries/ResultTrack.sol",
    "contracts/libraries/UnwindRules.sol",
)
ACCOUNTING = (
    "contracts/DeltaBook.sol",
    "contracts/HedgeVault.sol",
    "contracts/VenueRegistry.sol",
    "contracts/libraries/VenueValuation.sol",
    "contracts/vault/",
    "contracts/venues/PendingOrders.sol",
)
LEAST_LINES = 1.0
LEAST_BRANCHES = 0.98
LEAST_FILES = 14


@dataclass
class Coverage:
    """How often the lines and branches of one file were run through."""

    lines: dict[int, int] = field(default_factory=dict)
    branches: dict[tuple[int, str], int] = field(default_factory=dict)


def read(trace: str) -> dict[str, Coverage]:
    """Return the coverage of each file in an lcov trace; what several records say of one line or branch is added up."""
    files: dict[str, Coverage] = {}
    file = Coverage()
    for record in trace.splitlines():
        kind, _, rest = record.partition(":")
        if kind == "SF":
            file = files.setdefault(rest, Coverage())
        elif kind == "DA":
            line, hits = rest.split(",")[:2]
            file.lines[int(line)] = file.lines.get(int(line), 0) + int(hits)
        elif kind == "BRDA":
            line, block, path, hits = rest.split(",")
            key = (int(line), f"{block}.{path}")
            file.branches[key] = file.branches.get(key, 0) + (0 if hits == "-" else int(hits))
    return files


def bound(files: Iterable[str]) -> list[str]:
    """Return the files for which the limits hold."""
    return sorted(name for name in files if name.startswith(GUARD + ACCOUNTING))


def share(counts: Iterable[int]) -> tuple[int, int]:
    """Return how many of the counts are not 0, and how many there are."""
    found = list(counts)
    return sum(count > 0 for count in found), len(found)


def complaints(files: dict[str, Coverage]) -> list[str]:
    """Return what lies below the limits, line by line, or that there is too little to judge."""
    names = bound(files)
    wrong = [] if len(names) >= LEAST_FILES else [f"{len(names)} files of guard and accounting, not {LEAST_FILES}"]
    for kind, kinds, least in (("line", "lines", LEAST_LINES), ("branch", "branches", LEAST_BRANCHES)):
        counted = {
            (name, key if isinstance(key, int) else key[0], key): count
            for name in names
            for key, count in (files[name].lines if kind == "line" else files[name].branches).items()
        }
        hit, total = share(counted.values())
        if total == 0 or hit < least * total:
            wrong.append(f"{hit} of {total} {kinds} of guard and accounting, less than {least:.0%}")
            wrong += sorted(f"{name}:{line}: {kind} not run" for (name, line, _), count in counted.items() if not count)
    return wrong


def table(files: dict[str, Coverage]) -> str:
    """Return the figures by file, guard and accounting first."""
    parts = {"guard": GUARD, "accounting": ACCOUNTING, "the rest": (CONTRACTS,)}
    rows = []
    rest = sorted(name for name in files if name.startswith(CONTRACTS))
    for part, prefixes in parts.items():
        names = [name for name in rest if name.startswith(prefixes)]
        rest = [name for name in rest if name not in names]
        rows += [_row(name, [files[name]]) for name in names]
        rows += [_row(f"= {part}", [files[name] for name in names]), ""]
    return "\n".join(rows)


def _row(title: str, found: list[Coverage]) -> str:
    lines = share(count for one in found for count in one.lines.values())
    branches = share(count for one in found for count in one.branches.values())
    return f"{title:44} {_ratio(lines)}  {_ratio(branches)}"


def _ratio(counted: tuple[int, int]) -> str:
    hit, total = counted
    return f"{hit:4} /{total:4} {hit / total if total else 1:7.2%}"


def measure() -> str:
    """Run the tests under forge's coverage and return the trace; exit where a test fails."""
    TRACE.parent.mkdir(parents=True, exist_ok=True)
    TRACE.unlink(missing_ok=True)
    arguments = [str(native_binary("forge")), "coverage", "--report", "lcov", "--report-file", str(TRACE)]
    arguments += ["--no-match-path", "tests/contracts/invariants/*", "--no-match-test", "|".join(ONLY_OPTIMISED)]
    environment = os.environ | {"FOUNDRY_DISABLE_NIGHTLY_WARNING": "1"}
    result = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0 or not TRACE.is_file():
        sys.exit(f"forge coverage failed: {(result.stdout + result.stderr).strip()[-2000:]}")
    return TRACE.read_text(encoding="utf-8")


def main() -> int:
    """Measure, print the figures by file; return the exit status."""
    files = read(measure())
    print(f"{'':44} {'lines':>19}  {'branches':>19}")
    print(table(files))
    wrong = complaints(files)
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
