"""Break the agent on purpose: ``python -m scripts.agent_mutation`` (make audit-agent-mutants) asks if tests notice.

One operator at one place makes a mutant (`scripts/python_mutants.py`), judged in a copy of the tree by the tests that
run through it (`scripts/agent_judge.py`). One that cannot be imported is none; one whose tests do not end is caught,
and counted apart. Survivors are printed with line and difference, but for those that
`scripts/agent_mutation_survivors.toml` justifies.
"""

from __future__ import annotations

import argparse
import ast
import random
import sys
import time
from collections import Counter
from pathlib import Path

from scripts.agent_judge import MOST_SLOW_SECONDS, QUICK, SLOW, Judge, judge_in, measure, prepare, read_map
from scripts.agent_named_mutants import named_mutants, unnoticed
from scripts.mutants import unjustified
from scripts.mutation import wilson
from scripts.python_mutants import PythonMutant, mutants_of

WORK = Path("build/agent-mutation")
JUSTIFIED = Path("scripts/agent_mutation_survivors.toml")
LEAST_CAUGHT = 0.90
PACKAGES = (
    "agent/execution",
    "agent/ledger",
    "agent/chain",
    "agent/keeper",
    "agent/decision",
    "agent/guard.py",
    "agent/prediction.py",
)
HISTORY = "agent/ledger/migrations/"
"""Steps that old ledgers were brought over by; tests/unit/ledger/test_upgrade.py compares what they end in."""

Figures = Counter[str]
"""Mutants of a package by verdict."""


def sources(packages: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the sources of each package."""
    found = {}
    for package in packages:
        files = [Path(package)] if package.endswith(".py") else sorted(Path(package).rglob("*.py"))
        found[package] = [file.as_posix() for file in files if not file.as_posix().startswith(HISTORY)]
    return found


def drawn(file: str, seed: int, per_file: int) -> list[PythonMutant]:
    """Return a seeded sample of the mutants of a source that are not justified, in the order of its lines."""
    source = Path(file).read_text(encoding="utf-8")
    every = unjustified(list(mutants_of(file, source)), JUSTIFIED)
    sample = random.Random(f"{seed}:{file}").sample(every, min(per_file, len(every)))
    return [one for one in sorted(sample, key=every.index) if _is_another_program(one, source)]


def _is_another_program(mutant: PythonMutant, source: str) -> bool:
    try:
        return ast.dump(ast.parse(mutant.applied(source))) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


def judge_all(
    judge: Judge, mutants: list[PythonMutant], deadline: float, *, is_slow: bool = False
) -> dict[PythonMutant, str]:
    """Judge mutants until the deadline; return the verdicts that were reached."""
    verdicts = {}
    for mutant in mutants:
        if time.monotonic() > deadline:
            break
        verdicts[mutant], test = judge.judge(mutant, is_slow=is_slow)
        print(
            f"{verdicts[mutant]:8} {mutant.file}:{mutant.line} [{mutant.operator}] {mutant.new[:100]}  {test}",
            flush=True,
        )
    return verdicts


def row(name: str, figures: Figures) -> str:
    """Return a row of the table: judged, caught with those that do not end among them, survived, score, interval."""
    caught = figures["caught"] + figures["time"]
    judged = caught + figures["survived"]
    if not judged:
        return f"| {name} | 0 | 0 | 0 | 0 | - | - |"
    low, high = wilson(caught, judged)
    share = f"{caught / judged:.1%} | {low:.1%} to {high:.1%}"
    return f"| {name} | {judged} | {caught} | {figures['time']} | {figures['survived']} | {share} |"


def is_enough(figures: Figures) -> bool:
    """Return whether enough was caught of what was judged; nothing judged is not enough."""
    caught = figures["caught"] + figures["time"]
    judged = caught + figures["survived"]
    return judged > 0 and caught >= LEAST_CAUGHT * judged


def conclude(packages: dict[str, Figures]) -> bool:
    """Print the table; return whether enough mutants were caught of each package and of all."""
    total: Figures = sum(packages.values(), Counter())
    print("| Package | Judged | Caught | of them by time | Survived | Score | 95 % interval (Wilson) |")
    print("|---|---|---|---|---|---|---|")
    for name, figures in (*packages.items(), ("all", total)):
        print(row(name, figures))
    print(f"{total['invalid']} more could not be imported")
    return all(is_enough(figures) for figures in (*packages.values(), total))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", default=PACKAGES, help="folders or sources; all by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-file", type=int, default=2, help="mutants of each source")
    parser.add_argument("--seconds", type=float, default=86_400.0, help="time for all together")
    parser.add_argument(
        "--slow-seconds", type=float, default=MOST_SLOW_SECONDS, help="of slow tests for a mutant; 0: quick ones alone"
    )
    parser.add_argument("--work", type=Path, default=WORK, help="where the copy is made")
    parser.add_argument("--map", type=Path, help="lines that an earlier run has measured, of the same tests")
    parser.add_argument("--named", action="store_true", help="those of scripts/agent_named_mutants.toml alone")
    return parser.parse_args()


def main() -> int:
    """Judge a sample of the mutants of each source; return the exit status."""
    arguments = _arguments()
    tree = arguments.work / "tree"
    prepare(tree)
    if arguments.named:
        with judge_in(tree, []) as judge:
            return 1 if unnoticed(judge, named_mutants()) else 0
    tests = (*QUICK, *SLOW) if arguments.slow_seconds else QUICK
    files = read_map(arguments.map) if arguments.map else measure(tree, PACKAGES, tests)
    found = sources(tuple(arguments.packages))
    every = [name for names in found.values() for name in names]
    mutants = [mutant for name in every for mutant in drawn(name, arguments.seed, arguments.per_file)]
    deadline = time.monotonic() + arguments.seconds
    with judge_in(tree, files, arguments.slow_seconds) as judge:
        verdicts = judge_all(judge, mutants, deadline)
        if arguments.slow_seconds:
            print("what the quick tests let pass, before the slow ones", flush=True)
            passed = [mutant for mutant, verdict in verdicts.items() if verdict == "survived"]
            verdicts |= judge_all(judge, passed, deadline, is_slow=True)
    for mutant, verdict in verdicts.items():
        if verdict == "survived":
            print(f"{mutant.file}:{mutant.line} [{mutant.operator}]\n- {mutant.old}\n+ {mutant.new}")
    figures = {
        package: Counter(verdict for mutant, verdict in verdicts.items() if mutant.file in names)
        for package, names in found.items()
    }
    return 0 if conclude(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
