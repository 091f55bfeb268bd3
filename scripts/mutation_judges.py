"""What a mutant is judged by: Solidity tests of forge, or Python tests against the real protocols on a local chain.

Either judge works in a copy of what its tests need. The compiler stays warm between two mutants of a copy.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.localnet.binaries import native_binary

TESTS = Path("tests/contracts")
SOLC = Path("scripts/toolchain/solc.js")
WARM_SOLC = Path("scripts/toolchain/solc-warm.js")
SECONDS_OF_A_VERDICT = 900.0
"""A mutant that loops is caught too."""

ONLY_OPTIMISED = ("test_codeFitsTheSizeLimitOfAChain", "test_gas_isWhatIsKept")
"""Tests of what the optimiser makes, size and gas, which is off where forge tests."""

IMPORT = re.compile(r"""^(?:import|\}) [^;]*?["'](\.[^"']+)["'];""", re.MULTILINE)
FAILED_IN_FORGE = re.compile(r"\[FAIL[^\n]*\] (\w+)")
FAILED_IN_PYTEST = re.compile(r"^(?:FAILED|ERROR) \S+?::(\w+)", re.MULTILINE)
SETTINGS = {
    "FOUNDRY_LIBS": "[]",  # forge would walk through all of node_modules for remappings it is told not to use
    "FOUNDRY_FS_PERMISSIONS": '[{access="read",path="/"}]',  # node_modules is a link out of the copy
}
UNOPTIMISED = {
    "FOUNDRY_OPTIMIZER": "false",
    "FOUNDRY_CODE_SIZE_LIMIT": "1000000",
    "FOUNDRY_FUZZ_RUNS": "32",
}
PYTHON_PARTS = ("agent", "benchmarks", "config", "contracts", "scripts", "tests", "pyproject.toml", "foundry.toml")
READ_PARTS = ("docs", "examples", "README.md", "brownie-config.yaml")
"""What tests of the agent read beside."""

COMPILED = Path("build/contracts")

Verdict = tuple[str, str]
"""``survived``, ``caught`` or ``invalid`` (it does not compile), and the test that failed first."""


@dataclass(frozen=True)
class ForgeTests:
    """Tests of tests/contracts, by patterns.

    forge links them to the contracts when they run, so that a mutant compiles its own contract alone. So linked,
    ``vm.expectRevert`` before a constructor expects nothing: what survives is judged again, compiled whole.
    """

    patterns: tuple[str, ...]

    def files(self) -> list[Path]:
        """Return the tests that the patterns name."""
        return [file for pattern in self.patterns for file in sorted(TESTS.glob(pattern))]

    def prepare(self, folder: Path) -> None:
        """Copy the tests and all that they import."""
        for file in self._sources() | {WARM_SOLC}:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / file)
            if file.name.endswith(".t.sol"):
                source = re.sub(rf"\b({'|'.join(ONLY_OPTIMISED)})\b", r"skipped_\1", file.read_text(encoding="utf-8"))
                (folder / file).write_text(source, encoding="utf-8")
        shutil.copytree("tests/vectors", folder / "tests/vectors")
        shutil.copy("foundry.toml", folder)

    def judge(self, folder: Path) -> Verdict:
        """Compile and test the copy as it stands."""
        verdict, test = self._run(folder, is_linked=True)
        return self._run(folder, is_linked=False) if verdict == "survived" else (verdict, test)

    def _sources(self) -> set[Path]:
        waiting = self.files()
        found: set[Path] = set()
        while waiting:
            file = waiting.pop()
            if file not in found:
                found.add(file)
                imported = IMPORT.findall(file.read_text(encoding="utf-8"))
                waiting += [Path(os.path.normpath(file.parent / name)) for name in imported]
        return found

    def _run(self, folder: Path, is_linked: bool) -> Verdict:
        output = f"build/forge/{'linked' if is_linked else 'whole'}"
        settings = UNOPTIMISED | {
            "FOUNDRY_DYNAMIC_TEST_LINKING": str(is_linked).lower(),
            "FOUNDRY_OUT": f"{output}/out",
            "FOUNDRY_CACHE_PATH": f"{output}/cache",
        }
        run = _forge(folder, settings, "test", "--fail-fast")
        if run is None:
            return "caught", "time"
        if run.returncode == 0:
            return "survived", ""
        failed = FAILED_IN_FORGE.search(run.stdout)
        return ("caught", failed[1]) if failed else ("invalid", "")


@dataclass(frozen=True)
class ChainTests:
    """Python tests, by file or by name, that deploy one contract on a local chain beside the protocol it works with.

    The contract is compiled as it is deployed, by forge into the builds of the copy, where the tests look for it.
    """

    deployed: str
    tests: tuple[str, ...]

    def files(self) -> list[Path]:
        """Return the files of the tests."""
        return [Path(name.partition("::")[0]) for name in self.tests]

    def prepare(self, folder: Path) -> None:
        """Copy the tests, and the agent that they deploy with."""
        copy_python(folder)

    def judge(self, folder: Path) -> Verdict:
        """Compile the contract into the copy's build, and run the tests until one fails."""
        if not self._compile(folder):
            return "invalid", ""
        arguments = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", *self.tests]
        run = _run(folder, _forge_settings(folder), arguments)
        if run is None:
            return "caught", "time"
        if run.returncode == 0:
            return "survived", ""
        failed = FAILED_IN_PYTEST.search(run.stdout)
        if run.returncode != 1 or failed is None:
            sys.exit(f"{self.tests}: pytest ends with {run.returncode}: {(run.stdout + run.stderr)[-500:]}")
        return "caught", failed[1]

    def _compile(self, folder: Path) -> bool:
        run = _forge(folder, {}, "build", self.deployed)
        if run is None or run.returncode != 0:
            return False
        name = Path(self.deployed).stem
        compiled = json.loads((folder / f"build/forge/out/{name}.sol/{name}.json").read_text(encoding="utf-8"))
        artifact = {"abi": compiled["abi"], "bytecode": compiled["bytecode"]["object"]}
        (folder / COMPILED / f"{name}.json").write_text(json.dumps(artifact), encoding="utf-8")
        return True


Judge = ForgeTests | ChainTests


def copy_python(folder: Path, also: tuple[str, ...] = ()) -> None:
    """Copy the agent with its tests."""
    for part in (*map(Path, (*PYTHON_PARTS, *also)), COMPILED):
        if part.is_dir():
            shutil.copytree(part, folder / part)
        else:
            shutil.copy(part, folder / part)


def link_tools(folder: Path, compiler: Path) -> None:
    """Link packages and a compiler into the folder."""
    (folder / "node_modules").symlink_to(Path("node_modules").resolve())
    (folder / "build/toolchain").mkdir(parents=True)
    for link in Path("build/toolchain").glob("solc-v*"):
        (folder / "build/toolchain" / link.name).symlink_to(Path("../..") / compiler)


def prepare(judge: Judge, folder: Path) -> None:
    """Make a folder of its own in which the judge finds its tests, the contracts and a compiler."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    judge.prepare(folder)
    link_tools(folder, WARM_SOLC)


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


def _forge(folder: Path, settings: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str] | None:
    command = [str(native_binary("forge").resolve()), *arguments]
    return _run(folder, {**_forge_settings(folder), **settings}, command)


def _forge_settings(folder: Path) -> dict[str, str]:
    return {**SETTINGS, "EVENKEEL_SOLC_SOCKET": str((folder / "solc.sock").resolve())}


def _run(folder: Path, settings: Mapping[str, str], arguments: list[str]) -> subprocess.CompletedProcess[str] | None:
    """Run a command in the copy; None where it takes too long."""
    try:
        return subprocess.run(
            arguments,
            cwd=folder,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_OF_A_VERDICT,
        )
    except subprocess.TimeoutExpired:
        return None
