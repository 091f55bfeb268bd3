"""Break the contracts on purpose: ``python -m scripts.mutation`` (make audit-mutants) asks whether tests notice.

One operator at one place makes a mutant. Each is compiled, without the optimiser, in a copy of what its tests import,
and is caught when they fail; a mutant that does not compile is none. Survivors are printed with line and difference.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import NamedTuple

from agent.localnet.binaries import native_binary

WORK = Path("build/mutation")
TARGETS = {
    "contracts/libraries/GuardRules.sol": (
        "GuardRules.t.sol",
        "GuardRulesAccount.t.sol",
        "support/GuardRulesFixture.sol",
        "support/GuardRulesHarness.sol",
    ),
}
"""Files of tests/contracts that judge a contract: the tests, then what they import from there."""

SWAPS = (
    (r" < ", (" <= ", " >= ")),
    (r" <= ", (" < ", " > ")),
    (r" > ", (" >= ", " <= ")),
    (r" >= ", (" > ", " < ")),
    (r" == ", (" != ",)),
    (r" != ", (" == ",)),
    (r" && ", (" || ",)),
    (r" \|\| ", (" && ",)),
    (r" \+ ", (" - ",)),
    (r" - ", (" + ",)),
    (r" \+= ", (" = ", " -= ")),
    (r"Math\.min\(", ("Math.max(",)),
    (r"Math\.max\(", ("Math.min(",)),
    (r"\btrue\b", ("false",)),
    (r"\bfalse\b", ("true",)),
    (r", Math\.Rounding\.Ceil", ("",)),
)
CONSTANT = re.compile(r"(constant \w+ = )([\d_]+)(e\d+)?;")
STATEMENT = re.compile(
    r"^( +)(\w[\w.\[\]]* \+?= .*;|_\w+\(.*\);|require\w+\(.*\);|if \(.*\) (?:revert|return|continue).*;)$"
)


class Mutant(NamedTuple):
    """One change of one line: line number from 1, the line before and after."""

    file: str
    line: int
    old: str
    new: str


def mutants_of(file: str, source: str) -> Iterator[Mutant]:
    """Yield every mutant of a source, comments, imports and types left alone."""
    for number, line in enumerate(source.splitlines(), start=1):
        code = line.partition("//")[0].rstrip()
        if not code.startswith("    ") or code.lstrip().startswith(("*", "error ", "event ", "function ")):
            continue
        for new in dict.fromkeys(_changes(code)):
            yield Mutant(file, number, line, new)


def _changes(code: str) -> Iterator[str]:
    for pattern, replacements in SWAPS:
        for match in re.finditer(pattern, code):
            for replacement in replacements:
                yield code[: match.start()] + replacement + code[match.end() :]
    if constant := CONSTANT.search(code):
        number = int(constant[2].replace("_", ""))
        for changed in (number + 1, number - 1):
            yield code.replace(constant[0], f"{constant[1]}{changed}{constant[3] or ''};")
    if statement := STATEMENT.match(code):
        yield f"{statement[1]}// removed"


def prepare(folder: Path, target: str) -> None:
    """Copy what the target's tests need into a folder of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree("contracts", folder / "contracts")
    shutil.copytree("scripts/toolchain", folder / "scripts/toolchain")
    for name in TARGETS[target]:
        destination = folder / "tests/contracts" / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path("tests/contracts") / name, destination)
    shutil.copy("foundry.toml", folder)
    (folder / "node_modules").symlink_to(Path("node_modules").resolve())
    shutil.copytree("build/toolchain", folder / "build/toolchain", symlinks=True)


def judge(folder: Path, target: str) -> str:
    """Compile and test the copy; return ``survived``, ``caught`` or ``invalid`` (it does not compile)."""
    environment = os.environ | {
        "FOUNDRY_SRC": "tests/contracts",
        "FOUNDRY_OPTIMIZER": "false",
    }
    tests = f"tests/contracts/{TARGETS[target][0]}"
    arguments = [str(native_binary("forge")), "test", "--fail-fast", "--match-path", tests]
    run = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if run.returncode == 0:
        return "survived"
    return "caught" if "Suite result: FAILED" in run.stdout else "invalid"


def run_target(target: str, sample: list[Mutant], workers: int, deadline: float) -> dict[Mutant, str]:
    """Judge the mutants of one contract until the deadline; return the verdicts that were reached."""
    folders: Queue[Path] = Queue()
    source = Path(target).read_text(encoding="utf-8")
    for number in range(workers):
        folder = WORK / str(number)
        prepare(folder, target)
        if judge(folder, target) != "survived":
            sys.exit(f"{target}: its tests do not pass on the contract as it stands; mend them first")
        folders.put(folder)

    def one(mutant: Mutant) -> tuple[Mutant, str] | None:
        if time.monotonic() > deadline:
            return None
        folder = folders.get()
        try:
            lines = source.splitlines()
            lines[mutant.line - 1] = mutant.new
            (folder / target).write_text("\n".join(lines) + "\n", encoding="utf-8")
            verdict = judge(folder, target)
        finally:
            folders.put(folder)
        print(f"{verdict:8} {target}:{mutant.line}: {mutant.new.strip()}", flush=True)
        return mutant, verdict

    with ThreadPoolExecutor(workers) as pool:
        return dict(found for found in pool.map(one, sample) if found is not None)


def report(target: str, total: int, verdicts: dict[Mutant, str]) -> bool:
    """Print figures and survivors; return whether at least 95 % were caught."""
    survivors = [mutant for mutant, verdict in verdicts.items() if verdict == "survived"]
    caught = sum(verdict == "caught" for verdict in verdicts.values())
    valid = caught + len(survivors)
    print(f"{target}: {total} mutants, {valid} judged, {caught} caught, {len(survivors)} survived")
    for mutant in survivors:
        print(f"{mutant.file}:{mutant.line}\n- {mutant.old.strip()}\n+ {mutant.new.strip()}")
    return valid > 0 and caught >= 0.95 * valid


def main() -> int:
    """Judge a sample of the mutants of each target; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=10_000, help="mutants of each contract")
    parser.add_argument("--seconds", type=float, default=7200.0, help="time for all contracts together")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    deadline = time.monotonic() + arguments.seconds
    is_good = True
    for target in TARGETS:
        every = list(mutants_of(target, Path(target).read_text(encoding="utf-8")))
        sample = random.Random(arguments.seed).sample(every, min(arguments.sample, len(every)))
        is_good &= report(target, len(every), run_target(target, sample, arguments.workers, deadline))
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
