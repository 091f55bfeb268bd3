"""What the README tells people to type and to write works."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from agent.cli.main import COMMANDS, app, load_command
from agent.files.book_file import load_book

NOW_UNIX = 1_722_470_400  # 2024-08-01T00:00:00Z


@pytest.fixture(scope="module")
def readme(repository):
    return (repository / "README.md").read_text(encoding="utf-8")


def test_readme__book_shown__is_a_book(readme, tmp_path):
    (shown,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    path = tmp_path / "book.toml"
    path.write_text(shown, encoding="utf-8")
    book = load_book(path, NOW_UNIX)
    assert [leg.quantity for leg in book.options] == [-60]
    assert [leg.quantity for leg in book.holdings] == [12.5]


def test_readme__commands_shown__exist_with_their_options(readme):
    commands = re.findall(r"\.venv/bin/evenkeel ([^`#\n]+)", readme)
    assert len(commands) > 8
    for command in commands:
        words = command.split()
        path = words[:2] if words[0] in ("localnet", "gov", "ledger") else words[:1]
        shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})
        assert shown.exit_code == 0, command
        for option in (word for word in words if word.startswith("--")):
            assert option in shown.stdout, command


def test_readme__links__lead_somewhere(readme, repository):
    links = re.findall(r"\]\(([^)#]+)\)", readme)
    assert len(links) > 8
    for link in links:
        assert (repository / link).exists(), link


def test_readme__make_targets_shown__exist(readme, repository):
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test", "lint", "bench", "setup", "clean"):
        assert f"`{target}`" in readme or f"make {target}" in readme
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_texts__commands_named__exist(repository):
    texts = [*repository.glob("*.md"), *(repository / "docs").rglob("*.md")]
    texts += [path for folder in ("agent", "scripts") for path in (repository / folder).rglob("*.py")]
    texts += (repository / "examples").glob("*.toml")
    named = {
        (command, leaf)
        for path in texts
        for command, leaf in re.findall(r"(?:[`'(]|bin/|: )evenkeel ([a-z]+)(?: ([a-z]+))?", path.read_text("utf-8"))
    }
    assert len(named) > 5
    leaves = {group: set(load_command(group).commands) for group in ("localnet", "gov", "ledger")}
    for command, leaf in named:
        assert command in COMMANDS, command
        assert not leaf or leaf in leaves.get(command, {leaf}), leaf
