"""Break the contracts on purpose: ``python -m scripts.mutation`` (make audit-mutants) asks whether tests notice.

One operator at one place makes a mutant (`scripts/mutants.py`). Each is compiled, without the optimiser, in a copy of
what its tests import, and is caught when they fail; a mutant that does not compile is none. forge links the tests to
the contracts when they run, so that a mutant compiles its own contract alone, and the compiler stays warm between them.
So linked, ``vm.expectRevert`` before a constructor expects nothing: what survives is judged again, compiled whole.
Survivors are printed with line and difference, but for those that `scripts/mutation_survivors.toml` justifies.
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
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Queue

from agent.localnet.binaries import native_binary
from scripts.mutants import Mutant, mutants_of, unjustified
from scripts.mutation_targets import SKIPPED, TARGETS

WORK = Path("build/mutation")
TESTS = Path("tests/contracts")
JUSTIFIED = Path("scripts/mutation_survivors.toml")
WARM_SOLC = Path("scripts/toolchain/solc-warm.js")
SECONDS_OF_A_VERDICT = 900.0
"""A mutant that loops is caught too."""

IMPORT = re.compile(r"""^(?:import|\}) [^;]*?["'](\.[^"']+)["'];""", re.MULTILINE)
FAILED = re.compile(r"\[FAIL[^\n]*\] (\w+)")
SETTINGS = {
    "FOUNDRY_OPTIMIZER": "false",
    "FOUNDRY_CODE_SIZE_LIMIT": "1000000",
    "FOUNDRY_LIBS": "[]",  # forge would walk through all of node_modules for remappings it is told not to use
    "FOUNDRY_FUZZ_RUNS": "32",
    "FOUNDRY_FS_PERMISSIONS": '[{access="read",path="/"}]',  # node_modules is a link out of the copy
}


def sources_of(patterns: tuple[str, ...]) -> set[Path]:
    """Return the tests that the patterns name, and all of the repository that they import."""
    waiting = [file for pattern in patterns for file in sorted(TESTS.glob(pattern))]
    found: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            imported = IMPORT.findall(file.read_text(encoding="utf-8"))
            waiting += [Path(os.path.normpath(file.parent / name)) for name in imported]
    return found


def prepare(folder: Path, patterns: tuple[str, ...]) -> None:
    """Copy the tests and what they need into a folder of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    for file in sources_of(patterns) | {WARM_SOLC}:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / file)
        if file.name.endswith(".t.sol"):
            source = re.sub(rf"\b({'|'.join(SKIPPED)})\b", r"skipped_\1", file.read_text(encoding="utf-8"))
            (folder / file).write_text(source, encoding="utf-8")
    shutil.copytree("tests/vectors", folder / "tests/vectors")
    shutil.copy("foundry.toml", folder)
    (folder / "node_modules").symlink_to(Path("node_modules").resolve())
    (folder / "build/toolchain").mkdir(parents=True)
    for link in Path("build/toolchain").glob("solc-v*"):
        (folder / "build/toolchain" / link.name).symlink_to(Path("../..") / WARM_SOLC)


@contextmanager
def warm_compiler(folder: Path) -> Iterator[None]:
    """Keep a compiler for the folder."""
    socket = folder / "solc.sock"
    socket.unlink(missing_ok=True)
    with subprocess.Popen(["node", str(WARM_SOLC), "serve", "solc.sock"], cwd=folder) as process:
        while not socket.exists():
            time.sleep(0.05)
        try:
            yield
        finally:
            process.kill()


def judge(folder: Path, is_linked: bool = True) -> tuple[str, str]:
    """Compile and test the copy, its tests linked to the contracts when they run or compiled with them.

    Returns ``survived``, ``caught`` or ``invalid`` (it does not compile), and the test that failed first.
    """
    output = f"build/forge/{'linked' if is_linked else 'whole'}"
    environment = {
        **os.environ,
        **SETTINGS,
        "EVENKEEL_SOLC_SOCKET": str((folder / "solc.sock").resolve()),
        "FOUNDRY_DYNAMIC_TEST_LINKING": str(is_linked).lower(),
        "FOUNDRY_OUT": f"{output}/out",
        "FOUNDRY_CACHE_PATH": f"{output}/cache",
    }
    arguments = [str(native_binary("forge").resolve()), "test", "--fail-fast"]
    try:
        run = subprocess.run(
            arguments,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_OF_A_VERDICT,
        )
    except subprocess.TimeoutExpired:
        return "caught", "time"
    if run.returncode == 0:
        return "survived", ""
    failed = FAILED.search(run.stdout)
    return ("caught", failed[1]) if failed else ("invalid", "")


def judge_all(folders: Queue[Path], target: str, sample: list[Mutant], deadline: float) -> dict[Mutant, str]:
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
            verdict, test = judge(folder)
            if verdict == "survived":
                verdict, test = judge(folder, is_linked=False)
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


def run_group(patterns: tuple[str, ...], targets: list[str], arguments: argparse.Namespace, deadline: float) -> bool:
    """Judge the contracts that one set of tests judges; return whether enough mutants of each were caught."""
    folders: Queue[Path] = Queue()
    first = arguments.work / "0"
    prepare(first, patterns)
    with warm_compiler(first):
        verdict, test = judge(first)
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
            verdicts = judge_all(folders, target, sample, deadline)
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
    for patterns in dict.fromkeys(TARGETS.values()):
        targets = [one for one in TARGETS if TARGETS[one] == patterns and one in (arguments.targets or TARGETS)]
        if targets:
            is_good &= run_group(patterns, targets, arguments, deadline)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
