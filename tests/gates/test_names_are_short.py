"""A test's name says what, when and then in few words."""

from __future__ import annotations

import ast

MOST_CHARACTERS = 80


def too_long(source: str) -> list[str]:
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and len(node.name) > MOST_CHARACTERS
    ]


def test_names__all_tests__at_most_80_characters(repository):
    files = sorted((repository / "tests").rglob("test_*.py"))
    assert len(files) > 100
    assert [name for path in files for name in too_long(path.read_text(encoding="utf-8"))] == []


def test_too_long__canary__is_found():
    assert too_long(f"def test_{'x' * 76}(): pass") == [f"test_{'x' * 76}"]
    assert too_long(f"def test_{'x' * 75}(): pass") == []
