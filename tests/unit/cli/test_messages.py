"""What messages tell a person to type is there: commands with their options, and options named alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.main import COMMANDS, load_command
from tests.unit.cli.test_runbook import faults

OTHERS = {"--require-hashes"}
"""Options of other programs that a sentence names."""


def messages(source: str) -> Iterator[str]:
    """Every text of a module that is no docstring, what is filled in standing as dots."""
    tree = ast.parse(source)
    nodes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            nodes |= {id(part) for part in node.values}
            yield "".join(part.value if isinstance(part, ast.Constant) else "..." for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in nodes:
            yield node.value


def commands_in(text: str) -> list[str]:
    quoted = re.findall(r"['`](evenkeel [a-z][^'`]*)['`]", text)
    return [f"{line} ..." if "..." not in line else line for line in quoted if "|" not in line]


def options_in(text: str) -> set[str]:
    """Those that a sentence names; a text that is one word is handed to another program."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) if " " in text else set()


@pytest.fixture(scope="module")
def texts(repository: Path) -> list[str]:
    sources = (repository / "agent").rglob("*.py")
    return [text for source in sources for text in messages(source.read_text(encoding="utf-8"))]


def test_messages__every_command__is_there_with_its_options(texts):
    lines = {line for text in texts for line in commands_in(text)}
    assert len(lines) > 10
    assert {line: faults(line) for line in lines if faults(line)} == {}


def test_messages__every_option__belongs_to_some_command(texts):
    groups = [load_command(name) for name in COMMANDS]
    leaves = [leaf for group in groups for leaf in getattr(group, "commands", {"": group}).values()]
    known = {option for leaf in leaves for parameter in leaf.params for option in parameter.opts} | {"--help", *OTHERS}
    found = {option for text in texts for option in options_in(text)}
    assert len(found) > 20
    assert found - known == set()


def test_messages__text_with_holes_and_docstrings__are_told_apart():
    source = '"""Not `evenkeel frob`."""\nx = f"use \'evenkeel gov {y} --frob\'"\nz = "or `evenkeel frob`"\n'
    found = list(messages(source))
    assert [line for text in found for line in commands_in(text)] == ["evenkeel gov ... --frob", "evenkeel frob ..."]
    assert {option for text in found for option in options_in(text)} == {"--frob"}
