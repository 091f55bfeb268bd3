"""What the pages, the runbook above all, tell an operator to type is there: commands, options, calls."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.exceptions import TyperException

from agent.chain.abi import functions_of
from agent.cli.key import grant_steps
from agent.cli.main import COMMANDS, load_command
from agent.keeper.alerts import AlertEvent
from agent.observability.alerts import AlertName
from tests.support.governance import KEEPER, deployment

CALL = re.compile(r"'(\w+)\.(\w+) (\[[^']*\])'")
_VENUES = {"VENUE": "IPerpVenue", "OPTION_VENUE": "IOptionVenue"}
"""What stands for a venue's name."""
TELLERS = {"agent/keeper/alerts.py", "agent/observability/board.py", "agent/observability/observation.py"}
"""Where lines are logged that page: under a name of `AlertName` or `AlertEvent`."""


def typed(page: str) -> list[str]:
    """Every command of a page, in its text and its blocks."""
    lines = re.findall(r"`(evenkeel [^`]+)`", page) + re.findall(r"^(evenkeel [^#\n]+)", page, re.MULTILINE)
    return [line.partition(" > ")[0] for line in lines]


def faults(line: str) -> list[str]:
    """What of one command is not there."""
    words = shlex.split(line)[1:]
    if words[0] not in COMMANDS:
        return [f"no command {words[0]}"]
    command, rest = load_command(words[0]), words[1:]
    if hasattr(command, "commands"):
        if not rest:
            return []
        if rest[0] not in command.commands:
            return [f"no command {' '.join(words[:2])}"]
        command, rest = command.commands[rest[0]], rest[1:]
    return misuse(command, rest) + [fault for found in CALL.findall(line) for fault in call_faults(*found)]


def misuse(command: Any, words: list[str]) -> list[str]:
    """What the command's own parser says; of a line that is cut short by dots, and of a name alone, its options."""
    if words and "..." not in words:
        try:
            command.make_context("typed", list(words))
        except TyperException as error:
            return [error.format_message()]
    known = {option for parameter in command.params for option in parameter.opts}
    return [f"no option {word}" for word in words if word.startswith("--") and word not in known]


def call_faults(contract: str, function: str, arguments: str) -> list[str]:
    """What of one call is not there: the function, or one that takes as many arguments."""
    entries = [entry for entry in functions_of(_VENUES.get(contract, contract)).values() if entry["name"] == function]
    depth, count = 0, 0 if arguments == "[]" else 1
    for letter in arguments[1:-1]:
        depth += (letter in "[(") - (letter in "])")
        count += letter == "," and depth == 0
    fits = any(len(entry["inputs"]) == count for entry in entries)
    return [] if fits else [f"no {contract}.{function} of {count} arguments"]


def section(page: str, title: str) -> str:
    return page.partition(f"{title}\n")[2].partition("\n## ")[0]


@pytest.fixture
def page(repository: Path) -> str:
    return (repository / "docs" / "runbook.md").read_text(encoding="utf-8")


def test_pages__every_command__is_there_with_its_options_and_calls(repository):
    pages = [repository / "README.md", *(repository / "docs").glob("*.md")]
    lines = {line for one in pages for line in typed(one.read_text(encoding="utf-8"))}
    assert len(lines) > 60
    assert {line: faults(line) for line in lines if faults(line)} == {}


def test_runbook__commands__are_many(page):
    assert len(typed(page)) > 30


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("evenkeel frob", "no command frob"),
        ("evenkeel gov frob 1", "no command gov frob"),
        ("evenkeel gov pause --force", "No such option: --force (Possible options: --from, --safe)"),
        ("evenkeel gov pause --force ...", "no option --force"),
        ("evenkeel gov veto --yes", "Missing argument 'SUBJECT'."),
        ("evenkeel gov call 'HedgeVault.frob []'", "no HedgeVault.frob of 0 arguments"),
        ("evenkeel gov call 'DeltaBook.replaceSource [\"0x1\"]'", "no DeltaBook.replaceSource of 1 arguments"),
    ],
)
def test_faults__what_is_not_there__is_named(line, fault):
    assert faults(line) == [fault]


def test_key_grant__steps_shown__are_commands_as_they_stand():
    steps = [step.what for step in grant_steps(deployment(), KEEPER) if step.what.startswith("evenkeel ")]
    lines = [step.partition(", after")[0] for step in steps]
    assert len(lines) == 2
    assert {line: faults(line) for line in lines if faults(line)} == {}


def test_runbook__alerts_of_both_lists__have_one_entry_each(page):
    sections, table = (section(page, title) for title in ("## Alerts", "## What the keeper pages for"))
    told = re.findall(r"^### (\w+)$", sections, re.MULTILINE) + re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(told) == sorted([*(name.value for name in AlertName), *(event.value for event in AlertEvent)])


def test_critical_lines__whole_agent__are_logged_under_names_the_runbook_has(repository):
    found = {
        path.relative_to(repository).as_posix()
        for path in (repository / "agent").rglob("*.py")
        if re.search(r"\.critical\b|logging\.CRITICAL, ", path.read_text(encoding="utf-8"))
    }
    assert found == TELLERS
