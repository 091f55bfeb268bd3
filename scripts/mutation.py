"""Break the contracts on purpose: ``python -m scripts.mutation`` (make audit-mutants) asks whether tests notice.

One operator at one place makes a mutant (`scripts/mutants.py`). Each is compiled in a copy of what its tests need
(`scripts/mutation_judges.py`) and is caught when they fail; a mutant that does not compile is none. Survivors are
printed with line and difference, but for those that `scripts/mutation_survivors.toml` justifies.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import Queue

from scripts.mutants import Mutant, mutants_of, unjustified
from scripts.mutation_judges import Judge, prepare, warm_compiler
from scripts.mutation_targets import TARGETS

WORK = Path("build/mutation")
JUSTIFIED = Path("scripts/mutation_survivors.toml")
LEAST_CAUGHT = 0.95

Figures = tuple[int, int]
"""Mutants caught, and mutants compiled and judged."""


def judge_all(
    judge: Judge, folders: Queue[Path], target: str, sample: list[Mutant], deadline: float
) -> dict[Mutant, str]:
    """Judge the mutants of one contract until the deadline; return the verdicts that were reached."""
    source = Path(target).read_text(encoding="utf-8")

    def one(mutant: Mutant) -> tuple[Mutant, str] | None:
        if time.monotonic() > deadline:
            return None
        folder = folders.get()
        try:
            lines = source.splitlines()
            lines[mutant.line - 1] = mutant.new
            (folder / target).write_text("\n".join(lines) + "\n", encoding="utf-8")
            verdict, test = judge.judge(folder)
        finally:
            (folder / target).write_text(source, encoding="utf-8")
            folders.put(folder)
        print(f"{verdict:8} {target}:{mutant.line}: {mutant.new.strip()}  {test}", flush=True)
        return mutant, verdict

    with ThreadPoolExecutor(folders.qsize()) as pool:
        return dict(found for found in pool.map(one, sample) if found is not None)


def report(target: str, total: int, justified: int, verdicts: dict[Mutant, str]) -> Figures:
    """Print and return the figures of one contract, and print its survivors."""
    survivors = [mutant for mutant, verdict in verdicts.items() if verdict == "survived"]
    caught = sum(verdict == "caught" for verdict in verdicts.values())
    valid = caught + len(survivors)
    print(
        f"FIGURES {target}: {total} mutants, {justified} justified, {len(verdicts)} drawn, "
        f"{valid} compiled and judged, {caught} caught, {len(survivors)} survived",
        flush=True,
    )
    for mutant in survivors:
        print(f"{mutant.file}:{mutant.line}\n- {mutant.old.strip()}\n+ {mutant.new.strip()}", flush=True)
    return caught, valid


def wilson(caught: int, valid: int) -> tuple[float, float]:
    """Return the interval of 95 % for the share caught of all mutants, of which these are a sample.

    Source: Wilson (1927), Journal of the American Statistical Association 22, p. 209.
    """
    z_squared = 1.959964**2
    centre = caught + z_squared / 2
    width = math.sqrt(z_squared * (caught * (valid - caught) / valid + z_squared / 4))
    return (centre - width) / (valid + z_squared), (centre + width) / (valid + z_squared)


def conclude(figures: list[Figures]) -> bool:
    """Print the score of all contracts together; return whether enough mutants of each were caught."""
    caught, valid = (sum(column) for column in zip(*figures, strict=True))
    if valid:
        low, high = wilson(caught, valid)
        print(f"TOTAL {caught} of {valid} caught: {caught / valid:.1%}, and of all mutants {low:.1%} to {high:.1%}")
    return all(caught >= LEAST_CAUGHT * valid for caught, valid in figures)


def run_group(judge: Judge, targets: list[str], arguments: argparse.Namespace, deadline: float) -> list[Figures]:
    """Judge the contracts that one set of tests judges; return the figures of each."""
    folders: Queue[Path] = Queue()
    first = arguments.work / "0"
    prepare(judge, first)
    with warm_compiler(first):
        verdict, test = judge.judge(first)
    if verdict != "survived":
        sys.exit(f"{targets}: {verdict} as they stand, by {test or 'the compiler'}; mend the tests first")
    figures = []
    with ExitStack() as compilers:
        for number in range(arguments.workers):
            folder = arguments.work / str(number)
            if folder != first:
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(first, folder, symlinks=True, ignore=shutil.ignore_patterns("solc.sock"))
            folders.put(folder)
        for folder in tuple(folders.queue):
            compilers.enter_context(warm_compiler(folder))
        for target in targets:
            every = list(mutants_of(target, Path(target).read_text(encoding="utf-8")))
            judged = unjustified(every, JUSTIFIED)
            sample = random.Random(arguments.seed).sample(judged, min(arguments.sample, len(judged)))
            verdicts = judge_all(judge, folders, target, sample, deadline)
            figures.append(report(target, len(every), len(every) - len(judged), verdicts))
    return figures


def main() -> int:
    """Judge a sample of the mutants of each target; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help="contracts; all by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=10_000, help="mutants of each contract")
    parser.add_argument("--seconds", type=float, default=86_400.0, help="time for all contracts together")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--work", type=Path, default=WORK, help="where the copies are made")
    arguments = parser.parse_args()
    if strangers := set(arguments.targets) - set(TARGETS):
        parser.error(f"{sorted(strangers)} are none of {sorted(TARGETS)}")
    deadline = time.monotonic() + arguments.seconds
    figures: list[Figures] = []
    for judge in dict.fromkeys(TARGETS.values()):
        targets = [one for one in TARGETS if TARGETS[one] == judge and one in (arguments.targets or TARGETS)]
        if targets:
            figures += run_group(judge, targets, arguments, deadline)
    return 0 if conclude(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
