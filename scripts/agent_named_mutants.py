"""Mistakes of the agent that have a name, each with the tests that must fail of it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from scripts.agent_judge import Judge

NAMED = Path("scripts/agent_named_mutants.toml")


@dataclass(frozen=True)
class NamedMutant:
    """A text of a source, there once, replaced; the test that notices."""

    name: str
    file: str
    old: str
    new: str
    tests: str

    def applied(self, source: str) -> str:
        """Return the source with the mistake.

        Raises
        ------
        ValueError
            The source does not hold the text once.

        """
        if source.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.file} holds the text {source.count(self.old)} times; mend {NAMED}")
        return source.replace(self.old, self.new)


def named_mutants(file: Path = NAMED) -> list[NamedMutant]:
    """Return the mistakes of the list."""
    return [NamedMutant(**entry) for entry in tomllib.loads(file.read_text(encoding="utf-8"))["mutant"]]


def unnoticed(judge: Judge, mutants: list[NamedMutant]) -> list[str]:
    """Return the names of those that their own tests let pass, and of tests that fail without them."""
    alone = {tests: judge.ask([tests]) for tests in sorted({mutant.tests for mutant in mutants})}
    found = [f"{tests} as it stands: {test}" for tests, (verdict, test) in alone.items() if verdict != "survived"]
    for mutant in mutants:
        with judge.changed(mutant.file, mutant.applied):
            verdict = judge.ask([mutant.tests])
        print(f"{verdict[0]:8} {mutant.name}  {verdict[1]}", flush=True)
        if verdict[0] not in {"caught", "time"}:
            found.append(mutant.name)
    return found
