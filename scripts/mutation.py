"""Break the contracts on purpose: ``python -m scripts.mutation`` (make audit-mutants) asks whether tests notice.

One operator at one place makes a mutant (`scripts/mutants.py`). Each is compiled in a copy of what its tests need
(`scripts/mutation_judges.py`) and is caught when they fail; a mutant that does not compile is none. Survivors are
printed with line and difference, but for those that `scripts/mutation_survivors.toml` justifies.
"""

from __future__ import annotations

import argparse
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


def report(target: str, total: int, justified: int, verdicts: dict[Mutant, str]) -> bool:
    """Print figures and survivors; return whether at least 95 % were caught."""
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
    return caught >= 0.95 * valid


def run_group(judge: Judge, targets: list[str], arguments: argparse.Namespace, deadline: float) -> bool:
    """Judge the contracts that one set of tests judges; return whether enough mutants of each were caught."""
    folders: Queue[Path] = Queue()
    first = arguments.work / "0"
    prepare(judge, first)
    with warm_compiler(first):
        verdict, test = judge.judge(first)
    if verdict != "survived":
        sys.exit(f"{targets}: {verdict} as they stand, by {test or 'the compiler'}; mend the tests first")
    is_good = True
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
            is_good &= report(target, len(every), len(every) - len(judged), verdicts)
    return is_good


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
    is_good = True
    for judge in dict.fromkeys(TARGETS.values()):
        targets = [one for one in TARGETS if TARGETS[one] == judge and one in (arguments.targets or TARGETS)]
        if targets:
            is_good &= run_group(judge, targets, arguments, deadline)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
