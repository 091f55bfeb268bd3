"""Judges a mutant of the agent: in a copy of the tree, by the test files that run through its lines.

Which files those are, and how long each takes, is measured once a run (`tests/support/line_map.py`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.mutation_judges import READ_PARTS, SOLC, copy_python, link_tools
from scripts.python_mutants import PythonMutant

QUICK = (
    "tests/gates/test_parameters_page.py",
    "tests/integration/test_ledger_postgresql.py",
    "tests/unit/chain",
    "tests/unit/cli/test_decide_command.py",
    "tests/unit/cli/test_ledger_command.py",
    "tests/unit/decision",
    "tests/unit/execution",
    "tests/unit/governance/test_review.py",
    "tests/unit/keeper",
    "tests/unit/ledger",
    "tests/unit/observability",
    "tests/unit/optimiser/test_guard.py",
    "tests/unit/settings",
    "tests/unit/status",
    "tests/unit/test_guard.py",
    "tests/unit/test_guard_vectors.py",
    "tests/unit/test_prediction.py",
)
SLOW = (
    "tests/integration/test_account_events.py",
    "tests/integration/test_book_and_chain_apart.py",
    "tests/integration/test_guard_mirror.py",
    "tests/integration/test_head_hints.py",
    "tests/integration/test_keeper.py",
    "tests/integration/test_keeper_fail_over.py",
    "tests/integration/test_keeper_follows_the_chain.py",
    "tests/integration/test_keeper_recovery.py",
    "tests/properties/test_decide_properties.py",
    "tests/properties/test_guard_properties.py",
)
"""Test files of the agent on a local chain, and properties; others take longer and run through the same lines."""

SETTINGS_TESTS = "tests/gates/test_parameters_page.py"
"""Judges the fields of every ``config.py``, which run at import, before any test is there to be measured."""

LEAST_SECONDS = 30.0
"""Time-out of a mutant, beside two and a half times what its tests take."""
TIMES_SLOWER = 2.5
MOST_QUICK_SECONDS = 180.0
"""What the quick files that judge a mutant take together at most, as measured: that is several times what they take."""
MOST_SLOW_SECONDS = 90.0
"""A mutant that they do not notice is shown to slow ones that take so long together, the quickest first."""

IN_MEMORY = Path("/dev/shm")
"""Ledgers of tests wait for the disk at each commit; here, where there is such a place, they need not."""

FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
Verdict = tuple[str, str]
"""``caught``, ``time`` (caught: it does not end), ``survived`` or ``invalid`` (it cannot be imported); the test."""


@dataclass(frozen=True)
class MeasuredFile:
    """A test file: what it takes, and the lines it runs of each source."""

    name: str
    seconds: float
    lines: dict[str, frozenset[int]]

    @property
    def is_slow(self) -> bool:
        """True for what is asked only about mutants that the quick files let pass."""
        return not self.name.startswith(QUICK)


def measure(tree: Path, traced: tuple[str, ...], tests: tuple[str, ...]) -> list[MeasuredFile]:
    """Run test files as they stand and return which lines they run; exits where one of them fails."""
    output = (tree.parent / "lines.json").resolve()
    environment = environment_of(tree) | {"EVENKEEL_TRACED": ":".join(traced), "EVENKEEL_LINE_MAP": str(output)}
    pytest = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", "tests.support.line_map"]
    run = subprocess.run([*pytest, *tests], cwd=tree, env=environment, check=False, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"the tests fail as they stand; mend them first\n{run.stdout[-2_000:]}{run.stderr[-2_000:]}")
    return read_map(output)


def read_map(file: Path) -> list[MeasuredFile]:
    """Return what a map says of each test file that runs anything."""
    return [
        MeasuredFile(name, entry["seconds"], {source: frozenset(lines) for source, lines in entry["lines"].items()})
        for name, entry in json.loads(file.read_text(encoding="utf-8")).items()
        if entry["lines"] or name == SETTINGS_TESTS
    ]


def judges_of(
    mutant: PythonMutant, files: list[MeasuredFile], slow_seconds: float = MOST_SLOW_SECONDS
) -> tuple[list[MeasuredFile], list[MeasuredFile]]:
    """Return the quick and the slow test files that judge a mutant, each in order.

    A line of a function is judged by the files that run it; what is run at import (a constant, a default, a field) or
    by none of them, by those that run anything of the source, or else of its package.
    """
    span = range(mutant.line, mutant.last_line + 1)
    chosen = [one for one in files if mutant.is_of_function and one.lines.get(mutant.file, frozenset()) & set(span)]
    chosen = chosen or [one for one in files if mutant.file in one.lines]
    folder = f"{Path(mutant.file).parent.as_posix()}/"
    chosen = chosen or [one for one in files if any(source.startswith(folder) for source in one.lines)]
    quick = [one for one in chosen if not one.is_slow]
    quick.sort(key=lambda one: _rank(one, mutant.file))
    slow = sorted((one for one in chosen if one.is_slow), key=lambda one: one.seconds)
    quick = _within(MOST_QUICK_SECONDS, quick)
    if Path(mutant.file).name == "config.py" and not mutant.is_of_function:
        quick = [one for one in files if one.name == SETTINGS_TESTS] + quick
    return quick, _within(slow_seconds, slow) if slow_seconds else []


def _rank(one: MeasuredFile, source: str) -> tuple[bool, int, float]:
    """Return the place of a test file: the source's own, those that run most of it, the quickest."""
    is_own = Path(one.name).name.startswith(f"test_{Path(source).stem}")
    return not is_own, -len(one.lines.get(source, ())), one.seconds


def _within(most_seconds: float, files: list[MeasuredFile]) -> list[MeasuredFile]:
    """Return the first file, and in their order all others that fit into the time that is left."""
    kept, spent = files[:1], sum(one.seconds for one in files[:1])
    for one in files[1:]:
        if spent + one.seconds <= most_seconds:
            kept.append(one)
            spent += one.seconds
    return kept


def environment_of(tree: Path) -> dict[str, str]:
    """Return the environment in which the tree's own agent is imported, by what its tests start too."""
    own = {"PYTHONPATH": str(tree.resolve()), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **own, **({"TMPDIR": str(IN_MEMORY)} if IN_MEMORY.is_dir() else {})}


class Judge:
    """A tree with a server of tests; one mutant at a time."""

    def __init__(
        self, tree: Path, server: subprocess.Popen[str], files: list[MeasuredFile], slow_seconds: float
    ) -> None:
        self._tree = tree
        self._server = server
        self._files = files
        self._slow_seconds = slow_seconds

    def judge(self, mutant: PythonMutant, *, is_slow: bool = False) -> Verdict:
        """Put the mutant in the tree, ask its quick tests or its slow ones, and take it out again."""
        tests = judges_of(mutant, self._files, self._slow_seconds)[is_slow]
        if not tests:
            return "survived", ""
        with self.changed(mutant.file, mutant.applied):
            for part in (tests[:1], tests[1:]):  # one that does not end shows in the first, at the cost of that alone
                seconds = LEAST_SECONDS + TIMES_SLOWER * sum(one.seconds for one in part)
                verdict = self.ask([one.name for one in part], seconds) if part else ("survived", "")
                if verdict[0] != "survived":
                    return verdict
        return "survived", ""

    @contextmanager
    def changed(self, name: str, change: Callable[[str], str]) -> Iterator[None]:
        """Change a source of the tree inside; what was compiled of it before is valid again afterwards."""
        file = self._tree / name
        source, seen = file.read_text(encoding="utf-8"), file.stat()
        try:
            file.write_text(change(source), encoding="utf-8")
            yield
        finally:
            file.write_text(source, encoding="utf-8")
            os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))

    def ask(self, tests: list[str], seconds: float = MOST_SLOW_SECONDS) -> Verdict:
        """Return what the tests say of the tree as it is."""
        order = {"tests": tests, "seconds": seconds}
        if self._server.stdin is None or self._server.stdout is None:
            raise RuntimeError("the server of tests has no pipes")
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return verdict_of(json.loads(self._server.stdout.readline()))


def verdict_of(answer: dict[str, Any]) -> Verdict:
    """Read an answer of the server of tests.

    Raises
    ------
    RuntimeError
        pytest did not get to judge.

    """
    status, output = answer["exit"], answer["output"]
    failed = FAILED.search(output)
    test = failed[1] if failed else ""
    if status is None:
        return "time", test
    if status == 0:
        return "survived", ""
    if status == 1 and failed:
        return "caught", test
    if status in {2, 4} and ("rror during collection" in output or "rrors during collection" in output or failed):
        return "invalid", test
    if "ImportError while loading conftest" in output:
        return "invalid", "conftest"
    if status < 0:
        return "caught", f"signal {-status}"
    raise RuntimeError(f"pytest ends with {status}: {output[-1_000:]}")


@contextmanager
def judge_in(tree: Path, files: list[MeasuredFile], slow_seconds: float = MOST_SLOW_SECONDS) -> Iterator[Judge]:
    """Start the server of tests in a tree."""
    command = [sys.executable, "-m", "tests.support.judge_server"]
    with subprocess.Popen(
        command, cwd=tree, env=environment_of(tree), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            yield Judge(tree, server, files, slow_seconds)
        finally:
            server.kill()


def prepare(tree: Path) -> None:
    """Copy the tree, never to test where the work is done."""
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    copy_python(tree, READ_PARTS)
    link_tools(tree, SOLC)
